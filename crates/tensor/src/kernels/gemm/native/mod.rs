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

use super::{Pieces, Product};
use crate::vectorised::{Instructions, instructions};
use simd::Simd;
use tile::{MOST_ROWS, Starts};

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

/// What the kernels are called, where the machine can run them.
pub(super) fn name() -> Option<&'static str> {
    match instructions() {
        Instructions::Avx512 => Some("AVX-512"),
        Instructions::Avx2 => Some("AVX2"),
        Instructions::Sse2 => None,
    }
}

/// Columns of a panel of elements of that many bytes.
pub(super) fn panel(bytes: usize) -> usize {
    match instructions() {
        Instructions::Avx512 => 4 * 64 / bytes,
        _ => 2 * 32 / bytes,
    }
}

/// An element type that the kernels multiply.
pub(super) trait Native: Sized + Copy {
    /// Makes the product; whether the machine can. With `pieces`, the rows of the left operand are theirs from that number
    /// on instead of the product's.
    ///
    /// # Safety
    /// The operands hold what the product's shape and strides reach, and nobody else uses `c`'s part.
    unsafe fn multiply(product: &Product<Self>, pieces: Option<(&Pieces<'_, Self>, usize)>) -> bool;
}

/// Room that a thread keeps for the next product.
struct Room<T> {
    copies: Vec<T>,
    starts: Vec<Starts<T>>,
}

thread_local! {
    static ROOM_F32: RefCell<Room<f32>> = const { RefCell::new(Room { copies: Vec::new(), starts: Vec::new() }) };
    static ROOM_F64: RefCell<Room<f64>> = const { RefCell::new(Room { copies: Vec::new(), starts: Vec::new() }) };
}

macro_rules! native {
    ($type:ty, $room:ident, $avx512:ty, $avx2:ty) => {
        impl Native for $type {
            unsafe fn multiply(product: &Product<$type>, pieces: Option<(&Pieces<'_, $type>, usize)>) -> bool {
                let instructions = instructions();
                if instructions == Instructions::Sse2 {
                    return false;
                }
                $room.with(|room| {
                    // SAFETY: the caller promises what the kernels need of the operands, and the machine has just been
                    // asked for the instructions. Gain: products at the speed of the machine.
                    match (room.try_borrow_mut(), instructions) {
                        (Ok(mut room), Instructions::Avx512) => unsafe {
                            blocks::<$avx512>(product, pieces, &mut room)
                        },
                        (Ok(mut room), _) => unsafe { blocks::<$avx2>(product, pieces, &mut room) },
                        (Err(_), _) => return false,
                    }
                    true
                })
            }
        }
    };
}

native!(f32, ROOM_F32, simd::F32x16, simd::F32x8);
native!(f64, ROOM_F64, simd::F64x8, simd::F64x4);

/// A block of the inner dimension: some whole pieces of the left operand, or a part of one.
struct Inner {
    /// Where it begins.
    first: usize,
    /// The first piece, how many there are and the elements left out of the one that is cut.
    piece: usize,
    pieces: usize,
    skipped: usize,
    /// Elements of each piece.
    depth: usize,
}

/// Cuts rows of `pieces` pieces of `length` elements into blocks of about [`DEPTH`]; the most elements of one too.
fn inner_blocks(pieces: usize, length: usize) -> (usize, impl Iterator<Item = Inner> + Clone) {
    let parts = length.div_ceil(DEPTH);
    let depth = length.div_ceil(parts);
    let together = (DEPTH / length).clamp(1, pieces);
    let together = pieces.div_ceil(pieces.div_ceil(together));
    let blocks = (0..pieces).step_by(together).flat_map(move |piece| {
        (0..length).step_by(depth).map(move |skipped| Inner {
            first: piece * length + skipped,
            piece,
            pieces: together.min(pieces - piece),
            skipped,
            depth: depth.min(length - skipped),
        })
    });
    (together * depth, blocks)
}

/// Where the rows of tiles begin: for each tile its pieces.
fn find_starts<V: Simd>(
    (pieces, first_row): (&Pieces<'_, V::Element>, usize),
    inner: &Inner,
    rows: usize,
    tile_rows: usize,
    starts: &mut Vec<Starts<V::Element>>,
) {
    starts.clear();
    starts.resize(rows.div_ceil(tile_rows) * inner.pieces, [V::ZEROS.as_ptr(); MOST_ROWS]);
    for (tile, starts) in starts.chunks_exact_mut(inner.pieces).enumerate() {
        for row in 0..tile_rows.min(rows - tile * tile_rows) {
            pieces.each(first_row + tile * tile_rows + row, inner.piece..inner.piece + inner.pieces, |piece, from| {
                starts[piece - inner.piece][row] = from[inner.skipped..].as_ptr();
            });
        }
    }
}

/// The loops over blocks, panels and tiles.
///
/// # Safety
/// As [`Native::multiply`], and the machine has the instructions of `V`.
unsafe fn blocks<V: Simd>(
    p: &Product<V::Element>,
    pieces: Option<(&Pieces<'_, V::Element>, usize)>,
    room: &mut Room<V::Element>,
) {
    let is_transposed = p.b_column != 1 && p.n > 1;
    let row_width = V::ROW_REGISTERS * V::LANES;
    if p.m == 1 && !is_transposed && p.n >= row_width && pieces.is_none() {
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
                a: &[[p.a; MOST_ROWS]],
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
            unsafe { blocks::<V>(&p.part((0, 1), (whole, p.n - whole)), None, room) };
        }
        return;
    }
    let bytes = size_of::<V::Element>();
    // Few rows: b comes from a far cache, and higher, narrower tiles read it less often.
    let is_low = !is_transposed && p.m <= LOW && V::REGISTERS > NARROW.1;
    let (tile_rows, registers) = if is_low { NARROW } else { (WIDE_ROWS, V::REGISTERS) };
    let panel = V::LANES * registers;
    let (depth, inner_blocks) = match pieces {
        Some((pieces, _)) => inner_blocks(pieces.count, pieces.length),
        None => inner_blocks(1, p.k),
    };
    let rows = (LEFT_BYTES / bytes / depth / tile_rows * tile_rows).max(tile_rows);
    // Copying all panels pays where they are read often and their rows are far apart, or cannot be read as they lie.
    let copies_all = is_transposed || (p.m > 8 * tile_rows && p.b_row > 4 * panel);
    let columns = if copies_all { (RIGHT_BYTES / bytes / depth / panel * panel).max(panel) } else { p.n };
    // The left operand is copied where its rows lie next to each other, so that each step would touch another line.
    let copies_left = p.a_column != 1 && p.m > 1 && depth > 64 && p.n > panel;
    let right_room = if copies_all { columns.min(p.n.next_multiple_of(panel)) } else { panel } * depth;
    let left_room = if copies_left { rows.min(p.m.next_multiple_of(tile_rows)) * depth } else { 0 };
    let Room { copies, starts } = room;
    // Panels begin where cache lines do.
    let line = 64 / bytes;
    if copies.len() < right_room + left_room + line {
        copies.resize(right_room + left_room + line, V::ZERO);
    }
    let start = copies.as_ptr().align_offset(64).min(line);
    let (right, left) = copies[start..].split_at_mut(right_room);
    for first_column in (0..p.n).step_by(columns) {
        let columns = columns.min(p.n - first_column);
        for inner in inner_blocks.clone() {
            let depth = inner.pieces * inner.depth;
            let beta = if inner.first == 0 { p.beta } else { V::ONE };
            // SAFETY: `inner.first < k`, `first_column < n`: inside b.
            let b = unsafe { p.b.add(inner.first * p.b_row + first_column * p.b_column) };
            if copies_all {
                // SAFETY: `columns` columns and `depth` rows lie inside b.
                unsafe { pack::panels::<V>(b, (p.b_row, p.b_column), (depth, columns), panel, right) };
            }
            for first_row in (0..p.m).step_by(rows) {
                let rows = rows.min(p.m - first_row);
                // Inside a, if a has no pieces.
                let a = p.a.wrapping_add(first_row * p.a_row + inner.first * p.a_column);
                if copies_left {
                    // SAFETY: `rows` rows and `depth` columns lie inside a.
                    unsafe { pack::tiles::<V>(a, p.a_row, p.a_column, rows, depth, tile_rows, left) };
                }
                if let Some((pieces, first)) = pieces {
                    find_starts::<V>((pieces, first + first_row), &inner, rows, tile_rows, starts);
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
                            pack::panels::<V>(b.add(from), (p.b_row, 1), (depth, width), panel, right);
                        }
                        (right.as_ptr(), panel)
                    };
                    for row in (0..rows).step_by(tile_rows) {
                        // Steps from the first row of the tile, which may go beyond the last row but are not followed there.
                        let from_row = |a: *const V::Element, step: usize| {
                            [std::array::from_fn(|i| a.wrapping_add(i * step))] as [Starts<V::Element>; 1]
                        };
                        let strided;
                        let (a, a_column) = if pieces.is_some() {
                            (&starts[row / tile_rows * inner.pieces..][..inner.pieces], 1)
                        } else if copies_left {
                            strided = from_row(left[row * depth..].as_ptr(), 1);
                            (&strided[..], tile_rows)
                        } else {
                            strided = from_row(a.wrapping_add(row * p.a_row), p.a_row);
                            (&strided[..], p.a_column)
                        };
                        // SAFETY: row and column lie inside c.
                        let c = unsafe { p.c.add((first_row + row) * p.c_row + first_column + from) };
                        let tile = tile::Tile {
                            rows: tile_rows.min(rows - row),
                            width,
                            depth: inner.depth,
                            alpha: p.alpha,
                            beta,
                            a,
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
