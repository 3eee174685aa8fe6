//! Copies of operands in the order in which the kernel walks them.

use super::simd::Simd;

/// Elements read along a row of memory before the next row is turned to.
const BLOCK: usize = 16;

/// Copies `width` columns of `depth` rows to `to`, whose rows are `panel` elements long; the last register is filled with
/// zeros.
///
/// # Safety
/// The elements at `row * row_step + column * column_step` exist.
pub(super) unsafe fn panel<V: Simd>(
    from: *const V::Element,
    row_step: usize,
    column_step: usize,
    depth: usize,
    width: usize,
    panel: usize,
    to: &mut [V::Element],
) {
    let filled = width.next_multiple_of(V::LANES);
    if column_step == 1 {
        for (row, to) in to.chunks_exact_mut(panel).take(depth).enumerate() {
            // SAFETY: promised by the caller. Gain: operands without a length of their own.
            let from = unsafe { std::slice::from_raw_parts(from.add(row * row_step), width) };
            to[..width].copy_from_slice(from);
            to[width..filled].fill(V::ZERO);
        }
        return;
    }
    for first in (0..depth).step_by(BLOCK) {
        let last = (first + BLOCK).min(depth);
        for column in 0..width {
            for row in first..last {
                // SAFETY: promised by the caller. Gain: as above.
                to[row * panel + column] = unsafe { *from.add(row * row_step + column * column_step) };
            }
        }
        for row in first..last {
            to[row * panel + width..row * panel + filled].fill(V::ZERO);
        }
    }
}

/// Copies `rows` rows of `depth` columns to tiles of `tile` rows, each column of a tile together. The places of
/// rows that the last tile lacks are left as they are.
///
/// # Safety
/// The elements at `row * row_step + column * column_step` exist.
pub(super) unsafe fn tiles<V: Simd>(
    from: *const V::Element,
    row_step: usize,
    column_step: usize,
    rows: usize,
    depth: usize,
    tile: usize,
    to: &mut [V::Element],
) {
    // All tiles of a column are written before the next column: what lies together is read together.
    for column in 0..depth {
        for first in (0..rows).step_by(tile) {
            let to = &mut to[first * depth + column * tile..][..tile];
            if row_step == 1 && first + tile <= rows {
                // SAFETY: promised by the caller. Gain: one copy of known length.
                to.copy_from_slice(unsafe { std::slice::from_raw_parts(from.add(first + column * column_step), tile) });
                continue;
            }
            for row in first..(first + tile).min(rows) {
                // SAFETY: promised by the caller. Gain: operands without a length of their own.
                to[row - first] = unsafe { *from.add(row * row_step + column * column_step) };
            }
        }
    }
}
