//! Smoothing by a gaussian whose width is known only when it runs.

use kerox_graph::Value;
use kerox_graph::ops::Padding;
use kerox_tensor::Tensor;

use super::pixels::wrong_images;
use crate::{Call, Result};

/// The gaussian over `size` elements with this standard deviation, a scalar; the sum is 1. Elements further from the
/// middle than `radius` (a scalar) are left out.
pub(crate) fn gaussian(cx: &mut Call<'_>, size: usize, sigma: Value, radius: Option<Value>) -> Result<Value> {
    let dtype = cx.g.dtype(sigma);
    let middle = (size as f64 - 1.0) / 2.0;
    let places: Vec<f64> = (0..size).map(|i| i as f64 - middle).collect();
    let places = cx.g.constant(Tensor::from_vec(places, [size])?)?;
    let places = cx.g.cast(places, dtype)?;
    let ratio = cx.g.divide(places, sigma)?;
    let square = cx.g.square(ratio)?;
    let half = cx.g.number(-0.5, dtype)?;
    let exponent = cx.g.multiply(square, half)?;
    let mut weights = cx.g.exp(exponent)?;
    if let Some(radius) = radius {
        let distance = cx.g.abs(places)?;
        let is_near = cx.g.less_equal(distance, radius)?;
        let zero = cx.g.number(0.0, dtype)?;
        weights = cx.g.select(is_near, weights, zero)?;
    }
    let sum = cx.g.reduce_sum(weights, &[0], true)?;
    Ok(cx.g.divide(weights, sum)?)
}

/// Each channel convolved with the product of two vectors, the first along the width. Both axes together have the
/// kernel's `[height, width]` elements.
pub(super) fn smooth(
    cx: &mut Call<'_>,
    class: &str,
    x: Value,
    [height, width]: [usize; 2],
    along: [Value; 2],
) -> Result<Value> {
    let Some(channels) = cx.g.dims(x).axes().and_then(|axes| axes.get(3).copied().flatten()) else {
        return Err(wrong_images(class, "images of known channels", format!("shape {}", cx.g.dims(x))));
    };
    let row = cx.g.reshape(along[0], &[1, -1])?;
    let column = cx.g.reshape(along[1], &[-1, 1])?;
    let kernel = cx.g.multiply(column, row)?;
    let kernel = cx.g.reshape(kernel, &[height as i64, width as i64, 1, 1])?;
    let kernel = cx.g.tile(kernel, &[1, 1, channels as i64, 1])?;
    Ok(cx.g.depthwise_conv(x, kernel, &[1, 1], Padding::Same, &[1, 1])?)
}
