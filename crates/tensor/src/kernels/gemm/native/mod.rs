//! Products by kernels of this crate, for x86-64 with AVX2 and FMA or AVX-512.
//!
//! The right operand is taken in panels as wide as the registers hold, the left one in tiles of a few rows, and the sums of
//! a tile stay in registers while the inner dimension is walked. The left operand is read where it lies (each element is
//! spread over a register anyway); the right one is copied panel by panel only where it lies transposed, where its rows
//! are far apart and used often, and where its last panel is ragged. So products of few rows, which small batches are
//! made of, pay for no copies.

mod pack;
mod simd;
mod tile;

use std::cell::RefCell;

use super::Product;
use simd::Simd;

/// Rows of a tile of [`Simd::REGISTERS`].
const WIDE_ROWS: usize = 6;
/// Rows and registers of a narrow tile.
const NARROW: (usize, usize) = (8, 2);
/// Rows of a product up to which tiles are narrow.
const LOW: usize = 64;
/// Steps of the inner dimension taken at once: a panel of the right operand has to stay in the nearer caches.
const DEPTH: usize = 384;
/// Bytes of the left operand walked for each panel, which have to stay in the second-level cache.
const LEFT_BYTES: usize = 1 << 19;
/// Bytes of copied panels.
const RIGHT_BYTES: usize = 1 << 20;

/// What the machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Machine {
    Avx512,
    Avx2,
}

fn machine() -> Option<Machine> {
    if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
        Some(Machine::Avx512)
    } else if crate::vectorised::has_avx2() {
        Some(Machine::Avx2)
    } else {
        None
    }
}

/// What the kernels are called, where the machine can run them.
pub(super) fn name() -> Option<&'static str> {
    machine().map(|machine| match machine {
        Machine::Avx512 => "AVX-512",
        Machine::Avx2 => "AVX2",
    })
}

/// Columns of a panel of elements of that many bytes.
pub(super) fn panel(bytes: usize) -> usize {
    match machine() {
        Some(Machine::Avx512) => 4 * 64 / bytes,
        _ => 2 * 32 / bytes,
    }
}

/// An element type that the kernels multiply.
pub(super) trait Native: Sized + Copy {
    /// Makes the product; whether the machine can.
    ///
    /// # Safety
    /// The operands hold what the product's shape and strides reach, and nobody else uses `c`'s part.
    unsafe fn multiply(product: &Product<Self>) -> bool;
}

thread_local! {
    static COPIES_F32: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    static COPIES_F64: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
}

macro_rules! native {
    ($type:ty, $copies:ident, $avx512:ty, $avx2:ty) => {
        impl Native for $type {
            unsafe fn multiply(product: &Product<$type>) -> bool {
                let Some(machine) = machine() else { return false };
                $copies.with(|copies| {
                    // SAFETY: the caller promises what the kernels need of the operands, and the machine has just been
                    // asked for the instructions. Gain: products at the speed of the machine.
                    match (copies.try_borrow_mut(), machine) {
                        (Ok(mut copies), Machine::Avx512) => unsafe { blocks::<$avx512>(product, &mut copies) },
                        (Ok(mut copies), Machine::Avx2) => unsafe { blocks::<$avx2>(product, &mut copies) },
                        (Err(_), _) => return false,
                    }
                    true
                })
            }
        }
    };
}

native!(f32, COPIES_F32, simd::F32x16, simd::F32x8);
native!(f64, COPIES_F64, simd::F64x8, simd::F64x4);

/// The loops over blocks, panels and tiles.
///
/// # Safety
/// As [`Native::multiply`], and the machine has the instructions of `V`.
unsafe fn blocks<V: Simd>(p: &Product<V::Element>, copies: &mut Vec<V::Element>) {
    let is_transposed = p.b_column != 1 && p.n > 1;
    let row_width = V::ROW_REGISTERS * V::LANES;
    if p.m == 1 && !is_transposed && p.n >= row_width {
        // One row: what there is to wait for is memory, which comes fastest along the rows of b.
        let whole = p.n / row_width * row_width;
        for from in (0..whole).step_by(row_width) {
            // SAFETY: the columns lie inside b and c.
            let (b, c) = unsafe { (p.b.add(from), p.c.add(from)) };
            let tile = tile::Tile {
                rows: 1,
                width: row_width,
                depth: p.k,
                alpha: p.alpha,
                beta: p.beta,
                a: p.a,
                a_row: p.a_row,
                a_column: p.a_column,
                b,
                b_row: p.b_row,
                c,
                c_row: p.c_row,
            };
            // SAFETY: as above; the caller promises the instructions.
            unsafe { V::row(&tile) };
        }
        if whole < p.n {
            // SAFETY: the columns left lie inside c.
            unsafe { blocks::<V>(&p.part((0, 1), (whole, p.n - whole)), copies) };
        }
        return;
    }
    let bytes = size_of::<V::Element>();
    // Few rows: b comes from a far cache, and higher, narrower tiles read it less often.
    let is_low = !is_transposed && p.m <= LOW && V::REGISTERS > NARROW.1;
    let (tile_rows, registers) = if is_low { NARROW } else { (WIDE_ROWS, V::REGISTERS) };
    let panel = V::LANES * registers;
    let depth = p.k.div_ceil(p.k.div_ceil(DEPTH));
    let rows = (LEFT_BYTES / bytes / depth / tile_rows * tile_rows).max(tile_rows);
    // Copying all panels pays where they are read often and their rows are far apart, or cannot be read as they lie.
    let copies_all = is_transposed || (p.m > 8 * tile_rows && p.b_row > 4 * panel);
    let columns = if copies_all { (RIGHT_BYTES / bytes / depth / panel * panel).max(panel) } else { p.n };
    // The left operand is copied where its rows lie next to each other, so that each step would touch another line.
    let copies_left = p.a_column != 1 && p.m > 1 && depth > 64 && p.n > panel;
    let right_room = if copies_all { columns.min(p.n.next_multiple_of(panel)) } else { panel } * depth;
    let left_room = if copies_left { rows.min(p.m.next_multiple_of(tile_rows)) * depth } else { 0 };
    // Panels begin where cache lines do.
    let line = 64 / bytes;
    if copies.len() < right_room + left_room + line {
        copies.resize(right_room + left_room + line, V::ZERO);
    }
    let start = copies.as_ptr().align_offset(64).min(line);
    let (right, left) = copies[start..].split_at_mut(right_room);
    for first_column in (0..p.n).step_by(columns) {
        let columns = columns.min(p.n - first_column);
        for first in (0..p.k).step_by(depth) {
            let depth = depth.min(p.k - first);
            let beta = if first == 0 { p.beta } else { V::ONE };
            // SAFETY: `first < k`, `first_column < n`: inside b.
            let b = unsafe { p.b.add(first * p.b_row + first_column * p.b_column) };
            if copies_all {
                for (from, to) in (0..columns).step_by(panel).zip(right.chunks_exact_mut(panel * depth)) {
                    // SAFETY: the columns from `from` on and `depth` rows lie inside b.
                    unsafe {
                        pack::panel::<V>(
                            b.add(from * p.b_column),
                            p.b_row,
                            p.b_column,
                            depth,
                            panel.min(columns - from),
                            panel,
                            to,
                        );
                    }
                }
            }
            for first_row in (0..p.m).step_by(rows) {
                let rows = rows.min(p.m - first_row);
                // SAFETY: `first_row < m`, `first < k`: inside a.
                let a = unsafe { p.a.add(first_row * p.a_row + first * p.a_column) };
                if copies_left {
                    // SAFETY: `rows` rows and `depth` columns lie inside a.
                    unsafe { pack::tiles::<V>(a, p.a_row, p.a_column, rows, depth, tile_rows, left) };
                }
                for from in (0..columns).step_by(panel) {
                    let width = panel.min(columns - from);
                    let (b, b_row) = if copies_all {
                        (right[from * depth..].as_ptr(), panel)
                    } else if width % V::LANES == 0 {
                        // SAFETY: `from` is a column of b.
                        (unsafe { b.add(from) }, p.b_row)
                    } else {
                        // Only the last panel is ragged; it is copied for each block of rows.
                        // SAFETY: the columns from `from` on and `depth` rows lie inside b.
                        unsafe {
                            pack::panel::<V>(b.add(from), p.b_row, 1, depth, width, panel, &mut right[..panel * depth])
                        };
                        (right.as_ptr(), panel)
                    };
                    for row in (0..rows).step_by(tile_rows) {
                        let (a, a_row, a_column) = if copies_left {
                            (left[row * depth..].as_ptr(), 1, tile_rows)
                        } else {
                            // SAFETY: `row` is a row of a.
                            (unsafe { a.add(row * p.a_row) }, p.a_row, p.a_column)
                        };
                        // SAFETY: row and column lie inside c.
                        let c = unsafe { p.c.add((first_row + row) * p.c_row + first_column + from) };
                        let tile = tile::Tile {
                            rows: tile_rows.min(rows - row),
                            width,
                            depth,
                            alpha: p.alpha,
                            beta,
                            a,
                            a_row,
                            a_column,
                            b,
                            b_row,
                            c,
                            c_row: p.c_row,
                        };
                        // SAFETY: the tile lies inside c; the rows of a and the panel of b, whose registers are whole,
                        // were chosen above; the caller promises the instructions.
                        unsafe { V::tile(&tile) };
                    }
                }
            }
        }
    }
}
