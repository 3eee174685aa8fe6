//! Windows as rows of a matrix, and back.

use super::ConvPlan;
use crate::kernels::Float;
use crate::kernels::wide::wide;
use crate::parallel::{GRAIN, split_rows};

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

/// Where the taps of windows lie: at position `p` of the rows, tap `t` is at position `p * stride + before + t * step` of
/// the elements, axis by axis.
pub(super) struct Taps {
    rows: [usize; 3],
    elements: [usize; 3],
    kernel: [usize; 3],
    strides: [usize; 3],
    before: [isize; 3],
    steps: [isize; 3],
    /// Elements of a position.
    channels: usize,
}

impl Taps {
    /// The windows over the input, one an output position.
    pub(super) fn of_outputs(plan: &ConvPlan) -> Taps {
        let w = &plan.window;
        Taps {
            rows: w.output,
            elements: w.input,
            kernel: w.kernel,
            strides: w.strides,
            before: w.before.map(|n| -(n as isize)),
            steps: w.dilations.map(|n| n as isize),
            channels: plan.channels,
        }
    }

    /// The outputs whose windows see an input position, for strides of 1.
    pub(super) fn of_inputs(plan: &ConvPlan) -> Taps {
        let w = &plan.window;
        Taps {
            rows: w.input,
            elements: w.output,
            kernel: w.kernel,
            strides: [1; 3],
            before: w.before.map(|n| n as isize),
            steps: w.dilations.map(|n| -(n as isize)),
            channels: plan.filters,
        }
    }

    /// Calls `f(tap, first element)` for those taps of the row `at` that lie inside the borders.
    pub(super) fn each(&self, at: usize, taps: std::ops::Range<usize>, f: &mut dyn FnMut(usize, usize)) {
        let [_, rows_y, rows_x] = self.rows;
        let (line, x) = (at / rows_x, at % rows_x);
        let (plane, y) = (line / rows_y, line % rows_y);
        let (sample, z) = (plane / self.rows[0], plane % self.rows[0]);
        let start: [isize; 3] = std::array::from_fn(|i| ([z, y, x][i] * self.strides[i]) as isize + self.before[i]);
        let inside = |axis: usize, tap: usize| {
            let i = start[axis] + tap as isize * self.steps[axis];
            (i >= 0 && i < self.elements[axis] as isize).then_some(i as usize)
        };
        let [_, kernel_y, kernel_x] = self.kernel;
        let (lines, mut kx) = (taps.start / kernel_x, taps.start % kernel_x);
        let (mut kz, mut ky) = (lines / kernel_y, lines % kernel_y);
        for tap in taps {
            if let (Some(z), Some(y), Some(x)) = (inside(0, kz), inside(1, ky), inside(2, kx)) {
                let plane = sample * self.elements[0] + z;
                f(tap, ((plane * self.elements[1] + y) * self.elements[2] + x) * self.channels);
            }
            kx += 1;
            if kx == kernel_x {
                (kx, ky) = (0, ky + 1);
            }
            if ky == kernel_y {
                (ky, kz) = (0, kz + 1);
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

/// As [`gather`], one window a column: the elements that one tap sees lie together.
pub(super) fn gather_columns<T: Float>(plan: &ConvPlan, x: &[T], g: usize, first: usize, block: &mut [T]) {
    let w = &plan.window;
    let depth = plan.channels / plan.groups;
    let [_, out_y, out_x] = w.output;
    let count = block.len() / plan.patch();
    let step = w.strides[2] * plan.channels;
    for (tap, row) in block.chunks_exact_mut(count).enumerate() {
        let (c, kx) = (tap % depth, tap / depth % w.kernel[2]);
        let (ky, kz) = (tap / depth / w.kernel[2] % w.kernel[1], tap / depth / w.kernel[2] / w.kernel[1]);
        let inside = |axis: usize, out: usize, tap: usize| {
            (out * w.strides[axis] + tap * w.dilations[axis]).checked_sub(w.before[axis]).filter(|&i| i < w.input[axis])
        };
        // Outputs of a line from `low` on and before `high` see an element of the input.
        let shift = kx * w.dilations[2];
        let low = w.before[2].saturating_sub(shift).div_ceil(w.strides[2]).min(out_x);
        let high = (w.input[2] + w.before[2]).saturating_sub(shift).div_ceil(w.strides[2]).clamp(low, out_x);
        let mut at = 0;
        while at < count {
            let (line, from) = ((first + at) / out_x, (first + at) % out_x);
            let to = (from + count - at).min(out_x);
            let out = &mut row[at..at + to - from];
            at += to - from;
            let (Some(y), Some(z)) = (inside(1, line % out_y, ky), inside(0, line / out_y % w.output[0], kz)) else {
                out.fill(T::ZERO);
                continue;
            };
            let (begin, end) = (low.clamp(from, to), high.clamp(from, to));
            out[..begin - from].fill(T::ZERO);
            out[end - from..].fill(T::ZERO);
            if begin == end {
                continue;
            }
            let n = line / out_y / w.output[0];
            let start =
                ((n * w.input[0] + z) * w.input[1] + y) * w.input[2] + begin * w.strides[2] + shift - w.before[2];
            let x = &x[start * plan.channels + g * depth + c..];
            let out = &mut out[begin - from..end - from];
            match step {
                1 => out.copy_from_slice(&x[..out.len()]),
                _ => out.iter_mut().zip(x.iter().step_by(step)).for_each(|(out, &x)| *out = x),
            }
        }
    }
}

wide! {
    // Adds the rows back to the elements from which `gather` would have taken them; `dx` is whole samples, of whose output
    // positions the first row is number `first`.
    pub(super) fn scatter_add[T: Float](plan: &ConvPlan, rows: &[T], g: usize, first: usize, dx: &mut [T]) {
        let (inputs, outputs, _) = plan.window.counts();
        let (patch, sample) = (plan.patch(), inputs * plan.channels);
        for (i, row) in rows.chunks_exact(patch).enumerate() {
            let dx = &mut dx[(first + i) / outputs * sample..][..sample];
            runs(plan, g, (first + i) % outputs, |to, from, count| {
                let Some(from) = from else { return };
                dx[from..from + count].iter_mut().zip(&row[to..to + count]).for_each(|(dx, &v)| *dx += v);
            });
        }
    }
}
