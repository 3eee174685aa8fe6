//! `tf.random` and what draws random numbers in `tf.nn` and `tf.image`.
//!
//! Functions without a seed that goes in draw from a generator of the layer's own, which begins anew in each process as
//! TensorFlow's do, but for the argument `seed`. Those that are stateless give TensorFlow's numbers.

use kerox_graph::ops::{Distribution, Gamma, Slice, Stateless};
use kerox_graph::{Generator, Value};
use kerox_tensor::DType;

use super::super::inputs::Inputs;
use super::super::operations::{Build, rank};
use super::{BY_NAME, given};
use crate::Result;

pub(super) const FUNCTIONS: &[(&str, Build)] = &[
    ("image.random_crop", |i| crop(i, None)),
    ("image.random_flip_left_right", |i| flip(i, -2, None)),
    ("image.random_flip_up_down", |i| flip(i, -3, None)),
    ("image.stateless_random_crop", |i| crop(i, Some(2))),
    ("image.stateless_random_flip_left_right", |i| flip(i, -2, Some(1))),
    ("image.stateless_random_flip_up_down", |i| flip(i, -3, Some(1))),
    ("nn.dropout", dropout),
    ("nn.experimental.stateless_dropout", stateless_dropout),
    ("random.categorical", categorical),
    ("random.gamma", gamma),
    ("random.normal", |i| normal(i, Distribution::Normal)),
    ("random.poisson", poisson),
    ("random.shuffle", |i| {
        let (x, generator) = (given(i, 0, &["value"], None)?, generator(i, 1)?);
        Ok(vec![i.cx.g.shuffle(x, &generator)?])
    }),
    ("random.stateless_normal", |i| stateless_normal(i, Stateless::Normal)),
    ("random.stateless_truncated_normal", |i| stateless_normal(i, Stateless::Truncated)),
    ("random.stateless_uniform", stateless_uniform),
    ("random.truncated_normal", |i| normal(i, Distribution::Truncated)),
    ("random.uniform", uniform),
];

/// The layer's generator, which begins with the argument `seed`.
fn generator(i: &Inputs<'_, '_>, at: usize) -> Result<Generator> {
    let seed = match i.json(at, &["seed"])? {
        None | Some(kerox_config_json::Value::Null) => None,
        Some(_) => Some(i.int(at, &["seed"], 0)?),
    };
    Ok(i.layer.generator(seed))
}

/// Lengths: files of Keras 2 tell a list of one tensor from that tensor no more.
fn shape(i: &mut Inputs<'_, '_>) -> Result<Value> {
    let shape = given(i, 0, &["shape"], Some(DType::I32))?;
    Ok(if rank(i, shape)? == 0 { i.cx.g.expand_dims(shape, 0)? } else { shape })
}

/// `x * by + to`, for those of both that are given.
fn scaled(i: &mut Inputs<'_, '_>, x: Value, by: (usize, &str), to: (usize, &str)) -> Result<Value> {
    let dtype = Some(i.cx.g.dtype(x));
    let mut x = x;
    if let Some(by) = i.arg(by.0, &[by.1]) {
        let by = i.value(&by, dtype)?;
        x = i.cx.g.multiply(x, by)?;
    }
    if let Some(to) = i.arg(to.0, &[to.1]) {
        let to = i.value(&to, dtype)?;
        x = i.cx.g.add(x, to)?;
    }
    Ok(x)
}

/// From one bound to before another, of numbers in [0, 1).
fn between(i: &mut Inputs<'_, '_>, x: Value, low: Option<Value>, high: Option<Value>) -> Result<Value> {
    let width = match (low, high) {
        (Some(low), Some(high)) => Some(i.cx.g.subtract(high, low)?),
        (Some(low), None) => {
            let one = i.cx.g.number(1.0, i.cx.g.dtype(x))?;
            Some(i.cx.g.subtract(one, low)?)
        }
        (None, high) => high,
    };
    let x = width.map_or(Ok(x), |width| i.cx.g.multiply(x, width))?;
    Ok(low.map_or(Ok(x), |low| i.cx.g.add(x, low))?)
}

fn bounds(i: &mut Inputs<'_, '_>, at: usize, dtype: DType) -> Result<[Option<Value>; 2]> {
    let mut bound = |at, name| i.arg(at, &[name]).map(|arg| i.value(&arg, Some(dtype))).transpose();
    Ok([bound(at, "minval")?, bound(at + 1, "maxval")?])
}

fn normal(i: &mut Inputs<'_, '_>, distribution: Distribution) -> Result<Vec<Value>> {
    let (shape, generator) = (shape(i)?, generator(i, 4)?);
    let dtype = i.dtype(3, &["dtype"])?.unwrap_or(DType::F32);
    let x = drawn(i, shape, distribution, dtype, &generator)?;
    Ok(vec![scaled(i, x, (2, "stddev"), (1, "mean"))?])
}

/// Numbers of any type of floating point.
fn drawn(
    i: &mut Inputs<'_, '_>,
    shape: Value,
    distribution: Distribution,
    dtype: DType,
    generator: &Generator,
) -> Result<Value> {
    let wide = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
    let x = i.cx.g.random(shape, distribution, wide, generator)?;
    Ok(i.cx.g.cast(x, dtype)?)
}

fn uniform(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (shape, generator) = (shape(i)?, generator(i, 4)?);
    let dtype = i.dtype(3, &["dtype"])?.unwrap_or(DType::F32);
    let [low, high] = bounds(i, 1, dtype)?;
    if dtype.is_float() {
        let x = drawn(i, shape, Distribution::Uniform, dtype, &generator)?;
        return Ok(vec![between(i, x, low, high)?]);
    }
    let Some(high) = high else { return Err(i.wrong("argument `maxval`", "none")) };
    let low = low.map_or_else(|| i.cx.g.number(0.0, dtype), Ok)?;
    Ok(vec![i.cx.g.random_int(shape, low, high, &generator)?])
}

fn gamma(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (shape, generator) = (shape(i)?, generator(i, 4)?);
    let dtype = i.dtype(3, &["dtype"])?.unwrap_or(DType::F32);
    let mut alpha = given(i, 1, &["alpha"], Some(dtype))?;
    let beta = i.arg(2, &["beta"]).map(|arg| i.value(&arg, Some(dtype))).transpose()?;
    if let Some(beta) = beta {
        let zeros = i.cx.g.zeros_like(beta)?;
        alpha = i.cx.g.add(alpha, zeros)?;
    }
    let x = i.cx.g.add_single(Gamma { generator }, &[shape, alpha])?;
    Ok(vec![beta.map_or(Ok(x), |beta| i.cx.g.divide(x, beta))?])
}

fn categorical(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (logits, generator) = (given(i, 0, &["logits"], None)?, generator(i, 3)?);
    let count = given(i, 1, &["num_samples"], Some(DType::I32))?;
    let dtype = i.dtype(2, &["dtype"])?.unwrap_or(DType::I64);
    Ok(vec![i.cx.g.multinomial(logits, count, dtype, &generator)?])
}

fn poisson(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (shape, generator) = (shape(i)?, generator(i, 3)?);
    let dtype = i.dtype(2, &["dtype"])?.unwrap_or(DType::F32);
    let rate = given(i, 1, &["lam"], Some(dtype))?;
    Ok(vec![i.cx.g.random_poisson(shape, rate, dtype, &generator)?])
}

fn rate(i: &Inputs<'_, '_>) -> Result<f64> {
    let rate = i.float(1, &["rate"], f64::NAN)?;
    if !(0.0..1.0).contains(&rate) {
        return Err(i.wrong("`rate` in [0, 1)", rate.to_string()));
    }
    Ok(rate)
}

fn dropout(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (x, rate, generator) = (given(i, 0, &["x"], None)?, rate(i)?, generator(i, 3)?);
    let noise_shape = i.ints(2, &["noise_shape"])?;
    let noise_shape = noise_shape.map(|all| all.iter().map(|&n| usize::try_from(n).ok()).collect::<Vec<_>>());
    Ok(vec![i.cx.g.dropout(x, rate, noise_shape.as_deref(), &generator)?])
}

/// Two seeds; the algorithm must be the one that TensorFlow takes by itself.
fn seed(i: &mut Inputs<'_, '_>, at: usize, alg: &'static str) -> Result<Value> {
    if let Some(alg) = i.json(BY_NAME, &[alg])?.filter(|alg| !alg.is_null())
        && !alg.as_str().is_some_and(|name| ["auto_select", "philox"].contains(&name))
    {
        return Err(i.wrong("the algorithm `auto_select` or `philox`", alg.describe()));
    }
    given(i, at, &["seed"], Some(DType::I32))
}

fn stateless_normal(i: &mut Inputs<'_, '_>, what: Stateless) -> Result<Vec<Value>> {
    let (shape, seed) = (shape(i)?, seed(i, 1, "alg")?);
    let dtype = i.dtype(4, &["dtype"])?.unwrap_or(DType::F32);
    let x = i.cx.g.stateless_random(what, shape, seed, dtype)?;
    Ok(vec![scaled(i, x, (3, "stddev"), (2, "mean"))?])
}

fn stateless_uniform(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (shape, seed) = (shape(i)?, seed(i, 1, "alg")?);
    let dtype = i.dtype(4, &["dtype"])?.unwrap_or(DType::F32);
    let [low, high] = bounds(i, 2, dtype)?;
    if dtype.is_float() {
        let x = i.cx.g.stateless_random(Stateless::Uniform, shape, seed, dtype)?;
        return Ok(vec![between(i, x, low, high)?]);
    }
    let what = match (low, high) {
        (low, Some(high)) => Stateless::Int(low.map_or_else(|| i.cx.g.number(0.0, dtype), Ok)?, high),
        (None, None) => Stateless::FullInt,
        (Some(_), None) => return Err(i.wrong("argument `maxval`", "none")),
    };
    Ok(vec![i.cx.g.stateless_random(what, shape, seed, dtype)?])
}

fn stateless_dropout(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (x, rate, seed) = (given(i, 0, &["x"], None)?, rate(i)?, seed(i, 2, "rng_alg")?);
    if rate == 0.0 {
        return Ok(vec![x]);
    }
    let dtype = i.cx.g.dtype(x);
    let shape = match i.arg(4, &["noise_shape"]) {
        Some(shape) => i.value(&shape, Some(DType::I32))?,
        None => i.cx.g.shape_of(x)?,
    };
    let noise = i.cx.g.stateless_random(Stateless::Uniform, shape, seed, dtype)?;
    let g = &mut i.cx.g;
    let factor = g.number(1.0 / (1.0 - rate), dtype)?;
    let (x, rate) = (g.multiply(x, factor)?, g.number(rate, dtype)?);
    let keep = g.greater_equal(noise, rate)?;
    let zero = g.number(0.0, dtype)?;
    Ok(vec![g.select(keep, x, zero)?])
}

/// Numbers in [0, 1) for a decision: of the seeds at that place among the arguments, or of the layer's generator.
fn decisions(i: &mut Inputs<'_, '_>, shape: Value, seeds: Option<usize>, at: usize) -> Result<Value> {
    match seeds {
        Some(at) => {
            let seed = seed(i, at, "alg")?;
            Ok(i.cx.g.stateless_random(Stateless::Uniform, shape, seed, DType::F32)?)
        }
        None => {
            let generator = generator(i, at)?;
            drawn(i, shape, Distribution::Uniform, DType::F32, &generator)
        }
    }
}

/// An image, or each of several, flipped or not.
fn flip(i: &mut Inputs<'_, '_>, axis: i64, seeds: Option<usize>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["image"], None)?;
    let rank = rank(i, x)?;
    let shape = match rank {
        3 => i.cx.g.ints(&[])?,
        4 => {
            let whole = i.cx.g.shape_of(x)?;
            let lengths = i.cx.g.unstack(whole, 0)?;
            i.cx.g.stack(&lengths[..1], 0)?
        }
        found => return Err(i.wrong("an image of 3 axes or images of 4", format!("{found} axes"))),
    };
    let noise = decisions(i, shape, seeds, 1)?;
    let g = &mut i.cx.g;
    let half = g.number(0.5, DType::F32)?;
    // One image is flipped below a half, several are where the number rounds up.
    let mut is_flipped = if rank == 3 { g.less(noise, half)? } else { g.greater(noise, half)? };
    if rank == 4 {
        is_flipped = g.reshape(is_flipped, &[-1, 1, 1, 1])?;
    }
    let flipped = g.reverse(x, &[axis])?;
    Ok(vec![g.select(is_flipped, flipped, x)?])
}

/// A part of that size, anywhere.
fn crop(i: &mut Inputs<'_, '_>, seeds: Option<usize>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["value"], None)?;
    let size = given(i, 1, &["size"], Some(DType::I32))?;
    let whole = i.cx.g.shape_of(x)?;
    let size = i.cx.g.cast(size, i.cx.g.dtype(whole))?;
    let room = i.cx.g.subtract(whole, size)?;
    let one = i.cx.g.number(1.0, i.cx.g.dtype(room))?;
    let room = i.cx.g.add(room, one)?;
    let axes = i.cx.g.ints(&[rank(i, x)? as i64])?;
    let dtype = i.cx.g.dtype(room);
    let (low, high) = (i.cx.g.number(0.0, dtype)?, i.cx.g.number(f64::from(i32::MAX), dtype)?);
    let places = match seeds {
        Some(at) => {
            let seed = seed(i, at, "alg")?;
            i.cx.g.stateless_random(Stateless::Int(low, high), axes, seed, dtype)?
        }
        None => {
            let generator = generator(i, 2)?;
            i.cx.g.random_int(axes, low, high, &generator)?
        }
    };
    let begin = i.cx.g.floor_mod(places, room)?;
    Ok(vec![i.cx.g.add_single(Slice, &[x, begin, size])?])
}
