//! A random rectangle in each image, shared by erasing and cut-mix.

use kerox_graph::{Generator, Value};
use kerox_tensor::DType;

use super::pixels::{counting, length, uniform};
use crate::{Call, Result};

/// For each pixel whether it lies in a rectangle with sides of these parts (`[batch, 1, 1, 1]`) of the image's width
/// and height at a random place, `[batch, height, width, 1]`.
pub(super) fn rectangle(
    cx: &mut Call<'_>,
    x: Value,
    generator: &Generator,
    width: Value,
    height: Value,
) -> Result<Value> {
    let dtype = cx.g.dtype(x);
    let mut inside = Vec::with_capacity(2);
    for (part, axis) in [(width, 2), (height, 1)] {
        let whole = length(cx, x, axis, dtype)?;
        let side = cx.g.multiply(part, whole)?;
        let spare = cx.g.subtract(whole, side)?;
        let start = uniform(cx, x, generator, (0.0, 1.0))?;
        let start = cx.g.multiply(start, spare)?;
        let end = cx.g.add(start, side)?;
        let limit = cx.g.cast(whole, DType::I32)?;
        let at = counting(cx, limit)?;
        let at = cx.g.cast(at, dtype)?;
        let at = cx.g.reshape(at, if axis == 2 { &[1, 1, -1, 1] } else { &[1, -1, 1, 1] })?;
        let is_after = cx.g.greater_equal(at, start)?;
        let is_before = cx.g.less(at, end)?;
        inside.push(cx.g.logical_and(is_after, is_before)?);
    }
    Ok(cx.g.logical_and(inside[0], inside[1])?)
}
