//! Convolutions, pooling and cross entropies of tensors that are all given.

use kerox_graph::Value;
use kerox_graph::ops::{InTopK, Padding};
use kerox_tensor::{DType, Tensor};

use super::super::inputs::Inputs;
use super::super::operations::{Build, in_rows, length, rank};
use super::{BY_NAME, given, two, word};
use crate::Result;

pub(super) const FUNCTIONS: &[(&str, Build)] = &[
    ("math.in_top_k", in_top_k),
    ("nn.avg_pool", |i| pool(i, false)),
    ("nn.avg_pool1d", |i| pool(i, false)),
    ("nn.avg_pool2d", |i| pool(i, false)),
    ("nn.avg_pool3d", |i| pool(i, false)),
    ("nn.conv1d", |i| convolution(i, false)),
    ("nn.conv2d", |i| convolution(i, false)),
    ("nn.conv3d", |i| convolution(i, false)),
    ("nn.crelu", crelu),
    ("nn.depthwise_conv2d", |i| convolution(i, true)),
    ("nn.in_top_k", in_top_k),
    ("nn.l2_loss", |i| {
        let x = given(i, 0, &["t"], None)?;
        Ok(vec![i.cx.g.l2_loss(x)?])
    }),
    ("nn.conv1d_transpose", transposed),
    ("nn.conv2d_transpose", transposed),
    ("nn.conv3d_transpose", transposed),
    ("nn.local_response_normalization", local_response),
    ("nn.log_poisson_loss", log_poisson),
    ("nn.lrn", local_response),
    ("nn.max_pool", |i| pool(i, true)),
    ("nn.max_pool1d", |i| pool(i, true)),
    ("nn.max_pool2d", |i| pool(i, true)),
    ("nn.max_pool3d", |i| pool(i, true)),
    ("nn.separable_conv2d", separable),
    ("nn.sigmoid_cross_entropy_with_logits", |i| {
        let (labels, logits) = two(i, [&["labels"], &["logits"]])?;
        Ok(vec![i.cx.g.sigmoid_cross_entropy(logits, labels)?])
    }),
    ("nn.softmax_cross_entropy_with_logits", softmax_cross_entropy),
    ("nn.softmax_cross_entropy_with_logits_v2", softmax_cross_entropy),
    ("nn.sparse_softmax_cross_entropy_with_logits", |i| {
        let labels = given(i, 0, &["labels"], Some(DType::I32))?;
        let logits = given(i, 1, &["logits"], None)?;
        in_rows(i, logits, labels)
    }),
    ("nn.weighted_cross_entropy_with_logits", weighted_cross_entropy),
];

fn softmax_cross_entropy(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (labels, logits) = two(i, [&["labels"], &["logits"]])?;
    let axis = i.int(2, &["axis", "dim"], -1)?;
    if axis != -1 && axis + 1 != rank(i, logits)? as i64 {
        return Err(i.wrong("the last axis", axis.to_string()));
    }
    in_rows(i, logits, labels)
}

/// One of these lengths for each spatial axis: one number is for all, and those of batch and channels are 1.
fn lengths(i: &Inputs<'_, '_>, at: usize, names: &[&'static str], spatial: usize) -> Result<Option<Vec<usize>>> {
    let Some(given) = i.ints(at, names)? else { return Ok(None) };
    let found: Option<Vec<usize>> = given.iter().map(|&n| usize::try_from(n).ok().filter(|&n| n > 0)).collect();
    match found.as_deref() {
        Some(&[one]) => Ok(Some(vec![one; spatial])),
        Some([1, all @ .., 1]) if all.len() == spatial => Ok(Some(all.to_vec())),
        Some(all) if all.len() == spatial => Ok(Some(all.to_vec())),
        _ => Err(i.wrong(format!("{spatial} lengths for `{}`", names[0]), format!("{given:?}"))),
    }
}

fn padding(i: &Inputs<'_, '_>) -> Result<Padding> {
    let format = word(i, &["data_format"], "")?;
    if format.starts_with("NC") && format != "NC" {
        return Err(i.wrong("channels last", format!("`{format}`")));
    }
    let padding = i.json(BY_NAME, &["padding"])?.unwrap_or_default();
    match padding.as_str() {
        Some("SAME") => Ok(Padding::Same),
        Some("VALID") => Ok(Padding::Valid),
        _ => Err(i.wrong("padding `SAME` or `VALID`", padding.describe())),
    }
}

fn convolution(i: &mut Inputs<'_, '_>, is_depthwise: bool) -> Result<Vec<Value>> {
    let x = given(i, 0, &["input", "value"], None)?;
    let kernel = given(i, 1, &["filters", "filter"], Some(i.cx.g.dtype(x)))?;
    let spatial = rank(i, x)?.saturating_sub(2);
    if rank(i, kernel)? != spatial + 2 {
        return Err(i.wrong(format!("filters of rank {}", spatial + 2), rank(i, kernel)?.to_string()));
    }
    let ones = || vec![1; spatial];
    let strides = lengths(i, 2, &["strides", "stride"], spatial)?.unwrap_or_else(ones);
    let dilations = lengths(i, BY_NAME, &["dilations", "rate"], spatial)?.unwrap_or_else(ones);
    let padding = padding(i)?;
    Ok(vec![match is_depthwise {
        true => i.cx.g.depthwise_conv(x, kernel, &strides, padding, &dilations)?,
        false => i.cx.g.conv(x, kernel, &strides, padding, &dilations)?,
    }])
}

/// A convolution within channels, then one of single pixels.
fn separable(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["input"], None)?;
    let dtype = Some(i.cx.g.dtype(x));
    let (deep, pointwise) = (given(i, 1, &["depthwise_filter"], dtype)?, given(i, 2, &["pointwise_filter"], dtype)?);
    let ones = || vec![1; 2];
    let strides = lengths(i, 3, &["strides"], 2)?.unwrap_or_else(ones);
    let dilations = lengths(i, BY_NAME, &["dilations", "rate"], 2)?.unwrap_or_else(ones);
    let padding = padding(i)?;
    let y = i.cx.g.depthwise_conv(x, deep, &strides, padding, &dilations)?;
    Ok(vec![i.cx.g.conv(y, pointwise, &ones(), Padding::Valid, &ones())?])
}

/// The transpose of a convolution, of a shape that is given.
fn transposed(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["input", "value"], None)?;
    let kernel = given(i, 1, &["filters", "filter"], Some(i.cx.g.dtype(x)))?;
    let shape = given(i, 2, &["output_shape"], Some(DType::I32))?;
    let spatial = rank(i, x)?.saturating_sub(2);
    let ones = || vec![1; spatial];
    let strides = lengths(i, 3, &["strides"], spatial)?.unwrap_or_else(ones);
    let dilations = lengths(i, BY_NAME, &["dilations"], spatial)?.unwrap_or_else(ones);
    let is_valid = word(i, &["padding"], "SAME")? == "VALID";
    let padding = if is_valid { Padding::Valid } else { Padding::Same };
    if spatial != 1 {
        return Ok(vec![i.cx.g.conv_transpose(x, kernel, shape, &strides, padding, &dilations)?]);
    }
    // Of one axis as of two.
    let (x, kernel, one) = (i.cx.g.expand_dims(x, 1)?, i.cx.g.expand_dims(kernel, 0)?, i.cx.g.ints(&[1])?);
    let (batch, rest) = (i.cx.g.slice(shape, &[0], &[1])?, i.cx.g.slice(shape, &[1], &[-1])?);
    let shape = i.cx.g.concat(&[batch, one, rest], 0)?;
    let y = i.cx.g.conv_transpose(x, kernel, shape, &[1, strides[0]], padding, &[1, dilations[0]])?;
    Ok(vec![i.cx.g.squeeze(y, &[1])?])
}

/// Each channel over a power of the squares around it.
fn local_response(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["input"], None)?;
    let (all, dtype) = (rank(i, x)?, i.cx.g.dtype(x));
    let channels = length(i, x, all.saturating_sub(1))?;
    let radius = i.int(1, &["depth_radius"], 5)?;
    let is_near = |at: usize| (at / channels).abs_diff(at % channels) as i64 <= radius;
    let near: Vec<f64> = (0..channels * channels).map(|at| f64::from(u8::from(is_near(at)))).collect();
    let near = i.cx.g.constant(Tensor::from_vec(near, [channels, channels])?.cast(dtype)?)?;
    let number = |i: &mut Inputs<'_, '_>, at, name: &'static str, default| -> Result<Value> {
        let number = i.float(at, &[name], default)?;
        Ok(i.cx.g.number(number, dtype)?)
    };
    let (bias, alpha, beta) = (number(i, 2, "bias", 1.0)?, number(i, 3, "alpha", 1.0)?, number(i, 4, "beta", 0.5)?);
    let square = i.cx.g.square(x)?;
    let sums = i.cx.g.batch_matmul(square, near, false, false)?;
    let sums = i.cx.g.multiply(sums, alpha)?;
    let sums = i.cx.g.add(sums, bias)?;
    let power = i.cx.g.pow(sums, beta)?;
    Ok(vec![i.cx.g.divide(x, power)?])
}

/// `exp(log_input) - targets log_input`.
fn log_poisson(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (targets, log) = two(i, [&["targets"], &["log_input"]])?;
    if i.flag(2, &["compute_full_loss"])? {
        return Err(i.wrong("`compute_full_loss=False`", "True"));
    }
    let (rate, product) = (i.cx.g.exp(log)?, i.cx.g.multiply(log, targets)?);
    Ok(vec![i.cx.g.subtract(rate, product)?])
}

/// Cross entropy with logits in which labels count `pos_weight` times.
fn weighted_cross_entropy(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (labels, logits) = two(i, [&["labels"], &["logits"]])?;
    let dtype = i.cx.g.dtype(logits);
    let (weight, one) = (given(i, 2, &["pos_weight"], Some(dtype))?, i.cx.g.number(1.0, dtype)?);
    let more = i.cx.g.subtract(weight, one)?;
    let more = i.cx.g.multiply(more, labels)?;
    let weight = i.cx.g.add(one, more)?;
    let against = i.cx.g.subtract(one, labels)?;
    let against = i.cx.g.multiply(against, logits)?;
    let minus = i.cx.g.negate(logits)?;
    let softplus = i.cx.g.softplus(minus)?;
    let weighted = i.cx.g.multiply(weight, softplus)?;
    Ok(vec![i.cx.g.add(against, weighted)?])
}

fn pool(i: &mut Inputs<'_, '_>, most: bool) -> Result<Vec<Value>> {
    let x = given(i, 0, &["input", "value"], None)?;
    let spatial = rank(i, x)?.saturating_sub(2);
    let (size, strides) = (lengths(i, 1, &["ksize"], spatial)?, lengths(i, 2, &["strides"], spatial)?);
    let (Some(size), Some(strides)) = (size, strides) else { return Err(i.wrong("`ksize` and `strides`", "fewer")) };
    let padding = padding(i)?;
    Ok(vec![match most {
        true => i.cx.g.max_pool(x, &size, &strides, padding)?,
        false => i.cx.g.avg_pool(x, &size, &strides, padding)?,
    }])
}

/// What is above 0 of the tensor, then of its negative.
fn crelu(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let negative = i.cx.g.negate(x)?;
    let both = i.cx.g.concat(&[x, negative], i.int(BY_NAME, &["axis"], -1)?)?;
    Ok(vec![i.cx.g.relu(both)?])
}

/// Whether the target is among the `k` largest of its row.
fn in_top_k(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (predictions, targets) = match (i.arg(0, &["predictions"]), i.arg(1, &["targets"])) {
        (Some(predictions), Some(targets)) => (i.value(&predictions, None)?, i.value(&targets, Some(DType::I32))?),
        _ => return Err(i.wrong("`predictions` and `targets`", "fewer")),
    };
    let k = i.cx.g.number(i.int(2, &["k"], 1)? as f64, i.cx.g.dtype(targets))?;
    Ok(vec![i.cx.g.add_single(InTopK, &[predictions, targets, k])?])
}
