//! Batch normalization.

use std::sync::Arc;

use kerox_tensor::kernels::batch_norm::{self, Statistics};
use kerox_tensor::kernels::{Float, Number};
use kerox_tensor::{DType, Shape, Tensor};

use super::bias::channels_first;
use super::declaration::Declaration;
use super::dispatch::for_float;
use crate::{Attr, Dim, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[Declaration {
    name: "FusedBatchNormV3",
    signature: "x, scale, offset, mean, variance -> y, batch_mean, batch_variance, reserve_space_1, reserve_space_2, reserve_space_3",
    build: |a| {
        Ok(Arc::new(FusedBatchNorm {
            epsilon: a.float_or("epsilon", 1e-4)?,
            is_training: a.bool_or("is_training", true)?,
            exponential_avg_factor: a.float_or("exponential_avg_factor", 1.0)?,
            channels_first: channels_first(a)?,
        }))
    },
}];

/// `FusedBatchNormV3(x, scale, offset, mean, variance)`: normalizes each channel by the statistics of the batch (in
/// training) or by those given, then scales and shifts.
///
/// Outputs: `y`; mean and variance (in training those given, moved towards the batch's by the factor; the variance
/// unbiased); then what the gradient needs: mean, and biased variance, of the batch; and an empty tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FusedBatchNorm {
    /// What is added to the variance.
    pub epsilon: f32,
    /// Whether the batch's statistics are used.
    pub is_training: bool,
    /// The weight of the batch in the moving statistics; 1 gives the batch's.
    pub exponential_avg_factor: f32,
    /// Whether the channels are axis 1 (`NCHW`) instead of the last.
    pub channels_first: bool,
}

/// Lengths of a normalized array: before the channels, channels, behind.
fn lengths(shape: &[usize], channels_first: bool) -> (usize, usize, usize) {
    if channels_first {
        (shape[0], shape[1], shape[2..].iter().product())
    } else {
        let last = shape.len() - 1;
        (shape[..last].iter().product(), shape[last], 1)
    }
}

impl Op for FusedBatchNorm {
    fn name(&self) -> &'static str {
        "FusedBatchNormV3"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let format: &[u8] = if self.channels_first { b"NCHW" } else { b"NHWC" };
        vec![
            ("T", Attr::Type(inputs[0].dtype)),
            ("U", Attr::Type(inputs[1].dtype)),
            ("epsilon", Attr::Float(self.epsilon)),
            ("exponential_avg_factor", Attr::Float(self.exponential_avg_factor)),
            ("data_format", Attr::String(format.to_vec())),
            ("is_training", Attr::Bool(self.is_training)),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(5)?;
        let dtype = cx.float(0)?;
        cx.same_dtype()?;
        let x = cx.dims(0)?;
        let mut channels: Dim = None;
        if let Some(axes) = x.axes() {
            if axes.len() < 2 {
                return Err(cx.wrong("input 0", "at least 2 axes", x.to_string()));
            }
            channels = axes[if self.channels_first { 1 } else { axes.len() - 1 }];
        }
        for i in 1..5 {
            let dims = cx.of_rank(i, 1)?;
            let length = dims.axes().and_then(|a| a[0]);
            // In training without moving averages the given statistics may be empty.
            let unused = i >= 3 && self.is_training && length == Some(0);
            if !unused && matches!((channels, length), (Some(c), Some(n)) if c != n) {
                return Err(cx.wrong(&format!("input {i}"), format!("an element a channel of {x}"), dims.to_string()));
            }
            channels = channels.or(length.filter(|_| !unused));
        }
        let vector = || ValueInfo::new(dtype, [channels]);
        let mut outputs = vec![ValueInfo::new(dtype, x.clone())];
        outputs.extend((0..4).map(|_| vector()));
        outputs.push(ValueInfo::new(dtype, [Some(0)]));
        Ok(outputs)
    }
    fn scratch(&self, inputs: &[&Shape], _: &[&Shape]) -> usize {
        2 * lengths(inputs[0], self.channels_first).1
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let (outer, channels, inner) = lengths(x.shape, self.channels_first);
        let inputs = run.inputs;
        for_float!(run.dtype(), self.name(), T => {
            let x = x.slice::<T>()?;
            let [scale, offset, mean_in, variance_in] =
                [inputs[1].slice::<T>()?, inputs[2].slice::<T>()?, inputs[3].slice::<T>()?, inputs[4].slice::<T>()?];
            let [y, mean_out, variance_out, mean, variance, _] = run.outputs else { return Ok(()) };
            let (mean_out, variance_out) = (mean_out.slice::<T>()?, variance_out.slice::<T>()?);
            let (mean, variance) = (mean.slice::<T>()?, variance.slice::<T>()?);
            if self.is_training {
                statistics(x, (outer, channels, inner), mean, variance);
                let n = (outer * inner) as f64;
                let unbiased = T::from_f64(if n > 1.0 { n / (n - 1.0) } else { 1.0 });
                let f = T::from_f64(f64::from(self.exponential_avg_factor));
                for c in 0..channels {
                    let batch = variance[c] * unbiased;
                    let moves = self.exponential_avg_factor != 1.0 && mean_in.len() == channels;
                    mean_out[c] = if moves { (T::ONE - f) * mean_in[c] + f * mean[c] } else { mean[c] };
                    variance_out[c] = if moves { (T::ONE - f) * variance_in[c] + f * batch } else { batch };
                }
            } else {
                for (to, from) in [(&mut *mean, mean_in), (&mut *variance, variance_in)] {
                    to.copy_from_slice(from);
                }
                mean_out.copy_from_slice(mean_in);
                variance_out.copy_from_slice(variance_in);
            }
            let y = y.slice::<T>()?;
            let epsilon = T::from_f64(f64::from(self.epsilon));
            if inner == 1 && !self.channels_first {
                if channels > 0 {
                    let room = <T as kerox_tensor::Element>::slice_mut(run.scratch).map_or(&mut [][..], |v| &mut v[..]);
                    batch_norm::forward(x, mean, variance, scale, offset, epsilon, y, room);
                }
                return Ok(());
            }
            for (i, (y, x)) in y.chunks_exact_mut(inner.max(1)).zip(x.chunks_exact(inner.max(1))).enumerate() {
                let c = i % channels;
                let a = scale[c] / (variance[c] + epsilon).sqrt();
                let b = offset[c] - mean[c] * a;
                y.iter_mut().zip(x).for_each(|(y, &x)| *y = x * a + b);
            }
            Ok(())
        })
    }
    /// TensorFlow has it for single precision and 4 axes only: all axes but the channels become one.
    fn lower(&self, g: &mut Graph, inputs: &[Value]) -> Result<Option<Vec<Value>>> {
        let (x, rank) = (inputs[0], g.dims(inputs[0]).rank());
        if let (DType::F64, Some(rank)) = (g.dtype(x), rank)
            && !self.channels_first
            && (!self.is_training || self.exponential_avg_factor == 1.0)
        {
            return self.composed(g, inputs, rank).map(Some);
        }
        if rank == Some(4) || self.channels_first {
            return Ok(None);
        }
        let channels = g.dims(inputs[1]).axes().and_then(|axes| axes[0]).map_or(-1, |c| c as i64);
        let wide = g.reshape(x, &[-1, 1, 1, channels])?;
        let mut outputs = g.add_op(*self, &[&[wide], &inputs[1..]].concat())?;
        let shape = g.shape_of(x)?;
        outputs[0] = g.reshape_to(outputs[0], shape)?;
        Ok(Some(outputs))
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let inputs = [dy, cx.inputs[0], cx.inputs[1], cx.outputs[3], cx.outputs[4]];
        let d = cx.g.add_op(BatchNormGrad(*self), &inputs)?;
        Ok(vec![Some(d[0]), Some(d[1]), Some(d[2]), None, None])
    }
}

impl FusedBatchNorm {
    /// The same by means and broadcasts, channels last.
    fn composed(&self, g: &mut Graph, inputs: &[Value], rank: usize) -> Result<Vec<Value>> {
        let &[x, scale, offset, mut mean, mut variance] = inputs else { return Ok(Vec::new()) };
        let dtype = g.dtype(x);
        let mut unbiased = variance;
        if self.is_training {
            let axes: Vec<i64> = (0..rank as i64 - 1).collect();
            mean = g.reduce_mean(x, &axes, false)?;
            let squares = g.squared_difference(x, mean)?;
            variance = g.reduce_mean(squares, &axes, false)?;
            let (all, channels) = (g.size_of(x)?, g.size_of(mean)?);
            let n = g.floor_div(all, channels)?;
            let n = g.cast(n, dtype)?;
            let one = g.number(1.0, dtype)?;
            let less = g.subtract(n, one)?;
            let less = g.maximum(less, one)?;
            let factor = g.divide(n, less)?;
            unbiased = g.multiply(variance, factor)?;
        }
        let epsilon = g.number(f64::from(self.epsilon), dtype)?;
        let root = g.add(variance, epsilon)?;
        let factor = g.rsqrt(root)?;
        let factor = g.multiply(factor, scale)?;
        let y = g.subtract(x, mean)?;
        let y = g.multiply(y, factor)?;
        let y = g.add(y, offset)?;
        let nothing = g.constant(Tensor::zeros(dtype, [0])?)?;
        Ok(vec![y, mean, unbiased, mean, variance, nothing])
    }
}

/// Mean and biased variance of each channel, in two passes.
fn statistics<T: Float>(x: &[T], (outer, channels, inner): (usize, usize, usize), mean: &mut [T], variance: &mut [T]) {
    let n = T::from_f64((outer * inner).max(1) as f64);
    mean.fill(T::ZERO);
    variance.fill(T::ZERO);
    if x.is_empty() {
        return;
    }
    if inner == 1 {
        return batch_norm::moments(x, mean, variance);
    }
    for (i, row) in x.chunks_exact(inner).enumerate() {
        mean[i % channels] += kerox_tensor::kernels::reduce::sum(row);
    }
    mean.iter_mut().for_each(|m| *m = *m / n);
    for (i, row) in x.chunks_exact(inner).enumerate() {
        let m = mean[i % channels];
        variance[i % channels] += row.iter().fold(T::ZERO, |sum, &x| sum + (x - m) * (x - m));
    }
    variance.iter_mut().for_each(|v| *v = *v / n);
}

/// `_BatchNormGrad(dy, x, scale, mean, variance)`: gradients by `x`, `scale` and `offset`.
#[derive(Clone, Copy, Debug)]
pub struct BatchNormGrad(
    /// The normalization.
    pub FusedBatchNorm,
);

impl Op for BatchNormGrad {
    fn name(&self) -> &'static str {
        "_BatchNormGrad"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(5)?;
        let dtype = cx.dtype(0)?;
        let vector = ValueInfo::new(dtype, cx.dims(2)?.clone());
        Ok(vec![ValueInfo::new(dtype, cx.dims(1)?.clone()), vector.clone(), vector])
    }
    fn scratch(&self, inputs: &[&Shape], _: &[&Shape]) -> usize {
        3 * lengths(inputs[1], self.0.channels_first).1
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (outer, channels, inner) = lengths(run.input(1).shape, self.0.channels_first);
        let inputs = run.inputs;
        for_float!(run.dtype(), self.name(), T => {
            let (dy, x, scale) = (inputs[0].slice::<T>()?, inputs[1].slice::<T>()?, inputs[2].slice::<T>()?);
            let (mean, variance) = (inputs[3].slice::<T>()?, inputs[4].slice::<T>()?);
            let [dx, dscale, doffset] = run.outputs else { return Ok(()) };
            let (dx, dscale, doffset) = (dx.slice::<T>()?, dscale.slice::<T>()?, doffset.slice::<T>()?);
            let epsilon = T::from_f64(f64::from(self.0.epsilon));
            dscale.fill(T::ZERO);
            doffset.fill(T::ZERO);
            if x.is_empty() {
                return Ok(());
            }
            let training = self.0.is_training;
            if inner == 1 {
                let room = <T as kerox_tensor::Element>::slice_mut(run.scratch).map_or(&mut [][..], |v| &mut v[..]);
                let statistics = if training { Statistics::Batch } else { Statistics::Constant };
                batch_norm::backward(statistics, x, mean, variance, scale, epsilon, dy, dx, dscale, doffset, room);
                return Ok(());
            }
            let n = T::from_f64((outer * inner) as f64);
            let inverse = |c: usize| T::ONE / (variance[c] + epsilon).sqrt();
            for (i, (dy, x)) in dy.chunks_exact(inner).zip(x.chunks_exact(inner)).enumerate() {
                let c = i % channels;
                for (&dy, &x) in dy.iter().zip(x) {
                    doffset[c] += dy;
                    dscale[c] += dy * (x - mean[c]);
                }
            }
            dscale.iter_mut().enumerate().for_each(|(c, d)| *d *= inverse(c));
            // dx = scale / s (dy - mean(dy) - x^ mean(dy x^)), the means only in training.
            let row = |c: usize, dy: &[T], x: &[T], dx: &mut [T]| {
                let inverse = inverse(c);
                let factor = scale[c] * inverse;
                let (shift, slope) =
                    if training { (doffset[c] / n, dscale[c] / n * inverse) } else { (T::ZERO, T::ZERO) };
                for ((dx, &dy), &x) in dx.iter_mut().zip(dy).zip(x) {
                    *dx = factor * (dy - shift - (x - mean[c]) * slope);
                }
            };
            for (i, ((dx, dy), x)) in
                dx.chunks_exact_mut(inner).zip(dy.chunks_exact(inner)).zip(x.chunks_exact(inner)).enumerate()
            {
                row(i % channels, dy, x, dx);
            }
            Ok(())
        })
    }
}

/// What [`Graph::batch_norm`] gives.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm {
    /// The normalized value.
    pub y: Value,
    /// In training the moving mean after this batch, else the mean that was given.
    pub mean: Value,
    /// In training the moving variance (of the unbiased batch variance) after this batch, else what was given.
    pub variance: Value,
}

impl Graph {
    /// Normalizes each channel (the last axis) by the batch's statistics in training, else by those given, then
    /// scales and shifts.
    ///
    /// # Arguments
    /// `factor`: the weight of the batch in the moving statistics (1 - momentum); 1 gives the batch's.
    ///
    /// # Shapes
    /// `x` is `[batch, ..., channels]`; `scale`, `offset`, `mean` and `variance` are `[channels]`.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where lengths or types do not fit.
    pub fn batch_norm(
        &mut self,
        x: Value,
        [scale, offset, mean, variance]: [Value; 4],
        epsilon: f32,
        factor: f32,
        is_training: bool,
    ) -> Result<BatchNorm> {
        let op = FusedBatchNorm { epsilon, is_training, exponential_avg_factor: factor, channels_first: false };
        let outputs = self.add_op(op, &[x, scale, offset, mean, variance])?;
        Ok(BatchNorm { y: outputs[0], mean: outputs[1], variance: outputs[2] })
    }
}
