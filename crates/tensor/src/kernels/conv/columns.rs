//! Windows as rows of a matrix, and back.

use super::ConvPlan;
use crate::kernels::Float;
use crate::kernels::threads::{GRAIN, split_rows};

/// Calls `f(element of the window, element of the sample, count)` for each run of elements that a window at output
/// position `at` takes from its sample, inside the borders, and for the runs outside with `None`.
#[inline(always)]
fn runs(plan: &ConvPlan, g: usize, at: usize, mut f: impl FnMut(usize, Option<usize>, usize)) {
    let w = &plan.window;
    let depth = plan.channels / plan.groups;
    let [_, out_y, out_x] = w.output;
    let out = [at / out_x / out_y, at / out_x % out_y, at % out_x];
    let start = [0, 1, 2].map(|i| (out[i] * w.strides[i]) as isize - w.before[i] as isize);
    let inside = |axis: usize, tap: usize| {
        let i = start[axis] + (tap * w.dilations[axis]) as isize;
        (i >= 0 && i < w.input[axis] as isize).then_some(i as usize)
    };
    let row = w.kernel[2] * depth;
    let mut to = 0;
    for kz in 0..w.kernel[0] {
        for ky in 0..w.kernel[1] {
            let (Some(z), Some(y)) = (inside(0, kz), inside(1, ky)) else {
                f(to, None, row);
                to += row;
                continue;
            };
            let line = (z * w.input[1] + y) * w.input[2];
            if plan.groups == 1 && w.dilations[2] == 1 {
                // The taps inside the line lie together.
                let first = (-start[2]).clamp(0, w.kernel[2] as isize) as usize;
                let last = (w.input[2] as isize - start[2]).clamp(first as isize, w.kernel[2] as isize) as usize;
                if first > 0 {
                    f(to, None, first * depth);
                }
                if last > first {
                    let x = (start[2] + first as isize) as usize;
                    f(to + first * depth, Some((line + x) * depth), (last - first) * depth);
                }
                if last < w.kernel[2] {
                    f(to + last * depth, None, (w.kernel[2] - last) * depth);
                }
                to += row;
                continue;
            }
            for kx in 0..w.kernel[2] {
                f(to, inside(2, kx).map(|x| (line + x) * plan.channels + g * depth), depth);
                to += depth;
            }
        }
    }
}

/// Lays out the windows of output positions from `first` on, one a row, zeros outside the borders.
pub(super) fn gather<T: Float>(plan: &ConvPlan, x: &[T], g: usize, first: usize, rows: &mut [T]) {
    let (inputs, outputs, _) = plan.window.counts();
    let (patch, sample) = (plan.patch(), inputs * plan.channels);
    split_rows(rows, patch, GRAIN, |part, rows| {
        for (i, row) in rows.chunks_exact_mut(patch).enumerate() {
            let p = first + part + i;
            let x = &x[p / outputs * sample..][..sample];
            runs(plan, g, p % outputs, |to, from, count| match from {
                Some(from) => row[to..to + count].copy_from_slice(&x[from..from + count]),
                None => row[to..to + count].fill(T::ZERO),
            });
        }
    });
}

/// Adds the rows back to the elements from which [`gather`] would have taken them. Samples are shared among threads.
pub(super) fn scatter_add<T: Float>(plan: &ConvPlan, rows: &[T], g: usize, first: usize, dx: &mut [T]) {
    let (inputs, outputs, _) = plan.window.counts();
    let (patch, sample) = (plan.patch(), inputs * plan.channels);
    let end = first + rows.len() / patch;
    let first_sample = first / outputs;
    let touched = first_sample * sample..end.div_ceil(outputs) * sample;
    split_rows(&mut dx[touched], sample, GRAIN, |part, dx| {
        for (i, dx) in dx.chunks_exact_mut(sample).enumerate() {
            let n = first_sample + part + i;
            for p in first.max(n * outputs)..end.min((n + 1) * outputs) {
                let row = &rows[(p - first) * patch..][..patch];
                runs(plan, g, p % outputs, |to, from, count| {
                    let Some(from) = from else { return };
                    for (dx, &v) in dx[from..from + count].iter_mut().zip(&row[to..to + count]) {
                        *dx += v;
                    }
                });
            }
        }
    });
}
