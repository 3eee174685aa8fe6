//! What moves, repeats, picks and sorts elements.

use kerox_config_json::Value as Json;
use kerox_graph::Value;
use kerox_graph::ops::{PadMode, Padding, TopK};
use kerox_tensor::{DType, Tensor};

use super::super::inputs::Inputs;
use super::{Build, IN_CONFIG};
use crate::einsum::{Length, reshape_to_lengths};
use crate::preprocessing::{ResizeMethod, resize_images};
use crate::{Arg, Layer, Result};

pub(super) const OPERATIONS: &[(&str, Build)] = &[
    ("Append", append),
    ("Argsort", |i| sort(i, true)),
    ("AveragePool", |i| pool(i, false)),
    ("ExpandDims", expand_dims),
    ("Fliplr", |i| flipped(i, 1)),
    ("Flipud", |i| flipped(i, 0)),
    ("Hstack", |i| join(i, 1)),
    ("MaxPool", |i| pool(i, true)),
    ("Moveaxis", moveaxis),
    ("Pad", pad),
    ("Ravel", |i| i.x().and_then(|x| Ok(vec![i.cx.g.reshape(x, &[-1])?]))),
    ("Repeat", repeat),
    ("Resize", resize),
    ("Roll", roll),
    ("Sort", |i| sort(i, false)),
    ("Split", split),
    ("Swapaxes", swapaxes),
    ("Take", take),
    ("TakeAlongAxis", take_along_axis),
    ("Tile", tile),
    ("TopK", top_k),
    ("Tril", |i| triangle(i, true)),
    ("Triu", |i| triangle(i, false)),
    ("Vstack", |i| join(i, 0)),
];

pub(in super::super) fn rank(i: &Inputs<'_, '_>, x: Value) -> Result<usize> {
    i.cx.g.dims(x).rank().ok_or_else(|| i.wrong("a known rank", "an unknown one"))
}

/// An axis, counted from the front.
pub(in super::super) fn axis_of(i: &Inputs<'_, '_>, axis: i64, rank: usize) -> Result<usize> {
    let from_front = if axis < 0 { axis + rank as i64 } else { axis };
    let found = usize::try_from(from_front).ok().filter(|&axis| axis < rank);
    found.ok_or_else(|| i.wrong(format!("an axis below {rank}"), axis.to_string()))
}

pub(in super::super) fn length(i: &Inputs<'_, '_>, x: Value, axis: usize) -> Result<usize> {
    let found = i.cx.g.dims(x).axes().and_then(|axes| axes.get(axis).copied().flatten());
    found.ok_or_else(|| i.wrong(format!("a known length of axis {axis}"), "an unknown one"))
}

/// The configuration's `axis`; the tensor in one row where it is none.
pub(super) fn row(i: &mut Inputs<'_, '_>, x: Value) -> Result<(Value, usize)> {
    match i.ints(IN_CONFIG, &["axis"])?.and_then(|axes| axes.first().copied()) {
        Some(axis) => Ok((x, axis_of(i, axis, rank(i, x)?)?)),
        None => Ok((i.cx.g.reshape(x, &[-1])?, 0)),
    }
}

fn pick(i: &mut Inputs<'_, '_>, x: Value, places: Vec<usize>, axis: usize) -> Result<Value> {
    let count = places.len();
    let places: Vec<i32> = places.into_iter().map(|place| i32::try_from(place).unwrap_or(i32::MAX)).collect();
    let places = i.cx.g.constant(Tensor::from_vec(places, [count])?)?;
    Ok(i.cx.g.gather(x, places, axis as i64)?)
}

fn append(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair()?;
    let ((a, axis), (b, _)) = (row(i, a)?, row(i, b)?);
    Ok(vec![i.cx.g.concat(&[a, b], axis as i64)?])
}

fn join(i: &mut Inputs<'_, '_>, axis: i64) -> Result<Vec<Value>> {
    let values = i.list()?;
    let Some(&first) = values.first() else { return Err(i.wrong("at least one tensor", "none")) };
    Ok(vec![match (rank(i, first)?, axis) {
        (1, 1) => i.cx.g.concat(&values, 0)?,
        (1, _) => i.cx.g.stack(&values, 0)?,
        _ => i.cx.g.concat(&values, axis)?,
    }])
}

fn flipped(i: &mut Inputs<'_, '_>, axis: i64) -> Result<Vec<Value>> {
    let x = i.x()?;
    Ok(vec![i.cx.g.reverse(x, &[axis])?])
}

fn expand_dims(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let mut x = i.x()?;
    let axes = i.ints(1, &["axis"])?.unwrap_or_default();
    let rank = rank(i, x)? + axes.len();
    let mut axes = axes.iter().map(|&axis| axis_of(i, axis, rank)).collect::<Result<Vec<usize>>>()?;
    axes.sort_unstable();
    for axis in axes {
        x = i.cx.g.expand_dims(x, axis as i64)?;
    }
    Ok(vec![x])
}

fn moveaxis(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let rank = rank(i, x)?;
    let axes = |i: &Inputs<'_, '_>, at, name| -> Result<Vec<usize>> {
        i.ints(at, &[name])?.unwrap_or_default().iter().map(|&axis| axis_of(i, axis, rank)).collect()
    };
    let (from, to) = (axes(i, 1, "source")?, axes(i, 2, "destination")?);
    if from.len() != to.len() {
        return Err(i.wrong(format!("{} destinations", from.len()), to.len().to_string()));
    }
    let mut rest = (0..rank).filter(|axis| !from.contains(axis));
    let place = |axis: usize| to.iter().position(|&to| to == axis).map(|at| from[at]);
    let perm: Vec<i64> = (0..rank).filter_map(|axis| place(axis).or_else(|| rest.next())).map(|a| a as i64).collect();
    Ok(vec![i.cx.g.transpose(x, &perm)?])
}

fn swapaxes(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let rank = rank(i, x)?;
    let (a, b) = (i.int(1, &["axis1"], 0)?, i.int(2, &["axis2"], 1)?);
    let (a, b) = (axis_of(i, a, rank)?, axis_of(i, b, rank)?);
    let mut perm: Vec<i64> = (0..rank as i64).collect();
    perm.swap(a, b);
    Ok(vec![i.cx.g.transpose(x, &perm)?])
}

/// Pairs of paddings: one number and one pair are for all axes.
fn paddings(i: &Inputs<'_, '_>, rank: usize) -> Result<Vec<(i64, i64)>> {
    let at = if i.layer.is_operation() { IN_CONFIG } else { 1 };
    let width = i.json(at, &["pad_width", "paddings"])?.unwrap_or(Json::Null);
    let numbers = |value: &Json| -> Option<Vec<i64>> {
        match value.as_list() {
            Some(list) => list.iter().map(Json::as_i64).collect(),
            None => value.as_i64().map(|one| vec![one]),
        }
    };
    let pairs = match numbers(&width).as_deref() {
        Some(&[one]) => Some(vec![(one, one); rank]),
        Some(&[before, after]) => Some(vec![(before, after); rank]),
        _ => width.as_list().and_then(|pairs| {
            let pair = |pair: &Json| match numbers(pair)?[..] {
                [one] => Some((one, one)),
                [before, after] => Some((before, after)),
                _ => None,
            };
            pairs.iter().map(pair).collect()
        }),
    };
    pairs.ok_or_else(|| i.wrong("pairs of paddings", width.describe()))
}

fn pad(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let pairs = paddings(i, rank(i, x)?)?;
    // TensorFlow has the mode third, in capitals, and the constant fifth.
    let (at_mode, at_constant) = if i.layer.is_operation() { (IN_CONFIG, 1) } else { (2, 4) };
    let mode = i.json(at_mode, &["mode"])?;
    let mode = mode.as_ref().and_then(Json::as_str).unwrap_or("constant").to_lowercase();
    match mode.as_str() {
        "constant" => {}
        "reflect" => return Ok(vec![i.cx.g.mirror_pad(x, &pairs, PadMode::Reflect)?]),
        "symmetric" => return Ok(vec![i.cx.g.mirror_pad(x, &pairs, PadMode::Symmetric)?]),
        other => return Err(i.wrong("mode `constant`, `reflect` or `symmetric`", format!("`{other}`"))),
    }
    let padded = i.cx.g.pad(x, &pairs)?;
    let Some(value) = i.arg(at_constant, &["constant_values"]).filter(|value| !matches!(value, Arg::Const(Json::Null)))
    else {
        return Ok(vec![padded]);
    };
    let dtype = i.cx.g.dtype(x);
    let value = i.value(&value, Some(dtype))?;
    let value = i.cx.g.cast(value, dtype)?;
    let ones = i.cx.g.ones_like(x)?;
    let ones = i.cx.g.cast(ones, DType::I32)?;
    let is_inside = i.cx.g.pad(ones, &pairs)?;
    let is_inside = i.cx.g.cast(is_inside, DType::Bool)?;
    Ok(vec![i.cx.g.select(is_inside, padded, value)?])
}

/// As many axes as there are repetitions, or more: those that are missing come first.
fn tile(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let mut x = i.x()?;
    let mut repeats = i.ints(1, &["repeats"])?.ok_or_else(|| i.wrong("argument `repeats`", "none"))?;
    let rank = rank(i, x)?;
    for _ in rank..repeats.len() {
        x = i.cx.g.expand_dims(x, 0)?;
    }
    repeats.splice(0..0, std::iter::repeat_n(1, rank.saturating_sub(repeats.len())));
    Ok(vec![i.cx.g.tile(x, &repeats)?])
}

fn repeat(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let repeats = i.ints(1, &["repeats"])?.unwrap_or_default();
    let (x, axis) = row(i, x)?;
    if let [times] = repeats[..] {
        let times = usize::try_from(times).map_err(|_| i.wrong("a number of repetitions", times.to_string()))?;
        let mut lengths: Vec<Vec<Length>> = Length::all(i.cx.g, x).into_iter().map(|length| vec![length]).collect();
        lengths[axis].push(Length::Known(times));
        let mut multiples = vec![1; lengths.len() + 1];
        multiples[axis + 1] = times as i64;
        let wide = i.cx.g.expand_dims(x, axis as i64 + 1)?;
        let wide = i.cx.g.tile(wide, &multiples)?;
        return Ok(vec![reshape_to_lengths(i.cx.g, wide, &lengths)?]);
    }
    let length = length(i, x, axis)?;
    let times = |at: usize| repeats.get(at).copied().unwrap_or(0);
    let places = (0..length).flat_map(|at| std::iter::repeat_n(at, usize::try_from(times(at)).unwrap_or(0)));
    Ok(vec![pick(i, x, places.collect(), axis)?])
}

fn roll(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let shifts = i.ints(1, &["shift"])?.unwrap_or_default();
    let Some(axes) = i.ints(IN_CONFIG, &["axis"])? else { return Err(i.wrong("argument `axis`", "none")) };
    let mut rolled = x;
    for (at, &axis) in axes.iter().enumerate() {
        let axis = axis_of(i, axis, rank(i, x)?)?;
        let length = length(i, x, axis)?;
        let shift = shifts.get(if shifts.len() == 1 { 0 } else { at }).copied().unwrap_or(0);
        let from = |place: usize| (place as i64 - shift).rem_euclid((length as i64).max(1)) as usize;
        rolled = pick(i, rolled, (0..length).map(from).collect(), axis)?;
    }
    Ok(vec![rolled])
}

fn resize(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    for flag in ["crop_to_aspect_ratio", "pad_to_aspect_ratio"] {
        if i.flag(IN_CONFIG, &[flag])? {
            return Err(i.wrong("no aspect ratio that is kept", format!("`{flag}`")));
        }
    }
    if i.json(IN_CONFIG, &["data_format"])?.is_some_and(|format| format.as_str() == Some("channels_first")) {
        return Err(i.wrong("channels last", "`channels_first`"));
    }
    let size = i.ints(IN_CONFIG, &["size"])?.unwrap_or_default();
    let name = i.json(IN_CONFIG, &["interpolation"])?;
    let method = ResizeMethod::find(i.layer.base(), name.as_ref().and_then(Json::as_str).unwrap_or("bilinear"))?;
    let antialias = i.flag(IN_CONFIG, &["antialias"])?;
    let size = i.cx.g.ints(&size)?;
    if rank(i, x)? == 3 {
        let batch = i.cx.g.expand_dims(x, 0)?;
        let resized = resize_images(i.cx.g, batch, size, method, antialias)?;
        return Ok(vec![i.cx.g.squeeze(resized, &[0])?]);
    }
    Ok(vec![resize_images(i.cx.g, x, size, method, antialias)?])
}

/// The positions that sort an axis upwards, or its elements so.
fn sort(i: &mut Inputs<'_, '_>, positions: bool) -> Result<Vec<Value>> {
    let x = i.x()?;
    let (x, axis) = row(i, x)?;
    Ok(vec![in_order(i, x, axis, positions)?])
}

/// The elements of an axis in order.
pub(super) fn sorted(i: &mut Inputs<'_, '_>, x: Value, axis: usize) -> Result<Value> {
    in_order(i, x, axis, false)
}

pub(in super::super) fn in_order(i: &mut Inputs<'_, '_>, x: Value, axis: usize, positions: bool) -> Result<Value> {
    let length = length(i, x, axis)?;
    let last = rank(i, x)? - 1;
    let mut perm: Vec<i64> = (0..=last as i64).collect();
    perm.swap(axis, last);
    let rows = i.cx.g.transpose(x, &perm)?;
    let given = i.cx.g.dtype(x);
    let is_small = !given.is_float() && !matches!(given, DType::I32 | DType::I64);
    let rows = if is_small { i.cx.g.cast(rows, DType::I32)? } else { rows };
    let negated = i.cx.g.negate(rows)?;
    let k = i.cx.g.constant(Tensor::scalar(i32::try_from(length).unwrap_or(i32::MAX)))?;
    let found = i.cx.g.add_op(TopK { sorted: true }, &[negated, k])?;
    let sorted = match (positions, &found[..]) {
        (true, &[_, places]) => places,
        (false, &[values, _]) => {
            let values = i.cx.g.negate(values)?;
            i.cx.g.cast(values, given)?
        }
        _ => return Err(i.wrong("values and places", "others")),
    };
    Ok(i.cx.g.transpose(sorted, &perm)?)
}

fn top_k(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let k = i.int(1, &["k"], 1)?;
    let k = i32::try_from(k).map_err(|_| i.wrong("a smaller number", k.to_string()))?;
    let k = i.cx.g.constant(Tensor::scalar(k))?;
    Ok(i.cx.g.add_op(TopK { sorted: true }, &[x, k])?)
}

fn split(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let axis = i.int(2, &["axis"], 0)?;
    split_at(i, x, axis, 1)
}

/// Parts of equal length, or those between indices: argument `indices_or_sections`, at a position.
pub(super) fn split_at(i: &mut Inputs<'_, '_>, x: Value, axis: i64, position: usize) -> Result<Vec<Value>> {
    let names = &["indices_or_sections"];
    let Some(Json::List(_)) = i.json(position, names)? else {
        let parts = i.int(position, names, 1)?;
        let parts = usize::try_from(parts).map_err(|_| i.wrong("a number of parts", parts.to_string()))?;
        return Ok(i.cx.g.split(x, parts, axis)?);
    };
    let at = axis_of(i, axis, rank(i, x)?)?;
    let length = length(i, x, at)? as i64;
    let from_front = |index: i64| (if index < 0 { index + length } else { index }).clamp(0, length);
    let mut ends: Vec<i64> = i.ints(position, names)?.unwrap_or_default().into_iter().map(from_front).collect();
    ends.push(length);
    let mut start = 0;
    let mut sizes = Vec::new();
    for end in ends {
        sizes.push((end - start).max(0));
        start = end;
    }
    Ok(i.cx.g.split_sizes(x, &sizes, axis)?)
}

fn take(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let indices = i.arg(1, &["indices"]).ok_or_else(|| i.wrong("argument `indices`", "none"))?;
    let indices = i.value(&indices, Some(DType::I32))?;
    let (x, axis) = row(i, x)?;
    let indices = from_front(i, x, indices, axis)?;
    Ok(vec![i.cx.g.gather(x, indices, axis as i64)?])
}

/// Indices of which negative ones count from the end of the axis.
fn from_front(i: &mut Inputs<'_, '_>, x: Value, indices: Value, axis: usize) -> Result<Value> {
    let dtype = i.cx.g.dtype(indices);
    let shape = i.cx.g.shape_of(x)?;
    let length = i.cx.g.slice(shape, &[axis as i64], &[1])?;
    let length = i.cx.g.reshape(length, &[])?;
    let length = i.cx.g.cast(length, dtype)?;
    let zero = i.cx.g.number(0.0, dtype)?;
    let is_negative = i.cx.g.less(indices, zero)?;
    let moved = i.cx.g.add(indices, length)?;
    Ok(i.cx.g.select(is_negative, moved, indices)?)
}

fn take_along_axis(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let indices = i.arg(1, &["indices"]).ok_or_else(|| i.wrong("argument `indices`", "none"))?;
    let indices = i.value(&indices, Some(DType::I32))?;
    let ((x, axis), (indices, _)) = (row(i, x)?, row(i, indices)?);
    let last = rank(i, x)? - 1;
    let mut perm: Vec<i64> = (0..=last as i64).collect();
    perm.swap(axis, last);
    let (rows, places) = (i.cx.g.transpose(x, &perm)?, i.cx.g.transpose(indices, &perm)?);
    let places = from_front(i, rows, places, last)?;
    let found = i.cx.g.gather_batched(rows, places, last as i64, last as i64)?;
    Ok(vec![i.cx.g.transpose(found, &perm)?])
}

/// The part of matrices below a diagonal, or above it.
fn triangle(i: &mut Inputs<'_, '_>, lower: bool) -> Result<Vec<Value>> {
    let x = i.x()?;
    let k = i.int(1, &["k"], 0)?;
    let rank = rank(i, x)?;
    if rank < 2 {
        return Err(i.wrong("matrices", format!("rank {rank}")));
    }
    let (rows, columns) = (length(i, x, rank - 2)?, length(i, x, rank - 1)?);
    let is_inside = |row: usize, column: usize| {
        let offset = column as i64 - row as i64;
        if lower { offset <= k } else { offset >= k }
    };
    let mask: Vec<bool> = (0..rows * columns).map(|at| is_inside(at / columns, at % columns)).collect();
    let mask = i.cx.g.constant(Tensor::from_vec(mask, [rows, columns])?)?;
    let zeros = i.cx.g.zeros_like(x)?;
    Ok(vec![i.cx.g.select(mask, x, zeros)?])
}

fn pool(i: &mut Inputs<'_, '_>, most: bool) -> Result<Vec<Value>> {
    let x = i.x()?;
    if i.json(IN_CONFIG, &["data_format"])?.is_some_and(|format| format.as_str() == Some("channels_first")) {
        return Err(i.wrong("channels last", "`channels_first`"));
    }
    let spatial = rank(i, x)?.saturating_sub(2);
    let lengths = |i: &Inputs<'_, '_>, name| -> Result<Option<Vec<usize>>> {
        let Some(lengths) = i.ints(IN_CONFIG, &[name])? else { return Ok(None) };
        let found: Option<Vec<usize>> = lengths.iter().map(|&n| usize::try_from(n).ok()).collect();
        let found = found.ok_or_else(|| i.wrong(format!("lengths for `{name}`"), format!("{lengths:?}")))?;
        Ok(Some(if found.len() == 1 { vec![found[0]; spatial] } else { found }))
    };
    let size = lengths(i, "pool_size")?.ok_or_else(|| i.wrong("argument `pool_size`", "none"))?;
    let strides = lengths(i, "strides")?.unwrap_or_else(|| size.clone());
    let padding = i.json(IN_CONFIG, &["padding"])?;
    let padding = match padding.as_ref().and_then(Json::as_str) {
        Some("same") => Padding::Same,
        _ => Padding::Valid,
    };
    Ok(vec![match most {
        true => i.cx.g.max_pool(x, &size, &strides, padding)?,
        false => i.cx.g.avg_pool(x, &size, &strides, padding)?,
    }])
}
