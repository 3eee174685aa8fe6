//! Copies of operands in the order in which the kernel walks them.

use super::simd::Simd;

/// Elements read along a row of memory before the next row is turned to.
const BLOCK: usize = 16;

/// Rows that are fetched ahead of their use.
const AHEAD: usize = 4;

/// Copies the columns of `depth` rows to panels of `panel` columns, one panel after the other; the last register of the
/// last panel is filled with zeros.
///
/// # Safety
/// The elements at `row * steps.0 + column * steps.1` exist.
pub(super) unsafe fn panels<V: Simd>(
    from: *const V::Element,
    steps: (usize, usize),
    (depth, columns): (usize, usize),
    panel: usize,
    to: &mut [V::Element],
) {
    let panels = || (0..columns).step_by(panel).map(|first| (first, panel.min(columns - first)));
    if steps.1 != 1 {
        for (first, width) in panels() {
            let to = &mut to[first * depth..][..panel * depth];
            // SAFETY: promised by the caller.
            unsafe { turned_panel::<V>(from.add(first * steps.1), steps, (depth, width), panel, to) };
        }
        return;
    }
    // Along the rows: what lies together in memory is read together.
    for row in 0..depth {
        // SAFETY: promised by the caller. Gain: operands without a length of their own.
        let from = unsafe { std::slice::from_raw_parts(from.add(row * steps.0), columns) };
        if row + AHEAD < depth {
            for line in (0..columns).step_by(64 / size_of::<V::Element>()) {
                // SAFETY: the caller promises the instructions.
                unsafe { V::prefetch(from.as_ptr().wrapping_add(AHEAD * steps.0 + line)) };
            }
        }
        for (first, width) in panels() {
            let to = &mut to[first * depth + row * panel..][..width.next_multiple_of(V::LANES)];
            let mut registers = from[first..first + width].chunks_exact(V::LANES);
            let mut places = to.chunks_exact_mut(V::LANES);
            for (from, to) in registers.by_ref().zip(places.by_ref()) {
                // A length that the compiler knows.
                to[..V::LANES].copy_from_slice(&from[..V::LANES]);
            }
            let rest = registers.remainder();
            if let Some(to) = places.next() {
                to[..rest.len()].copy_from_slice(rest);
                to[rest.len()..].fill(V::ZERO);
            }
        }
    }
}

/// One panel of columns that lie apart.
///
/// # Safety
/// As [`panels`].
unsafe fn turned_panel<V: Simd>(
    from: *const V::Element,
    steps: (usize, usize),
    (depth, width): (usize, usize),
    panel: usize,
    to: &mut [V::Element],
) {
    let filled = width.next_multiple_of(V::LANES);
    for first in (0..depth).step_by(BLOCK) {
        let last = (first + BLOCK).min(depth);
        for column in 0..width {
            for row in first..last {
                // SAFETY: promised by the caller. Gain: operands without a length of their own.
                to[row * panel + column] = unsafe { *from.add(row * steps.0 + column * steps.1) };
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
