//! Numbers, norms, places, and constants by their shape.

use kerox_config_json::Value as Json;
use kerox_graph::ops::{Combine, Function, GatherNd, Scatter, Segment, StringJoin, Where};
use kerox_graph::{Attr, Attrs, Value};
use kerox_tensor::DType;

use super::super::inputs::Inputs;
use super::super::operations::{Build, axis_of, norm_of, rank, sorted_places};
use super::{BY_NAME, given, two, word};
use crate::{Arg, Result};

pub(super) const FUNCTIONS: &[(&str, Build)] = &[
    ("argsort", |i| in_order(i, true)),
    ("boolean_mask", boolean_mask),
    ("clip_by_norm", clip_by_norm),
    ("convert_to_tensor", |i| {
        let x = i.x()?;
        let dtype = i.dtype(1, &["dtype", "dtype_hint"])?.unwrap_or(i.cx.g.dtype(x));
        let x = i.cx.g.cast(x, dtype)?;
        Ok(vec![i.cx.g.identity(x)?])
    }),
    ("ensure_shape", |i| i.x().and_then(|x| Ok(vec![i.cx.g.identity(x)?]))),
    ("fill", |i| {
        let value = given(i, 1, &["value"], None)?;
        filled(i, &["dims"], value)
    }),
    ("gather_nd", gather_nd),
    ("math.accumulate_n", |i| {
        let values = i.list()?;
        Ok(vec![i.cx.g.add_n(&values)?])
    }),
    ("math.count_nonzero", count_nonzero),
    ("math.erfcinv", |i| {
        let x = i.x()?;
        let (half, scale) = (i.cx.g.number(0.5, i.cx.g.dtype(x))?, i.cx.g.number(-0.5f64.sqrt(), i.cx.g.dtype(x))?);
        let share = i.cx.g.multiply(x, half)?;
        let deviate = i.cx.g.unary(Function::Ndtri, share)?;
        Ok(vec![i.cx.g.multiply(deviate, scale)?])
    }),
    ("math.polyval", polyval),
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
    ("math.zero_fraction", zero_fraction),
    ("nn.embedding_lookup", embedding_lookup),
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
    ("sort", |i| in_order(i, false)),
    ("strings.join", join),
    ("strings.reduce_join", reduce_join),
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
    let dtype = i.cx.g.dtype(lengths);
    let most = match i.arg(1, &["maxlen"]) {
        Some(most) => i.value(&most, Some(dtype))?,
        None => {
            let axes = i.cx.g.all_axes(lengths)?;
            i.cx.g.reduce_max(lengths, &axes, false)?
        }
    };
    let most = i.cx.g.cast(most, dtype)?;
    let (zero, one) = (i.cx.g.number(0.0, dtype)?, i.cx.g.number(1.0, dtype)?);
    let places = i.cx.g.range(zero, most, one)?;
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

/// The slices along an axis, or along several, at which a mask holds.
fn boolean_mask(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["tensor"], None)?;
    let mask = given(i, 1, &["mask"], Some(DType::Bool))?;
    let (all, own) = (rank(i, x)?, rank(i, mask)?);
    let axis = axis_of(i, i.int(BY_NAME, &["axis"], 0)?, all)?;
    if own == 0 || axis + own > all {
        return Err(i.wrong(format!("a mask of 1 to {} axes", all - axis), format!("rank {own}")));
    }
    let shape = i.cx.g.shape_of(x)?;
    let (lead, tail) =
        (i.cx.g.slice(shape, &[0], &[axis as i64])?, i.cx.g.slice(shape, &[(axis + own) as i64], &[-1])?);
    let open = i.cx.g.ints(&[-1])?;
    let flat = i.cx.g.concat(&[lead, open, tail], 0)?;
    let x = i.cx.g.reshape_to(x, flat)?;
    let mask = i.cx.g.cast(mask, DType::Bool)?;
    let mask = i.cx.g.reshape(mask, &[-1])?;
    let places = i.cx.g.add_single(Where, &[mask])?;
    let places = i.cx.g.squeeze(places, &[1])?;
    Ok(vec![i.cx.g.gather(x, places, axis as i64)?])
}

/// Rows of a table by their numbers. Of a list of tables, which a constant one becomes in a file, each has the rows behind
/// those of the one before (`div`), or every so many of the rows.
fn embedding_lookup(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let is_list = matches!(i.arg(0, &["params"]), Some(Arg::List(_) | Arg::Const(Json::List(_))));
    let (mut table, ids) = (given(i, 0, &["params"], None)?, given(i, 1, &["ids"], Some(DType::I32))?);
    if is_list {
        if word(i, &["partition_strategy"], "mod")? != "div" {
            let mut perm = i.cx.g.all_axes(table)?;
            perm.swap(0, 1);
            table = i.cx.g.transpose(table, &perm)?;
        }
        let shape = i.cx.g.shape_of(table)?;
        let (open, tail) = (i.cx.g.ints(&[-1])?, i.cx.g.slice(shape, &[2], &[-1])?);
        let shape = i.cx.g.concat(&[open, tail], 0)?;
        table = i.cx.g.reshape_to(table, shape)?;
    }
    if i.float(BY_NAME, &["max_norm"], 0.0)? != 0.0 {
        return Err(i.wrong("no `max_norm`", "one"));
    }
    Ok(vec![i.cx.g.gather(table, ids, 0)?])
}

/// A polynomial whose coefficients are given from the highest power down.
fn polyval(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 1, &["x"], None)?;
    let dtype = i.cx.g.dtype(x);
    let Some(Arg::List(coefficients)) = i.arg(0, &["coeffs"]).map(listed) else {
        return Err(i.wrong("a list of coefficients", "another argument"));
    };
    let mut sum = i.cx.g.zeros_like(x)?;
    for coefficient in &coefficients {
        let coefficient = i.value(coefficient, Some(dtype))?;
        sum = i.cx.g.multiply(sum, x)?;
        sum = i.cx.g.add(sum, coefficient)?;
    }
    Ok(vec![sum])
}

/// A constant list as a list of constants.
fn listed(arg: Arg<Value>) -> Arg<Value> {
    match arg {
        Arg::Const(Json::List(items)) => Arg::List(items.into_iter().map(Arg::Const).collect()),
        other => other,
    }
}

fn join(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let values = i.list()?;
    let separator = word(i, &["separator"], "")?.into_bytes();
    Ok(vec![i.cx.g.add_single(StringJoin { separator }, &values)?])
}

fn reduce_join(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    // All axes, the last changing fastest.
    let axes = match i.ints(1, &["axis"])? {
        Some(axes) => axes,
        None => i.cx.g.all_axes(x)?.into_iter().rev().collect(),
    };
    let axes = i.cx.g.ints(&axes)?;
    let keeps = i.flag(2, &["keepdims", "keep_dims"])?;
    let attrs = Attrs::new("ReduceJoin", "").with("keep_dims", Attr::Bool(keeps));
    let separator = word(i, &["separator"], "")?.into_bytes();
    Ok(i.cx.g.add_built(&attrs.with("separator", Attr::String(separator)), &[x, axes])?)
}
