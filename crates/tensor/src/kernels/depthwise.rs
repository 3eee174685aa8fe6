//! Convolutions of each channel by its own filters, channels last.

use crate::kernels::Float;
use crate::kernels::wide::wide;
use crate::kernels::window::{Padding, Window};
use crate::parallel::split_rows;
use crate::{Error, Result, Shape};

/// A depthwise convolution planned for its shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepthwisePlan {
    window: Window,
    batch: usize,
    channels: usize,
    multiplier: usize,
}

/// Channels worked on together: their sums stay in registers.
const STRIP: usize = 32;

/// Elements of the output after which what comes next is done to them, while they are in a near cache.
const BLOCK: usize = 1 << 14;

/// The sums of one window for some channels, from `channel` on, without dilations and with one filter a channel.
#[inline(always)]
fn sum_taps<T: Float>(plan: &DepthwisePlan, at: usize, channel: usize, x: &[T], filter: &[T], y: &mut [T]) {
    let channels = plan.channels;
    for (tap, line) in plan.window.lines(at) {
        for (kx, from) in line.enumerate() {
            let x = &x[from * channels + channel..][..y.len()];
            let w = &filter[(tap + kx) * channels + channel..][..y.len()];
            y.iter_mut().zip(x).zip(w).for_each(|((y, &x), &w)| *y += x * w);
        }
    }
}

wide! {
    // Outputs of positions from `first` on, without dilations and with one filter a channel.
    fn forward_strips[T: Float](plan: &DepthwisePlan, first: usize, x: &[T], filter: &[T], y: &mut [T]) {
        let (inputs, outputs, _) = plan.window.counts();
        let channels = plan.channels;
        for (i, y) in y.chunks_exact_mut(channels).enumerate() {
            let (n, at) = ((first + i) / outputs, (first + i) % outputs);
            let x = &x[n * inputs * channels..][..inputs * channels];
            let mut channel = 0;
            while channel + STRIP <= channels {
                let mut sums = [T::ZERO; STRIP];
                sum_taps(plan, at, channel, x, filter, &mut sums);
                y[channel..][..STRIP].copy_from_slice(&sums);
                channel += STRIP;
            }
            if channel < channels {
                let y = &mut y[channel..];
                y.fill(T::ZERO);
                sum_taps(plan, at, channel, x, filter, y);
            }
        }
    }
}

wide! {
    // Outputs of positions from `first` on.
    fn forward_rows[T: Float](plan: &DepthwisePlan, first: usize, x: &[T], filter: &[T], y: &mut [T]) {
        let (inputs, outputs, _) = plan.window.counts();
        let (channels, row) = (plan.channels, plan.channels * plan.multiplier);
        for (i, y) in y.chunks_exact_mut(row).enumerate() {
            let (n, at) = ((first + i) / outputs, (first + i) % outputs);
            y.fill(T::ZERO);
            plan.window.taps(at, |tap, from| {
                let x = &x[(n * inputs + from) * channels..][..channels];
                let filter = &filter[tap * row..][..row];
                if plan.multiplier == 1 {
                    y.iter_mut().zip(x).zip(filter).for_each(|((y, &x), &w)| *y += x * w);
                } else {
                    let groups = y.chunks_exact_mut(plan.multiplier).zip(filter.chunks_exact(plan.multiplier));
                    groups.zip(x).for_each(|((y, w), &x)| y.iter_mut().zip(w).for_each(|(y, &w)| *y += x * w));
                }
            });
        }
    }
}

wide! {
    // Gradients of whole samples from `first` on.
    fn backward_input_samples[T: Float](plan: &DepthwisePlan, first: usize, filter: &[T], dy: &[T], dx: &mut [T]) {
        let (inputs, outputs, _) = plan.window.counts();
        let (channels, row) = (plan.channels, plan.channels * plan.multiplier);
        dx.fill(T::ZERO);
        for (i, dx) in dx.chunks_exact_mut(inputs * channels).enumerate() {
            for at in 0..outputs {
                let dy = &dy[((first + i) * outputs + at) * row..][..row];
                plan.window.taps(at, |tap, to| {
                    let dx = &mut dx[to * channels..][..channels];
                    let filter = &filter[tap * row..][..row];
                    if plan.multiplier == 1 {
                        dx.iter_mut().zip(dy).zip(filter).for_each(|((dx, &dy), &w)| *dx += dy * w);
                    } else {
                        let groups = dy.chunks_exact(plan.multiplier).zip(filter.chunks_exact(plan.multiplier));
                        for (dx, (dy, w)) in dx.iter_mut().zip(groups) {
                            dy.iter().zip(w).for_each(|(&dy, &w)| *dx += dy * w);
                        }
                    }
                });
            }
        }
    }
}

wide! {
    // Gradients of taps from `first` on. Sums are made for a row of outputs at a time, in `dfilter` itself.
    fn backward_filter_taps[T: Float](plan: &DepthwisePlan, first: usize, x: &[T], dy: &[T], dfilter: &mut [T]) {
        let (inputs, outputs, _) = plan.window.counts();
        let (channels, row) = (plan.channels, plan.channels * plan.multiplier);
        let taps = first..first + dfilter.len() / row;
        dfilter.fill(T::ZERO);
        for n in 0..plan.batch {
            for at in 0..outputs {
                let dy = &dy[(n * outputs + at) * row..][..row];
                plan.window.taps(at, |tap, from| {
                    if !taps.contains(&tap) {
                        return;
                    }
                    let x = &x[(n * inputs + from) * channels..][..channels];
                    let dfilter = &mut dfilter[(tap - taps.start) * row..][..row];
                    if plan.multiplier == 1 {
                        dfilter.iter_mut().zip(x).zip(dy).for_each(|((dw, &x), &dy)| *dw += x * dy);
                    } else {
                        let groups = dfilter.chunks_exact_mut(plan.multiplier).zip(dy.chunks_exact(plan.multiplier));
                        for ((dw, dy), &x) in groups.zip(x) {
                            dw.iter_mut().zip(dy).for_each(|(dw, &dy)| *dw += x * dy);
                        }
                    }
                });
            }
        }
    }
}

impl DepthwisePlan {
    /// Plans for an input and a filter.
    ///
    /// # Shapes
    /// `input` is `[batch, spatial..., channels]`, `filter` is `[kernel..., channels, multiplier]`, the output
    /// `[batch, spatial..., channels * multiplier]`, channel by channel.
    ///
    /// # Errors
    /// [`Error::Argument`] for ranks other than 3 to 5, differing channels, and what [`Window::new`] refuses;
    /// [`Error::TooLarge`].
    pub fn new(
        input: &[usize],
        filter: &[usize],
        strides: &[usize],
        dilations: &[usize],
        padding: &Padding,
    ) -> Result<DepthwisePlan> {
        let rank = input.len();
        if !(3..=5).contains(&rank)
            || filter.len() != rank
            || filter[rank - 2] != input[rank - 1]
            || filter.contains(&0)
        {
            return Err(Error::Argument {
                operation: "convolve depthwise".to_owned(),
                argument: "filter".to_owned(),
                expected: "rank (3 to 5) and channels of the input, no length 0".to_owned(),
                found: format!("input {input:?}, filter {filter:?}"),
            });
        }
        let window = Window::new(&input[1..rank - 1], &filter[..rank - 2], strides, dilations, padding)?;
        let (batch, channels, multiplier) = (input[0], input[rank - 1], filter[rank - 1]);
        let (inputs, outputs, taps) = window.counts();
        Shape::from([batch, inputs, channels]).checked_elements()?;
        Shape::from([batch, outputs, channels, multiplier]).checked_elements()?;
        Shape::from([taps, channels, multiplier]).checked_elements()?;
        Ok(DepthwisePlan { window, batch, channels, multiplier })
    }

    /// The shape of the output: `[batch, spatial..., channels * multiplier]`.
    pub fn output_shape(&self) -> Shape {
        let mut shape = Shape::from([self.batch]);
        self.window.output().iter().for_each(|&d| shape.push(d));
        shape.push(self.channels * self.multiplier);
        shape
    }

    fn check<T>(&self, x: &[T], filter: &[T], y: &[T]) {
        let (inputs, outputs, taps) = self.window.counts();
        let row = self.channels * self.multiplier;
        assert_eq!(
            x.len(),
            self.batch * inputs * self.channels,
            "depthwise: the input has another length than planned"
        );
        assert_eq!(filter.len(), taps * row, "depthwise: the filter has another length than planned");
        assert_eq!(y.len(), self.batch * outputs * row, "depthwise: the output has another length than planned");
    }

    /// The convolution. `y` is overwritten.
    ///
    /// # Panics
    /// When a length is not the planned one.
    ///
    /// # Example
    /// ```
    /// use kerox_tensor::kernels::{depthwise::DepthwisePlan, window::Padding};
    /// let plan = DepthwisePlan::new(&[1, 2, 2], &[2, 2, 1], &[1], &[1], &Padding::Valid)?;
    /// let mut y = [0f32; 2];
    /// plan.forward(&[1., 10., 2., 20.], &[1., 0.5, 1., 1.], &mut y);
    /// assert_eq!(y, [3., 25.]);
    /// # Ok::<(), kerox_tensor::Error>(())
    /// ```
    ///
    /// # Source
    /// tf.nn.depthwise_conv2d.
    pub fn forward<T: Float>(&self, x: &[T], filter: &[T], y: &mut [T]) {
        self.forward_with(x, filter, y, |_, _| ());
    }

    /// As [`DepthwisePlan::forward`]; `finish` is called with each whole number of outputs (`[positions, channels *
    /// multiplier]`) and the index in `y` at which they begin as soon as they are there, while they are in a near cache.
    ///
    /// # Panics
    /// As [`DepthwisePlan::forward`].
    pub fn forward_with<T: Float>(&self, x: &[T], filter: &[T], y: &mut [T], finish: impl Fn(usize, &mut [T]) + Sync) {
        self.check(x, filter, y);
        let row = (self.channels * self.multiplier).max(1);
        let block = (BLOCK / row).max(1);
        let plain = self.multiplier == 1 && self.window.dilations == [1; 3];
        split_rows(y, row, self.window.grain(), |first, y| {
            for (i, y) in y.chunks_mut(block * row).enumerate() {
                let first = first + i * block;
                match plain {
                    true => forward_strips(self, first, x, filter, y),
                    false => forward_rows(self, first, x, filter, y),
                }
                finish(first * row, y);
            }
        });
    }

    /// The gradient with respect to the input. `dx` is overwritten.
    ///
    /// # Panics
    /// When a length is not the planned one.
    pub fn backward_input<T: Float>(&self, filter: &[T], dy: &[T], dx: &mut [T]) {
        self.check(dx, filter, dy);
        let sample = self.window.counts().0 * self.channels;
        split_rows(dx, sample.max(1), self.window.grain(), |first, dx| {
            backward_input_samples(self, first, filter, dy, dx);
        });
    }

    /// The gradient with respect to the filter. `dfilter` is overwritten.
    ///
    /// # Panics
    /// When a length is not the planned one.
    pub fn backward_filter<T: Float>(&self, x: &[T], dy: &[T], dfilter: &mut [T]) {
        self.check(x, dfilter, dy);
        let row = (self.channels * self.multiplier).max(1);
        // Each element of the filter costs a pass over all outputs.
        let passes = (self.batch * self.window.counts().1).max(1);
        split_rows(dfilter, row, (self.window.grain() * self.window.counts().2 / passes).max(1), |first, dfilter| {
            backward_filter_taps(self, first, x, dy, dfilter);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::conv::ConvPlan;
    use proptest::prelude::*;

    fn values(n: usize, seed: usize) -> Vec<f64> {
        (0..n).map(|i| (((i + seed * 31) * 7919 % 1009) as f64 / 504.5) - 1.0).collect()
    }

    proptest! {
        // A depthwise convolution is a convolution in as many groups as there are channels, whose filters
        // `[taps, 1, channels * multiplier]` lie in memory as `[taps, channels, multiplier]`.
        #[test]
        fn equals_the_grouped_convolution(
            batch in 0usize..3, input in prop::collection::vec(1usize..7, 1..4), k in 1usize..4, s in 1usize..3,
            d in 1usize..3, channels in 1usize..5, multiplier in 1usize..4, same: bool,
        ) {
            let r = input.len();
            let padding = if same { Padding::Same } else { Padding::Valid };
            let x: Vec<usize> = [batch].into_iter().chain(input.iter().copied()).chain([channels]).collect();
            let f = |depth, n| vec![k; r].into_iter().chain([depth, n]).collect::<Vec<usize>>();
            let (strides, dilations) = (vec![s; r], vec![d; r]);
            let Ok(plan) = DepthwisePlan::new(&x, &f(channels, multiplier), &strides, &dilations, &padding) else {
                return Ok(());
            };
            let conv = ConvPlan::new(&x, &f(1, channels * multiplier), &strides, &dilations, &padding).unwrap();
            prop_assert_eq!(plan.output_shape(), conv.output_shape());
            let elements = |s: &[usize]| s.iter().product::<usize>();
            let (x, filter) = (values(elements(&x), 1), values(elements(&f(channels, multiplier)), 2));
            let dy = values(plan.output_shape().elements(), 3);
            let mut scratch = vec![0.0; conv.scratch_len()];
            let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-11);
            let (mut a, mut b) = (vec![9.0; dy.len()], vec![7.0; dy.len()]);
            plan.forward(&x, &filter, &mut a);
            conv.forward(&x, &filter, &mut b, &mut scratch);
            prop_assert!(close(&a, &b));
            let (mut a, mut b) = (vec![9.0; x.len()], vec![7.0; x.len()]);
            plan.backward_input(&filter, &dy, &mut a);
            conv.backward_input(&filter, &dy, &mut b, &mut scratch);
            prop_assert!(close(&a, &b));
            let (mut a, mut b) = (vec![9.0; filter.len()], vec![7.0; filter.len()]);
            plan.backward_filter(&x, &dy, &mut a);
            conv.backward_filter(&x, &dy, &mut b, &mut scratch);
            prop_assert!(close(&a, &b));
        }
    }

    #[test]
    fn other_channels_are_refused() {
        assert!(DepthwisePlan::new(&[1, 4, 3], &[2, 2, 1], &[1], &[1], &Padding::Same).is_err());
    }
}
