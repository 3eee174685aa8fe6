//! What is found by the values of tensors: counts, places, distinct elements, sequences of labels. The shape of most
//! depends on the values.

use kerox_config_json::Value as Json;
use kerox_graph::ops::{
    Bincount, Combine, Index, InvertPermutation, OneHot, Segment, SparseToDense, TopK, Unique, Where,
};
use kerox_graph::{Attr, Attrs, Value};
use kerox_tensor::{DType, Tensor};

use super::super::inputs::Inputs;
use super::super::types::common;
use super::arrangement::{axis_of, length, rank};
use super::{Build, IN_CONFIG};
use crate::Result;

pub(super) const OPERATIONS: &[(&str, Build)] = &[
    ("Argpartition", argpartition),
    ("Bincount", bincount),
    ("CTCDecode", ctc_decode),
    ("Nonzero", nonzero),
    ("Unique", unique),
];

/// How often each number comes in each row, or the sum of its weights.
fn bincount(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let mut x = i.x()?;
    if i.flag(IN_CONFIG, &["sparse"])? {
        return Err(i.wrong("`sparse=False`", "True"));
    }
    if !matches!(rank(i, x)?, 1 | 2) {
        return Err(i.wrong("a vector or a matrix", format!("rank {}", rank(i, x)?)));
    }
    let given = i.cx.g.dtype(x);
    if !matches!(given, DType::I32 | DType::I64) {
        x = i.cx.g.cast(x, DType::I32)?;
    }
    let dtype = i.cx.g.dtype(x);
    let (weights, result) = match i.arg(IN_CONFIG, &["weights"]) {
        None => (i.cx.g.constant(Tensor::from_vec(Vec::<i32>::new(), [0])?)?, DType::I32),
        Some(weights) => {
            let weights = i.value(&weights, None)?;
            let own = i.cx.g.dtype(weights);
            let kept = matches!(own, DType::I32 | DType::I64 | DType::F32 | DType::F64);
            let counted = if kept {
                own
            } else if own.is_float() {
                DType::F32
            } else {
                DType::I32
            };
            (i.cx.g.cast(weights, counted)?, common(given, own))
        }
    };
    let (zero, one) = (i.cx.g.number(0.0, dtype)?, i.cx.g.number(1.0, dtype)?);
    // An empty tensor has no largest number.
    let flat = i.cx.g.reshape(x, &[-1])?;
    let below = i.cx.g.constant(Tensor::from_vec(vec![-1i32], [1])?.cast(dtype)?)?;
    let flat = i.cx.g.concat(&[flat, below], 0)?;
    let most = i.cx.g.reduce_max(flat, &[0], false)?;
    let size = i.cx.g.add(most, one)?;
    let least = i.cx.g.number(i.int(IN_CONFIG, &["minlength"], 0)? as f64, dtype)?;
    let least = i.cx.g.maximum(least, zero)?;
    let size = i.cx.g.maximum(size, least)?;
    let found = i.cx.g.add_single(Bincount { dense: true, binary: false }, &[x, size, weights])?;
    Ok(vec![i.cx.g.cast(found, result)?])
}

/// The places of elements other than 0, a vector for each axis.
fn nonzero(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let x = i.cx.g.cast(x, DType::Bool)?;
    let places = i.cx.g.add_single(Where, &[x])?;
    let places = i.cx.g.cast(places, DType::I32)?;
    Ok(i.cx.g.unstack(places, 1)?)
}

/// The places of the `kth + 1` least, then those of the rest, as Keras 3.15 finds them on TensorFlow: of the rest, what is
/// larger than 0 comes first, and what was taken already counts as 0.
fn argpartition(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let mut x = i.cx.g.cast(x, DType::I32)?;
    if i.rest.get("axis").is_some_and(Json::is_null) {
        x = i.cx.g.reshape(x, &[-1])?;
    } else if rank(i, x)? != 1 {
        return Err(i.wrong("a vector, as Keras on TensorFlow", format!("rank {}", rank(i, x)?)));
    }
    let shape = i.cx.g.shape_of(x)?;
    let (n, one) = (i.cx.g.strided_slice(shape, &[Index::At(0)])?, i.cx.g.number(1.0, DType::I32)?);
    let last = i.cx.g.subtract(n, one)?;
    let k = i.cx.g.number(i.int(IN_CONFIG, &["kth"], 0)?.max(0) as f64, DType::I32)?;
    let k = i.cx.g.minimum(k, last)?;
    let (least, rest) = (i.cx.g.add(k, one)?, i.cx.g.subtract(last, k)?);
    let negated = i.cx.g.negate(x)?;
    let bottom = i.cx.g.add_op(TopK { sorted: true }, &[negated, least])?[1];
    let zero = i.cx.g.number(0.0, DType::I32)?;
    let taken = i.cx.g.add_single(OneHot { axis: -1 }, &[bottom, n, one, zero])?;
    let taken = i.cx.g.reduce_max(taken, &[0], false)?;
    let taken = i.cx.g.cast(taken, DType::Bool)?;
    let zeros = i.cx.g.zeros_like(x)?;
    let left = i.cx.g.select(taken, zeros, x)?;
    let top = i.cx.g.add_op(TopK { sorted: true }, &[left, rest])?[1];
    Ok(vec![i.cx.g.concat(&[bottom, top], 0)?])
}

/// The distinct elements of a tensor, or slices along an axis; where asked for the place at which each comes first, the
/// number of each element's among them, and how often each comes.
fn unique(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let given = i.x()?;
    let shape = i.cx.g.shape_of(given)?;
    let axis = i.ints(IN_CONFIG, &["axis"])?.and_then(|axes| axes.first().copied());
    let (x, axis) = match axis {
        None => (i.cx.g.reshape(given, &[-1])?, 0),
        Some(axis) => (given, axis_of(i, axis, rank(i, given)?)?),
    };
    let axis_number = i.cx.g.ints(&[axis as i64])?;
    let found = i.cx.g.add_op(Unique { has_axis: true, index: DType::I32 }, &[x, axis_number])?;
    let &[mut values, mut inverse] = &found[..] else { return Err(i.wrong("values and places", "others")) };
    let lengths = i.cx.g.shape_of(values)?;
    let count = i.cx.g.strided_slice(lengths, &[Index::At(axis as i64)])?;
    let ones = i.cx.g.ones_like(inverse)?;
    let mut counts = i.cx.g.add_single(Segment(Combine::Add), &[ones, inverse, count])?;
    let places = i.cx.g.cumsum(ones, 0, true, false)?;
    let mut first = i.cx.g.add_single(Segment(Combine::Min), &[places, inverse, count])?;
    if i.json(IN_CONFIG, &["sorted"])?.is_none_or(|sorted| sorted.as_bool() != Some(false)) {
        if rank(i, values)? != 1 {
            return Err(i.wrong("`sorted=False` of slices", "True"));
        }
        let order = ascending(i, values, count)?;
        values = i.cx.g.gather(values, order, 0)?;
        counts = i.cx.g.gather(counts, order, 0)?;
        first = i.cx.g.gather(first, order, 0)?;
        let back = i.cx.g.add_single(InvertPermutation, &[order])?;
        inverse = i.cx.g.gather(back, inverse, 0)?;
    }
    if let Some(size) = i.ints(IN_CONFIG, &["size"])?.and_then(|numbers| numbers.first().copied()) {
        let fill = i.float(IN_CONFIG, &["fill_value"], 0.0)?;
        values = sized(i, values, axis, size, fill)?;
        first = sized(i, first, 0, size, 1.0)?;
        counts = sized(i, counts, 0, size, 0.0)?;
    }
    if axis_is_none(i)? {
        inverse = i.cx.g.reshape_to(inverse, shape)?;
    }
    let mut outputs = vec![values];
    for (name, output) in [("return_index", first), ("return_inverse", inverse), ("return_counts", counts)] {
        if i.flag(IN_CONFIG, &[name])? {
            outputs.push(output);
        }
    }
    Ok(outputs)
}

fn axis_is_none(i: &Inputs<'_, '_>) -> Result<bool> {
    Ok(i.ints(IN_CONFIG, &["axis"])?.is_none())
}

/// The places of a vector's elements from the least on, of which there are `count`.
fn ascending(i: &mut Inputs<'_, '_>, x: Value, count: Value) -> Result<Value> {
    let given = i.cx.g.dtype(x);
    let is_wide = given.is_float() || matches!(given, DType::I32 | DType::I64);
    let x = if is_wide { x } else { i.cx.g.cast(x, DType::I32)? };
    let negated = i.cx.g.negate(x)?;
    Ok(i.cx.g.add_op(TopK { sorted: true }, &[negated, count])?[1])
}

/// The first elements of an axis, followed by a number where there are fewer.
fn sized(i: &mut Inputs<'_, '_>, x: Value, axis: usize, size: i64, fill: f64) -> Result<Value> {
    if !(0..1 << 28).contains(&size) {
        return Err(i.wrong("a size from 0 on", size.to_string()));
    }
    let dims = i.cx.g.dims(x).axes().map(<[_]>::to_vec).unwrap_or_default();
    let lengths = dims.iter().enumerate().map(|(at, &n)| if at == axis { Some(size as usize) } else { n });
    let lengths: Option<Vec<usize>> = lengths.collect();
    let lengths = lengths.ok_or_else(|| i.wrong("slices of known lengths", i.cx.g.dims(x).to_string()))?;
    let fill = Tensor::full(fill, lengths)?.cast(i.cx.g.dtype(x))?;
    let fill = i.cx.g.constant(fill)?;
    let long = i.cx.g.concat(&[x, fill], axis as i64)?;
    let mut entries = vec![Index::ALL; axis];
    entries.push(Index::Range(None, Some(size), 1));
    Ok(i.cx.g.strided_slice(long, &entries)?)
}

/// Sequences of labels, followed by -1, and the logarithms of their probabilities.
fn ctc_decode(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (Some(x), Some(lengths)) = (i.arg(0, &["inputs"]), i.arg(1, &["sequence_lengths"])) else {
        return Err(i.wrong("arguments `inputs` and `sequence_lengths`", "fewer"));
    };
    let (mut x, lengths) = (i.value(&x, None)?, i.value(&lengths, Some(DType::I32))?);
    if !matches!(i.cx.g.dtype(x), DType::F32 | DType::F64) {
        x = i.cx.g.cast(x, DType::F32)?;
    }
    let lengths = i.cx.g.cast(lengths, DType::I32)?;
    let (given, classes) = (i.cx.g.shape_of(x)?, length(i, x, 2)? as i64);
    let shape = i.cx.g.slice(given, &[0], &[2])?;
    let shape = i.cx.g.cast(shape, DType::I64)?;
    x = i.cx.g.transpose(x, &[1, 0, 2])?;
    let strategy = i.json(IN_CONFIG, &["strategy"])?.unwrap_or_else(|| Json::from("greedy"));
    let mask = i.ints(IN_CONFIG, &["mask_index"])?.and_then(|numbers| numbers.first().copied());
    let type_of_x = Attr::Type(i.cx.g.dtype(x));
    let (attrs, mask, paths) = match strategy.as_str() {
        Some("greedy") => {
            let merges = i.json(IN_CONFIG, &["merge_repeated"])?.is_none_or(|merges| merges.as_bool() != Some(false));
            let attrs = Attrs::new("CTCGreedyDecoder", "").with("merge_repeated", Attr::Bool(merges));
            (attrs.with("blank_index", Attr::Int(mask.unwrap_or(classes - 1))), None, 1)
        }
        Some("beam_search") => {
            let paths = i.int(IN_CONFIG, &["top_paths"], 1)?;
            let attrs = Attrs::new("CTCBeamSearchDecoder", "").with("merge_repeated", Attr::Bool(false));
            let attrs = attrs.with("beam_width", Attr::Int(i.int(IN_CONFIG, &["beam_width"], 100)?));
            let mask = mask.map(|mask| if mask < 0 { mask + classes } else { mask });
            (attrs.with("top_paths", Attr::Int(paths)), mask, usize::try_from(paths).unwrap_or(0))
        }
        _ => return Err(i.wrong("`greedy` or `beam_search`", strategy.describe())),
    };
    if let Some(mask) = mask {
        // The blank label is the last.
        let order: Vec<i64> = (0..classes).filter(|&class| class != mask).chain([mask]).collect();
        let order = i.cx.g.ints(&order)?;
        x = i.cx.g.gather(x, order, 2)?;
    }
    let found = i.cx.g.add_built(&attrs.with("T", type_of_x), &[x, lengths])?;
    let nothing = i.cx.g.number(-1.0, DType::I64)?;
    let mut decoded = Vec::with_capacity(paths);
    for path in 0..paths {
        let (places, values) = (found[path], found[paths + path]);
        let dense = SparseToDense { validate_indices: true };
        let labels = i.cx.g.add_single(dense, &[places, shape, values, nothing])?;
        decoded.push(i.cx.g.cast(labels, DType::I32)?);
    }
    let mut labels = i.cx.g.stack(&decoded, 0)?;
    if let Some(mask) = mask {
        let (mask, one) = (i.cx.g.number(mask as f64, DType::I32)?, i.cx.g.number(1.0, DType::I32)?);
        let (is_behind, next) = (i.cx.g.greater_equal(labels, mask)?, i.cx.g.add(labels, one)?);
        labels = i.cx.g.select(is_behind, next, labels)?;
    }
    let scores = found.last().copied().ok_or_else(|| i.wrong("scores", "none"))?;
    Ok(vec![labels, scores])
}
