//! Bits of whole numbers, and powers of two.

use kerox_graph::Value;
use kerox_graph::ops::{Bits, BitsKind};
use kerox_tensor::DType;

use super::super::inputs::Inputs;
use super::super::types::common;
use super::Build;
use crate::Result;

pub(super) const OPERATIONS: &[(&str, Build)] = &[
    ("BitwiseAnd", |i| of_two(i, BitsKind::And)),
    ("BitwiseInvert", invert),
    ("BitwiseLeftShift", |i| of_two(i, BitsKind::LeftShift)),
    ("BitwiseNot", invert),
    ("BitwiseOr", |i| of_two(i, BitsKind::Or)),
    ("BitwiseRightShift", |i| of_two(i, BitsKind::RightShift)),
    ("BitwiseXor", |i| of_two(i, BitsKind::Xor)),
    ("IsIn", is_in),
    ("Ldexp", ldexp),
    ("LeftShift", |i| of_two(i, BitsKind::LeftShift)),
    ("RightShift", |i| of_two(i, BitsKind::RightShift)),
    ("Signbit", sign_bit),
];

fn of_two(i: &mut Inputs<'_, '_>, kind: BitsKind) -> Result<Vec<Value>> {
    let (a, b) = i.pair()?;
    Ok(vec![i.cx.g.add_single(Bits(kind), &[a, b])?])
}

/// `-1 - x`, every bit the other way.
fn invert(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let ones = match i.cx.g.dtype(x) {
        DType::U8 => f64::from(u8::MAX),
        DType::U16 => f64::from(u16::MAX),
        DType::U32 => f64::from(u32::MAX),
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => -1.0,
        found => return Err(i.wrong("whole numbers of at most 63 bits", found.to_string())),
    };
    let ones = i.cx.g.number(ones, i.cx.g.dtype(x))?;
    Ok(vec![i.cx.g.add_single(Bits(BitsKind::Xor), &[x, ones])?])
}

/// `x * 2^n`.
fn ldexp(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (Some(x), Some(power)) = (i.arg(0, &["x1"]), i.arg(1, &["x2"])) else {
        return Err(i.wrong("two arguments", "fewer"));
    };
    let (x, power) = (i.value(&x, None)?, i.value(&power, Some(DType::I32))?);
    let dtype = common(common(i.cx.g.dtype(x), i.cx.g.dtype(power)), DType::Bool);
    let dtype = if dtype.is_float() { dtype } else { DType::F32 };
    let (x, power) = (i.cx.g.cast(x, dtype)?, i.cx.g.cast(power, dtype)?);
    let two = i.cx.g.number(2.0, dtype)?;
    let power = i.cx.g.pow(two, power)?;
    let product = i.cx.g.multiply(x, power)?;
    let zero = i.cx.g.number(0.0, dtype)?;
    let (is_infinite, is_zero) = (i.cx.g.is_inf(x)?, i.cx.g.equal(x, zero)?);
    let stays = i.cx.g.logical_or(is_infinite, is_zero)?;
    Ok(vec![i.cx.g.select(stays, x, product)?])
}

/// Whether the sign is a minus, that of a zero too.
fn sign_bit(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let dtype = i.cx.g.dtype(x);
    if dtype == DType::Bool {
        let zeros = i.cx.g.zeros_like(x)?;
        return Ok(vec![i.cx.g.identity(zeros)?]);
    }
    let zero = i.cx.g.number(0.0, dtype)?;
    let is_below = i.cx.g.less(x, zero)?;
    if !dtype.is_float() {
        return Ok(vec![is_below]);
    }
    let inverse = i.cx.g.reciprocal(x)?;
    let is_inverse_below = i.cx.g.less(inverse, zero)?;
    Ok(vec![i.cx.g.logical_or(is_below, is_inverse_below)?])
}

/// Whether each element is one of those of another tensor.
fn is_in(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (x, known) = i.pair()?;
    let known = i.cx.g.reshape(known, &[-1])?;
    let x = i.cx.g.expand_dims(x, -1)?;
    let same = i.cx.g.equal(x, known)?;
    let found = i.cx.g.reduce_any(same, &[-1], false)?;
    // Of nothing nothing is found, nor is anything missed.
    let is_empty = i.cx.g.dims(known).axes().and_then(|axes| axes[0]) == Some(0);
    if !i.flag(super::IN_CONFIG, &["invert"])? || is_empty {
        return Ok(vec![found]);
    }
    Ok(vec![i.cx.g.logical_not(found)?])
}
