//! Convolutions, normalizations, attention and losses of tensors that are all given.

use kerox_config_json::Value as Json;
use kerox_graph::Value;
use kerox_graph::ops::Padding;
use kerox_tensor::{DType, Tensor};

use super::super::inputs::Inputs;
use super::arrangement::{axis_of, rank};
use super::{Build, IN_CONFIG};
use crate::einsum::{Length, reshape_to_lengths};
use crate::{Arg, Result};

pub(super) const OPERATIONS: &[(&str, Build)] = &[
    ("BatchNorm", batch_norm),
    ("BinaryCrossentropy", binary_crossentropy),
    ("CTCLoss", ctc_loss),
    ("CategoricalCrossentropy", categorical_crossentropy),
    ("Conv", |i| convolution(i, Kind::Plain)),
    ("DepthwiseConv", |i| convolution(i, Kind::Depthwise)),
    ("DotProductAttention", attention),
    ("LayerNorm", layer_norm),
    ("RMSNorm", rms_norm),
    ("SparseCategoricalCrossentropy", sparse_categorical_crossentropy),
    ("SeparableConv", |i| convolution(i, Kind::Separable)),
];

/// Keras's small number.
const EPSILON: f64 = 1e-7;

/// A tensor that may be missing, in a type.
fn given(i: &mut Inputs<'_, '_>, at: usize, name: &str, dtype: DType) -> Result<Option<Value>> {
    let Some(arg) = i.arg(at, &[name]).filter(|arg| !matches!(arg, Arg::Const(Json::Null))) else { return Ok(None) };
    let value = i.value(&arg, Some(dtype))?;
    Ok(Some(i.cx.g.cast(value, dtype)?))
}

fn required(i: &mut Inputs<'_, '_>, at: usize, name: &str, dtype: DType) -> Result<Value> {
    given(i, at, name, dtype)?.ok_or_else(|| i.wrong(format!("argument `{name}`"), "none"))
}

fn axes_of(i: &Inputs<'_, '_>, x: Value) -> Result<Vec<Option<usize>>> {
    let axes = i.cx.g.dims(x).axes().map(<[Option<usize>]>::to_vec);
    axes.ok_or_else(|| i.wrong("a known rank", "an unknown one"))
}

enum Kind {
    Plain,
    Depthwise,
    Separable,
}

/// Lengths for each spatial axis: one number is for all.
fn lengths(i: &Inputs<'_, '_>, name: &str, spatial: usize) -> Result<Vec<usize>> {
    let given = i.ints(IN_CONFIG, &[name])?.unwrap_or_else(|| vec![1]);
    let found: Option<Vec<usize>> = given.iter().map(|&n| usize::try_from(n).ok().filter(|&n| n > 0)).collect();
    match found {
        Some(one) if one.len() == 1 => Ok(vec![one[0]; spatial]),
        Some(all) if all.len() == spatial => Ok(all),
        _ => Err(i.wrong(format!("{spatial} lengths for `{name}`"), format!("{given:?}"))),
    }
}

fn padding(i: &Inputs<'_, '_>) -> Result<Padding> {
    if i.json(IN_CONFIG, &["data_format"])?.is_some_and(|format| format.as_str() == Some("channels_first")) {
        return Err(i.wrong("channels last", "`channels_first`"));
    }
    let padding = i.json(IN_CONFIG, &["padding"])?;
    match padding.as_ref().and_then(Json::as_str) {
        Some("same") => Ok(Padding::Same),
        Some("valid") | None => Ok(Padding::Valid),
        Some(other) => Err(i.wrong("padding `valid` or `same`", format!("`{other}`"))),
    }
}

fn convolution(i: &mut Inputs<'_, '_>, kind: Kind) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let dtype = i.cx.g.dtype(x);
    let name = if matches!(kind, Kind::Separable) { "depthwise_kernel" } else { "kernel" };
    let kernel = required(i, 1, name, dtype)?;
    let spatial = rank(i, x)?.saturating_sub(2);
    if rank(i, kernel)? != spatial + 2 {
        return Err(i.wrong(format!("a kernel of rank {}", spatial + 2), rank(i, kernel)?.to_string()));
    }
    let (strides, dilations) = (lengths(i, "strides", spatial)?, lengths(i, "dilation_rate", spatial)?);
    let padding = padding(i)?;
    if matches!(kind, Kind::Plain) {
        return Ok(vec![i.cx.g.conv(x, kernel, &strides, padding, &dilations)?]);
    }
    let y = i.cx.g.depthwise_conv(x, kernel, &strides, padding, &dilations)?;
    if matches!(kind, Kind::Depthwise) {
        return Ok(vec![y]);
    }
    let pointwise = required(i, 2, "pointwise_kernel", dtype)?;
    let ones = vec![1; spatial];
    Ok(vec![i.cx.g.conv(y, pointwise, &ones, Padding::Valid, &ones)?])
}

/// A vector along an axis, ready to go with a tensor; what has more axes stays.
fn along(i: &mut Inputs<'_, '_>, vector: Value, axis: usize, all: usize) -> Result<Value> {
    if rank(i, vector)? != 1 {
        return Ok(vector);
    }
    let mut shape = vec![1; all];
    shape[axis] = -1;
    Ok(i.cx.g.reshape(vector, &shape)?)
}

fn batch_norm(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let (dtype, rank) = (i.cx.g.dtype(x), rank(i, x)?);
    let axis = axis_of(i, i.int(IN_CONFIG, &["axis"], -1)?, rank)?;
    let epsilon = i.float(IN_CONFIG, &["epsilon"], 1e-3)?;
    let (mean, variance) = (required(i, 1, "mean", dtype)?, required(i, 2, "variance", dtype)?);
    let (offset, scale) = (given(i, 3, "offset", dtype)?, given(i, 4, "scale", dtype)?);
    let (mean, variance) = (along(i, mean, axis, rank)?, along(i, variance, axis, rank)?);
    let least = i.cx.g.number(epsilon, dtype)?;
    let variance = i.cx.g.add(variance, least)?;
    let mut factor = i.cx.g.rsqrt(variance)?;
    if let Some(scale) = scale {
        let scale = along(i, scale, axis, rank)?;
        factor = i.cx.g.multiply(factor, scale)?;
    }
    let apart = i.cx.g.subtract(x, mean)?;
    let mut y = i.cx.g.multiply(apart, factor)?;
    if let Some(offset) = offset {
        let offset = along(i, offset, axis, rank)?;
        y = i.cx.g.add(y, offset)?;
    }
    Ok(vec![y])
}

fn rms_norm(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let (dtype, rank) = (i.cx.g.dtype(x), rank(i, x)?);
    let axes = i.ints(IN_CONFIG, &["axis"])?.unwrap_or_else(|| vec![-1]);
    let epsilon = i.float(IN_CONFIG, &["epsilon"], EPSILON)?;
    let scale = given(i, 1, "scale", dtype)?;
    let square = i.cx.g.square(x)?;
    let mean = i.cx.g.reduce_mean(square, &axes, true)?;
    let least = i.cx.g.number(epsilon, dtype)?;
    let mean = i.cx.g.add(mean, least)?;
    let factor = i.cx.g.rsqrt(mean)?;
    let y = i.cx.g.multiply(x, factor)?;
    match (scale, &axes[..]) {
        (Some(scale), &[axis]) => {
            let axis = axis_of(i, axis, rank)?;
            let scale = along(i, scale, axis, rank)?;
            Ok(vec![i.cx.g.multiply(y, scale)?])
        }
        (Some(scale), _) => Ok(vec![i.cx.g.multiply(y, scale)?]),
        (None, _) => Ok(vec![y]),
    }
}

fn layer_norm(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    if i.flag(IN_CONFIG, &["rms_scaling"])? {
        return Err(i.wrong("no `rms_scaling`", "it"));
    }
    let x = i.x_as_float()?;
    let (dtype, rank) = (i.cx.g.dtype(x), rank(i, x)?);
    let axes = i.ints(IN_CONFIG, &["axis"])?.unwrap_or_else(|| vec![-1]);
    let epsilon = i.float(IN_CONFIG, &["epsilon"], EPSILON)?;
    let (gamma, beta) = (given(i, 1, "gamma", dtype)?, given(i, 2, "beta", dtype)?);
    let mean = i.cx.g.reduce_mean(x, &axes, true)?;
    let square = i.cx.g.squared_difference(x, mean)?;
    let variance = i.cx.g.reduce_mean(square, &axes, true)?;
    let least = i.cx.g.number(epsilon, dtype)?;
    let variance = i.cx.g.add(variance, least)?;
    let factor = i.cx.g.rsqrt(variance)?;
    let apart = i.cx.g.subtract(x, mean)?;
    let mut y = i.cx.g.multiply(apart, factor)?;
    let single = if let &[axis] = &axes[..] { Some(axis_of(i, axis, rank)?) } else { None };
    for (weight, is_factor) in [(gamma, true), (beta, false)] {
        let Some(mut weight) = weight else { continue };
        if let Some(axis) = single {
            weight = along(i, weight, axis, rank)?;
        }
        y = if is_factor { i.cx.g.multiply(y, weight)? } else { i.cx.g.add(y, weight)? };
    }
    Ok(vec![y])
}

/// `softmax(q · k * scale + bias) · v` of `[batch, steps, heads, depth]`.
fn attention(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let operand = |i: &mut Inputs<'_, '_>, at, names: &[&str]| -> Result<Value> {
        let arg = i.arg(at, names).ok_or_else(|| i.wrong(format!("argument `{}`", names[0]), "none"))?;
        i.value(&arg, Some(DType::F32))
    };
    let (query, key, value) = (operand(i, 0, &["query"])?, operand(i, 1, &["key"])?, operand(i, 2, &["value"])?);
    let dtype = i.cx.g.dtype(query);
    let (rows, columns) = (axes_of(i, query)?, axes_of(i, key)?);
    let (&[_, steps, _, Some(depth)], &[_, sources, ..]) = (&rows[..], &columns[..]) else {
        return Err(i.wrong("tensors `[batch, steps, heads, depth]`", format!("rank {}", rows.len())));
    };
    let scale = i.float(5, &["scale"], 1.0 / (depth as f64).sqrt())?;
    let heads_first = |i: &mut Inputs<'_, '_>, x| i.cx.g.transpose(x, &[0, 2, 1, 3]);
    let (query, key, value) = (heads_first(i, query)?, heads_first(i, key)?, heads_first(i, value)?);
    let scale = i.cx.g.number(scale, dtype)?;
    let logits = i.cx.g.batch_matmul(query, key, false, true)?;
    let mut logits = i.cx.g.multiply(logits, scale)?;
    if let Some(cap) = i.json(IN_CONFIG, &["attn_logits_soft_cap"])?.and_then(|cap| cap.as_f64()) {
        let cap = i.cx.g.number(cap, dtype)?;
        let part = i.cx.g.divide(logits, cap)?;
        let part = i.cx.g.tanh(part)?;
        logits = i.cx.g.multiply(part, cap)?;
    }
    if let Some(bias) = given(i, 3, "bias", dtype)? {
        logits = i.cx.g.add(logits, bias)?;
    }
    let mut masks = Vec::from_iter(given(i, 4, "mask", DType::Bool)?);
    if i.flag(IN_CONFIG, &["is_causal"])? {
        let (Some(steps), Some(sources)) = (steps, sources) else {
            return Err(i.wrong("known numbers of steps", "unknown ones"));
        };
        let seen: Vec<bool> = (0..steps * sources).map(|at| at % sources <= at / sources).collect();
        masks.push(i.cx.g.constant(Tensor::from_vec(seen, [1, 1, steps, sources])?)?);
    }
    for mask in masks {
        let lowest = if dtype == DType::F16 { -65504.0 } else { f64::from(f32::MIN) };
        let lowest = i.cx.g.fill_like(logits, lowest * 0.7)?;
        logits = i.cx.g.select(mask, logits, lowest)?;
    }
    let weights = i.cx.g.softmax(logits, -1)?;
    let found = i.cx.g.batch_matmul(weights, value, false, false)?;
    Ok(vec![heads_first(i, found)?])
}

/// Two arguments of a loss, in the type of the second.
fn target_and_output(i: &mut Inputs<'_, '_>) -> Result<(Value, Value)> {
    let output = i.arg(1, &["output"]).ok_or_else(|| i.wrong("argument `output`", "none"))?;
    let output = i.value(&output, Some(DType::F32))?;
    let dtype = i.cx.g.dtype(output);
    Ok((required(i, 0, "target", dtype)?, output))
}

fn clipped(i: &mut Inputs<'_, '_>, output: Value) -> Result<Value> {
    Ok(i.cx.g.clip_by_value(output, EPSILON, 1.0 - EPSILON)?)
}

fn binary_crossentropy(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (target, output) = target_and_output(i)?;
    let (one_of_logits, dtype) = (i.flag(IN_CONFIG, &["from_logits"])?, i.cx.g.dtype(output));
    if one_of_logits {
        // max(x, 0) - x * t + log1p(exp(-|x|))
        let (above, product) = (i.cx.g.relu(output)?, i.cx.g.multiply(output, target)?);
        let size = i.cx.g.abs(output)?;
        let size = i.cx.g.negate(size)?;
        let rest = i.cx.g.exp(size)?;
        let rest = i.cx.g.log1p(rest)?;
        let first = i.cx.g.subtract(above, product)?;
        return Ok(vec![i.cx.g.add(first, rest)?]);
    }
    let output = clipped(i, output)?;
    let one = i.cx.g.number(1.0, dtype)?;
    let (other_target, other) = (i.cx.g.subtract(one, target)?, i.cx.g.subtract(one, output)?);
    let (log, log_other) = (i.cx.g.log(output)?, i.cx.g.log(other)?);
    let (a, b) = (i.cx.g.multiply(target, log)?, i.cx.g.multiply(other_target, log_other)?);
    let sum = i.cx.g.add(a, b)?;
    Ok(vec![i.cx.g.negate(sum)?])
}

fn categorical_crossentropy(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (target, output) = target_and_output(i)?;
    let axis = i.int(IN_CONFIG, &["axis"], -1)?;
    let log = match logits(i, output)? {
        // TensorFlow's gradient takes the targets of a row for ones whose sum is 1.
        Some(logits) if matches!(axis_of(i, axis, rank(i, logits)?), Ok(at) if at + 1 == rank(i, logits)?) => {
            return in_rows(i, logits, target);
        }
        Some(logits) => i.cx.g.log_softmax(logits, axis)?,
        None => {
            let sum = i.cx.g.reduce_sum(output, &[axis], true)?;
            let output = i.cx.g.divide(output, sum)?;
            let output = clipped(i, output)?;
            i.cx.g.log(output)?
        }
    };
    let product = i.cx.g.multiply(target, log)?;
    let sum = i.cx.g.reduce_sum(product, &[axis], false)?;
    Ok(vec![i.cx.g.negate(sum)?])
}

/// What went into the softmax that an output comes from; an output that is meant so itself.
fn logits(i: &mut Inputs<'_, '_>, output: Value) -> Result<Option<Value>> {
    if i.flag(IN_CONFIG, &["from_logits"])? {
        return Ok(Some(output));
    }
    Ok(i.cx.logits(output))
}

/// The cross entropy along the last axis, of any rank.
pub(in super::super) fn in_rows(i: &mut Inputs<'_, '_>, logits: Value, target: Value) -> Result<Vec<Value>> {
    let is_sparse = rank(i, target)? < rank(i, logits)?;
    let lengths = Length::all(i.cx.g, logits);
    let (lead, last) = lengths.split_at(lengths.len() - 1);
    let rows = [lead.to_vec(), last.to_vec()];
    let logits = reshape_to_lengths(i.cx.g, logits, &rows)?;
    let loss = if is_sparse {
        let target = i.cx.g.reshape(target, &[-1])?;
        i.cx.g.sparse_softmax_cross_entropy(logits, target)?
    } else {
        let target = reshape_to_lengths(i.cx.g, target, &rows)?;
        i.cx.g.softmax_cross_entropy(logits, target)?
    };
    let lead: Vec<Vec<Length>> = lead.iter().map(|&length| vec![length]).collect();
    Ok(vec![reshape_to_lengths(i.cx.g, loss, &lead)?])
}

fn sparse_categorical_crossentropy(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let output = i.arg(1, &["output"]).ok_or_else(|| i.wrong("argument `output`", "none"))?;
    let output = i.value(&output, Some(DType::F32))?;
    let all = rank(i, output)?;
    let axis = i.int(IN_CONFIG, &["axis"], -1)?;
    if axis_of(i, axis, all)? + 1 != all {
        return Err(i.wrong("the last axis", axis.to_string()));
    }
    let mut target = required(i, 0, "target", DType::I64)?;
    if rank(i, target)? == all && axes_of(i, target)?.last() == Some(&Some(1)) {
        target = i.cx.g.squeeze(target, &[-1])?;
    }
    let logits = match logits(i, output)? {
        Some(logits) => logits,
        None => {
            let output = clipped(i, output)?;
            i.cx.g.log(output)?
        }
    };
    in_rows(i, logits, target)
}

fn ctc_loss(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let target = required(i, 0, "target", DType::I64)?;
    let output = required(i, 1, "output", DType::F32)?;
    let (labels, steps) = (required(i, 2, "target_length", DType::I64)?, required(i, 3, "output_length", DType::I64)?);
    let blank = i.int(IN_CONFIG, &["mask_index"], 0)?;
    Ok(vec![i.cx.g.ctc_loss(output, target, labels, steps, blank)?])
}
