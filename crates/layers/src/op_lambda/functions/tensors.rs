//! Numbers, norms, places, and constants by their shape.

use kerox_config_json::Value as Json;
use kerox_graph::Value;
use kerox_graph::ops::{Combine, GatherNd, Scatter, Segment};
use kerox_tensor::{DType, Tensor};

use super::super::inputs::Inputs;
use super::super::operations::{Build, axis_of, length, norm_of, rank, sorted_places};
use super::{BY_NAME, given, two, word};
use crate::Result;

pub(super) const FUNCTIONS: &[(&str, Build)] = &[
    ("argsort", |i| in_order(i, true)),
    ("clip_by_norm", clip_by_norm),
    ("ensure_shape", |i| i.x().and_then(|x| Ok(vec![i.cx.g.identity(x)?]))),
    ("fill", |i| {
        let value = given(i, 1, &["value"], None)?;
        filled(i, &["dims"], value)
    }),
    ("gather_nd", gather_nd),
    ("math.count_nonzero", count_nonzero),
    ("math.multiply_no_nan", multiply_no_nan),
    ("math.reciprocal_no_nan", |i| {
        let x = i.x()?;
        let one = i.cx.g.number(1.0, i.cx.g.dtype(x))?;
        Ok(vec![i.cx.g.div_no_nan(one, x)?])
    }),
    ("math.reduce_euclidean_norm", norm),
    ("math.rint", |i| i.x().and_then(|x| Ok(vec![i.cx.g.round(x)?]))),
    ("math.scalar_mul", |i| {
        let (a, b) = two(i, [&["scalar"], &["x"]])?;
        Ok(vec![i.cx.g.multiply(a, b)?])
    }),
    ("math.unsorted_segment_mean", segment_mean),
    ("math.xdivy", |i| unless_zero(i, |i, x, y| Ok(i.cx.g.divide(x, y)?))),
    ("math.xlogy", |i| {
        unless_zero(i, |i, x, y| {
            let log = i.cx.g.log(y)?;
            Ok(i.cx.g.multiply(x, log)?)
        })
    }),
    ("math.zero_fraction", zero_fraction),
    ("norm", norm),
    ("linalg.norm", norm),
    ("ones", |i| constant(i, 1.0)),
    ("range", range),
    ("rank", |i| {
        let x = i.x()?;
        let rank = rank(i, x)?;
        Ok(vec![i.cx.g.number(rank as f64, DType::I32)?])
    }),
    ("sequence_mask", sequence_mask),
    ("signal.frame", frame),
    ("sort", |i| in_order(i, false)),
    ("tensor_scatter_nd_add", |i| scatter(i, Combine::Add, false)),
    ("tensor_scatter_nd_max", |i| scatter(i, Combine::Max, false)),
    ("tensor_scatter_nd_min", |i| scatter(i, Combine::Min, false)),
    ("tensor_scatter_nd_sub", |i| scatter(i, Combine::Add, true)),
    ("zeros", |i| constant(i, 0.0)),
];

/// The elements of an axis in order, or their places.
fn in_order(i: &mut Inputs<'_, '_>, places: bool) -> Result<Vec<Value>> {
    let x = i.x()?;
    let axis = axis_of(i, i.int(1, &["axis"], -1)?, rank(i, x)?)?;
    let is_down = word(i, &["direction"], "ASCENDING")? == "DESCENDING";
    let given = if is_down { i.cx.g.negate(x)? } else { x };
    let found = sorted_places(i, given, axis, places)?;
    Ok(vec![if is_down && !places { i.cx.g.negate(found)? } else { found }])
}

/// The axes that are given, or all of them.
fn axes(i: &Inputs<'_, '_>, x: Value, names: &[&str]) -> Result<Vec<i64>> {
    match i.ints(BY_NAME, names)? {
        Some(axes) => Ok(axes),
        None => Ok(i.cx.g.all_axes(x)?),
    }
}

fn clip_by_norm(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["t"], None)?;
    let dtype = i.cx.g.dtype(x);
    let most = given(i, 1, &["clip_norm"], Some(dtype))?;
    let axes = axes(i, x, &["axes"])?;
    let square = i.cx.g.square(x)?;
    let sum = i.cx.g.reduce_sum(square, &axes, true)?;
    let (zero, one) = (i.cx.g.number(0.0, dtype)?, i.cx.g.number(1.0, dtype)?);
    let is_some = i.cx.g.greater(sum, zero)?;
    let known = i.cx.g.select(is_some, sum, one)?;
    let root = i.cx.g.sqrt(known)?;
    let norm = i.cx.g.select(is_some, root, sum)?;
    let norm = i.cx.g.maximum(norm, most)?;
    let scaled = i.cx.g.multiply(x, most)?;
    Ok(vec![i.cx.g.divide(scaled, norm)?])
}

fn norm(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let keep = i.flag(BY_NAME, &["keepdims", "keep_dims"])?;
    let order = i.json(1, &["ord"])?.filter(|order| order.as_str() != Some("euclidean")).unwrap_or_default();
    let order = if order.as_str() == Some("fro") { Json::Null } else { order };
    match i.ints(BY_NAME, &["axis"])? {
        Some(axes) => Ok(vec![norm_of(i, x, &order, &axes, keep)?]),
        None if keep => {
            let axes = i.cx.g.all_axes(x)?;
            if !order.is_null() && axes.len() > 1 {
                return Err(i.wrong("an axis", "none, with `keepdims`"));
            }
            Ok(vec![norm_of(i, x, &order, &axes, true)?])
        }
        None => {
            let row = i.cx.g.reshape(x, &[-1])?;
            Ok(vec![norm_of(i, row, &order, &[0], false)?])
        }
    }
}

fn count_nonzero(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let (axes, keep) = (axes(i, x, &["axis"])?, i.flag(BY_NAME, &["keepdims"])?);
    let is = i.cx.g.cast(x, DType::Bool)?;
    let dtype = i.dtype(BY_NAME, &["dtype"])?.unwrap_or(DType::I64);
    let ones = i.cx.g.cast(is, dtype)?;
    Ok(vec![i.cx.g.reduce_sum(ones, &axes, keep)?])
}

/// How many of all elements are 0, as a part.
fn zero_fraction(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let zero = i.cx.g.number(0.0, i.cx.g.dtype(x))?;
    let is_zero = i.cx.g.equal(x, zero)?;
    let ones = i.cx.g.cast(is_zero, DType::F32)?;
    let axes = i.cx.g.all_axes(x)?;
    Ok(vec![i.cx.g.reduce_mean(ones, &axes, false)?])
}

/// The product, 0 where the second is, whatever the first.
fn multiply_no_nan(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (x, y) = two(i, [&["x"], &["y"]])?;
    let zero = i.cx.g.number(0.0, i.cx.g.dtype(x))?;
    let is_zero = i.cx.g.equal(y, zero)?;
    let known = i.cx.g.select(is_zero, zero, x)?;
    Ok(vec![i.cx.g.multiply(known, y)?])
}

/// What is made of two, 0 where the first is.
fn unless_zero(
    i: &mut Inputs<'_, '_>,
    of: fn(&mut Inputs<'_, '_>, Value, Value) -> Result<Value>,
) -> Result<Vec<Value>> {
    let (x, y) = two(i, [&["x"], &["y"]])?;
    let (zero, one) = (i.cx.g.number(0.0, i.cx.g.dtype(x))?, i.cx.g.number(1.0, i.cx.g.dtype(x))?);
    let is_zero = i.cx.g.equal(x, zero)?;
    let known = i.cx.g.select(is_zero, one, y)?;
    let found = of(i, x, known)?;
    Ok(vec![i.cx.g.select(is_zero, zero, found)?])
}

/// A shape: numbers, or a tensor of them.
fn filled(i: &mut Inputs<'_, '_>, names: &[&str], value: Value) -> Result<Vec<Value>> {
    let shape = given(i, 0, names, Some(DType::I32))?;
    Ok(vec![i.cx.g.fill(shape, value)?])
}

fn constant(i: &mut Inputs<'_, '_>, number: f64) -> Result<Vec<Value>> {
    let dtype = i.dtype(1, &["dtype"])?.unwrap_or(DType::F32);
    let value = i.cx.g.number(number, dtype)?;
    filled(i, &["shape"], value)
}

fn range(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let first = given(i, 0, &["start"], Some(DType::I32))?;
    let dtype = i.cx.g.dtype(first);
    let (zero, one) = (i.cx.g.number(0.0, dtype)?, i.cx.g.number(1.0, dtype)?);
    let (start, limit) = match i.arg(1, &["limit"]) {
        Some(limit) => (first, i.value(&limit, Some(dtype))?),
        None => (zero, first),
    };
    let delta = match i.arg(2, &["delta"]) {
        Some(delta) => i.value(&delta, Some(dtype))?,
        None => one,
    };
    let found = i.cx.g.range(start, limit, delta)?;
    let dtype = i.dtype(BY_NAME, &["dtype"])?.unwrap_or(dtype);
    Ok(vec![i.cx.g.cast(found, dtype)?])
}

/// Whether each place is before a length.
fn sequence_mask(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let lengths = given(i, 0, &["lengths"], None)?;
    let most = i.int(1, &["maxlen"], -1)?;
    let most = i32::try_from(most).ok().filter(|most| (0..1 << 24).contains(most));
    let most = most.ok_or_else(|| i.wrong("a constant `maxlen`", "none"))?;
    let places = i.cx.g.constant(Tensor::from_vec((0..most).collect(), [most as usize])?)?;
    let places = i.cx.g.cast(places, i.cx.g.dtype(lengths))?;
    let lengths = i.cx.g.expand_dims(lengths, -1)?;
    let mask = i.cx.g.less(places, lengths)?;
    let dtype = i.dtype(BY_NAME, &["dtype"])?.unwrap_or(DType::Bool);
    Ok(vec![i.cx.g.cast(mask, dtype)?])
}

fn gather_nd(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (x, places) = (given(i, 0, &["params"], None)?, given(i, 1, &["indices"], Some(DType::I32))?);
    if i.int(BY_NAME, &["batch_dims"], 0)? != 0 {
        return Err(i.wrong("`batch_dims` of 0", "another"));
    }
    Ok(vec![i.cx.g.add_single(GatherNd, &[x, places])?])
}

fn scatter(i: &mut Inputs<'_, '_>, combine: Combine, is_negative: bool) -> Result<Vec<Value>> {
    let x = given(i, 0, &["tensor"], None)?;
    let places = given(i, 1, &["indices"], Some(DType::I32))?;
    let mut updates = given(i, 2, &["updates"], Some(i.cx.g.dtype(x)))?;
    if is_negative {
        updates = i.cx.g.negate(updates)?;
    }
    Ok(vec![i.cx.g.add_single(Scatter(combine), &[x, places, updates])?])
}

fn segment_mean(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (x, ids) = (given(i, 0, &["data"], None)?, given(i, 1, &["segment_ids"], Some(DType::I32))?);
    let count = given(i, 2, &["num_segments"], Some(DType::I32))?;
    let ones = i.cx.g.ones_like(x)?;
    let sum = i.cx.g.add_single(Segment(Combine::Add), &[x, ids, count])?;
    let number = i.cx.g.add_single(Segment(Combine::Add), &[ones, ids, count])?;
    let one = i.cx.g.number(1.0, i.cx.g.dtype(x))?;
    let number = i.cx.g.maximum(number, one)?;
    Ok(vec![i.cx.g.divide(sum, number)?])
}

/// Stretches of an axis, side by side.
fn frame(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["signal"], None)?;
    if i.flag(BY_NAME, &["pad_end"])? {
        return Err(i.wrong("`pad_end=False`", "True"));
    }
    let axis = axis_of(i, i.int(BY_NAME, &["axis"], -1)?, rank(i, x)?)?;
    let positive = |i: &Inputs<'_, '_>, at, name: &'static str| -> Result<usize> {
        let number = i.int(at, &[name], 0)?;
        let found = usize::try_from(number).ok().filter(|&n| n > 0);
        found.ok_or_else(|| i.wrong(format!("a positive `{name}`"), number.to_string()))
    };
    let (size, step) = (positive(i, 1, "frame_length")?, positive(i, 2, "frame_step")?);
    let count = length(i, x, axis)?.checked_sub(size).map_or(0, |rest| rest / step + 1);
    let places: Vec<i32> = (0..count * size).map(|at| (at / size * step + at % size) as i32).collect();
    let places = i.cx.g.constant(Tensor::from_vec(places, [count, size])?)?;
    Ok(vec![i.cx.g.gather(x, places, axis as i64)?])
}
