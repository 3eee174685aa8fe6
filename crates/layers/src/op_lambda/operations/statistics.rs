//! Means with weights, middles, differences, and reductions that leave out what is not a number.

use kerox_config_json::Value as Json;
use kerox_graph::ops::Index;
use kerox_graph::{Graph, Value};
use kerox_tensor::{DType, Tensor};

use super::super::inputs::Inputs;
use super::arrangement::{axis_of, length, rank, row, sorted};
use super::reductions::axes;
use super::{Build, IN_CONFIG};
use crate::activations::functions;
use crate::{Arg, Result};

pub(super) const OPERATIONS: &[(&str, Build)] = &[
    ("Average", average),
    ("Diff", diff),
    ("Digitize", |i| places(i, &["bins"], 1, 0, Graph::less_equal)),
    ("Median", |i| {
        let x = i.x_as_float()?;
        quantile(i, x, &[0.5], false)
    }),
    ("Nanmax", |i| without_nan(i, f64::NEG_INFINITY, Graph::reduce_max)),
    ("Nanmean", |i| nan_mean(i, Part::Mean)),
    ("Nanmedian", |i| nan_quantile(i, 0.5)),
    ("Nanmin", |i| without_nan(i, f64::INFINITY, Graph::reduce_min)),
    ("Nanpercentile", |i| nan_quantile_of(i, 0.01)),
    ("Nanprod", |i| without_nan(i, 1.0, Graph::reduce_prod)),
    ("Nanquantile", |i| nan_quantile_of(i, 1.0)),
    ("Nanstd", |i| nan_mean(i, Part::Deviation)),
    ("Nansum", |i| without_nan(i, 0.0, Graph::reduce_sum)),
    ("Nanvar", |i| nan_mean(i, Part::Variance)),
    ("Percentile", |i| quantiles(i, 0.01)),
    ("Ptp", ptp),
    ("Quantile", |i| quantiles(i, 1.0)),
    ("SearchSorted", search_sorted),
    ("Sparsemax", sparsemax),
    ("Trapezoid", trapezoid),
];

type Reduce = fn(&mut Graph, Value, &[i64], bool) -> kerox_graph::Result<Value>;

fn average(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let (axes, _) = axes(i, x)?;
    let weights = i.arg(1, &["weights"]).filter(|arg| !matches!(arg, Arg::Const(Json::Null)));
    let Some(weights) = weights else { return Ok(vec![i.cx.g.reduce_mean(x, &axes, false)?]) };
    let dtype = i.cx.g.dtype(x);
    let weights = i.value(&weights, Some(dtype))?;
    let mut weights = i.cx.g.cast(weights, dtype)?;
    if let (&[axis], 1, count) = (&axes[..], rank(i, weights)?, rank(i, x)?) {
        let mut shape = vec![1; count];
        shape[axis_of(i, axis, count)?] = -1;
        weights = i.cx.g.reshape(weights, &shape)?;
    }
    // A weight for every element.
    let ones = i.cx.g.ones_like(x)?;
    let weights = i.cx.g.multiply(weights, ones)?;
    let product = i.cx.g.multiply(x, weights)?;
    let (sum, total) = (i.cx.g.reduce_sum(product, &axes, false)?, i.cx.g.reduce_sum(weights, &axes, false)?);
    Ok(vec![i.cx.g.divide(sum, total)?])
}

/// The elements of an axis from one place up to another.
fn part(i: &mut Inputs<'_, '_>, x: Value, axis: usize, start: Option<i64>, stop: Option<i64>) -> Result<Value> {
    let mut entries = vec![Index::ALL; axis];
    entries.push(Index::Range(start, stop, 1));
    Ok(i.cx.g.strided_slice(x, &entries)?)
}

fn diff(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let mut x = i.x()?;
    let axis = axis_of(i, i.int(IN_CONFIG, &["axis"], -1)?, rank(i, x)?)?;
    let times = i.int(IN_CONFIG, &["n"], 1)?;
    let limit = length(i, x, axis)? as i64;
    for _ in 0..times.clamp(0, limit) {
        let (later, earlier) = (part(i, x, axis, Some(1), None)?, part(i, x, axis, None, Some(-1))?);
        x = match i.cx.g.dtype(x) {
            DType::Bool => {
                let (later, earlier) = (i.cx.g.cast(later, DType::I32)?, i.cx.g.cast(earlier, DType::I32)?);
                i.cx.g.not_equal(later, earlier)?
            }
            _ => i.cx.g.subtract(later, earlier)?,
        };
    }
    Ok(vec![x])
}

fn trapezoid(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    if i.json(IN_CONFIG, &["x"])?.is_some_and(|x| !x.is_null()) {
        return Err(i.wrong("no `x`", "one"));
    }
    let y = i.x_as_float()?;
    let axis = axis_of(i, i.int(IN_CONFIG, &["axis"], -1)?, rank(i, y)?)?;
    let half = i.float(IN_CONFIG, &["dx"], 1.0)? / 2.0;
    let half = i.cx.g.number(half, i.cx.g.dtype(y))?;
    let (later, earlier) = (part(i, y, axis, Some(1), None)?, part(i, y, axis, None, Some(-1))?);
    let sum = i.cx.g.add(later, earlier)?;
    let sum = i.cx.g.multiply(sum, half)?;
    Ok(vec![i.cx.g.reduce_sum(sum, &[axis as i64], false)?])
}

fn ptp(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let (axes, keep) = axes(i, x)?;
    let (most, least) = (i.cx.g.reduce_max(x, &axes, keep)?, i.cx.g.reduce_min(x, &axes, keep)?);
    Ok(vec![i.cx.g.subtract(most, least)?])
}

/// What a tensor holds where it holds numbers, else a value.
fn numbers(i: &mut Inputs<'_, '_>, x: Value, otherwise: f64) -> Result<(Value, Value)> {
    let is_nan = i.cx.g.is_nan(x)?;
    let otherwise = i.cx.g.fill_like(x, otherwise)?;
    Ok((i.cx.g.select(is_nan, otherwise, x)?, is_nan))
}

fn without_nan(i: &mut Inputs<'_, '_>, neutral: f64, reduce: Reduce) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let (axes, keep) = axes(i, x)?;
    let (known, is_nan) = numbers(i, x, neutral)?;
    let found = reduce(i.cx.g, known, &axes, keep)?;
    if neutral.is_finite() {
        return Ok(vec![found]);
    }
    // Of nothing but `NaN` it is that.
    let all = i.cx.g.reduce_all(is_nan, &axes, keep)?;
    let nan = i.cx.g.fill_like(found, f64::NAN)?;
    Ok(vec![i.cx.g.select(all, nan, found)?])
}

#[derive(PartialEq)]
enum Part {
    Mean,
    Variance,
    Deviation,
}

fn nan_mean(i: &mut Inputs<'_, '_>, which: Part) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let (axes, keep) = axes(i, x)?;
    let (known, is_nan) = numbers(i, x, 0.0)?;
    let is_known = i.cx.g.logical_not(is_nan)?;
    let ones = i.cx.g.cast(is_known, i.cx.g.dtype(x))?;
    let is_last = which == Part::Mean;
    let (sum, count) =
        (i.cx.g.reduce_sum(known, &axes, keep || !is_last)?, i.cx.g.reduce_sum(ones, &axes, keep || !is_last)?);
    let mean = i.cx.g.divide(sum, count)?;
    if is_last {
        return Ok(vec![mean]);
    }
    let apart = i.cx.g.subtract(known, mean)?;
    let apart = i.cx.g.multiply(apart, ones)?;
    let square = i.cx.g.square(apart)?;
    let (sum, count) = (i.cx.g.reduce_sum(square, &axes, keep)?, i.cx.g.reduce_sum(ones, &axes, keep)?);
    let variance = i.cx.g.divide(sum, count)?;
    Ok(vec![if which == Part::Deviation { i.cx.g.sqrt(variance)? } else { variance }])
}

/// The values below which these parts of the elements lie; one of them takes no axis.
fn quantile(i: &mut Inputs<'_, '_>, x: Value, parts: &[f64], many: bool) -> Result<Vec<Value>> {
    if i.ints(IN_CONFIG, &["axis"])?.is_some_and(|axes| axes.len() != 1) {
        return Err(i.wrong("one axis, or none", "several"));
    }
    let keep = i.flag(IN_CONFIG, &["keepdims"])?;
    let given = rank(i, x)?;
    let has_axis = i.ints(IN_CONFIG, &["axis"])?.is_some();
    let (x, axis) = row(i, x)?;
    let count = length(i, x, axis)?;
    let sorted = sorted(i, x, axis)?;
    let dtype = i.cx.g.dtype(sorted);
    let mut found = Vec::new();
    for &part in parts {
        let at = part * (count.saturating_sub(1)) as f64;
        let (low, high) = (at.floor(), at.ceil());
        // Whatever `method` says: Keras forgets it when it runs a model.
        let weight = at - low;
        let weight = i.cx.g.number(weight, dtype)?;
        let mut pick = |at: f64| -> Result<Value> {
            let place = i.cx.g.constant(Tensor::scalar(at as i32))?;
            Ok(i.cx.g.gather(sorted, place, axis as i64)?)
        };
        let (low, high) = (pick(low)?, pick(high)?);
        let apart = i.cx.g.subtract(high, low)?;
        let apart = i.cx.g.multiply(apart, weight)?;
        let mut value = i.cx.g.add(low, apart)?;
        if keep && has_axis {
            value = i.cx.g.expand_dims(value, axis as i64)?;
        } else if keep {
            value = i.cx.g.reshape(value, &vec![1; given])?;
        }
        found.push(value);
    }
    Ok(vec![if many { i.cx.g.stack(&found, 0)? } else { found.swap_remove(0) }])
}

fn quantiles(i: &mut Inputs<'_, '_>, unit: f64) -> Result<Vec<Value>> {
    let q = i.json(1, &["q"])?.unwrap_or_default();
    let list = q.as_list().map_or_else(|| vec![q.clone()], <[Json]>::to_vec);
    let parts: Option<Vec<f64>> = list.iter().map(|part| part.as_f64().map(|part| part * unit)).collect();
    let parts = parts.filter(|parts| !parts.is_empty() && parts.iter().all(|part| (0.0..=1.0).contains(part)));
    let parts = parts.ok_or_else(|| i.wrong("parts of the whole that are constants", q.describe()))?;
    let x = i.x_as_float()?;
    quantile(i, x, &parts, q.as_list().is_some())
}

fn nan_quantile_of(i: &mut Inputs<'_, '_>, unit: f64) -> Result<Vec<Value>> {
    let q = i.json(1, &["q"])?.unwrap_or_default();
    let part = q.as_f64().map(|part| part * unit).filter(|part| (0.0..=1.0).contains(part));
    let part = part.ok_or_else(|| i.wrong("one part of the whole that is a constant", q.describe()))?;
    nan_quantile(i, part)
}

/// The value below which a part of the numbers lies, which are fewer than the elements where some are `NaN`.
fn nan_quantile(i: &mut Inputs<'_, '_>, part: f64) -> Result<Vec<Value>> {
    if i.ints(IN_CONFIG, &["axis"])?.is_some_and(|axes| axes.len() != 1) {
        return Err(i.wrong("one axis, or none", "several"));
    }
    let x = i.x_as_float()?;
    let keep = i.flag(IN_CONFIG, &["keepdims"])? && i.ints(IN_CONFIG, &["axis"])?.is_some();
    let (x, axis) = row(i, x)?;
    let (count, all) = (length(i, x, axis)?, rank(i, x)?);
    let dtype = i.cx.g.dtype(x);
    // What is no number stands last.
    let (known, is_nan) = numbers(i, x, f64::INFINITY)?;
    let sorted = sorted(i, known, axis)?;
    let is_known = i.cx.g.logical_not(is_nan)?;
    let ones = i.cx.g.cast(is_known, dtype)?;
    let found = i.cx.g.reduce_sum(ones, &[axis as i64], true)?;
    let (one, part) = (i.cx.g.number(1.0, dtype)?, i.cx.g.number(part, dtype)?);
    let last = i.cx.g.subtract(found, one)?;
    let at = i.cx.g.multiply(last, part)?;
    let low = i.cx.g.floor(at)?;
    let weight = i.cx.g.subtract(at, low)?;
    let mut shape = vec![1; all];
    shape[axis] = count;
    let places: Vec<f64> = (0..count).map(|place| place as f64).collect();
    let places = i.cx.g.constant(Tensor::from_vec(places, shape)?.cast(dtype)?)?;
    let high = i.cx.g.add(low, one)?;
    let high = i.cx.g.minimum(high, last)?;
    let mut pick = |place: Value| -> Result<Value> {
        let is_there = i.cx.g.equal(places, place)?;
        let zeros = i.cx.g.zeros_like(sorted)?;
        let chosen = i.cx.g.select(is_there, sorted, zeros)?;
        Ok(i.cx.g.reduce_sum(chosen, &[axis as i64], true)?)
    };
    let (first, second) = (pick(low)?, pick(high)?);
    let apart = i.cx.g.subtract(second, first)?;
    let apart = i.cx.g.multiply(apart, weight)?;
    let between = i.cx.g.add(first, apart)?;
    // Of nothing but `NaN` it is that.
    let none = i.cx.g.reduce_all(is_nan, &[axis as i64], true)?;
    let nan = i.cx.g.fill_like(between, f64::NAN)?;
    let between = i.cx.g.select(none, nan, between)?;
    Ok(vec![if keep { between } else { i.cx.g.squeeze(between, &[axis as i64])? }])
}

/// How many elements of a sorted vector stand before each value.
fn places(
    i: &mut Inputs<'_, '_>,
    names: &[&str],
    at: usize,
    values: usize,
    is_before: fn(&mut Graph, Value, Value) -> kerox_graph::Result<Value>,
) -> Result<Vec<Value>> {
    let missing = |i: &Inputs<'_, '_>| i.wrong("a sorted vector and values", "fewer arguments");
    let sequence = i.arg(at, names).ok_or_else(|| missing(i))?;
    let x = i.arg(values, &["x", "values"]).ok_or_else(|| missing(i))?;
    let x = i.value(&x, None)?;
    let sequence = i.value(&sequence, Some(i.cx.g.dtype(x)))?;
    let dtype = super::super::types::common(i.cx.g.dtype(x), i.cx.g.dtype(sequence));
    let (x, sequence) = (i.cx.g.cast(x, dtype)?, i.cx.g.cast(sequence, dtype)?);
    let x = i.cx.g.expand_dims(x, -1)?;
    let before = is_before(i.cx.g, sequence, x)?;
    let before = i.cx.g.cast(before, DType::I32)?;
    Ok(vec![i.cx.g.reduce_sum(before, &[-1], false)?])
}

fn search_sorted(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let side = i.json(IN_CONFIG, &["side"])?;
    let is_right = side.as_ref().and_then(Json::as_str) == Some("right");
    places(i, &["sorted_sequence"], 0, 1, if is_right { Graph::less_equal } else { Graph::less })
}

fn sparsemax(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let axis = i.int(IN_CONFIG, &["axis"], -1)?;
    Ok(vec![functions::sparsemax(i.cx.g, x, axis)?])
}
