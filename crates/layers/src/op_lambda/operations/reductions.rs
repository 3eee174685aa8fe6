//! Sums, extremes and norms along axes.

use kerox_config_json::Value as Json;
use kerox_graph::ops::Cumulative;
use kerox_graph::{Graph, Value};
use kerox_tensor::DType;

use super::super::inputs::Inputs;
use super::elementwise::without_nan_and_infinity;
use super::matrices::matrix_norm;
use super::{Build, IN_CONFIG};
use crate::Result;

pub(super) const OPERATIONS: &[(&str, Build)] = &[
    ("All", |i| truth(i, Graph::reduce_all)),
    ("Any", |i| truth(i, Graph::reduce_any)),
    ("Argmax", |i| arg_extreme(i, true)),
    ("Argmin", |i| arg_extreme(i, false)),
    ("CountNonzero", count_nonzero),
    ("Cumprod", |i| cumulative(i, true)),
    ("Cumsum", |i| cumulative(i, false)),
    ("Logsumexp", log_sum_exp),
    ("Max", |i| extreme(i, true)),
    ("Mean", mean),
    ("Min", |i| extreme(i, false)),
    ("Moments", moments),
    ("Nanargmax", |i| nan_arg_extreme(i, true)),
    ("Nanargmin", |i| nan_arg_extreme(i, false)),
    ("Nancumprod", |i| nan_cumulative(i, true)),
    ("Nancumsum", |i| nan_cumulative(i, false)),
    ("Norm", norm),
    ("Normalize", normalize),
    ("Prod", |i| grown(i, Graph::reduce_prod)),
    ("Std", |i| spread(i, true)),
    ("Sum", |i| grown(i, Graph::reduce_sum)),
    ("Var", |i| spread(i, false)),
];

/// The axes to reduce, all where none are given, and whether they stay with length 1.
pub(super) fn axes(i: &Inputs<'_, '_>, x: Value) -> Result<(Vec<i64>, bool)> {
    let keep = i.flag(IN_CONFIG, &["keepdims"])?;
    Ok(match i.ints(IN_CONFIG, &["axis", "axes"])? {
        Some(axes) => (axes, keep),
        None => (i.cx.g.all_axes(x)?, keep),
    })
}

/// Of truth values along axes.
fn truth(
    i: &mut Inputs<'_, '_>,
    of: fn(&mut Graph, Value, &[i64], bool) -> kerox_graph::Result<Value>,
) -> Result<Vec<Value>> {
    let x = i.x()?;
    let x = i.cx.g.cast(x, DType::Bool)?;
    let (axes, keep) = axes(i, x)?;
    Ok(vec![of(i.cx.g, x, &axes, keep)?])
}

fn arg_extreme(i: &mut Inputs<'_, '_>, most: bool) -> Result<Vec<Value>> {
    let x = i.x()?;
    Ok(vec![place_of_extreme(i, x, most)?])
}

/// As [`arg_extreme`], of numbers alone; -1 where there is none.
fn nan_arg_extreme(i: &mut Inputs<'_, '_>, most: bool) -> Result<Vec<Value>> {
    let x = i.x()?;
    if !i.cx.g.dtype(x).is_float() {
        return Ok(vec![place_of_extreme(i, x, most)?]);
    }
    let is_nan = i.cx.g.is_nan(x)?;
    let beyond = i.cx.g.fill_like(x, if most { f64::NEG_INFINITY } else { f64::INFINITY })?;
    let known = i.cx.g.select(is_nan, beyond, x)?;
    let place = place_of_extreme(i, known, most)?;
    let (axes, keep) = axes(i, x)?;
    let none = i.cx.g.reduce_all(is_nan, &axes, keep)?;
    let nowhere = i.cx.g.number(-1.0, DType::I32)?;
    Ok(vec![i.cx.g.select(none, nowhere, place)?])
}

fn place_of_extreme(i: &mut Inputs<'_, '_>, x: Value, most: bool) -> Result<Value> {
    let x = if i.cx.g.dtype(x) == DType::Bool { i.cx.g.cast(x, DType::I32)? } else { x };
    let keep = i.flag(IN_CONFIG, &["keepdims"])?;
    let axis = i.ints(IN_CONFIG, &["axis"])?.and_then(|axes| axes.first().copied());
    let (row, at) = match axis {
        Some(axis) => (x, axis),
        None => (i.cx.g.reshape(x, &[-1])?, 0),
    };
    let found = if most { i.cx.g.argmax(row, at)? } else { i.cx.g.argmin(row, at)? };
    let found = i.cx.g.cast(found, DType::I32)?;
    Ok(match (keep, axis, i.cx.g.dims(x).rank()) {
        (false, ..) => found,
        (true, Some(axis), Some(rank)) => {
            let axis = if axis < 0 { axis + rank as i64 } else { axis };
            i.cx.g.expand_dims(found, axis)?
        }
        (true, None, Some(rank)) => i.cx.g.reshape(found, &vec![1; rank])?,
        (true, _, None) => return Err(i.wrong("a known rank", "an unknown one")),
    })
}

fn count_nonzero(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let (axes, keep) = axes(i, x)?;
    let is = i.cx.g.cast(x, DType::Bool)?;
    let ones = i.cx.g.cast(is, DType::I32)?;
    Ok(vec![i.cx.g.reduce_sum(ones, &axes, keep)?])
}

fn cumulative(i: &mut Inputs<'_, '_>, product: bool) -> Result<Vec<Value>> {
    let x = i.x()?;
    accumulated(i, x, product)
}

/// As [`cumulative`], with what is not a number left out.
fn nan_cumulative(i: &mut Inputs<'_, '_>, product: bool) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let x = without_nan_and_infinity(i, x, if product { 1.0 } else { 0.0 })?;
    accumulated(i, x, product)
}

fn accumulated(i: &mut Inputs<'_, '_>, mut x: Value, product: bool) -> Result<Vec<Value>> {
    let dtype = i.dtype(IN_CONFIG, &["dtype"])?;
    let dtype = dtype.unwrap_or(if i.cx.g.dtype(x) == DType::Bool { DType::I32 } else { i.cx.g.dtype(x) });
    x = i.cx.g.cast(x, dtype)?;
    let axis = match i.ints(IN_CONFIG, &["axis"])?.and_then(|axes| axes.first().copied()) {
        Some(axis) => axis,
        None => {
            x = i.cx.g.reshape(x, &[-1])?;
            0
        }
    };
    if !product {
        return Ok(vec![i.cx.g.cumsum(x, axis, false, false)?]);
    }
    let axis = i.cx.g.constant(kerox_tensor::Tensor::scalar(axis as i32))?;
    Ok(vec![i.cx.g.add_single(Cumulative { product, exclusive: false, reverse: false }, &[x, axis])?])
}

fn log_sum_exp(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let (axes, keep) = axes(i, x)?;
    let most = i.cx.g.reduce_max(x, &axes, true)?;
    let most = i.cx.g.stop_gradient(most)?;
    // Rows of infinities keep them.
    let (is_finite, zeros) = (i.cx.g.is_finite(most)?, i.cx.g.zeros_like(most)?);
    let most = i.cx.g.select(is_finite, most, zeros)?;
    let apart = i.cx.g.subtract(x, most)?;
    let apart = i.cx.g.exp(apart)?;
    let sum = i.cx.g.reduce_sum(apart, &axes, true)?;
    let log = i.cx.g.log(sum)?;
    let log = i.cx.g.add(log, most)?;
    Ok(vec![if keep { log } else { i.cx.g.squeeze(log, &axes)? }])
}

fn extreme(i: &mut Inputs<'_, '_>, most: bool) -> Result<Vec<Value>> {
    let x = i.x()?;
    let (axes, keep) = axes(i, x)?;
    if i.cx.g.dtype(x) == DType::Bool && i.json(IN_CONFIG, &["initial"])?.is_none_or(|initial| initial.is_null()) {
        let found = if most { i.cx.g.reduce_any(x, &axes, keep)? } else { i.cx.g.reduce_all(x, &axes, keep)? };
        return Ok(vec![found]);
    }
    let found = if most { i.cx.g.reduce_max(x, &axes, keep)? } else { i.cx.g.reduce_min(x, &axes, keep)? };
    let Some(initial) = i.json(IN_CONFIG, &["initial"])?.filter(|initial| !initial.is_null()) else {
        return Ok(vec![found]);
    };
    let initial = initial.as_f64().ok_or_else(|| i.wrong("a number for `initial`", initial.describe()))?;
    let initial = i.cx.g.number(initial, i.cx.g.dtype(x))?;
    Ok(vec![if most { i.cx.g.maximum(found, initial)? } else { i.cx.g.minimum(found, initial)? }])
}

fn mean(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let (axes, keep) = axes(i, x)?;
    Ok(vec![i.cx.g.reduce_mean(x, &axes, keep)?])
}

/// A reduction of which small whole numbers grow.
fn grown(
    i: &mut Inputs<'_, '_>,
    reduce: fn(&mut Graph, Value, &[i64], bool) -> kerox_graph::Result<Value>,
) -> Result<Vec<Value>> {
    let x = i.x()?;
    let dtype = match i.cx.g.dtype(x) {
        DType::Bool | DType::I8 | DType::I16 => DType::I32,
        DType::U8 | DType::U16 => DType::U32,
        dtype => dtype,
    };
    let dtype = i.dtype(IN_CONFIG, &["dtype"])?.unwrap_or(dtype);
    let x = i.cx.g.cast(x, dtype)?;
    let (axes, keep) = axes(i, x)?;
    Ok(vec![reduce(i.cx.g, x, &axes, keep)?])
}

fn variance(i: &mut Inputs<'_, '_>, x: Value, axes: &[i64], keep: bool) -> Result<Value> {
    let mean = i.cx.g.reduce_mean(x, axes, true)?;
    let square = i.cx.g.squared_difference(x, mean)?;
    Ok(i.cx.g.reduce_mean(square, axes, keep)?)
}

fn spread(i: &mut Inputs<'_, '_>, root: bool) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let (axes, keep) = axes(i, x)?;
    let variance = variance(i, x, &axes, keep)?;
    Ok(vec![if root { i.cx.g.sqrt(variance)? } else { variance }])
}

fn moments(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let (axes, keep) = axes(i, x)?;
    let mean = i.cx.g.reduce_mean(x, &axes, keep)?;
    Ok(vec![mean, variance(i, x, &axes, keep)?])
}

/// The norm of vectors along axes, or of matrices in two.
pub(in super::super) fn norm_of(
    i: &mut Inputs<'_, '_>,
    x: Value,
    order: &Json,
    axes: &[i64],
    keep: bool,
) -> Result<Value> {
    let order_of_vectors = match (order.as_f64(), order.as_str()) {
        (Some(order), _) => Some(order),
        (_, Some("inf")) => Some(f64::INFINITY),
        (_, Some("-inf")) => Some(f64::NEG_INFINITY),
        _ => None,
    };
    let is_euclidean = order.is_null() || order.as_str() == Some("fro") && axes.len() == 2;
    if is_euclidean || axes.len() == 1 && order_of_vectors == Some(2.0) {
        let square = i.cx.g.square(x)?;
        let sum = i.cx.g.reduce_sum(square, axes, keep)?;
        return Ok(i.cx.g.sqrt(sum)?);
    }
    if let Some(found) = matrix_norm(i, x, order, axes, keep)? {
        return Ok(found);
    }
    let Some(power) = order_of_vectors.filter(|_| axes.len() == 1) else {
        return Err(i.wrong("an order of norms of vectors or matrices", order.describe()));
    };
    let dtype = i.cx.g.dtype(x);
    let size = i.cx.g.abs(x)?;
    Ok(match power {
        f64::INFINITY => i.cx.g.reduce_max(size, axes, keep)?,
        f64::NEG_INFINITY => i.cx.g.reduce_min(size, axes, keep)?,
        0.0 => {
            let zero = i.cx.g.number(0.0, dtype)?;
            let is = i.cx.g.not_equal(x, zero)?;
            let ones = i.cx.g.cast(is, dtype)?;
            i.cx.g.reduce_sum(ones, axes, keep)?
        }
        1.0 => i.cx.g.reduce_sum(size, axes, keep)?,
        power => {
            let (raised, root) = (i.cx.g.number(power, dtype)?, i.cx.g.number(1.0 / power, dtype)?);
            let powers = i.cx.g.pow(size, raised)?;
            let sum = i.cx.g.reduce_sum(powers, axes, keep)?;
            i.cx.g.pow(sum, root)?
        }
    })
}

fn norm(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let (axes, keep) = axes(i, x)?;
    let order = i.json(IN_CONFIG, &["ord"])?.unwrap_or(Json::Null);
    Ok(vec![norm_of(i, x, &order, &axes, keep)?])
}

fn normalize(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let axes = i.ints(IN_CONFIG, &["axis"])?.unwrap_or_else(|| vec![-1]);
    let order = i.json(IN_CONFIG, &["order"])?.unwrap_or(Json::Int(2));
    let epsilon = i.float(IN_CONFIG, &["epsilon"], 1e-7)?;
    let norm = norm_of(i, x, &order, &axes, true)?;
    let least = i.cx.g.number(epsilon, i.cx.g.dtype(x))?;
    let norm = i.cx.g.maximum(norm, least)?;
    Ok(vec![i.cx.g.divide(x, norm)?])
}
