//! Masks of attention: which query may look at which key; and what is dropped of the weights.

use kerox_graph::{Generator, Value};
use kerox_tensor::{DType, Tensor};

use crate::arguments::check_rate;
use crate::{Base, Call, Result};

/// A mask as bools.
pub(super) fn to_bool(cx: &mut Call<'_>, mask: Value) -> Result<Value> {
    if cx.g.dtype(mask) == DType::Bool {
        return Ok(mask);
    }
    let zero = cx.g.zeros_like(mask)?;
    Ok(cx.g.not_equal(mask, zero)?)
}

/// Both masks where there are two.
pub(super) fn both(cx: &mut Call<'_>, a: Option<Value>, b: Option<Value>) -> Result<Option<Value>> {
    match (a, b) {
        (Some(a), Some(b)) => Ok(Some(cx.g.logical_and(a, b)?)),
        (a, b) => Ok(a.or(b)),
    }
}

/// `[1, queries, keys]`, true where the key is not behind the query; the lengths are those of the given axes.
pub(super) fn causal(cx: &mut Call<'_>, query: (Value, usize), key: (Value, usize)) -> Result<Value> {
    let (rows, columns) = rows_columns(cx, query, key)?;
    let mask = cx.g.greater_equal(rows, columns)?;
    Ok(cx.g.expand_dims(mask, 0)?)
}

/// `[1, queries, keys]`, true where the key is fewer than `steps` steps away from the query.
pub(super) fn near(cx: &mut Call<'_>, query: (Value, usize), key: (Value, usize), steps: usize) -> Result<Value> {
    let (rows, columns) = rows_columns(cx, query, key)?;
    let distance = cx.g.subtract(rows, columns)?;
    let distance = cx.g.abs(distance)?;
    let steps = cx.g.constant(Tensor::from_vec(vec![i32::try_from(steps).unwrap_or(i32::MAX)], [])?)?;
    let mask = cx.g.less(distance, steps)?;
    Ok(cx.g.expand_dims(mask, 0)?)
}

/// Positions of queries `[queries, 1]` and of keys `[keys]`.
fn rows_columns(
    cx: &mut Call<'_>,
    (query, query_axis): (Value, usize),
    (key, key_axis): (Value, usize),
) -> Result<(Value, Value)> {
    let rows = positions(cx, query, query_axis)?;
    let columns = positions(cx, key, key_axis)?;
    Ok((cx.g.expand_dims(rows, -1)?, columns))
}

/// `0, 1, ...` up to the length of an axis.
fn positions(cx: &mut Call<'_>, x: Value, axis: usize) -> Result<Value> {
    let length = cx.g.dims(x).axes().and_then(|axes| axes.get(axis).copied()).flatten();
    if let Some(n) = length.and_then(|n| i32::try_from(n).ok()) {
        return Ok(cx.g.constant(Tensor::from_vec((0..n).collect(), [n as usize])?)?);
    }
    let shape = cx.g.shape_of(x)?;
    let length = cx.g.slice(shape, &[axis as i64], &[1])?;
    let length = cx.g.reshape(length, &[])?;
    let (zero, one) = (cx.g.number(0.0, DType::I32)?, cx.g.number(1.0, DType::I32)?);
    Ok(cx.g.range(zero, length, one)?)
}

/// Weights of which that fraction is dropped in training: all at 1, as in Keras 3, none where it is below 0 or no number.
///
/// # Errors
/// [`crate::Error::Argument`] where it is above 1.
pub(super) fn dropped(
    cx: &mut Call<'_>,
    base: &Base,
    weights: Value,
    rate: f64,
    generator: &Generator,
) -> Result<Value> {
    if !cx.training || rate.is_nan() || rate <= 0.0 {
        return Ok(weights);
    }
    if rate == 1.0 {
        return Ok(cx.g.zeros_like(weights)?);
    }
    check_rate(base, "dropout", rate)?;
    Ok(cx.g.dropout(weights, rate, None, generator)?)
}

/// Scores with those of masked keys moved far down.
pub(super) fn apply(cx: &mut Call<'_>, scores: Value, mask: Value) -> Result<Value> {
    let dtype = cx.g.dtype(scores);
    let low = cx.g.number(if dtype == DType::F16 { -65504.0 } else { -1e9 }, dtype)?;
    let hidden = cx.g.logical_not(mask)?;
    let hidden = cx.g.cast(hidden, dtype)?;
    let shift = cx.g.multiply(hidden, low)?;
    Ok(cx.g.add(scores, shift)?)
}
