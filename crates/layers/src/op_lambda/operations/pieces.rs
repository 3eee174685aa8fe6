//! What cuts tensors into parts, lays them side by side and builds them from diagonals and grids.

use kerox_config_json::Value as Json;
use kerox_graph::Value;
use kerox_graph::ops::GatherNd;
use kerox_tensor::{DType, Tensor};

use super::super::inputs::Inputs;
use super::super::types::common;
use super::arrangement::{axis_of, length, rank, split_at};
use super::{Build, IN_CONFIG};
use crate::einsum::{Length, reshape_to_lengths};
use crate::{Arg, Result};

pub(super) const OPERATIONS: &[(&str, Build)] = &[
    ("ArraySplit", array_split),
    ("Diag", diag),
    ("Diagflat", diagflat),
    ("Diagonal", diagonal),
    ("Dsplit", |i| split_along(i, 2)),
    ("Dstack", dstack),
    ("Full", full),
    ("Geomspace", |i| spaced(i, Spacing::Geometric)),
    ("Hsplit", |i| split_along(i, 1)),
    ("Kron", kron),
    ("Linspace", |i| spaced(i, Spacing::Even)),
    ("Logspace", |i| spaced(i, Spacing::Powers)),
    ("Meshgrid", meshgrid),
    ("Rot90", rot90),
    ("Select", select),
    ("Trace", trace),
    ("UnravelIndex", unravel_index),
    ("Vander", vander),
    ("Vsplit", |i| split_along(i, 0)),
];

/// A whole number of the configuration that may be missing.
fn whole(i: &Inputs<'_, '_>, name: &'static str) -> Result<Option<i64>> {
    Ok(i.ints(IN_CONFIG, &[name])?.and_then(|numbers| numbers.first().copied()))
}

/// Parts of one length, the first of them longer by one where the axis is.
fn array_split(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let axis = axis_of(i, i.int(IN_CONFIG, &["axis"], 0)?, rank(i, x)?)?;
    if matches!(i.json(IN_CONFIG, &["indices_or_sections"])?, Some(Json::List(_))) {
        return split_at(i, x, axis as i64, IN_CONFIG);
    }
    let parts = i.int(IN_CONFIG, &["indices_or_sections"], 1)?;
    let length = length(i, x, axis)? as i64;
    if !(1..=length.max(1)).contains(&parts) {
        return Err(i.wrong(format!("from 1 to {length} parts"), parts.to_string()));
    }
    let sizes: Vec<i64> = (0..parts).map(|part| length / parts + i64::from(part < length % parts)).collect();
    Ok(i.cx.g.split_sizes(x, &sizes, axis as i64)?)
}

/// Parts along an axis; a vector has one alone.
fn split_along(i: &mut Inputs<'_, '_>, axis: i64) -> Result<Vec<Value>> {
    let x = i.x()?;
    let axis = if axis == 1 && rank(i, x)? == 1 { 0 } else { axis };
    split_at(i, x, axis, IN_CONFIG)
}

fn dstack(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let values = i.list()?;
    let mut deep = Vec::with_capacity(values.len());
    for value in values {
        deep.push(match rank(i, value)? {
            0 | 1 => i.cx.g.reshape(value, &[1, -1, 1])?,
            2 => i.cx.g.expand_dims(value, 2)?,
            _ => value,
        });
    }
    Ok(vec![i.cx.g.concat(&deep, 2)?])
}

fn full(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let value = i.arg(0, &["fill_value"]).ok_or_else(|| i.wrong("argument `fill_value`", "none"))?;
    let dtype = i.dtype(IN_CONFIG, &["dtype"])?.unwrap_or(DType::F32);
    let value = i.value(&value, Some(dtype))?;
    let value = i.cx.g.cast(value, dtype)?;
    let shape = i.ints(IN_CONFIG, &["shape"])?.unwrap_or_default();
    let shape = i.cx.g.ints(&shape)?;
    Ok(vec![i.cx.g.broadcast_to(value, shape)?])
}

enum Spacing {
    /// The same distance.
    Even,
    /// The powers of a base with exponents of the same distance.
    Powers,
    /// The same ratio.
    Geometric,
}

/// Numbers from one to another along a new axis.
fn spaced(i: &mut Inputs<'_, '_>, spacing: Spacing) -> Result<Vec<Value>> {
    let (start, stop) = match (i.arg(0, &["start"]), i.arg(1, &["stop"])) {
        (Some(start), Some(stop)) => i.meet(&start, &stop)?,
        _ => return Err(i.wrong("arguments `start` and `stop`", "fewer")),
    };
    let found = if i.cx.g.dtype(start).is_float() { i.cx.g.dtype(start) } else { DType::F32 };
    let dtype = i.dtype(IN_CONFIG, &["dtype"])?.unwrap_or(found);
    if !dtype.is_float() {
        return Err(i.wrong("a type of floating-point numbers", dtype.to_string()));
    }
    let (start, stop) = (i.cx.g.cast(start, dtype)?, i.cx.g.cast(stop, dtype)?);
    let (first, last, sign) = match spacing {
        Spacing::Geometric => {
            let (a, b) = (i.cx.g.abs(start)?, i.cx.g.abs(stop)?);
            (i.cx.g.log(a)?, i.cx.g.log(b)?, Some(i.cx.g.sign(start)?))
        }
        _ => (start, stop, None),
    };
    let count = i.int(IN_CONFIG, &["num"], 50)?;
    let count = usize::try_from(count).map_err(|_| i.wrong("a number of values", count.to_string()))?;
    let is_open = i.json(IN_CONFIG, &["endpoint"])?.is_some_and(|endpoint| endpoint.as_bool() == Some(false));
    let steps = if is_open { count } else { count.saturating_sub(1) };
    let apart = i.cx.g.subtract(last, first)?;
    let all = rank(i, apart)? + 1;
    let axis = axis_of(i, i.int(IN_CONFIG, &["axis"], 0)?, all)?;
    let parts: Vec<f64> = (0..count).map(|at| at as f64 / steps.max(1) as f64).collect();
    let mut shape = vec![1; all];
    shape[axis] = count;
    let parts = i.cx.g.constant(Tensor::from_vec(parts, shape)?.cast(dtype)?)?;
    let (wide, first) = (i.cx.g.expand_dims(apart, axis as i64)?, i.cx.g.expand_dims(first, axis as i64)?);
    let moved = i.cx.g.multiply(wide, parts)?;
    let even = i.cx.g.add(first, moved)?;
    Ok(match (spacing, sign) {
        (Spacing::Powers, _) => {
            let base = i.cx.g.number(i.float(IN_CONFIG, &["base"], 10.0)?, dtype)?;
            vec![i.cx.g.pow(base, even)?]
        }
        (_, Some(sign)) => {
            let size = i.cx.g.exp(even)?;
            let sign = i.cx.g.expand_dims(sign, axis as i64)?;
            vec![i.cx.g.multiply(size, sign)?]
        }
        _ if i.flag(IN_CONFIG, &["retstep"])? => {
            let steps = if steps == 0 { f64::NAN } else { steps as f64 };
            let steps = i.cx.g.number(steps, dtype)?;
            vec![even, i.cx.g.divide(apart, steps)?]
        }
        _ => vec![even],
    })
}

/// Each vector along an axis of its own, repeated along the others.
fn meshgrid(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let vectors: Vec<Arg<Value>> = i.args.args.clone();
    let mut rows = Vec::with_capacity(vectors.len());
    for vector in &vectors {
        let vector = i.value(vector, None)?;
        rows.push(i.cx.g.reshape(vector, &[-1])?);
    }
    let indexing = i.json(IN_CONFIG, &["indexing"])?;
    let is_swapped = rows.len() > 1 && indexing.as_ref().and_then(Json::as_str) != Some("ij");
    let place = |at: usize| if is_swapped && at < 2 { 1 - at } else { at };
    let mut lengths = Vec::with_capacity(rows.len());
    for at in 0..rows.len() {
        lengths.push(i.cx.g.shape_of(rows[place(at)])?);
    }
    let shape = i.cx.g.concat(&lengths, 0)?;
    let mut grids = Vec::with_capacity(rows.len());
    for (at, &row) in rows.iter().enumerate() {
        let mut axes = vec![1; rows.len()];
        axes[place(at)] = -1;
        let row = i.cx.g.reshape(row, &axes)?;
        grids.push(i.cx.g.broadcast_to(row, shape)?);
    }
    Ok(grids)
}

/// Turned by quarters in the plane of two axes.
fn rot90(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.arg(0, &["array"]).ok_or_else(|| i.wrong("a tensor", "none"))?;
    let x = i.value(&x, None)?;
    let all = rank(i, x)?;
    let axes = i.ints(IN_CONFIG, &["axes"])?.unwrap_or_else(|| vec![0, 1]);
    let &[a, b] = &axes[..] else { return Err(i.wrong("two axes", format!("{axes:?}"))) };
    let (a, b) = (axis_of(i, a, all)?, axis_of(i, b, all)?);
    let mut perm: Vec<i64> = (0..all as i64).collect();
    perm.swap(a, b);
    Ok(vec![match i.int(IN_CONFIG, &["k"], 1)?.rem_euclid(4) {
        0 => i.cx.g.identity(x)?,
        1 => {
            let flipped = i.cx.g.reverse(x, &[b as i64])?;
            i.cx.g.transpose(flipped, &perm)?
        }
        2 => turned_twice(i, x, (a, b))?,
        _ => {
            let turned = i.cx.g.transpose(x, &perm)?;
            i.cx.g.reverse(turned, &[b as i64])?
        }
    }])
}

/// Turned by two quarters as Keras 3.15 does on TensorFlow: between the two, the plane is read in its old shape, which for
/// planes that are not square moves elements elsewhere.
fn turned_twice(i: &mut Inputs<'_, '_>, x: Value, (a, b): (usize, usize)) -> Result<Value> {
    let all = rank(i, x)?;
    let order: Vec<usize> = (0..all).filter(|&axis| axis != a && axis != b).chain([a, b]).collect();
    let perm: Vec<i64> = order.iter().map(|&axis| axis as i64).collect();
    let mut last: Vec<i64> = (0..all as i64).collect();
    last.swap(all - 1, all - 2);
    let mut planes = i.cx.g.transpose(x, &perm)?;
    let shape: Vec<Vec<Length>> = Length::all(i.cx.g, planes).into_iter().map(|length| vec![length]).collect();
    for _ in 0..2 {
        planes = i.cx.g.reverse(planes, &[-1])?;
        planes = i.cx.g.transpose(planes, &last)?;
        planes = reshape_to_lengths(i.cx.g, planes, &shape)?;
    }
    let back: Vec<i64> =
        (0..all).filter_map(|axis| order.iter().position(|&at| at == axis)).map(|at| at as i64).collect();
    Ok(i.cx.g.transpose(planes, &back)?)
}

/// Of the first condition that holds the choice, where none does the default.
fn select(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let list = |arg: Option<Arg<Value>>| match arg {
        Some(Arg::List(items)) => Some(items),
        _ => None,
    };
    let (conditions, choices) = (list(i.arg(0, &["condlist"])), list(i.arg(1, &["choicelist"])));
    let (Some(conditions), Some(choices)) = (conditions, choices) else {
        return Err(i.wrong("lists of conditions and choices", "others"));
    };
    if conditions.len() != choices.len() || choices.is_empty() {
        return Err(i.wrong(format!("{} choices", conditions.len()), choices.len().to_string()));
    }
    let otherwise = i.arg(2, &["default"]).unwrap_or(Arg::Const(Json::Int(0)));
    let mut values = Vec::with_capacity(choices.len());
    for choice in &choices {
        let (choice, _) = i.meet(choice, &otherwise)?;
        values.push(choice);
    }
    let dtype = values.iter().map(|&value| i.cx.g.dtype(value)).reduce(common).unwrap_or(DType::F32);
    let otherwise = i.value(&otherwise, Some(dtype))?;
    let mut found = i.cx.g.cast(otherwise, dtype)?;
    for (condition, &choice) in conditions.iter().zip(&values).rev() {
        let condition = i.value(condition, Some(DType::Bool))?;
        let condition = i.cx.g.cast(condition, DType::Bool)?;
        let choice = i.cx.g.cast(choice, dtype)?;
        found = i.cx.g.select(condition, choice, found)?;
    }
    Ok(vec![found])
}

/// The elements on a diagonal of the plane of two axes, along a new last axis.
pub(in super::super) fn on_diagonal(
    i: &mut Inputs<'_, '_>,
    x: Value,
    offset: i64,
    planes: [usize; 2],
) -> Result<Value> {
    let all = rank(i, x)?;
    let [a, b] = planes;
    if a == b {
        return Err(i.wrong("two different axes", format!("{a} twice")));
    }
    let (rows, columns) = (length(i, x, a)? as i64, length(i, x, b)? as i64);
    let rest = (0..all).filter(|&axis| axis != a && axis != b);
    let perm: Vec<i64> = [a, b].into_iter().chain(rest).map(|axis| axis as i64).collect();
    let planes = i.cx.g.transpose(x, &perm)?;
    let places =
        (0..rows).map(|row| [row, row.saturating_add(offset)]).filter(|[_, column]| (0..columns).contains(column));
    let places: Vec<i32> = places.flatten().map(|place| place as i32).collect();
    let count = places.len() / 2;
    let places = i.cx.g.constant(Tensor::from_vec(places, [count, 2])?)?;
    let found = i.cx.g.add_single(GatherNd, &[planes, places])?;
    let perm: Vec<i64> = (1..all as i64 - 1).chain([0]).collect();
    Ok(i.cx.g.transpose(found, &perm)?)
}

fn planes(i: &Inputs<'_, '_>, x: Value) -> Result<[usize; 2]> {
    let all = rank(i, x)?;
    Ok([axis_of(i, i.int(IN_CONFIG, &["axis1"], 0)?, all)?, axis_of(i, i.int(IN_CONFIG, &["axis2"], 1)?, all)?])
}

fn diagonal(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let (offset, planes) = (i.int(IN_CONFIG, &["offset"], 0)?, planes(i, x)?);
    Ok(vec![on_diagonal(i, x, offset, planes)?])
}

fn trace(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let mut x = i.x()?;
    x = match i.cx.g.dtype(x) {
        DType::Bool | DType::I8 | DType::I16 => i.cx.g.cast(x, DType::I32)?,
        DType::U8 | DType::U16 => i.cx.g.cast(x, DType::U32)?,
        _ => x,
    };
    let (offset, planes) = (i.int(IN_CONFIG, &["offset"], 0)?, planes(i, x)?);
    let found = on_diagonal(i, x, offset, planes)?;
    Ok(vec![i.cx.g.reduce_sum(found, &[-1], false)?])
}

/// A square matrix of zeros with a vector on a diagonal.
fn with_diagonal(i: &mut Inputs<'_, '_>, x: Value, k: i64) -> Result<Value> {
    let count = length(i, x, 0)?;
    let side = usize::try_from(k.unsigned_abs()).ok().and_then(|k| count.checked_add(k));
    let side = side.filter(|side| side.checked_mul(*side).is_some_and(|all| all < 1 << 28));
    let side = side.ok_or_else(|| i.wrong("a diagonal nearer to the middle", k.to_string()))?;
    let mut places = vec![0i32; side * side];
    let (down, right) = ((-k).max(0) as usize, k.max(0) as usize);
    for at in 0..count {
        places[(at + down) * side + at + right] = at as i32 + 1;
    }
    let places = i.cx.g.constant(Tensor::from_vec(places, [side, side])?)?;
    let padded = i.cx.g.pad(x, &[(1, 0)])?;
    Ok(i.cx.g.gather(padded, places, 0)?)
}

fn diag(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let k = i.int(IN_CONFIG, &["k"], 0)?;
    Ok(vec![match rank(i, x)? {
        1 => with_diagonal(i, x, k)?,
        2 => on_diagonal(i, x, k, [0, 1])?,
        other => return Err(i.wrong("a vector or a matrix", format!("rank {other}"))),
    }])
}

fn diagflat(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let row = i.cx.g.reshape(x, &[-1])?;
    let k = i.int(IN_CONFIG, &["k"], 0)?;
    Ok(vec![with_diagonal(i, row, k)?])
}

/// The second tensor once for each element of the first, times that.
fn kron(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair()?;
    let (m, n) = (rank(i, a)?, rank(i, b)?);
    let all = m.max(n);
    let lengths = |i: &Inputs<'_, '_>, x: Value, rank: usize| -> Vec<Length> {
        std::iter::repeat_n(Length::Known(1), all - rank).chain(Length::all(i.cx.g, x)).collect()
    };
    let (a_lengths, b_lengths) = (lengths(i, a, m), lengths(i, b, n));
    let one = || vec![Length::Known(1)];
    let a_axes: Vec<Vec<Length>> = a_lengths.iter().flat_map(|&length| [vec![length], one()]).collect();
    let b_axes: Vec<Vec<Length>> = b_lengths.iter().flat_map(|&length| [one(), vec![length]]).collect();
    let wide_a = reshape_to_lengths(i.cx.g, a, &a_axes)?;
    let wide_b = reshape_to_lengths(i.cx.g, b, &b_axes)?;
    let product = i.cx.g.multiply(wide_a, wide_b)?;
    let axes: Vec<Vec<Length>> = a_lengths.into_iter().zip(b_lengths).map(|(a, b)| vec![a, b]).collect();
    Ok(vec![reshape_to_lengths(i.cx.g, product, &axes)?])
}

/// The places along each axis of a shape that places in one row stand for.
fn unravel_index(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let mut x = i.x()?;
    let dtype = i.cx.g.dtype(x);
    let shape = i.ints(IN_CONFIG, &["shape"])?.unwrap_or_default();
    // Keras divides by the lengths of all but vectors from the first to the last, and hands the rests out backwards.
    let order: Vec<i64> = if rank(i, x)? == 1 { shape.iter().rev().copied().collect() } else { shape.clone() };
    let mut found = Vec::with_capacity(shape.len());
    for length in order {
        if length < 1 {
            return Err(i.wrong("lengths from 1 on", length.to_string()));
        }
        let length = i.cx.g.number(length as f64, dtype)?;
        found.push(i.cx.g.floor_mod(x, length)?);
        x = i.cx.g.floor_div(x, length)?;
    }
    found.reverse();
    Ok(found)
}

/// The powers of each element, the highest first.
fn vander(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let given = i.cx.g.dtype(x);
    let dtype = if given.is_float() { common(given, DType::F32) } else { DType::F32 };
    let count = match whole(i, "N")? {
        Some(count) => count,
        None => length(i, x, 0)? as i64,
    };
    let is_up = i.flag(IN_CONFIG, &["increasing"])?;
    let powers: Vec<f64> = (0..count).map(|at| if is_up { at } else { count - 1 - at } as f64).collect();
    let powers = i.cx.g.constant(Tensor::from_vec(powers, [usize::try_from(count).unwrap_or(0)])?.cast(dtype)?)?;
    let x = i.cx.g.cast(x, dtype)?;
    let x = i.cx.g.expand_dims(x, -1)?;
    let found = i.cx.g.pow(x, powers)?;
    Ok(vec![i.cx.g.cast(found, given)?])
}
