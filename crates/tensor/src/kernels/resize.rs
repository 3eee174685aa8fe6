//! Images in another size: each method is a weighted sum of input pixels along height and width.

use crate::kernels::Float;
use crate::parallel::{GRAIN, split_rows};
use crate::{Error, Result, Shape};

/// How pixels between pixels are made. Pixels are squares whose centres lie at halves, as in `tf.image.resize`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// The pixel that covers the point.
    Nearest,
    /// Between the two nearest pixels, linearly.
    Bilinear,
    /// Between the four nearest pixels, by Keys's cubic with a = -0.5, renormalised at the borders.
    Bicubic,
    /// The mean of the area that falls together.
    Area,
}

/// A weight for each distance, by which [`ResizePlan::scaled`] mixes pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResizeKernel {
    /// Lanczos's windowed sinc that reaches over 1 pixel.
    Lanczos1,
    /// That reaches over 3 pixels.
    Lanczos3,
    /// That reaches over 5 pixels.
    Lanczos5,
    /// A Gaussian that reaches over 1.5 pixels, with a standard deviation of 0.5.
    Gaussian,
    /// The pixel that covers the point.
    Box,
    /// Falls linearly to 0 at the next pixel.
    Triangle,
    /// Keys's cubic with a = -0.5.
    KeysCubic,
    /// Mitchell's and Netravali's cubic with B = C = 1/3.
    MitchellCubic,
}

impl ResizeKernel {
    /// Every kernel under TensorFlow's name.
    pub const ALL: [(&'static str, ResizeKernel); 8] = [
        ("lanczos1", ResizeKernel::Lanczos1),
        ("lanczos3", ResizeKernel::Lanczos3),
        ("lanczos5", ResizeKernel::Lanczos5),
        ("gaussian", ResizeKernel::Gaussian),
        ("box", ResizeKernel::Box),
        ("triangle", ResizeKernel::Triangle),
        ("keyscubic", ResizeKernel::KeysCubic),
        ("mitchellcubic", ResizeKernel::MitchellCubic),
    ];

    /// TensorFlow's name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, kernel)| *kernel == self).map_or("", |(name, _)| name)
    }

    fn radius(self) -> f32 {
        match self {
            ResizeKernel::Lanczos1 | ResizeKernel::Triangle => 1.0,
            ResizeKernel::Lanczos3 => 3.0,
            ResizeKernel::Lanczos5 => 5.0,
            ResizeKernel::Gaussian => 1.5,
            ResizeKernel::Box => 0.5,
            ResizeKernel::KeysCubic | ResizeKernel::MitchellCubic => 2.0,
        }
    }

    fn weight(self, distance: f32) -> f32 {
        let (x, radius) = (distance.abs(), self.radius());
        match self {
            ResizeKernel::Lanczos1 | ResizeKernel::Lanczos3 | ResizeKernel::Lanczos5 => {
                let turn = std::f32::consts::PI * x;
                match x {
                    _ if x > radius => 0.0,
                    _ if x <= 1e-3 => 1.0,
                    _ => radius * turn.sin() * (turn / radius).sin() / (turn * turn),
                }
            }
            ResizeKernel::Gaussian if x >= radius => 0.0,
            ResizeKernel::Gaussian => (-x * x / (2.0 * (radius / 3.0) * (radius / 3.0))).exp(),
            ResizeKernel::Box if x == 0.5 => 0.5,
            ResizeKernel::Box => f32::from(u8::from(x < 0.5)),
            ResizeKernel::Triangle => (1.0 - x).max(0.0),
            ResizeKernel::KeysCubic if x < 1.0 => ((1.5 * x - 2.5) * x) * x + 1.0,
            ResizeKernel::KeysCubic if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
            ResizeKernel::MitchellCubic if x < 1.0 => (((7.0 / 6.0) * x - 2.0) * x) * x + 8.0 / 9.0,
            ResizeKernel::MitchellCubic if x < 2.0 => (((-7.0 / 18.0) * x + 2.0) * x - 10.0 / 3.0) * x + 16.0 / 9.0,
            ResizeKernel::KeysCubic | ResizeKernel::MitchellCubic => 0.0,
        }
    }
}

/// Where the pixels of an axis of the output lie in the input: at `place / scale`, moved by `translation` before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// Lengths of the output in those of the input.
    pub scale: f32,
    /// Pixels of the output by which the image is moved.
    pub translation: f32,
}

/// A resize planned for its shapes: for each output coordinate the input coordinates and weights.
#[derive(Clone, Debug, PartialEq)]
pub struct ResizePlan {
    batch: usize,
    input: [usize; 2],
    output: [usize; 2],
    channels: usize,
    axes: [Axis; 2],
}

/// The taps of one axis: those of output `i` are `taps[starts[i]..starts[i + 1]]`.
#[derive(Clone, Debug, PartialEq)]
struct Axis {
    starts: Vec<usize>,
    taps: Vec<(usize, f64)>,
}

impl Axis {
    fn new(interpolation: Interpolation, input: usize, output: usize) -> Axis {
        let mut axis = Axis { starts: vec![0], taps: Vec::new() };
        // TensorFlow finds the places in single precision.
        let scale = input as f32 / output as f32;
        let last = input.saturating_sub(1);
        for i in 0..output {
            let center = (i as f32 + 0.5) * scale;
            let place = center - 0.5;
            match interpolation {
                Interpolation::Nearest => axis.taps.push(((center.floor() as usize).min(last), 1.0)),
                Interpolation::Bilinear => {
                    let weight = f64::from(place - place.floor());
                    let lower = (place.floor().max(0.0) as usize).min(last);
                    let upper = (place.ceil().max(0.0) as usize).min(last);
                    if lower == upper || weight == 0.0 {
                        axis.taps.push((lower, 1.0));
                    } else {
                        axis.taps.extend([(lower, 1.0 - weight), (upper, weight)]);
                    }
                }
                Interpolation::Bicubic => axis.bicubic(place, last),
                Interpolation::Area => axis.area(i, f64::from(scale), last),
            }
            axis.starts.push(axis.taps.len());
        }
        axis
    }

    fn scaled(kernel: ResizeKernel, antialias: bool, scaling: Scaling, input: usize, output: usize) -> Axis {
        let mut axis = Axis { starts: vec![0], taps: Vec::new() };
        let inverse = 1.0 / scaling.scale;
        let stretch = if antialias { inverse.max(1.0) } else { 1.0 };
        let (reach, last) = (kernel.radius() * stretch, input.saturating_sub(1));
        let mut weights = Vec::new();
        for i in 0..output {
            let place = (i as f32 + 0.5) * inverse - inverse * scaling.translation;
            if (0.0..=input as f32).contains(&place) {
                let first = ((place - reach - 0.5).ceil().max(0.0) as usize).min(last);
                let end = ((place + reach - 0.5).floor().max(0.0) as usize).min(last);
                weights.clear();
                weights.extend((first..=end).map(|at| kernel.weight((at as f32 + 0.5 - place) / stretch)));
                let sum: f32 = weights.iter().sum();
                if sum.abs() >= 1000.0 * f32::MIN_POSITIVE {
                    let taps = weights.iter().enumerate().map(|(k, w)| (first + k, f64::from(w / sum)));
                    axis.taps.extend(taps);
                }
            }
            axis.starts.push(axis.taps.len());
        }
        axis
    }

    fn bicubic(&mut self, place: f32, last: usize) {
        const A: f64 = -0.5;
        let first = place.floor();
        // TensorFlow takes weights from a table of 1024 steps.
        let fraction = f64::from(((place - first) * 1024.0).round_ties_even()) / 1024.0;
        let near = |d: f64| ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0;
        let far = |d: f64| ((A * d - 5.0 * A) * d + 8.0 * A) * d - 4.0 * A;
        let weights = [far(fraction + 1.0), near(fraction), near(1.0 - fraction), far(2.0 - fraction)];
        let at = |k: usize| first as i64 + k as i64 - 1;
        let inside = |k: &usize| (0..=last as i64).contains(&at(*k));
        let sum: f64 = (0..4).filter(inside).map(|k| weights[k]).sum();
        // Outside weights are dropped and the others renormalised, unless almost nothing is left.
        for k in (0..4).filter(inside) {
            let weight = if sum.abs() >= 1000.0 * f64::from(f32::MIN_POSITIVE) { weights[k] / sum } else { 0.0 };
            self.taps.push((at(k) as usize, weight));
        }
    }

    fn area(&mut self, i: usize, scale: f64, last: usize) {
        let (from, to) = (i as f64 * scale, (i + 1) as f64 * scale);
        let mut at = from.floor();
        while at < to {
            let covered = (at + 1.0).min(to) - at.max(from);
            self.taps.push(((at as usize).min(last), covered / scale));
            at += 1.0;
        }
    }

    fn of(&self, i: usize) -> &[(usize, f64)] {
        &self.taps[self.starts[i]..self.starts[i + 1]]
    }
}

impl ResizePlan {
    /// Plans for an input `[batch, height, width, channels]` and an output of `size` (height, width) pixels.
    ///
    /// # Errors
    /// [`Error::Argument`] where the input has other than 4 axes, or no pixels while the output has some;
    /// [`Error::TooLarge`].
    pub fn new(interpolation: Interpolation, input: &[usize], size: [usize; 2]) -> Result<ResizePlan> {
        let [batch, height, width, channels] = ResizePlan::check_shapes(input, size)?;
        let axes = [Axis::new(interpolation, height, size[0]), Axis::new(interpolation, width, size[1])];
        Ok(ResizePlan { batch, input: [height, width], output: size, channels, axes })
    }

    /// Plans with any kernel, scale and translation (of height, then of width); with `antialias`, a kernel reaches
    /// over as many pixels as become one. Output pixels that lie outside of the image are 0.
    ///
    /// # Errors
    /// As [`ResizePlan::new`], and where a scale is not a positive number.
    ///
    /// # Source
    /// tensorflow/core/kernels/image/scale_and_translate_op.cc.
    pub fn scaled(
        kernel: ResizeKernel,
        antialias: bool,
        scalings: [Scaling; 2],
        input: &[usize],
        size: [usize; 2],
    ) -> Result<ResizePlan> {
        let [batch, height, width, channels] = ResizePlan::check_shapes(input, size)?;
        for (scaling, output) in scalings.iter().zip(size) {
            if output > 0 && !(scaling.scale > 0.0 && scaling.scale.is_finite() && scaling.translation.is_finite()) {
                return Err(Error::Argument {
                    operation: "resize".to_owned(),
                    argument: "scale".to_owned(),
                    expected: "positive numbers".to_owned(),
                    found: format!("{scalings:?}"),
                });
            }
        }
        let axes = [
            Axis::scaled(kernel, antialias, scalings[0], height, size[0]),
            Axis::scaled(kernel, antialias, scalings[1], width, size[1]),
        ];
        Ok(ResizePlan { batch, input: [height, width], output: size, channels, axes })
    }

    /// Batch, height, width and channels of an input that can be brought to that size.
    fn check_shapes(input: &[usize], size: [usize; 2]) -> Result<[usize; 4]> {
        let &[batch, height, width, channels] = input else {
            return Err(Error::Argument {
                operation: "resize".to_owned(),
                argument: "input".to_owned(),
                expected: "[batch, height, width, channels]".to_owned(),
                found: format!("{input:?}"),
            });
        };
        if (height == 0 || width == 0) && size[0] > 0 && size[1] > 0 {
            return Err(Error::Argument {
                operation: "resize".to_owned(),
                argument: "input".to_owned(),
                expected: "an image with pixels".to_owned(),
                found: format!("{input:?}"),
            });
        }
        Shape::from([batch, height, width, channels]).checked_elements()?;
        Shape::from([batch, size[0], size[1], channels]).checked_elements()?;
        // The taps of an axis are bounded by its lengths.
        Shape::from([size[0].max(height), 8]).checked_elements()?;
        Shape::from([size[1].max(width), 8]).checked_elements()?;
        Ok([batch, height, width, channels])
    }

    /// The shape of the output: `[batch, height, width, channels]`.
    pub fn output_shape(&self) -> Shape {
        Shape::from([self.batch, self.output[0], self.output[1], self.channels])
    }

    fn check<T>(&self, x: &[T], y: &[T]) {
        let n = |size: [usize; 2]| self.batch * size[0] * size[1] * self.channels;
        assert_eq!(x.len(), n(self.input), "resize: the input has another length than planned");
        assert_eq!(y.len(), n(self.output), "resize: the output has another length than planned");
    }

    /// Resizes. `y` is overwritten.
    ///
    /// # Panics
    /// When a length is not the planned one.
    ///
    /// # Example
    /// ```
    /// use kerox_tensor::kernels::resize::{Interpolation, ResizePlan};
    /// let plan = ResizePlan::new(Interpolation::Bilinear, &[1, 1, 2, 1], [1, 4])?;
    /// let mut y = [0f32; 4];
    /// plan.forward(&[0., 1.], &mut y);
    /// assert_eq!(y, [0., 0.25, 0.75, 1.]);
    /// # Ok::<(), kerox_tensor::Error>(())
    /// ```
    ///
    /// # Source
    /// tf.image.resize without antialiasing; tensorflow/core/kernels/image/resize_*_op.cc.
    pub fn forward<T: Float>(&self, x: &[T], y: &mut [T]) {
        self.check(x, y);
        let ([height, width], channels) = (self.input, self.channels);
        let line = self.output[1] * channels;
        split_rows(y, line.max(1), GRAIN / 4, |first, y| {
            for (i, y) in y.chunks_exact_mut(line).enumerate() {
                let (n, row) = ((first + i) / self.output[0], (first + i) % self.output[0]);
                for (column, y) in y.chunks_exact_mut(channels).enumerate() {
                    y.fill(T::ZERO);
                    for &(iy, wy) in self.axes[0].of(row) {
                        for &(ix, wx) in self.axes[1].of(column) {
                            let weight = T::from_f64(wy * wx);
                            let x = &x[((n * height + iy) * width + ix) * channels..][..channels];
                            y.iter_mut().zip(x).for_each(|(y, &x)| *y += x * weight);
                        }
                    }
                }
            }
        });
    }

    /// The gradient with respect to the input, which is overwritten.
    ///
    /// # Panics
    /// When a length is not the planned one.
    pub fn backward<T: Float>(&self, dy: &[T], dx: &mut [T]) {
        self.check(dx, dy);
        let (width, channels) = (self.input[1], self.channels);
        let sample = self.input[0] * width * channels;
        split_rows(dx, sample.max(1), GRAIN / 4, |first, dx| {
            dx.fill(T::ZERO);
            for (i, dx) in dx.chunks_exact_mut(sample).enumerate() {
                for row in 0..self.output[0] {
                    for column in 0..self.output[1] {
                        let at = ((first + i) * self.output[0] + row) * self.output[1] + column;
                        let dy = &dy[at * channels..][..channels];
                        for &(iy, wy) in self.axes[0].of(row) {
                            for &(ix, wx) in self.axes[1].of(column) {
                                let weight = T::from_f64(wy * wx);
                                let dx = &mut dx[(iy * width + ix) * channels..][..channels];
                                dx.iter_mut().zip(dy).for_each(|(dx, &dy)| *dx += dy * weight);
                            }
                        }
                    }
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Interpolation; 4] =
        [Interpolation::Nearest, Interpolation::Bilinear, Interpolation::Bicubic, Interpolation::Area];

    #[test]
    fn a_flat_image_stays_flat_and_gradients_are_adjoint() {
        for interpolation in ALL {
            for (from, to) in [([5, 7], [3, 9]), ([1, 1], [4, 2]), ([6, 4], [6, 4]), ([4, 9], [1, 1])] {
                let plan = ResizePlan::new(interpolation, &[2, from[0], from[1], 3], to).unwrap();
                let n = 2 * from[0] * from[1] * 3;
                let mut y = vec![0f64; plan.output_shape().elements()];
                plan.forward(&vec![2.5; n], &mut y);
                assert!(y.iter().all(|v| (v - 2.5).abs() < 1e-6), "{interpolation:?} {from:?} {to:?}");
                let x: Vec<f64> = (0..n).map(|i| (i * 37 % 101) as f64).collect();
                plan.forward(&x, &mut y);
                let dy: Vec<f64> = (0..y.len()).map(|i| (i * 53 % 97) as f64).collect();
                let mut dx = vec![f64::NAN; n];
                plan.backward(&dy, &mut dx);
                let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                let (a, b) = (dot(&y, &dy), dot(&dx, &x));
                assert!((a - b).abs() < 1e-9 * a.abs(), "{interpolation:?} {a} {b}");
            }
        }
    }

    #[test]
    fn kernels_keep_a_flat_image_flat() {
        for (name, kernel) in ResizeKernel::ALL {
            for (from, to) in [([5, 7], [3, 9]), ([1, 1], [4, 2]), ([6, 4], [6, 4]), ([4, 9], [1, 1])] {
                for antialias in [false, true] {
                    let scaling = |i: usize| Scaling { scale: to[i] as f32 / from[i] as f32, translation: 0.0 };
                    let shape = [2, from[0], from[1], 3];
                    let plan = ResizePlan::scaled(kernel, antialias, [scaling(0), scaling(1)], &shape, to).unwrap();
                    let mut y = vec![0f64; plan.output_shape().elements()];
                    plan.forward(&vec![2f64; 2 * from[0] * from[1] * 3], &mut y);
                    // The box holds no pixel's centre where the image shrinks without antialiasing.
                    let flat = y.iter().all(|v| (v - 2.0).abs() < 1e-5);
                    assert!(flat || (kernel == ResizeKernel::Box && !antialias), "{name} {from:?} {to:?} {y:?}");
                }
            }
        }
    }

    #[test]
    fn impossible_images_are_refused() {
        assert!(ResizePlan::new(Interpolation::Nearest, &[1, 0, 2, 3], [1, 1]).is_err());
        assert!(ResizePlan::new(Interpolation::Nearest, &[1, 2, 3], [1, 1]).is_err());
        assert!(ResizePlan::new(Interpolation::Nearest, &[1, 2, 2, 1], [usize::MAX, 2]).is_err());
        let plan = ResizePlan::new(Interpolation::Area, &[0, 2, 2, 1], [1, 1]).unwrap();
        plan.forward::<f32>(&[], &mut []);
    }
}
