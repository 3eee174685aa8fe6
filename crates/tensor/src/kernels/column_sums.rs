//! Sums over the rows of a matrix of values made on the way.

use crate::kernels::Float;

/// Columns summed together: the partial sums of a strip stay in the first-level cache.
pub(crate) const STRIP: usize = 64;
/// Rows summed one after the other before their sum joins those of other blocks, which bounds the rounding error.
const BLOCK: usize = 128;

/// `sums[k][column] = sum over rows of the k-th value`, for the columns of one strip of at most [`STRIP`].
///
/// `add(row, partial)` adds the values of a row to the partial sums.
#[inline(always)]
pub(crate) fn column_sums<T: Float, const K: usize>(
    rows: usize,
    add: impl Fn(usize, &mut [[T; STRIP]; K]),
) -> [[T; STRIP]; K] {
    let mut sums = [[T::ZERO; STRIP]; K];
    let mut middle = [[T::ZERO; STRIP]; K];
    for first in (0..rows).step_by(BLOCK) {
        let mut block = [[T::ZERO; STRIP]; K];
        for row in first..(first + BLOCK).min(rows) {
            add(row, &mut block);
        }
        let flush = (first / BLOCK + 1).is_multiple_of(BLOCK) || first + BLOCK >= rows;
        for k in 0..K {
            middle[k].iter_mut().zip(&block[k]).for_each(|(m, &b)| *m += b);
            if flush {
                sums[k].iter_mut().zip(&middle[k]).for_each(|(s, &m)| *s += m);
                middle[k] = [T::ZERO; STRIP];
            }
        }
    }
    sums
}
