//! Activations that take arguments, and those made of several operations.

use kerox_graph::ops::{Function, TopK};
use kerox_graph::{Graph, Value};

use crate::{Call, Result};

/// `f(x) = x` from `threshold` up to `max_value`, `negative_slope * (x - threshold)` below, `max_value` above.
///
/// # Errors
/// [`crate::Error::Operation`] where the elements are no floats.
///
/// # Source
/// `keras.activations.relu`, where `negative_slope` was called `alpha`; `keras.layers.ReLU`.
pub fn relu(g: &mut Graph, x: Value, negative_slope: f64, max_value: Option<f64>, threshold: f64) -> Result<Value> {
    relu_of(g, x, (negative_slope, max_value, threshold), false)
}

/// [`relu`], in which Keras 3 takes 0 for what is not above the threshold; Keras 2 multiplies it by 0.
pub(crate) fn relu_of(
    g: &mut Graph,
    x: Value,
    (negative_slope, max_value, threshold): (f64, Option<f64>, f64),
    is_keras3: bool,
) -> Result<Value> {
    if negative_slope == 0.0 && threshold == 0.0 {
        return Ok(match max_value {
            None => g.relu(x)?,
            Some(6.0) => g.relu6(x)?,
            Some(max) => {
                let y = g.relu(x)?;
                at_most(g, y, max)?
            }
        });
    }
    if threshold == 0.0 && max_value.is_none() {
        return Ok(g.leaky_relu(x, negative_slope)?);
    }
    let dtype = g.dtype(x);
    let limit = g.number(threshold, dtype)?;
    // As Keras computes it: what is above the threshold, minus the slope times what is below.
    let mut y = if threshold == 0.0 {
        g.relu(x)?
    } else {
        let above = g.greater(x, limit)?;
        if is_keras3 {
            let zeros = g.zeros_like(x)?;
            g.select(above, x, zeros)?
        } else {
            let above = g.cast(above, dtype)?;
            g.multiply(x, above)?
        }
    };
    if let Some(max) = max_value {
        y = g.clip_by_value(y, 0.0, max)?;
    }
    if negative_slope == 0.0 {
        return Ok(y);
    }
    let below = g.subtract(limit, x)?;
    let below = g.relu(below)?;
    let slope = g.number(negative_slope, dtype)?;
    let below = g.multiply(slope, below)?;
    Ok(g.subtract(y, below)?)
}

fn at_most(g: &mut Graph, x: Value, max: f64) -> Result<Value> {
    let max = g.number(max, g.dtype(x))?;
    Ok(g.minimum(x, max)?)
}

/// Exponentials divided by their sum along an axis. The logits are remembered for the losses.
///
/// # Errors
/// [`crate::Error::Operation`] where there is no such axis.
///
/// # Source
/// `keras.activations.softmax`.
pub fn softmax(cx: &mut Call<'_>, x: Value, axis: i64) -> Result<Value> {
    let y = cx.g.softmax(x, axis)?;
    cx.set_logits(y, x);
    Ok(y)
}

/// `1 / (1 + exp(-x))`; the logits are remembered for the losses.
///
/// # Errors
/// [`crate::Error::Operation`] where the elements are no floats.
///
/// # Source
/// `keras.activations.sigmoid`.
pub fn sigmoid(cx: &mut Call<'_>, x: Value) -> Result<Value> {
    let y = cx.g.sigmoid(x)?;
    cx.set_logits(y, x);
    Ok(y)
}

/// `x`, below 0 `alpha * (exp(x) - 1)`.
///
/// # Errors
/// [`crate::Error::Operation`] where the elements are no floats.
///
/// # Source
/// `keras.activations.elu`.
pub fn elu(g: &mut Graph, x: Value, alpha: f64) -> Result<Value> {
    Ok(g.unary(Function::Elu(alpha), x)?)
}

/// `max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))`.
///
/// # Errors
/// [`crate::Error::Operation`] where the elements are no floats.
///
/// # Source
/// `keras.activations.celu` of Keras 3.
pub fn celu(g: &mut Graph, x: Value, alpha: f64) -> Result<Value> {
    let dtype = g.dtype(x);
    let (alpha, zero) = (g.number(alpha, dtype)?, g.number(0.0, dtype)?);
    let above = g.maximum(x, zero)?;
    let below = g.minimum(x, zero)?;
    let below = g.divide(below, alpha)?;
    let below = g.expm1(below)?;
    let below = g.multiply(alpha, below)?;
    Ok(g.add(above, below)?)
}

/// The first half along an axis times the sigmoid of the second.
///
/// # Errors
/// [`crate::Error::Operation`] where the axis has an odd length.
///
/// # Source
/// `keras.activations.glu` of Keras 3.
pub fn glu(g: &mut Graph, x: Value, axis: i64) -> Result<Value> {
    let halves = g.split(x, 2, axis)?;
    let gate = g.sigmoid(halves[1])?;
    Ok(g.multiply(halves[0], gate)?)
}

/// `x` outside of `-threshold..threshold`, 0 inside.
///
/// # Errors
/// [`crate::Error::Operation`] where the elements are no floats.
///
/// # Source
/// `keras.activations.hard_shrink` of Keras 3.
pub fn hard_shrink(g: &mut Graph, x: Value, threshold: f64) -> Result<Value> {
    let size = g.abs(x)?;
    let limit = g.number(threshold, g.dtype(x))?;
    let is_outside = g.greater(size, limit)?;
    let zero = g.number(0.0, g.dtype(x))?;
    Ok(g.select(is_outside, x, zero)?)
}

/// `x` moved towards 0 by `threshold`, 0 where it would cross it.
///
/// # Errors
/// [`crate::Error::Operation`] where the elements are no floats.
///
/// # Source
/// `keras.activations.soft_shrink` of Keras 3.
pub fn soft_shrink(g: &mut Graph, x: Value, threshold: f64) -> Result<Value> {
    let limit = g.number(threshold, g.dtype(x))?;
    let (less, more, zeros) = (g.subtract(x, limit)?, g.add(x, limit)?, g.zeros_like(x)?);
    let below = g.negate(limit)?;
    let is_below = g.less(x, below)?;
    let y = g.select(is_below, more, zeros)?;
    let is_above = g.greater(x, limit)?;
    Ok(g.select(is_above, less, y)?)
}

/// `x` where it is above `threshold`, `default_value` elsewhere.
///
/// # Errors
/// [`crate::Error::Operation`] where the elements are no floats.
///
/// # Source
/// `keras.activations.threshold` of Keras 3.
pub fn threshold(g: &mut Graph, x: Value, threshold: f64, default_value: f64) -> Result<Value> {
    let limit = g.number(threshold, g.dtype(x))?;
    let is_above = g.greater(x, limit)?;
    let other = g.number(default_value, g.dtype(x))?;
    Ok(g.select(is_above, x, other)?)
}

/// `(x + sqrt(x² + b)) / 2`.
///
/// # Errors
/// [`crate::Error::Operation`] where the elements are no floats.
///
/// # Source
/// `keras.activations.squareplus` of Keras 3.
pub fn squareplus(g: &mut Graph, x: Value, b: f64) -> Result<Value> {
    let (b, half) = (g.number(b, g.dtype(x))?, g.number(0.5, g.dtype(x))?);
    let square = g.square(x)?;
    let root = g.add(square, b)?;
    let root = g.sqrt(root)?;
    let sum = g.add(x, root)?;
    Ok(g.multiply(sum, half)?)
}

/// 0 up to -1, `x` from 1 on, `(x + 1)² / 4` between.
///
/// # Errors
/// [`crate::Error::Operation`] where the elements are no floats.
///
/// # Source
/// `keras.activations.sparse_plus` of Keras 3.
pub fn sparse_plus(g: &mut Graph, x: Value) -> Result<Value> {
    let dtype = g.dtype(x);
    let (one, quarter, minus_one) = (g.number(1.0, dtype)?, g.number(0.25, dtype)?, g.number(-1.0, dtype)?);
    let between = g.add(x, one)?;
    let between = g.square(between)?;
    let between = g.multiply(between, quarter)?;
    let zero = g.number(0.0, dtype)?;
    let (is_low, is_between) = (g.less_equal(x, minus_one)?, g.less(x, one)?);
    let rest = g.select(is_between, between, x)?;
    Ok(g.select(is_low, zero, rest)?)
}

/// 0 up to -1, 1 from 1 on, `(x + 1) / 2` between.
///
/// # Errors
/// [`crate::Error::Operation`] where the elements are no floats.
///
/// # Source
/// `keras.activations.sparse_sigmoid` of Keras 3.
pub fn sparse_sigmoid(g: &mut Graph, x: Value) -> Result<Value> {
    let dtype = g.dtype(x);
    let (one, zero, half) = (g.number(1.0, dtype)?, g.number(0.0, dtype)?, g.number(0.5, dtype)?);
    let minus_one = g.number(-1.0, dtype)?;
    let between = g.add(x, one)?;
    let between = g.multiply(between, half)?;
    let (is_low, is_high) = (g.less_equal(x, minus_one)?, g.greater_equal(x, one)?);
    let rest = g.select(is_high, one, between)?;
    Ok(g.select(is_low, zero, rest)?)
}

/// `relu6(x + 3) / 6`.
///
/// # Errors
/// [`crate::Error::Operation`] where the elements are no floats.
///
/// # Source
/// `keras.activations.hard_sigmoid` of Keras 3; that of Keras 2 is steeper: `clip(0.2 x + 0.5, 0, 1)`.
pub fn keras3_hard_sigmoid(g: &mut Graph, x: Value) -> Result<Value> {
    let dtype = g.dtype(x);
    let (three, sixth) = (g.number(3.0, dtype)?, g.number(1.0 / 6.0, dtype)?);
    let moved = g.add(x, three)?;
    let cut = g.relu6(moved)?;
    Ok(g.multiply(cut, sixth)?)
}

/// `x` cut at -1 and 1.
///
/// # Errors
/// [`crate::Error::Operation`] where the elements are no floats.
///
/// # Source
/// `keras.activations.hard_tanh` of Keras 3.
pub fn hard_tanh(g: &mut Graph, x: Value) -> Result<Value> {
    Ok(g.clip_by_value(x, -1.0, 1.0)?)
}

/// `x - tanh(x)`.
///
/// # Errors
/// [`crate::Error::Operation`] where the elements are no floats.
///
/// # Source
/// `keras.activations.tanh_shrink` of Keras 3.
pub fn tanh_shrink(g: &mut Graph, x: Value) -> Result<Value> {
    let tanh = g.tanh(x)?;
    Ok(g.subtract(x, tanh)?)
}

/// `max(x - tau, 0)` along an axis, `tau` such that values close to the largest stay.
///
/// As Keras has it, `tau` comes of the sums up to each element of the support, not of the elements, so that the result need
/// not sum to 1, as that of the paper does.
///
/// # Errors
/// [`crate::Error::Operation`] where there is no such axis or the number of axes is not known.
///
/// # Source
/// `keras.activations.sparsemax` of Keras 3; Martins and Astudillo, 2016.
pub fn sparsemax(g: &mut Graph, x: Value, axis: i64) -> Result<Value> {
    let rank = g.all_axes(x)?.len() as i64;
    let axis = if axis < 0 { axis + rank } else { axis };
    let is_last = axis == rank - 1;
    let mut perm: Vec<i64> = (0..rank).collect();
    if !is_last {
        if !(0..rank).contains(&axis) {
            return Ok(g.reduce_max(x, &[axis], true)?);
        }
        perm.swap(axis as usize, rank as usize - 1);
    }
    let z = if is_last { x } else { g.transpose(x, &perm)? };
    let dtype = g.dtype(z);
    let shape = g.shape_of(z)?;
    let length = g.slice(shape, &[rank - 1], &[1])?;
    let length = g.reshape(length, &[])?;
    let falling = g.add_op(TopK { sorted: true }, &[z, length])?[0];
    let sums = g.cumsum(falling, -1, false, false)?;
    let places = g.ones_like(falling)?;
    let places = g.cumsum(places, -1, false, false)?;
    let bound = g.multiply(places, falling)?;
    let one = g.number(1.0, dtype)?;
    let bound = g.add(bound, one)?;
    let support = g.greater(bound, sums)?;
    let support = g.cast(support, dtype)?;
    let kept = g.multiply(sums, support)?;
    let total = g.reduce_sum(kept, &[-1], true)?;
    let total = g.subtract(total, one)?;
    let size = g.reduce_sum(support, &[-1], true)?;
    let tau = g.divide(total, size)?;
    let y = g.subtract(z, tau)?;
    let y = g.relu(y)?;
    if is_last { Ok(y) } else { Ok(g.transpose(y, &perm)?) }
}
