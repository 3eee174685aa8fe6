//! Pooling over 1, 2 or 3 spatial axes, channels last.

use crate::kernels::wide::wide;
use crate::kernels::window::{Padding, Window};
use crate::kernels::{Float, Number};
use crate::parallel::split_rows;
use crate::{Error, Result, Shape};

/// What becomes of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Its largest element.
    Max,
    /// The mean of its elements inside the borders: what is filled in does not count.
    Average,
}

/// A pooling planned for its shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolPlan {
    pooling: Pooling,
    window: Window,
    batch: usize,
    channels: usize,
}

/// Channels worked on together: what is kept of them stays in registers.
const STRIP: usize = 32;

/// What becomes of some channels of one window, from `first` on.
#[inline(always)]
fn fold<T: Number>(plan: &PoolPlan, at: usize, first: usize, x: &[T], y: &mut [T]) {
    let channels = plan.channels;
    match plan.pooling {
        Pooling::Max => {
            // Over 3 axes a NaN counts until the next element; else it never does, and nothing is less than the least
            // finite number.
            let over_3_axes = plan.window.output().len() == 3;
            y.fill(if over_3_axes { T::LOWEST } else { T::LEAST });
            for (_, line) in plan.window.lines(at) {
                for from in line {
                    let x = &x[from * channels + first..][..y.len()];
                    match over_3_axes {
                        true => y.iter_mut().zip(x).for_each(|(y, &x)| *y = if *y > x { *y } else { x }),
                        false => y.iter_mut().zip(x).for_each(|(y, &x)| *y = if x > *y { x } else { *y }),
                    }
                }
            }
        }
        Pooling::Average => {
            let mut count = 0;
            y.fill(T::ZERO);
            for (_, line) in plan.window.lines(at) {
                count += line.len();
                for from in line {
                    let x = &x[from * channels + first..][..y.len()];
                    y.iter_mut().zip(x).for_each(|(y, &x)| *y = y.plus(x));
                }
            }
            let count = T::from_count(count);
            y.iter_mut().for_each(|y| *y = y.over(count));
        }
    }
}

wide! {
    fn forward_rows[T: Number](plan: &PoolPlan, first: usize, x: &[T], y: &mut [T]) {
        let (inputs, outputs, _) = plan.window.counts();
        let channels = plan.channels;
        for (i, y) in y.chunks_exact_mut(channels).enumerate() {
            let (n, at) = ((first + i) / outputs, (first + i) % outputs);
            let x = &x[n * inputs * channels..][..inputs * channels];
            let whole = channels / STRIP * STRIP;
            let (strips, rest) = y.split_at_mut(whole);
            for (s, y) in strips.chunks_exact_mut(STRIP).enumerate() {
                let mut kept = [T::ZERO; STRIP];
                fold(plan, at, s * STRIP, x, &mut kept);
                y.copy_from_slice(&kept);
            }
            if !rest.is_empty() {
                fold(plan, at, whole, x, rest);
            }
        }
    }
}

/// Gives the gradient of some channels of one largest element, from `first` on, to the first element that has its value, or
/// to `EACH`. `left` holds the gradient. With `TILED` windows, of which each element belongs to one, `dx` is written and
/// not read.
#[inline(always)]
fn give<T: Float, const TILED: bool, const EACH: bool>(
    plan: &PoolPlan,
    at: usize,
    first: usize,
    x: &[T],
    y: &[T],
    left: &mut [T],
    dx: &mut [T],
) {
    for (_, line) in plan.window.lines(at) {
        for to in line {
            let here = to * plan.channels + first;
            let (x, dx) = (&x[here..][..left.len()], &mut dx[here..][..left.len()]);
            for (((dx, &x), &y), left) in dx.iter_mut().zip(x).zip(y).zip(&mut *left) {
                let hit = x == y;
                let share = if hit { *left } else { T::ZERO };
                *dx = if TILED { share } else { *dx + share };
                *left = if hit && !EACH { T::ZERO } else { *left };
            }
        }
    }
}

wide! {
    // Gradients of whole samples from `first` on.
    fn backward_samples[T: Float](plan: &PoolPlan, relu: bool, first: usize, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
        let (inputs, outputs, _) = plan.window.counts();
        let channels = plan.channels;
        let is_tiled = plan.is_tiled();
        let to_each = plan.window.output().len() == 3;
        let give = |at: usize, first: usize, x: &[T], y: &[T], left: &mut [T], dx: &mut [T]| match (is_tiled, to_each) {
            (true, true) => give::<T, true, true>(plan, at, first, x, y, left, dx),
            (true, false) => give::<T, true, false>(plan, at, first, x, y, left, dx),
            (false, true) => give::<T, false, true>(plan, at, first, x, y, left, dx),
            (false, false) => give::<T, false, false>(plan, at, first, x, y, left, dx),
        };
        // What is left for an element: nothing where a relu before the pooling has cut it off.
        let cut = |left: &mut [T], y: &[T]| {
            if relu {
                left.iter_mut().zip(y).for_each(|(left, &y)| *left = if y > T::ZERO { *left } else { T::ZERO });
            }
        };
        for (i, dx) in dx.chunks_exact_mut(inputs * channels).enumerate() {
            let n = first + i;
            if !is_tiled || plan.pooling == Pooling::Average {
                dx.fill(T::ZERO);
            }
            let dy = &dy[n * outputs * channels..][..outputs * channels];
            if plan.pooling == Pooling::Average {
                for (at, dy) in dy.chunks_exact(channels).enumerate() {
                    let count: usize = plan.window.lines(at).map(|(_, line)| line.len()).sum();
                    let scale = T::ONE / T::from_count(count.max(1));
                    for (_, line) in plan.window.lines(at) {
                        for to in line {
                            let dx = &mut dx[to * channels..][..channels];
                            dx.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx += dy * scale);
                        }
                    }
                }
                continue;
            }
            let x = &x[n * inputs * channels..][..inputs * channels];
            let y = &y[n * outputs * channels..][..outputs * channels];
            for (at, (y, dy)) in y.chunks_exact(channels).zip(dy.chunks_exact(channels)).enumerate() {
                let mut strip = 0;
                while strip + STRIP <= channels {
                    let mut kept = [T::ZERO; STRIP];
                    let mut left = [T::ZERO; STRIP];
                    kept.copy_from_slice(&y[strip..][..STRIP]);
                    left.copy_from_slice(&dy[strip..][..STRIP]);
                    cut(&mut left, &kept);
                    give(at, strip, x, &kept, &mut left, dx);
                    strip += STRIP;
                }
                if strip < channels {
                    let mut left = [T::ZERO; STRIP];
                    let left = &mut left[..channels - strip];
                    left.copy_from_slice(&dy[strip..]);
                    cut(left, &y[strip..]);
                    give(at, strip, x, &y[strip..], left, dx);
                }
            }
        }
    }
}

impl PoolPlan {
    /// Plans for an input `[batch, spatial..., channels]`; the other slices have one entry a spatial axis.
    ///
    /// # Errors
    /// [`Error::Argument`] for ranks other than 3 to 5 and for what [`Window::new`] refuses, [`Error::TooLarge`].
    pub fn new(
        pooling: Pooling,
        input: &[usize],
        pool_size: &[usize],
        strides: &[usize],
        padding: &Padding,
    ) -> Result<PoolPlan> {
        let rank = input.len();
        if !(3..=5).contains(&rank) {
            return Err(Error::Argument {
                operation: "pool".to_owned(),
                argument: "input".to_owned(),
                expected: "3 to 5 axes".to_owned(),
                found: format!("{input:?}"),
            });
        }
        let window = Window::new(&input[1..rank - 1], pool_size, strides, &[1; 3][..rank - 2], padding)?;
        let (inputs, outputs, _) = window.counts();
        let (batch, channels) = (input[0], input[rank - 1]);
        Shape::from([batch, inputs.max(outputs), channels]).checked_elements()?;
        Ok(PoolPlan { pooling, window, batch, channels })
    }

    /// The shape of the output: `[batch, spatial..., channels]`.
    pub fn output_shape(&self) -> Shape {
        let mut shape = Shape::from([self.batch]);
        self.window.output().iter().for_each(|&d| shape.push(d));
        shape.push(self.channels);
        shape
    }

    /// Whether each element of the input belongs to just one window.
    fn is_tiled(&self) -> bool {
        let w = &self.window;
        w.strides == w.kernel
            && w.before == [0; 3]
            && (0..3).all(|axis| w.input[axis] == w.output[axis] * w.kernel[axis])
    }

    fn check<T>(&self, x: &[T], y: &[T]) {
        let (inputs, outputs, _) = self.window.counts();
        assert_eq!(x.len(), self.batch * inputs * self.channels, "pool: the input has another length than planned");
        assert_eq!(y.len(), self.batch * outputs * self.channels, "pool: the output has another length than planned");
    }

    /// Pools. `y` is overwritten. What becomes of NaN and infinities is what TensorFlow's kernels make of them.
    ///
    /// # Panics
    /// When a length is not the planned one.
    ///
    /// # Example
    /// ```
    /// use kerox_tensor::kernels::{pool::{PoolPlan, Pooling}, window::Padding};
    /// let plan = PoolPlan::new(Pooling::Average, &[1, 3, 1], &[2], &[2], &Padding::Same)?;
    /// let mut y = [0f32; 2];
    /// plan.forward(&[1., 3., 5.], &mut y);
    /// assert_eq!(y, [2., 5.]);
    /// # Ok::<(), kerox_tensor::Error>(())
    /// ```
    ///
    /// # Source
    /// tf.nn.pool.
    pub fn forward<T: Number>(&self, x: &[T], y: &mut [T]) {
        self.check(x, y);
        split_rows(y, self.channels.max(1), self.window.grain(), |first, y| forward_rows(self, first, x, y));
    }

    /// The gradient with respect to the input, which is overwritten. Of equally large elements the first gets it; over 3
    /// spatial axes each of them gets it whole, as in TensorFlow.
    ///
    /// Averages do not look at `x` and `y`, which may then be empty.
    ///
    /// # Panics
    /// When a length is not the planned one.
    pub fn backward<T: Float>(&self, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
        self.backward_any(false, x, y, dy, dx);
    }

    /// As [`PoolPlan::backward`] for an `x` that is the value of a relu: gives the gradient with respect to that function's
    /// argument.
    ///
    /// # Panics
    /// When a length is not the planned one, and for averages.
    pub fn backward_through_relu<T: Float>(&self, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
        assert_eq!(self.pooling, Pooling::Max, "pool: only the gradient of the largest goes through a relu");
        self.backward_any(true, x, y, dy, dx);
    }

    fn backward_any<T: Float>(&self, relu: bool, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
        self.check(dx, dy);
        if self.pooling == Pooling::Max {
            self.check(x, y);
        }
        let sample = (self.window.counts().0 * self.channels).max(1);
        split_rows(dx, sample, self.window.grain(), |first, dx| backward_samples(self, relu, first, x, y, dy, dx));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn gradients_are_differences(
            batch in 0usize..3, input in prop::collection::vec(1usize..6, 1..4), k in 1usize..4, s in 1usize..4,
            channels in 1usize..4, max: bool, same: bool,
        ) {
            let r = input.len();
            let shape: Vec<usize> = [batch].into_iter().chain(input).chain([channels]).collect();
            let padding = if same { Padding::Same } else { Padding::Valid };
            let pooling = if max { Pooling::Max } else { Pooling::Average };
            let Ok(plan) = PoolPlan::new(pooling, &shape, &vec![k; r], &vec![s; r], &padding) else { return Ok(()) };
            let n: usize = shape.iter().product();
            // All different, so that no largest element is ambiguous.
            let mut x: Vec<f64> = (0..n).map(|i| ((i * 7919 + 13) % 10007) as f64 / 100.0 - 50.0).collect();
            let outs = plan.output_shape().elements();
            let mut y = vec![0.0; outs];
            plan.forward(&x, &mut y);
            let dy: Vec<f64> = (0..outs).map(|i| (i % 7) as f64 - 2.5).collect();
            let mut dx = vec![f64::NAN; n];
            plan.backward(&x, &y, &dy, &mut dx);
            let mut moved = vec![0.0; outs];
            for i in 0..n {
                let old = x[i];
                let mut value = |v: f64| {
                    x[i] = v;
                    plan.forward(&x, &mut moved);
                    moved.iter().zip(&dy).map(|(y, dy)| y * dy).sum::<f64>()
                };
                let expected = (value(old + 1e-4) - value(old - 1e-4)) / 2e-4;
                x[i] = old;
                prop_assert!((dx[i] - expected).abs() < 1e-6, "{} {}", dx[i], expected);
            }
        }
    }

    #[test]
    fn many_channels_and_ties() {
        let plan = PoolPlan::new(Pooling::Max, &[1, 2, 2, 130], &[2, 2], &[2, 2], &Padding::Valid).unwrap();
        let (x, mut y) = (vec![1f32; 520], vec![0.0; 130]);
        plan.forward(&x, &mut y);
        let mut dx = vec![9.0; 520];
        plan.backward(&x, &y, &[2.0; 130], &mut dx);
        assert!(dx[..130].iter().all(|&v| v == 2.0) && dx[130..].iter().all(|&v| v == 0.0));
    }

    #[test]
    fn ties_over_three_axes() {
        // Of TensorFlow 2.15: `tf.nn.max_pool3d`, and `tf.nn.max_pool2d` of the same numbers.
        for (shape, expected) in [
            (&[1, 5, 1, 1, 1][..], [11.0, 111.0, 0.0, 11100.0, 0.0]),
            (&[1, 5, 1, 1], [11.0, 100.0, 0.0, 11000.0, 0.0]),
        ] {
            let mut pool = vec![3];
            pool.resize(shape.len() - 2, 1);
            let strides = vec![1; shape.len() - 2];
            let plan = PoolPlan::new(Pooling::Max, shape, &pool, &strides, &Padding::Same).unwrap();
            let (x, mut y, mut dx) = ([3f32, 3.0, 1.0, 3.0, 0.0], [0.0; 5], [9.0; 5]);
            plan.forward(&x, &mut y);
            plan.backward(&x, &y, &[1.0, 10.0, 100.0, 1000.0, 10000.0], &mut dx);
            assert_eq!(dx, expected, "{shape:?}");
        }
    }

    #[test]
    fn gradients_through_a_relu() {
        for (shape, pool, stride) in [([2, 4, 6, 35], 2, 2), ([1, 5, 5, 3], 3, 1), ([2, 5, 7, 33], 2, 2)] {
            let plan = PoolPlan::new(Pooling::Max, &shape, &[pool; 2], &[stride; 2], &Padding::Same).unwrap();
            let n: usize = shape.iter().product();
            let x: Vec<f32> = (0..n).map(|i| ((i * 7919 % 1009) as f32 - 900.0).max(0.0)).collect();
            let outs = plan.output_shape().elements();
            let (mut y, dy) = (vec![0.0; outs], (0..outs).map(|i| i as f32 + 1.0).collect::<Vec<f32>>());
            plan.forward(&x, &mut y);
            let (mut expected, mut found) = (vec![f32::NAN; n], vec![f32::NAN; n]);
            plan.backward(&x, &y, &dy, &mut expected);
            expected.iter_mut().zip(&x).for_each(|(d, &x)| *d = if x > 0.0 { *d } else { 0.0 });
            plan.backward_through_relu(&x, &y, &dy, &mut found);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn other_ranks_are_refused() {
        let error = PoolPlan::new(Pooling::Max, &[1, 2], &[1], &[1], &Padding::Same).unwrap_err();
        assert_eq!(error.to_string(), "pool argument `input`: expected 3 to 5 axes, found [1, 2]");
    }
}
