//! What puts slices into tensors, gathers them into segments, and looks whether and where numbers stand.

use kerox_graph::Value;
use kerox_graph::ops::{Combine, GatherNd, InTopK, Scatter, ScatterNd, Segment};
use kerox_tensor::{DType, Tensor};

use super::super::inputs::Inputs;
use super::arrangement::rank;
use super::{Build, IN_CONFIG};
use crate::Result;

pub(super) const OPERATIONS: &[(&str, Build)] = &[
    ("InTopK", in_top_k),
    ("MultiHot", multi_hot),
    ("Scatter", scatter),
    ("ScatterUpdate", scatter_update),
    ("SegmentMax", |i| segments(i, Combine::Max)),
    ("SegmentMin", |i| segments(i, Combine::Min)),
    ("SegmentProd", |i| segments(i, Combine::Multiply)),
    ("SegmentSum", |i| segments(i, Combine::Add)),
    ("SliceUpdate", slice_update),
];

fn given(i: &mut Inputs<'_, '_>, at: usize, name: &'static str, like: Option<DType>) -> Result<Value> {
    let arg = i.arg(at, &[name]).ok_or_else(|| i.wrong(format!("argument `{name}`"), "none"))?;
    i.value(&arg, like)
}

/// Places, of type int32 or int64.
fn places(i: &mut Inputs<'_, '_>, at: usize, name: &'static str) -> Result<Value> {
    let places = given(i, at, name, Some(DType::I32))?;
    match i.cx.g.dtype(places) {
        DType::I32 | DType::I64 => Ok(places),
        _ => Ok(i.cx.g.cast(places, DType::I32)?),
    }
}

fn scatter(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (places, values) = (places(i, 0, "indices")?, given(i, 1, "values", None)?);
    let shape = i.ints(IN_CONFIG, &["shape"])?.unwrap_or_default();
    let shape = i.cx.g.ints(&shape)?;
    let shape = i.cx.g.cast(shape, i.cx.g.dtype(places))?;
    Ok(vec![i.cx.g.add_single(ScatterNd, &[places, values, shape])?])
}

/// Products that are made one after the other, at most.
const MAX_PRODUCTS: usize = 256;

fn scatter_update(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, "inputs", None)?;
    let dtype = i.cx.g.dtype(x);
    let (places, updates) = (places(i, 1, "indices")?, given(i, 2, "updates", Some(dtype))?);
    let updates = i.cx.g.cast(updates, dtype)?;
    let reduction = i.json(IN_CONFIG, &["reduction"])?.unwrap_or_default();
    let combine = match reduction.as_str() {
        None => Combine::Replace,
        Some("add") => Combine::Add,
        Some("max") => Combine::Max,
        Some("min") => Combine::Min,
        Some("mul") => {
            let count = super::arrangement::length(i, places, 0)?;
            if count > MAX_PRODUCTS || rank(i, places)? != 2 {
                return Err(i.wrong(format!("at most {MAX_PRODUCTS} updates"), count.to_string()));
            }
            let mut product = x;
            for at in 0..count as i64 {
                let place = i.cx.g.slice(places, &[at, 0], &[1, -1])?;
                let rest = rank(i, updates)?.saturating_sub(1);
                let begin: Vec<i64> = std::iter::once(at).chain(std::iter::repeat_n(0, rest)).collect();
                let size: Vec<i64> = std::iter::once(1).chain(std::iter::repeat_n(-1, rest)).collect();
                let update = i.cx.g.slice(updates, &begin, &size)?;
                let there = i.cx.g.add_single(GatherNd, &[product, place])?;
                let there = i.cx.g.multiply(there, update)?;
                product = i.cx.g.add_single(Scatter(Combine::Replace), &[product, place, there])?;
            }
            return Ok(vec![product]);
        }
        Some(other) => return Err(i.wrong("reduction `add`, `max`, `min` or `mul`", format!("`{other}`"))),
    };
    Ok(vec![i.cx.g.add_single(Scatter(combine), &[x, places, updates])?])
}

fn segments(i: &mut Inputs<'_, '_>, combine: Combine) -> Result<Vec<Value>> {
    let (data, ids) = (given(i, 0, "data", None)?, places(i, 1, "segment_ids")?);
    let count = i.ints(IN_CONFIG, &["num_segments"])?.and_then(|count| count.first().copied());
    let Some(count) = count else { return Err(i.wrong("argument `num_segments`", "none")) };
    let count = i32::try_from(count).map_err(|_| i.wrong("a smaller number of segments", count.to_string()))?;
    let count = i.cx.g.constant(Tensor::scalar(count))?;
    Ok(vec![i.cx.g.add_single(Segment(combine), &[data, ids, count])?])
}

/// A tensor with a block put in at a place.
fn slice_update(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, "inputs", None)?;
    let dtype = i.cx.g.dtype(x);
    let starts = i.ints(1, &["start_indices"])?.unwrap_or_default();
    let updates = given(i, 2, "updates", Some(dtype))?;
    let updates = i.cx.g.cast(updates, dtype)?;
    let (all, part) = (i.cx.g.dims(x).clone(), i.cx.g.dims(updates).clone());
    let (Some(all), Some(part)) = (all.axes(), part.axes()) else { return Err(i.wrong("known ranks", "unknown ones")) };
    if all.len() != part.len() || starts.len() != all.len() {
        return Err(i.wrong(format!("a block and a place of rank {}", all.len()), part.len().to_string()));
    }
    let mut borders = Vec::with_capacity(all.len());
    for ((all, part), &start) in all.iter().zip(part).zip(&starts) {
        borders.push(match (all, part) {
            (Some(all), Some(part)) if part <= all => {
                // A block that would reach over the end is moved back.
                let start = start.clamp(0, (all - part) as i64);
                (start, (all - part) as i64 - start)
            }
            (None, None) => (0, 0),
            _ => return Err(i.wrong("a block that fits", format!("{part:?} in {all:?}"))),
        });
    }
    let ones = i.cx.g.ones_like(updates)?;
    let ones = i.cx.g.cast(ones, DType::I32)?;
    let is_there = i.cx.g.pad(ones, &borders)?;
    let is_there = i.cx.g.cast(is_there, DType::Bool)?;
    let padded = i.cx.g.pad(updates, &borders)?;
    Ok(vec![i.cx.g.select(is_there, padded, x)?])
}

/// Whether the target is among the `k` largest of its row.
fn in_top_k(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (targets, predictions) = (places(i, 0, "targets")?, given(i, 1, "predictions", None)?);
    let predictions = i.cx.g.cast(predictions, DType::F32)?;
    let k = i.cx.g.number(i.int(IN_CONFIG, &["k"], 1)? as f64, i.cx.g.dtype(targets))?;
    Ok(vec![i.cx.g.add_single(InTopK, &[predictions, targets, k])?])
}

/// Which numbers there are.
fn multi_hot(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    if i.flag(IN_CONFIG, &["sparse"])? {
        return Err(i.wrong("`sparse=False`", "True"));
    }
    let count = i.int(IN_CONFIG, &["num_classes"], -1)?;
    let count = usize::try_from(count).map_err(|_| i.wrong("a number of classes", count.to_string()))?;
    let axis = i.int(IN_CONFIG, &["axis"], -1)?;
    let dtype = i.dtype(IN_CONFIG, &["dtype"])?.unwrap_or(DType::F32);
    let over = i64::from(rank(i, x)? > 1);
    let hot = if dtype == DType::Bool { DType::I32 } else { dtype };
    let hot = i.cx.g.one_hot(x, count, axis, hot)?;
    let any = i.cx.g.reduce_max(hot, &[over], false)?;
    Ok(vec![i.cx.g.cast(any, dtype)?])
}
