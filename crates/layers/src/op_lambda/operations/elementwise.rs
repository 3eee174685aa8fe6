//! What looks at one element of each tensor at a time.

use kerox_config_json::Value as Json;
use kerox_graph::ops::{Atan2, Function};
use kerox_graph::{Graph, Value};
use kerox_tensor::DType;

use super::super::inputs::Inputs;
use super::fourier::is_complex;
use super::{Build, IN_CONFIG};
use crate::{Arg, Result};

pub(super) const OPERATIONS: &[(&str, Build)] = &[
    ("Abs", absolute),
    ("Absolute", absolute),
    ("Arctan2", arctan2),
    ("Array", converted),
    ("Ceil", |i| of_floats(i, Graph::ceil)),
    ("Celu", celu),
    ("ConvertToTensor", converted),
    ("Copy", converted),
    ("Divide", divide),
    ("Elu", elu),
    ("EmptyLike", |i| like(i, 0.0)),
    ("FullLike", full_like),
    ("Glu", glu),
    ("HardShrink", hard_shrink),
    ("HardTanh", hard_tanh),
    ("Floor", |i| of_floats(i, Graph::floor)),
    ("Isfinite", |i| of_floats(i, Graph::is_finite)),
    ("Isinf", |i| of_floats(i, Graph::is_inf)),
    ("Isnan", |i| of_floats(i, Graph::is_nan)),
    ("Log10", |i| logarithm(i, std::f64::consts::LN_10)),
    ("Log2", |i| logarithm(i, std::f64::consts::LN_2)),
    ("Logaddexp", logaddexp),
    ("LogicalAnd", |i| logical(i, Graph::logical_and)),
    ("LogicalNot", logical_not),
    ("LogicalOr", |i| logical(i, Graph::logical_or)),
    ("LogicalXor", logical_xor),
    ("NanToNum", nan_to_num),
    ("OnesLike", |i| like(i, 1.0)),
    ("Round", round),
    ("SaturateCast", saturate_cast),
    ("SoftShrink", soft_shrink),
    ("Squareplus", squareplus),
    ("TanhShrink", tanh_shrink),
    ("Threshold", threshold),
    ("TrueDivide", divide),
    ("Trunc", trunc),
    ("Where", select),
    ("ZerosLike", |i| like(i, 0.0)),
];

fn absolute(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let given = i.cx.g.dtype(x);
    if is_complex(i, x) {
        return Ok(vec![i.cx.g.abs(x)?]);
    }
    if matches!(given, DType::Bool | DType::U8 | DType::U16 | DType::U32 | DType::U64) {
        return Ok(vec![i.cx.g.identity(x)?]);
    }
    let is_small = matches!(given, DType::I8 | DType::I16);
    let x = if is_small { i.cx.g.cast(x, DType::I32)? } else { x };
    let size = i.cx.g.abs(x)?;
    Ok(vec![i.cx.g.cast(size, given)?])
}

/// Whole numbers are looked at as floating-point ones.
fn of_floats(i: &mut Inputs<'_, '_>, is: fn(&mut Graph, Value) -> kerox_graph::Result<Value>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    Ok(vec![is(i.cx.g, x)?])
}

fn arctan2(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (y, x) = i.pair_as_float()?;
    // The kernel takes values of one shape.
    let (zero_y, zero_x) = (i.cx.g.zeros_like(y)?, i.cx.g.zeros_like(x)?);
    let (y, x) = (i.cx.g.add(y, zero_x)?, i.cx.g.add(x, zero_y)?);
    Ok(vec![i.cx.g.add_single(Atan2, &[y, x])?])
}

fn converted(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let dtype = i.dtype(IN_CONFIG, &["dtype"])?.unwrap_or(i.cx.g.dtype(x));
    let x = i.cx.g.cast(x, dtype)?;
    Ok(vec![i.cx.g.identity(x)?])
}

/// `max(x, 0) + alpha * expm1(min(x, 0) / alpha)`.
fn celu(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let alpha = i.float(1, &["alpha"], 1.0)?;
    let dtype = i.cx.g.dtype(x);
    let (zero, alpha) = (i.cx.g.number(0.0, dtype)?, i.cx.g.number(alpha, dtype)?);
    let (above, below) = (i.cx.g.maximum(x, zero)?, i.cx.g.minimum(x, zero)?);
    let below = i.cx.g.divide(below, alpha)?;
    let below = i.cx.g.expm1(below)?;
    let below = i.cx.g.multiply(below, alpha)?;
    Ok(vec![i.cx.g.add(above, below)?])
}

fn divide(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair_as_float()?;
    Ok(vec![i.cx.g.divide(a, b)?])
}

fn elu(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let alpha = i.float(1, &["alpha"], 1.0)?;
    Ok(vec![i.cx.g.unary(Function::Elu(alpha), x)?])
}

fn full_like(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let dtype = i.dtype(IN_CONFIG, &["dtype"])?.unwrap_or(i.cx.g.dtype(x));
    let value = i.arg(1, &["fill_value"]).ok_or_else(|| i.wrong("argument `fill_value`", "none"))?;
    let value = i.value(&value, Some(dtype))?;
    let value = i.cx.g.cast(value, dtype)?;
    let shape = i.cx.g.shape_of(x)?;
    Ok(vec![i.cx.g.broadcast_to(value, shape)?])
}

fn like(i: &mut Inputs<'_, '_>, number: f64) -> Result<Vec<Value>> {
    let x = i.x()?;
    let dtype = i.dtype(IN_CONFIG, &["dtype"])?.unwrap_or(i.cx.g.dtype(x));
    let x = i.cx.g.cast(x, dtype)?;
    Ok(vec![if number == 0.0 { i.cx.g.zeros_like(x)? } else { i.cx.g.ones_like(x)? }])
}

fn glu(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let axis = i.int(1, &["axis"], -1)?;
    let parts = i.cx.g.split(x, 2, axis)?;
    let [a, b] = parts[..] else { return Err(i.wrong("two halves", parts.len().to_string())) };
    let gate = i.cx.g.sigmoid(b)?;
    Ok(vec![i.cx.g.multiply(a, gate)?])
}

fn hard_tanh(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    Ok(vec![i.cx.g.clip_by_value(x, -1.0, 1.0)?])
}

/// `x` where it is larger than a threshold in size, else 0.
fn hard_shrink(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let threshold = i.float(1, &["threshold"], 0.5)?;
    let threshold = i.cx.g.number(threshold, i.cx.g.dtype(x))?;
    let size = i.cx.g.abs(x)?;
    let is_large = i.cx.g.greater(size, threshold)?;
    let zeros = i.cx.g.zeros_like(x)?;
    Ok(vec![i.cx.g.select(is_large, x, zeros)?])
}

/// `sign(x) * max(|x| - threshold, 0)`.
fn soft_shrink(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let threshold = i.float(1, &["threshold"], 0.5)?;
    let threshold = i.cx.g.number(threshold, i.cx.g.dtype(x))?;
    let (size, sign) = (i.cx.g.abs(x)?, i.cx.g.sign(x)?);
    let size = i.cx.g.subtract(size, threshold)?;
    let size = i.cx.g.relu(size)?;
    Ok(vec![i.cx.g.multiply(sign, size)?])
}

fn tanh_shrink(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let tanh = i.cx.g.tanh(x)?;
    Ok(vec![i.cx.g.subtract(x, tanh)?])
}

fn threshold(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let (threshold, otherwise) = (i.float(1, &["threshold"], 0.0)?, i.float(2, &["default_value"], 0.0)?);
    let threshold = i.cx.g.number(threshold, i.cx.g.dtype(x))?;
    let is_above = i.cx.g.greater(x, threshold)?;
    let otherwise = i.cx.g.fill_like(x, otherwise)?;
    Ok(vec![i.cx.g.select(is_above, x, otherwise)?])
}

/// `(x + sqrt(x² + b)) / 2`.
fn squareplus(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let b = i.float(1, &["b"], 4.0)?;
    let dtype = i.cx.g.dtype(x);
    let (b, half) = (i.cx.g.number(b, dtype)?, i.cx.g.number(0.5, dtype)?);
    let root = i.cx.g.square(x)?;
    let root = i.cx.g.add(root, b)?;
    let root = i.cx.g.sqrt(root)?;
    let sum = i.cx.g.add(x, root)?;
    Ok(vec![i.cx.g.multiply(sum, half)?])
}

fn logarithm(i: &mut Inputs<'_, '_>, of_base: f64) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let log = i.cx.g.log(x)?;
    let of_base = i.cx.g.number(of_base, i.cx.g.dtype(x))?;
    Ok(vec![i.cx.g.divide(log, of_base)?])
}

/// `max(a, b) + log1p(exp(-|a - b|))`.
fn logaddexp(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair_as_float()?;
    let most = i.cx.g.maximum(a, b)?;
    let apart = i.cx.g.subtract(a, b)?;
    let apart = i.cx.g.abs(apart)?;
    let apart = i.cx.g.negate(apart)?;
    let rest = i.cx.g.exp(apart)?;
    let rest = i.cx.g.log1p(rest)?;
    Ok(vec![i.cx.g.add(most, rest)?])
}

/// Of two tensors as truth values.
fn logical(
    i: &mut Inputs<'_, '_>,
    of: fn(&mut Graph, Value, Value) -> kerox_graph::Result<Value>,
) -> Result<Vec<Value>> {
    let (a, b) = i.pair()?;
    let (a, b) = (i.cx.g.cast(a, DType::Bool)?, i.cx.g.cast(b, DType::Bool)?);
    Ok(vec![of(i.cx.g, a, b)?])
}

fn logical_not(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let x = i.cx.g.cast(x, DType::Bool)?;
    Ok(vec![i.cx.g.logical_not(x)?])
}

fn logical_xor(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair()?;
    let (a, b) = (i.cx.g.cast(a, DType::Bool)?, i.cx.g.cast(b, DType::Bool)?);
    // A kernel compares numbers.
    let (a, b) = (i.cx.g.cast(a, DType::I32)?, i.cx.g.cast(b, DType::I32)?);
    Ok(vec![i.cx.g.not_equal(a, b)?])
}

fn nan_to_num(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let nan = i.float(1, &["nan"], 0.0)?;
    let most = largest(i.cx.g.dtype(x));
    let (above, below) = (i.float(2, &["posinf"], most)?, i.float(3, &["neginf"], -most)?);
    Ok(vec![replaced(i, x, [nan, above, below])?])
}

/// The largest number of a type.
fn largest(dtype: DType) -> f64 {
    match dtype {
        DType::F16 => 65504.0,
        DType::BF16 => f64::from(f32::from_bits(0x7f7f_0000)),
        DType::F64 => f64::MAX,
        _ => f64::from(f32::MAX),
    }
}

/// A number in the place of `NaN`, the largest ones in that of infinities.
pub(super) fn without_nan_and_infinity(i: &mut Inputs<'_, '_>, x: Value, nan: f64) -> Result<Value> {
    let most = largest(i.cx.g.dtype(x));
    replaced(i, x, [nan, most, -most])
}

fn replaced(i: &mut Inputs<'_, '_>, x: Value, [nan, above, below]: [f64; 3]) -> Result<Value> {
    let zeros = i.cx.g.zeros_like(x)?;
    let (is_nan, is_inf, is_above) = (i.cx.g.is_nan(x)?, i.cx.g.is_inf(x)?, i.cx.g.greater(x, zeros)?);
    let (nan, above, below) = (i.cx.g.fill_like(x, nan)?, i.cx.g.fill_like(x, above)?, i.cx.g.fill_like(x, below)?);
    let infinite = i.cx.g.select(is_above, above, below)?;
    let x = i.cx.g.select(is_inf, infinite, x)?;
    Ok(i.cx.g.select(is_nan, nan, x)?)
}

/// Rounded to a number of decimals, halves to even.
fn round(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    if !i.cx.g.dtype(x).is_float() {
        return Ok(vec![i.cx.g.identity(x)?]);
    }
    let decimals = i.int(1, &["decimals"], 0)?;
    if decimals == 0 {
        return Ok(vec![i.cx.g.round(x)?]);
    }
    let decimals = i32::try_from(decimals).map_err(|_| i.wrong("fewer decimals", decimals.to_string()))?;
    let factor = i.cx.g.number(10f64.powi(decimals), i.cx.g.dtype(x))?;
    let scaled = i.cx.g.multiply(x, factor)?;
    let rounded = i.cx.g.round(scaled)?;
    Ok(vec![i.cx.g.divide(rounded, factor)?])
}

fn saturate_cast(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let dtype = i.dtype(1, &["dtype"])?.ok_or_else(|| i.wrong("argument `dtype`", "none"))?;
    let limits = match dtype {
        DType::U8 => Some((0.0, 255.0)),
        DType::I8 => Some((-128.0, 127.0)),
        DType::U16 => Some((0.0, 65535.0)),
        DType::I16 => Some((-32768.0, 32767.0)),
        DType::F16 => Some((-65504.0, 65504.0)),
        _ => None,
    };
    let x = match limits {
        Some((low, high)) if i.cx.g.dtype(x).is_float() => i.cx.g.clip_by_value(x, low, high)?,
        _ => x,
    };
    Ok(vec![i.cx.g.cast(x, dtype)?])
}

/// Without what stands behind the point.
fn trunc(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    if !i.cx.g.dtype(x).is_float() {
        return Ok(vec![i.cx.g.identity(x)?]);
    }
    let (size, sign) = (i.cx.g.abs(x)?, i.cx.g.sign(x)?);
    let whole = i.cx.g.floor(size)?;
    Ok(vec![i.cx.g.multiply(sign, whole)?])
}

fn select(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let condition = i.x()?;
    let condition = i.cx.g.cast(condition, DType::Bool)?;
    let constant = |arg: Option<Arg<Value>>| arg.filter(|arg| !matches!(arg, Arg::Const(Json::Null)));
    let (Some(a), Some(b)) = (constant(i.arg(1, &["x1"])), constant(i.arg(2, &["x2"]))) else {
        return Err(i.wrong("three arguments", "the condition alone"));
    };
    let (a, b) = i.meet(&a, &b)?;
    Ok(vec![i.cx.g.select(condition, a, b)?])
}
