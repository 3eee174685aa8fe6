//! The innermost kernel: a few rows times one panel.

use super::simd::Simd;

/// The most rows of a tile.
pub(super) const MOST_ROWS: usize = 8;

/// Where the rows of a tile begin; those it lacks are not looked at.
pub(super) type Starts<T> = [*const T; MOST_ROWS];

/// `c = alpha a b + beta c` for a few rows and one panel.
pub(super) struct Tile<'a, T> {
    pub rows: usize,
    /// Columns of c. The panel of b has as many registers as they need, whole ones.
    pub width: usize,
    /// Columns of a piece of a.
    pub depth: usize,
    pub alpha: T,
    /// Where 0, c is not read.
    pub beta: T,
    /// The pieces of a, one after the other along the inner dimension.
    pub a: &'a [Starts<T>],
    pub a_column: usize,
    pub b: *const T,
    pub b_row: usize,
    pub c: *mut T,
    pub c_row: usize,
}

/// The most columns a ragged panel has: four registers of sixteen.
const WIDEST: usize = 64;

/// Rows of b that are fetched ahead of their use.
const AHEAD: usize = 8;

/// Computes a tile of `ROWS` rows and `WIDTH` registers.
///
/// # Safety
/// The machine has the instructions of `V`; a, b and c hold what the tile reaches, b in whole registers.
#[inline(always)]
pub(super) unsafe fn run<V: Simd, const ROWS: usize, const WIDTH: usize>(t: &Tile<'_, V::Element>) {
    // SAFETY: promised by the caller. Gain: sums that stay in registers, without bounds checks.
    unsafe {
        let mut sums = [[V::zero(); WIDTH]; ROWS];
        let mut b = t.b;
        for starts in t.a {
            let mut at = 0;
            for _ in 0..t.depth {
                let mut right = [V::zero(); WIDTH];
                for w in 0..WIDTH {
                    right[w] = V::load(b.add(w * V::LANES));
                    // Rows that lie far apart are not foreseen by the machine.
                    V::prefetch(b.wrapping_add(AHEAD * t.b_row + w * V::LANES));
                }
                for r in 0..ROWS {
                    let left = V::splat(*starts[r].add(at));
                    for w in 0..WIDTH {
                        sums[r][w] = left.multiply_add(right[w], sums[r][w]);
                    }
                }
                at += t.a_column;
                b = b.wrapping_add(t.b_row);
            }
        }
        if t.alpha != V::ONE {
            let alpha = V::splat(t.alpha);
            for r in 0..ROWS {
                for w in 0..WIDTH {
                    sums[r][w] = sums[r][w].multiply(alpha);
                }
            }
        }
        if t.width == WIDTH * V::LANES {
            let beta = V::splat(t.beta);
            for r in 0..ROWS {
                for w in 0..WIDTH {
                    let c = t.c.add(r * t.c_row + w * V::LANES);
                    let value = if t.beta == V::ZERO { sums[r][w] } else { beta.multiply_add(V::load(c), sums[r][w]) };
                    value.store(c);
                }
            }
            return;
        }
        // A ragged tile is finished beside c, of which its registers would overwrite the neighbours.
        let mut row = [V::ZERO; WIDEST];
        for r in 0..ROWS {
            let c = std::slice::from_raw_parts_mut(t.c.add(r * t.c_row), t.width);
            if t.beta != V::ZERO {
                row[..t.width].copy_from_slice(c);
            }
            let beta = V::splat(t.beta);
            for w in 0..WIDTH {
                let place = row.as_mut_ptr().add(w * V::LANES);
                let value = if t.beta == V::ZERO { sums[r][w] } else { beta.multiply_add(V::load(place), sums[r][w]) };
                value.store(place);
            }
            c.copy_from_slice(&row[..t.width]);
        }
    }
}
