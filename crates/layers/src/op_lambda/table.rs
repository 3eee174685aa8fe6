//! What each function adds to the graph.

use kerox_config_json::Value as Json;
use kerox_config_json::names::snake_case;
use kerox_graph::ops::{Index, Tile, Where};
use kerox_graph::{Attr, Attrs, Graph, Value};
use kerox_tensor::DType;

use super::functions;
use super::inputs::Inputs;
use super::operations;
use super::types::alone;
use crate::error::did_you_mean;
use crate::{Arg, Error, Result};

type Two = fn(&mut Graph, Value, Value) -> kerox_graph::Result<Value>;
type One = fn(&mut Graph, Value) -> kerox_graph::Result<Value>;
type Reduce = fn(&mut Graph, Value, &[i64], bool) -> kerox_graph::Result<Value>;

/// Functions of two tensors.
const TWO: &[(&str, Two)] = &[
    ("add", Graph::add),
    ("subtract", Graph::subtract),
    ("multiply", Graph::multiply),
    ("truediv", Graph::divide),
    ("true_divide", Graph::divide),
    ("divide", Graph::divide),
    ("div", Graph::divide),
    ("divide_no_nan", Graph::div_no_nan),
    ("floordiv", Graph::floor_div),
    ("floor_div", Graph::floor_div),
    ("floor_divide", Graph::floor_div),
    ("floormod", Graph::floor_mod),
    ("mod", Graph::floor_mod),
    ("pow", Graph::pow),
    ("power", Graph::pow),
    ("maximum", Graph::maximum),
    ("minimum", Graph::minimum),
    ("squared_difference", Graph::squared_difference),
    ("equal", Graph::equal),
    ("eq", Graph::equal),
    ("not_equal", Graph::not_equal),
    ("ne", Graph::not_equal),
    ("less", Graph::less),
    ("less_equal", Graph::less_equal),
    ("greater", Graph::greater),
    ("greater_equal", Graph::greater_equal),
    ("logical_and", Graph::logical_and),
    ("logical_or", Graph::logical_or),
    ("bias_add", Graph::bias_add),
];

/// Functions of one tensor.
const ONE: &[(&str, One)] = &[
    ("abs", Graph::abs),
    ("absolute", Graph::abs),
    ("negative", Graph::negate),
    ("exp", Graph::exp),
    ("expm1", Graph::expm1),
    ("log", Graph::log),
    ("log1p", Graph::log1p),
    ("sqrt", Graph::sqrt),
    ("rsqrt", Graph::rsqrt),
    ("square", Graph::square),
    ("reciprocal", Graph::reciprocal),
    ("sign", Graph::sign),
    ("floor", Graph::floor),
    ("ceil", Graph::ceil),
    ("round", Graph::round),
    ("sin", Graph::sin),
    ("cos", Graph::cos),
    ("tan", Graph::tan),
    ("erf", Graph::erf),
    ("erfc", Graph::erfc),
    ("relu", Graph::relu),
    ("relu6", Graph::relu6),
    ("elu", Graph::elu),
    ("selu", Graph::selu),
    ("sigmoid", Graph::sigmoid),
    ("hard_sigmoid", Graph::hard_sigmoid),
    ("tanh", Graph::tanh),
    ("softplus", Graph::softplus),
    ("softsign", Graph::softsign),
    ("silu", Graph::silu),
    ("swish", Graph::silu),
    ("log_sigmoid", Graph::log_sigmoid),
    ("logical_not", Graph::logical_not),
    ("identity", Graph::identity),
    ("stop_gradient", Graph::stop_gradient),
    ("is_nan", Graph::is_nan),
    ("isnan", Graph::is_nan),
    ("is_finite", Graph::is_finite),
    ("size", Graph::size_of),
];

/// Functions that reduce axes.
const REDUCE: &[(&str, Reduce)] = &[
    ("reduce_sum", Graph::reduce_sum),
    ("sum", Graph::reduce_sum),
    ("reduce_mean", Graph::reduce_mean),
    ("mean", Graph::reduce_mean),
    ("reduce_prod", Graph::reduce_prod),
    ("prod", Graph::reduce_prod),
    ("reduce_max", Graph::reduce_max),
    ("max", Graph::reduce_max),
    ("amax", Graph::reduce_max),
    ("reduce_min", Graph::reduce_min),
    ("min", Graph::reduce_min),
    ("amin", Graph::reduce_min),
    ("reduce_all", Graph::reduce_all),
    ("all", Graph::reduce_all),
    ("reduce_any", Graph::reduce_any),
    ("any", Graph::reduce_any),
];

/// Functions with arguments of their own, below in [`build`].
const OTHERS: &[&str] = &[
    "add_n",
    "argmax",
    "argmin",
    "broadcast_to",
    "cast",
    "clip",
    "clip_by_value",
    "concat",
    "concatenate",
    "cumsum",
    "expand_dims",
    "flip",
    "gather",
    "gelu",
    "get_item",
    "getitem",
    "l2_normalize",
    "leaky_relu",
    "log_softmax",
    "matmul",
    "one_hot",
    "reduce_std",
    "reduce_variance",
    "reshape",
    "reverse",
    "shape",
    "slice",
    "softmax",
    "split",
    "squeeze",
    "stack",
    "strided_slice",
    "take",
    "tile",
    "transpose",
    "unstack",
    "where",
];

/// Functions that compute what an operation of Keras 3 does: their names, its class, and arguments that only they have,
/// which must be as said.
const AS_OPERATION: &[(&str, &str, &[(&str, &str)])] = &[
    ("acos", "Arccos", &[]),
    ("acosh", "Arccosh", &[]),
    ("asin", "Arcsin", &[]),
    ("asinh", "Arcsinh", &[]),
    ("atan", "Arctan", &[]),
    ("atan2", "Arctan2", &[]),
    ("atanh", "Arctanh", &[]),
    ("cosh", "Cosh", &[]),
    ("cumprod", "Cumprod", &[("exclusive", "false"), ("reverse", "false")]),
    ("is_inf", "Isinf", &[]),
    ("logical_xor", "LogicalXor", &[]),
    ("ones_like", "OnesLike", &[]),
    ("pad", "Pad", &[]),
    ("reduce_logsumexp", "Logsumexp", &[]),
    ("repeat", "Repeat", &[]),
    ("roll", "Roll", &[]),
    ("saturate_cast", "SaturateCast", &[]),
    ("sinh", "Sinh", &[]),
    ("tensordot", "Tensordot", &[]),
    ("top_k", "TopK", &[]),
    ("zeros_like", "ZerosLike", &[]),
];

/// Adds what an operation of Keras 3 computes.
fn as_operation(i: &mut Inputs<'_, '_>, class_name: &str, only: &[(&'static str, &str)]) -> Result<Vec<Value>> {
    for (name, expected) in only {
        let found = i.json(usize::MAX, &[*name])?.unwrap_or_default();
        if !found.is_null() && found.to_string() != *expected {
            return Err(i.wrong(format!("{expected} for argument `{name}`"), found.describe()));
        }
    }
    match operations::build(class_name, i)? {
        Some(values) => Ok(values),
        None => Err(i.wrong("a function", format!("`{class_name}`"))),
    }
}

/// The last part of a function's name, as the tables have it: `math.multiply` and `Multiply` are `multiply`.
fn key(function: &str) -> String {
    let last = function.rsplit('.').next().unwrap_or(function);
    if last.starts_with(char::is_uppercase) { snake_case(last) } else { last.to_owned() }
}

/// Whether a function is known.
///
/// # Errors
/// [`Error::UnknownName`] with names near it.
pub(super) fn check(function: &str) -> Result<()> {
    if operations::is_known(function) || functions::is_known(function) {
        return Ok(());
    }
    let key = key(function);
    let tables = TWO.iter().map(|(name, _)| *name).chain(ONE.iter().map(|(name, _)| *name));
    let known = tables.chain(REDUCE.iter().map(|(name, _)| *name)).chain(OTHERS.iter().copied());
    let mut known = known.chain(AS_OPERATION.iter().map(|(name, ..)| *name));
    // What an image is resized with is another matter than the size of a tensor.
    if known.clone().any(|name| name == key) && !function.starts_with("image.") {
        return Ok(());
    }
    let hint = did_you_mean(&key, known.by_ref());
    let own = operations::count() + functions::count();
    let count = TWO.len() + ONE.len() + REDUCE.len() + OTHERS.len() + AS_OPERATION.len() + own;
    Err(Error::UnknownName {
        kind: "operation".into(),
        name: function.into(),
        known: format!("{count} functions of `tf` and `keras.ops`"),
        hint,
    })
}

/// Adds the operations of a function.
pub(super) fn build(function: &str, i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    if i.layer.is_operation()
        && let Some(values) = operations::build(function, i)?
    {
        return Ok(values);
    }
    if !i.layer.is_operation()
        && let Some(values) = functions::build(function, i)?
    {
        return Ok(values);
    }
    let key = key(function);
    if let Some((_, two)) = TWO.iter().find(|(name, _)| *name == key) {
        let (a, b) = i.pair()?;
        return Ok(vec![two(i.cx.g, a, b)?]);
    }
    if let Some((_, one)) = ONE.iter().find(|(name, _)| *name == key) {
        let x = i.x()?;
        let given = i.cx.g.dtype(x);
        // No kernel takes the smallest whole numbers; of Keras 3 they stay what they are.
        if i.layer.is_operation() && given == DType::Bool && key == "square" {
            let x = i.cx.g.cast(x, DType::I32)?;
            return Ok(vec![one(i.cx.g, x)?]);
        }
        if i.layer.is_operation() && given.is_integer() && given.size().is_some_and(|size| size < 4) {
            let x = i.cx.g.cast(x, DType::I32)?;
            let y = one(i.cx.g, x)?;
            return Ok(vec![i.cx.g.cast(y, given)?]);
        }
        return Ok(vec![one(i.cx.g, x)?]);
    }
    if let Some((_, reduce)) = REDUCE.iter().find(|(name, _)| *name == key) {
        let x = i.x()?;
        let (axes, keep) = axes(i, x)?;
        return Ok(vec![reduce(i.cx.g, x, &axes, keep)?]);
    }
    if let Some((_, class_name, only)) = AS_OPERATION.iter().find(|(name, ..)| *name == key) {
        return as_operation(i, class_name, only);
    }
    let value = match key.as_str() {
        "concat" | "concatenate" => {
            let values = i.list()?;
            let axis = i.int(1, &["axis"], if key == "concat" { 0 } else { -1 })?;
            i.cx.g.concat(&values, axis)?
        }
        "stack" => {
            let values = i.list()?;
            let axis = i.int(1, &["axis"], 0)?;
            i.cx.g.stack(&values, axis)?
        }
        "add_n" => {
            let values = i.list()?;
            i.cx.g.add_n(&values)?
        }
        "unstack" => {
            let x = i.x()?;
            let axis = i.int(2, &["axis"], 0)?;
            return Ok(i.cx.g.unstack(x, axis)?);
        }
        "split" => return split(i),
        "reshape" => reshape(i)?,
        "expand_dims" => {
            let x = i.x()?;
            let axis = i.int(1, &["axis", "dim"], 0)?;
            i.cx.g.expand_dims(x, axis)?
        }
        "squeeze" => {
            let x = i.x()?;
            let axes = i.ints(1, &["axis", "squeeze_dims"])?.unwrap_or_default();
            i.cx.g.squeeze(x, &axes)?
        }
        "transpose" => {
            let x = i.x()?;
            let perm = match i.ints(1, &["perm", "axes"])? {
                Some(perm) => perm,
                None => i.cx.g.all_axes(x)?.into_iter().rev().collect(),
            };
            i.cx.g.transpose(x, &perm)?
        }
        "cast" => {
            let x = i.x()?;
            let to = i.dtype(1, &["dtype"])?.ok_or_else(|| i.wrong("argument `dtype`", "none"))?;
            i.cx.g.cast(x, to)?
        }
        "shape" => {
            let x = i.x()?;
            let shape = i.cx.g.shape_of(x)?;
            match i.dtype(2, &["out_type"])? {
                Some(dtype) if dtype != DType::I32 => i.cx.g.cast(shape, dtype)?,
                _ => shape,
            }
        }
        "getitem" | "get_item" => {
            let x = i.x()?;
            let spec = i.json(1, &["slice_spec", "key"])?.ok_or_else(|| i.wrong("a slice", "none"))?;
            let entries = slices(&spec).ok_or_else(|| i.wrong("a slice of numbers", spec.describe()))?;
            i.cx.g.strided_slice(x, &entries)?
        }
        "strided_slice" => strided_slice(i)?,
        "slice" => {
            let x = i.x()?;
            let missing = |i: &Inputs<'_, '_>| i.wrong("arguments `begin` and `size`", "none");
            let begin = i.ints(1, &["begin", "start_indices"])?.ok_or_else(|| missing(i))?;
            let size = i.ints(2, &["size", "shape"])?.ok_or_else(|| missing(i))?;
            i.cx.g.slice(x, &begin, &size)?
        }
        "tile" => {
            let x = i.x()?;
            let multiples = i.arg(1, &["multiples", "repeats"]);
            let multiples = multiples.ok_or_else(|| i.wrong("argument `multiples`", "none"))?;
            let multiples = i.value(&multiples, Some(DType::I32))?;
            i.cx.g.add_single(Tile, &[x, multiples])?
        }
        "gather" | "take" => {
            let x = i.x()?;
            let indices = i.arg(1, &["indices"]).ok_or_else(|| i.wrong("argument `indices`", "none"))?;
            let indices = i.value(&indices, Some(DType::I32))?;
            let batch_dims = i.int(9, &["batch_dims"], 0)?;
            let axis = i.int(9, &["axis"], batch_dims)?;
            i.cx.g.gather_batched(x, indices, axis, batch_dims)?
        }
        "one_hot" => {
            let x = i.x()?;
            let depth = i.int(1, &["depth", "num_classes"], -1)?;
            let depth = usize::try_from(depth).map_err(|_| i.wrong("a depth", depth.to_string()))?;
            let axis = i.int(9, &["axis"], -1)?;
            let dtype = i.dtype(9, &["dtype"])?.unwrap_or(DType::F32);
            let (on, off) = (i.float(2, &["on_value"], 1.0)?, i.float(3, &["off_value"], 0.0)?);
            if (on, off) == (1.0, 0.0) {
                i.cx.g.one_hot(x, depth, axis, dtype)?
            } else {
                let is_on = i.cx.g.one_hot(x, depth, axis, DType::Bool)?;
                let (on, off) = (i.cx.g.number(on, dtype)?, i.cx.g.number(off, dtype)?);
                i.cx.g.select(is_on, on, off)?
            }
        }
        "where" => {
            let condition = i.x()?;
            let (a, b) = match (i.arg(1, &["x", "x1"]), i.arg(2, &["y", "x2"])) {
                (Some(a), Some(b)) => (a, b),
                (None, None) if !i.layer.is_operation() => return Ok(vec![i.cx.g.add_single(Where, &[condition])?]),
                _ => return Err(i.wrong("three arguments", "fewer")),
            };
            let like = a.tensors().first().or(b.tensors().first()).map(|&&value| i.cx.g.dtype(value));
            let like = like.or(match &a {
                Arg::Const(number) => Some(alone(number)),
                _ => None,
            });
            let condition = i.cx.g.cast(condition, DType::Bool)?;
            let (a, b) = (i.value(&a, like)?, i.value(&b, like)?);
            i.cx.g.select(condition, a, b)?
        }
        "matmul" => {
            let (a, b) = i.pair()?;
            let (ta, tb) = (i.flag(2, &["transpose_a"])?, i.flag(3, &["transpose_b"])?);
            match (i.cx.g.dims(a).rank(), i.cx.g.dims(b).rank()) {
                (Some(2), Some(2)) => i.cx.g.matmul(a, b, ta, tb)?,
                _ => i.cx.g.batch_matmul(a, b, ta, tb)?,
            }
        }
        "softmax" | "log_softmax" => {
            let x = i.x()?;
            let axis = i.int(1, &["axis"], -1)?;
            if key == "log_softmax" {
                i.cx.g.log_softmax(x, axis)?
            } else {
                let y = i.cx.g.softmax(x, axis)?;
                if axis == -1 || i.cx.g.dims(x).rank() == usize::try_from(axis + 1).ok() {
                    i.cx.set_logits(y, x);
                }
                y
            }
        }
        "leaky_relu" => {
            let x = i.x()?;
            let alpha = i.float(1, &["alpha", "negative_slope"], 0.2)?;
            i.cx.g.leaky_relu(x, alpha)?
        }
        "gelu" => {
            let x = i.x()?;
            // `keras.ops.gelu` approximates unless told otherwise, `tf.nn.gelu` does not.
            let approximate = match i.json(1, &["approximate"])? {
                Some(value) => value.as_bool().unwrap_or(false),
                None => function.starts_with(char::is_uppercase),
            };
            i.cx.g.gelu(x, approximate)?
        }
        "clip_by_value" | "clip" => {
            let x = i.x()?;
            let low = i.float(1, &["clip_value_min", "x_min"], f64::NEG_INFINITY)?;
            let high = i.float(2, &["clip_value_max", "x_max"], f64::INFINITY)?;
            i.cx.g.clip_by_value(x, low, high)?
        }
        "l2_normalize" => {
            let x = i.x()?;
            let (axes, epsilon) = (axes(i, x)?.0, i.float(2, &["epsilon"], 1e-12)?);
            let square = i.cx.g.square(x)?;
            let sum = i.cx.g.reduce_sum(square, &axes, true)?;
            let least = i.cx.g.number(epsilon, i.cx.g.dtype(x))?;
            let sum = i.cx.g.maximum(sum, least)?;
            let scale = i.cx.g.rsqrt(sum)?;
            i.cx.g.multiply(x, scale)?
        }
        "reduce_variance" | "reduce_std" => {
            let x = i.x()?;
            let (axes, keep) = axes(i, x)?;
            let mean = i.cx.g.reduce_mean(x, &axes, true)?;
            let square = i.cx.g.squared_difference(x, mean)?;
            let variance = i.cx.g.reduce_mean(square, &axes, keep)?;
            if key == "reduce_std" { i.cx.g.sqrt(variance)? } else { variance }
        }
        "argmax" | "argmin" => {
            let x = i.x()?;
            let axis = i.int(1, &["axis"], 0)?;
            let found = if key == "argmax" { i.cx.g.argmax(x, axis)? } else { i.cx.g.argmin(x, axis)? };
            let dtype = i.dtype(2, &["output_type"])?.unwrap_or(DType::I64);
            if i.cx.g.dtype(found) == dtype { found } else { i.cx.g.cast(found, dtype)? }
        }
        "cumsum" => {
            let x = i.x()?;
            let axis = i.int(1, &["axis"], 0)?;
            let (exclusive, reverse) = (i.flag(2, &["exclusive"])?, i.flag(3, &["reverse"])?);
            i.cx.g.cumsum(x, axis, exclusive, reverse)?
        }
        "reverse" | "flip" => {
            let x = i.x()?;
            let axes = axes(i, x)?.0;
            i.cx.g.reverse(x, &axes)?
        }
        "broadcast_to" => {
            let x = i.x()?;
            let shape = i.arg(1, &["shape"]).ok_or_else(|| i.wrong("argument `shape`", "none"))?;
            let shape = i.value(&shape, Some(DType::I32))?;
            i.cx.g.broadcast_to(x, shape)?
        }
        _ => {
            check(function)?;
            return Err(i.wrong("a function", format!("`{function}`")));
        }
    };
    Ok(vec![value])
}

/// The axes to reduce, all where none are given, and whether they stay with length 1.
fn axes(i: &Inputs<'_, '_>, x: Value) -> Result<(Vec<i64>, bool)> {
    let keep = i.flag(2, &["keepdims", "keep_dims"])?;
    Ok(match i.ints(1, &["axis", "axes", "reduction_indices"])? {
        Some(axes) => (axes, keep),
        None => (i.cx.g.all_axes(x)?, keep),
    })
}

fn reshape(i: &mut Inputs<'_, '_>) -> Result<Value> {
    let x = i.x()?;
    let shape = i.arg(1, &["shape", "newshape"]).ok_or_else(|| i.wrong("argument `shape`", "none"))?;
    if shape.tensors().is_empty() {
        let lengths = i.ints(1, &["shape", "newshape"])?.unwrap_or_default();
        return Ok(i.cx.g.reshape(x, &lengths)?);
    }
    let shape = i.value(&shape, Some(DType::I32))?;
    Ok(i.cx.g.reshape_to(x, shape)?)
}

fn split(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let names = &["num_or_size_splits", "indices_or_sections"];
    let (parts, axis) = (i.json(1, names)?, i.int(2, &["axis"], 0)?);
    match parts {
        Some(Json::List(_)) => {
            let sizes = i.ints(1, names)?.unwrap_or_default();
            Ok(i.cx.g.split_sizes(x, &sizes, axis)?)
        }
        _ => {
            let parts = i.int(1, names, 0)?;
            let parts = usize::try_from(parts).map_err(|_| i.wrong("a number of parts", parts.to_string()))?;
            Ok(i.cx.g.split(x, parts, axis)?)
        }
    }
}

fn strided_slice(i: &mut Inputs<'_, '_>) -> Result<Value> {
    let x = i.x()?;
    let mut attrs = Attrs::new("StridedSlice", "");
    let mut has_masks = false;
    for mask in ["begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask"] {
        let value = i.int(9, &[mask], 0)?;
        has_masks |= value != 0;
        attrs = attrs.with(mask, Attr::Int(value));
    }
    let (begin, end) = (i.ints(1, &["begin"])?.unwrap_or_default(), i.ints(2, &["end"])?.unwrap_or_default());
    let strides = i.ints(3, &["strides"])?.unwrap_or_else(|| vec![1; begin.len()]);
    if begin.len() != end.len() || begin.len() != strides.len() {
        return Err(i.wrong("as many ends as beginnings", format!("{} and {}", end.len(), begin.len())));
    }
    if has_masks {
        let (begin, end, strides) = (i.cx.g.ints(&begin)?, i.cx.g.ints(&end)?, i.cx.g.ints(&strides)?);
        return Ok(i.cx.g.add_built(&attrs, &[x, begin, end, strides])?[0]);
    }
    let entries = begin.iter().zip(&end).zip(&strides).map(|((b, e), s)| Index::Range(Some(*b), Some(*e), *s));
    let entries: Vec<Index> = entries.collect();
    Ok(i.cx.g.strided_slice(x, &entries)?)
}

/// Python's slice as Keras writes it.
pub(super) fn slices(spec: &Json) -> Option<Vec<Index>> {
    let entry = |entry: &Json| -> Option<Index> {
        if entry.is_null() {
            return Some(Index::New);
        }
        if let Some(at) = entry.as_i64() {
            return Some(Index::At(at));
        }
        let class_name = entry.get("class_name").and_then(Json::as_str);
        if class_name == Some("__ellipsis__") {
            return Some(Index::Rest);
        }
        // Keras 3 wraps it: `{"class_name": "__slice__", "config": {"start", "stop", "step"}}`.
        let fields = if class_name == Some("__slice__") { entry.get("config")? } else { entry };
        let part = |key: &str| -> Option<Option<i64>> {
            match fields.get(key) {
                None | Some(Json::Null) => Some(None),
                Some(number) => number.as_i64().map(Some),
            }
        };
        fields.as_map()?;
        Some(Index::Range(part("start")?, part("stop")?, part("step")?.unwrap_or(1)))
    };
    match spec {
        Json::List(entries) => entries.iter().map(entry).collect(),
        one => Some(vec![entry(one)?]),
    }
}

/// The reverse of [`slices`], in Keras 2's words.
pub(super) fn slice_spec(entries: &[Index]) -> Json {
    let range = |start: Option<i64>, stop: Option<i64>, step: Option<i64>| -> Json {
        kerox_config_json::Config::new().with("start", start).with("stop", stop).with("step", step).into()
    };
    let entry = |entry: &Index| match entry {
        Index::New => Json::Null,
        Index::At(at) => Json::from(*at),
        Index::Rest => kerox_config_json::Config::new().with("class_name", "__ellipsis__").into(),
        Index::Range(start, stop, step) => range(*start, *stop, (*step != 1).then_some(*step)),
    };
    Json::List(entries.iter().map(entry).collect())
}

#[cfg(test)]
mod tests {
    use kerox_config_json::dialect::operations::Operation;

    use super::*;

    /// What Keras 3 has no operation for, or TensorFlow no function.
    const APART: &[(&str, &str)] =
        &[("hard_sigmoid", "no function of TensorFlow has the name"), ("shape", "Keras 3 has shapes as numbers")];

    #[test]
    fn functions_have_a_counterpart_in_keras_3() {
        let tables = TWO.iter().map(|(name, _)| *name).chain(ONE.iter().map(|(name, _)| *name));
        let tables = tables.chain(REDUCE.iter().map(|(name, _)| *name)).chain(OTHERS.iter().copied());
        let has_none =
            |name: &&str| Operation::of_function(name).is_none() && Operation::of_class(&class(name)).is_none();
        let mut apart: Vec<&str> = tables.chain(AS_OPERATION.iter().map(|(name, ..)| *name)).filter(has_none).collect();
        apart.sort_unstable();
        assert_eq!(apart, APART.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }

    /// `true_divide` as `TrueDivide`.
    fn class(name: &str) -> String {
        let part = |part: &str| part[..1].to_uppercase() + &part[1..];
        name.split('_').filter(|name| !name.is_empty()).map(part).collect()
    }
}
