//! More of what looks at one element of each tensor at a time: `numpy`'s rarer functions.

use std::f64::consts::{LN_2, PI};

use kerox_graph::ops::{Careful, Function, Gcd};
use kerox_graph::{Graph, Value};
use kerox_tensor::DType;

use super::super::inputs::Inputs;
use super::fourier::is_complex;
use super::{Build, IN_CONFIG};
use crate::Result;

pub(super) const OPERATIONS: &[(&str, Build)] = &[
    ("AllClose", all_close),
    ("Cbrt", cbrt),
    ("Conj", conjugate),
    ("Conjugate", conjugate),
    ("Deg2rad", |i| scaled(i, PI / 180.0)),
    ("Exp2", exp2),
    ("Fabs", fabs),
    ("Fmax", |i| extreme_of_numbers(i, Graph::maximum)),
    ("Fmin", |i| extreme_of_numbers(i, Graph::minimum)),
    ("Fmod", fmod),
    ("Gcd", gcd),
    ("Heaviside", heaviside),
    ("Hypot", hypot),
    ("I0", i0),
    ("Isclose", |i| Ok(vec![is_close(i)?])),
    ("Isneginf", |i| infinite(i, Graph::less)),
    ("Isposinf", |i| infinite(i, Graph::greater)),
    ("Lcm", lcm),
    ("Logaddexp2", logaddexp2),
    ("Nextafter", nextafter),
    ("Rad2deg", |i| scaled(i, 180.0 / PI)),
    ("Real", real),
    ("Sinc", sinc),
    ("SparsePlus", sparse_plus),
    ("SparseSigmoid", sparse_sigmoid),
];

/// Real numbers are their own conjugates.
fn conjugate(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    Ok(vec![if is_complex(i, x) { i.cx.g.conjugate(x)? } else { i.cx.g.identity(x)? }])
}

fn real(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    Ok(vec![if is_complex(i, x) { i.cx.g.parts(x)?[0] } else { i.cx.g.identity(x)? }])
}

/// Two tensors of whole numbers and their sizes.
fn sizes(i: &mut Inputs<'_, '_>) -> Result<(Value, Value)> {
    let (a, b) = i.pair()?;
    let dtype = i.cx.g.dtype(a);
    if !dtype.is_integer() {
        return Err(i.wrong("whole numbers", dtype.to_string()));
    }
    let size = |i: &mut Inputs<'_, '_>, x: Value| -> Result<Value> {
        let zero = i.cx.g.number(0.0, dtype)?;
        Ok(i.cx.g.add_single(Gcd, &[x, zero])?)
    };
    Ok((size(i, a)?, size(i, b)?))
}

fn gcd(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = sizes(i)?;
    Ok(vec![i.cx.g.add_single(Gcd, &[a, b])?])
}

/// The product over the greatest common divisor.
fn lcm(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = sizes(i)?;
    let dtype = i.cx.g.dtype(a);
    let (zero, one) = (i.cx.g.number(0.0, dtype)?, i.cx.g.number(1.0, dtype)?);
    let divisor = i.cx.g.add_single(Gcd, &[a, b])?;
    let is_zero = i.cx.g.equal(divisor, zero)?;
    let known = i.cx.g.select(is_zero, one, divisor)?;
    let part = i.cx.g.floor_div(b, known)?;
    Ok(vec![i.cx.g.multiply(a, part)?])
}

/// The modified Bessel function of order 0; of 64-bit whole numbers in double precision.
fn i0(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let x = match i.cx.g.dtype(x) {
        dtype if dtype.is_float() => x,
        DType::I64 => i.cx.g.cast(x, DType::F64)?,
        _ => i.cx.g.cast(x, DType::F32)?,
    };
    Ok(vec![i.cx.g.unary(Function::BesselI0, x)?])
}

/// The double behind the first on the way to the second, rounded to the type of both.
fn nextafter(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair_as_float()?;
    let dtype = i.cx.g.dtype(a);
    let (a, b) = (i.cx.g.cast(a, DType::F64)?, i.cx.g.cast(b, DType::F64)?);
    let next = i.cx.g.add_single(Careful::NextAfter, &[a, b])?;
    Ok(vec![i.cx.g.cast(next, dtype)?])
}

fn scaled(i: &mut Inputs<'_, '_>, by: f64) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let by = i.cx.g.number(by, i.cx.g.dtype(x))?;
    Ok(vec![i.cx.g.multiply(x, by)?])
}

fn cbrt(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let third = i.cx.g.number(1.0 / 3.0, i.cx.g.dtype(x))?;
    let (size, sign) = (i.cx.g.abs(x)?, i.cx.g.sign(x)?);
    let root = i.cx.g.pow(size, third)?;
    Ok(vec![i.cx.g.multiply(sign, root)?])
}

fn exp2(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let two = i.cx.g.number(2.0, i.cx.g.dtype(x))?;
    Ok(vec![i.cx.g.pow(two, x)?])
}

fn fabs(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    Ok(vec![i.cx.g.abs(x)?])
}

/// Of two numbers the one that is not `NaN`, if one is.
fn extreme_of_numbers(
    i: &mut Inputs<'_, '_>,
    of: fn(&mut Graph, Value, Value) -> kerox_graph::Result<Value>,
) -> Result<Vec<Value>> {
    let (a, b) = i.pair()?;
    let found = of(i.cx.g, a, b)?;
    if !i.cx.g.dtype(a).is_float() {
        return Ok(vec![found]);
    }
    let zeros = i.cx.g.zeros_like(found)?;
    let (plain_a, plain_b) = (i.cx.g.add(a, zeros)?, i.cx.g.add(b, zeros)?);
    let (no_a, no_b) = (i.cx.g.is_nan(a)?, i.cx.g.is_nan(b)?);
    let found = i.cx.g.select(no_b, plain_a, found)?;
    Ok(vec![i.cx.g.select(no_a, plain_b, found)?])
}

/// What is left of a division that is cut off towards 0.
fn fmod(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair()?;
    let (size_a, size_b, sign) = (i.cx.g.abs(a)?, i.cx.g.abs(b)?, i.cx.g.sign(a)?);
    let rest = i.cx.g.floor_mod(size_a, size_b)?;
    Ok(vec![i.cx.g.multiply(sign, rest)?])
}

/// 0 below 0, 1 above it, the second number at 0.
fn heaviside(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (x, at_zero) = i.pair_as_float()?;
    let zero = i.cx.g.number(0.0, i.cx.g.dtype(x))?;
    let is_zero = i.cx.g.equal(x, zero)?;
    let is_above = i.cx.g.greater(x, zero)?;
    let step = i.cx.g.cast(is_above, i.cx.g.dtype(x))?;
    Ok(vec![i.cx.g.select(is_zero, at_zero, step)?])
}

fn hypot(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair_as_float()?;
    let (a, b) = (i.cx.g.abs(a)?, i.cx.g.abs(b)?);
    let (most, least) = (i.cx.g.maximum(a, b)?, i.cx.g.minimum(a, b)?);
    let ratio = i.cx.g.div_no_nan(least, most)?;
    let square = i.cx.g.square(ratio)?;
    let one = i.cx.g.number(1.0, i.cx.g.dtype(a))?;
    let sum = i.cx.g.add(square, one)?;
    let root = i.cx.g.sqrt(sum)?;
    Ok(vec![i.cx.g.multiply(most, root)?])
}

/// `|a - b| <= atol + rtol * |b|`.
fn is_close(i: &mut Inputs<'_, '_>) -> Result<Value> {
    let (a, b) = i.pair_as_float()?;
    let dtype = i.cx.g.dtype(a);
    let (relative, absolute) = (i.float(2, &["rtol"], 1e-5)?, i.float(3, &["atol"], 1e-8)?);
    let (relative, absolute) = (i.cx.g.number(relative, dtype)?, i.cx.g.number(absolute, dtype)?);
    let apart = i.cx.g.subtract(a, b)?;
    let apart = i.cx.g.abs(apart)?;
    let size = i.cx.g.abs(b)?;
    let limit = i.cx.g.multiply(relative, size)?;
    let limit = i.cx.g.add(limit, absolute)?;
    let (within, same, bounded) = (i.cx.g.less_equal(apart, limit)?, i.cx.g.equal(a, b)?, i.cx.g.is_finite(b)?);
    let within = i.cx.g.logical_and(within, bounded)?;
    let mut close = i.cx.g.logical_or(within, same)?;
    if i.flag(IN_CONFIG, &["equal_nan"])? {
        let (a, b) = (i.cx.g.is_nan(a)?, i.cx.g.is_nan(b)?);
        let both = i.cx.g.logical_and(a, b)?;
        close = i.cx.g.logical_or(close, both)?;
    }
    Ok(close)
}

fn all_close(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let close = is_close(i)?;
    let axes = i.cx.g.all_axes(close)?;
    Ok(vec![i.cx.g.reduce_all(close, &axes, false)?])
}

fn infinite(
    i: &mut Inputs<'_, '_>,
    beyond: fn(&mut Graph, Value, Value) -> kerox_graph::Result<Value>,
) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let zero = i.cx.g.number(0.0, i.cx.g.dtype(x))?;
    let (is_infinite, is_beyond) = (i.cx.g.is_inf(x)?, beyond(i.cx.g, x, zero)?);
    Ok(vec![i.cx.g.logical_and(is_infinite, is_beyond)?])
}

/// `log2(2^a + 2^b)`.
fn logaddexp2(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = i.pair_as_float()?;
    let log = i.cx.g.number(LN_2, i.cx.g.dtype(a))?;
    let most = i.cx.g.maximum(a, b)?;
    let apart = i.cx.g.subtract(a, b)?;
    let apart = i.cx.g.abs(apart)?;
    let apart = i.cx.g.negate(apart)?;
    let apart = i.cx.g.multiply(apart, log)?;
    let rest = i.cx.g.exp(apart)?;
    let rest = i.cx.g.log1p(rest)?;
    let rest = i.cx.g.divide(rest, log)?;
    Ok(vec![i.cx.g.add(most, rest)?])
}

/// `sin(πx) / πx`, 1 at 0.
fn sinc(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let dtype = i.cx.g.dtype(x);
    let (pi, zero, ones) = (i.cx.g.number(PI, dtype)?, i.cx.g.number(0.0, dtype)?, i.cx.g.ones_like(x)?);
    let angle = i.cx.g.multiply(x, pi)?;
    let is_zero = i.cx.g.equal(x, zero)?;
    let angle = i.cx.g.select(is_zero, ones, angle)?;
    let sine = i.cx.g.sin(angle)?;
    let ratio = i.cx.g.divide(sine, angle)?;
    Ok(vec![i.cx.g.select(is_zero, ones, ratio)?])
}

/// 0 below -1, `x` above 1, `(x + 1)² / 4` between.
fn sparse_plus(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let dtype = i.cx.g.dtype(x);
    let (one, quarter) = (i.cx.g.number(1.0, dtype)?, i.cx.g.number(0.25, dtype)?);
    let (below, zeros) = (i.cx.g.number(-1.0, dtype)?, i.cx.g.zeros_like(x)?);
    let sum = i.cx.g.add(x, one)?;
    let square = i.cx.g.square(sum)?;
    let between = i.cx.g.multiply(square, quarter)?;
    let (is_below, is_inside) = (i.cx.g.less_equal(x, below)?, i.cx.g.less(x, one)?);
    let inside = i.cx.g.select(is_inside, between, x)?;
    Ok(vec![i.cx.g.select(is_below, zeros, inside)?])
}

/// `(x + 1) / 2`, kept between 0 and 1.
fn sparse_sigmoid(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let dtype = i.cx.g.dtype(x);
    let (one, half) = (i.cx.g.number(1.0, dtype)?, i.cx.g.number(0.5, dtype)?);
    let sum = i.cx.g.add(x, one)?;
    let middle = i.cx.g.multiply(sum, half)?;
    Ok(vec![i.cx.g.clip_by_value(middle, 0.0, 1.0)?])
}
