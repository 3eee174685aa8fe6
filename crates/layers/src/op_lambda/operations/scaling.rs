//! Images scaled and moved along their axes.

use std::f64::consts::PI;

use kerox_graph::Value;
use kerox_graph::ops::Index;
use kerox_tensor::Tensor;

use super::super::inputs::Inputs;
use super::arrangement::{axis_of, length, rank};
use super::{Build, IN_CONFIG};
use crate::Result;

pub(super) const OPERATIONS: &[(&str, Build)] = &[("ScaleAndTranslate", scale_and_translate)];

/// What a pixel counts at a distance.
#[derive(Clone, Copy)]
enum Kernel {
    Linear,
    Cubic,
    Lanczos(f64),
}

/// Each axis seen through `(x - translation) / scale`, as a product with a matrix of weights.
fn scale_and_translate(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let all = rank(i, x)?;
    let sizes = i.ints(1, &["output_shape"])?.unwrap_or_default();
    let axes = i.ints(IN_CONFIG, &["spatial_dims"])?.unwrap_or_default();
    let (Some(scale), Some(translation)) = (i.arg(2, &["scale"]), i.arg(3, &["translation"])) else {
        return Err(i.wrong("arguments `scale` and `translation`", "fewer"));
    };
    let (scale, translation) = i.meet(&scale, &translation)?;
    let method = i.json(IN_CONFIG, &["method"])?.unwrap_or_default();
    let kernel = match method.as_str() {
        Some("linear" | "bilinear" | "trilinear") => Kernel::Linear,
        Some("cubic" | "bicubic" | "tricubic") => Kernel::Cubic,
        Some("lanczos3") => Kernel::Lanczos(3.0),
        Some("lanczos5") => Kernel::Lanczos(5.0),
        _ => return Err(i.wrong("`linear`, `cubic`, `lanczos3` or `lanczos5`", method.describe())),
    };
    let antialias = i.json(IN_CONFIG, &["antialias"])?.is_none_or(|antialias| antialias.as_bool() != Some(false));
    if !i.cx.g.dtype(x).is_float() {
        return Err(i.wrong("floating-point numbers, as Keras on TensorFlow", i.cx.g.dtype(x).to_string()));
    }
    let mut y = x;
    for (at, &axis) in axes.iter().enumerate() {
        let axis = axis_of(i, axis, all)?;
        let size = sizes.get(axis).and_then(|&n| usize::try_from(n).ok()).filter(|n| (1..1 << 20).contains(n));
        let size = size.ok_or_else(|| i.wrong(format!("a length of axis {axis}"), format!("{sizes:?}")))?;
        let length = length(i, x, axis)?;
        let (scale, translation) = (one_of(i, scale, at)?, one_of(i, translation, at)?);
        let weights = weights(i, (length, size), (scale, translation), kernel, antialias)?;
        let weights = i.cx.g.cast(weights, i.cx.g.dtype(y))?;
        let mut perm: Vec<i64> = (0..all as i64).collect();
        perm.swap(axis, all - 1);
        y = i.cx.g.transpose(y, &perm)?;
        y = i.cx.g.batch_matmul(y, weights, false, false)?;
        y = i.cx.g.transpose(y, &perm)?;
    }
    Ok(vec![y])
}

/// What each pixel of an axis counts for each of the output: `[length, size]`.
fn weights(
    i: &mut Inputs<'_, '_>,
    (length, size): (usize, usize),
    (scale, translation): (Value, Value),
    kernel: Kernel,
    antialias: bool,
) -> Result<Value> {
    let dtype = i.cx.g.dtype(scale);
    let number = |i: &mut Inputs<'_, '_>, x: f64| i.cx.g.number(x, dtype);
    let range = |i: &mut Inputs<'_, '_>, n: usize, shape: [usize; 2]| -> Result<Value> {
        let numbers: Vec<f64> = (0..n).map(|at| at as f64).collect();
        Ok(i.cx.g.constant(Tensor::from_vec(numbers, shape)?.cast(dtype)?)?)
    };
    let (one, half, zero) = (number(i, 1.0)?, number(i, 0.5)?, number(i, 0.0)?);
    let inverse = i.cx.g.divide(one, scale)?;
    let places = range(i, size, [1, size])?;
    let places = i.cx.g.add(places, half)?;
    let places = i.cx.g.multiply(places, inverse)?;
    let moved = i.cx.g.multiply(translation, inverse)?;
    let places = i.cx.g.subtract(places, moved)?;
    let places = i.cx.g.subtract(places, half)?;
    let pixels = range(i, length, [length, 1])?;
    let apart = i.cx.g.subtract(places, pixels)?;
    let mut apart = i.cx.g.abs(apart)?;
    if antialias {
        let wide = i.cx.g.maximum(inverse, one)?;
        apart = i.cx.g.divide(apart, wide)?;
    }
    let found = of_distance(i, apart, kernel)?;
    let sum = i.cx.g.reduce_sum(found, &[0], true)?;
    let size_of_sum = i.cx.g.abs(sum)?;
    let limit = number(i, 1000.0 * f64::from(f32::EPSILON))?;
    let is_some = i.cx.g.greater(size_of_sum, limit)?;
    let is_zero = i.cx.g.equal(sum, zero)?;
    let divisor = i.cx.g.select(is_zero, one, sum)?;
    let shares = i.cx.g.divide(found, divisor)?;
    let shares = i.cx.g.select(is_some, shares, zero)?;
    let (first, last) = (number(i, -0.5)?, number(i, length as f64 - 0.5)?);
    let (after, before) = (i.cx.g.greater_equal(places, first)?, i.cx.g.less_equal(places, last)?);
    let is_inside = i.cx.g.logical_and(after, before)?;
    Ok(i.cx.g.select(is_inside, shares, zero)?)
}

fn of_distance(i: &mut Inputs<'_, '_>, x: Value, kernel: Kernel) -> Result<Value> {
    let dtype = i.cx.g.dtype(x);
    let number = |i: &mut Inputs<'_, '_>, x: f64| i.cx.g.number(x, dtype);
    let (zero, one, two) = (number(i, 0.0)?, number(i, 1.0)?, number(i, 2.0)?);
    match kernel {
        Kernel::Linear => {
            let rest = i.cx.g.subtract(one, x)?;
            Ok(i.cx.g.maximum(rest, zero)?)
        }
        Kernel::Cubic => {
            let polynomial = |i: &mut Inputs<'_, '_>, coefficients: [f64; 4]| -> Result<Value> {
                let mut sum = number(i, coefficients[0])?;
                for coefficient in &coefficients[1..] {
                    let next = number(i, *coefficient)?;
                    sum = i.cx.g.multiply(sum, x)?;
                    sum = i.cx.g.add(sum, next)?;
                }
                Ok(sum)
            };
            let (near, far) = (polynomial(i, [1.5, -2.5, 0.0, 1.0])?, polynomial(i, [-0.5, 2.5, -4.0, 2.0])?);
            let (is_far, is_out) = (i.cx.g.greater_equal(x, one)?, i.cx.g.greater_equal(x, two)?);
            let found = i.cx.g.select(is_far, far, near)?;
            Ok(i.cx.g.select(is_out, zero, found)?)
        }
        Kernel::Lanczos(radius) => {
            let (pi, part, wide) = (number(i, PI)?, number(i, PI / radius)?, number(i, radius)?);
            let (a, b) = (i.cx.g.multiply(x, pi)?, i.cx.g.multiply(x, part)?);
            let (sine_a, sine_b) = (i.cx.g.sin(a)?, i.cx.g.sin(b)?);
            let product = i.cx.g.multiply(sine_a, sine_b)?;
            let product = i.cx.g.multiply(product, wide)?;
            let square = i.cx.g.square(a)?;
            let least = number(i, 1e-3)?;
            let (is_apart, is_zero) = (i.cx.g.greater(x, least)?, i.cx.g.equal(x, zero)?);
            let divisor = i.cx.g.select(is_zero, one, square)?;
            let ratio = i.cx.g.divide(product, divisor)?;
            let found = i.cx.g.select(is_apart, ratio, one)?;
            let is_out = i.cx.g.greater(x, wide)?;
            Ok(i.cx.g.select(is_out, zero, found)?)
        }
    }
}

/// An element of a vector.
fn one_of(i: &mut Inputs<'_, '_>, x: Value, at: usize) -> Result<Value> {
    Ok(i.cx.g.strided_slice(x, &[Index::At(at as i64)])?)
}
