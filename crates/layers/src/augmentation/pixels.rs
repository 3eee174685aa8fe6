//! What changes of images are made of.

use kerox_graph::ops::Distribution;
use kerox_graph::{Generator, Value};
use kerox_tensor::DType;

use crate::registry::argument_error;
use crate::{Base, Call, Result};

/// A random number in a range for each image, `[batch, 1, 1, 1]`.
pub(super) fn uniform(cx: &mut Call<'_>, x: Value, generator: &Generator, range: (f64, f64)) -> Result<Value> {
    let dtype = cx.g.dtype(x);
    uniform_of(cx, x, generator, &[1, 1, 1], range, dtype)
}

/// Random numbers in a range for each image, `[batch, tail...]`.
pub(super) fn uniform_of(
    cx: &mut Call<'_>,
    x: Value,
    generator: &Generator,
    tail: &[i64],
    (low, high): (f64, f64),
    dtype: DType,
) -> Result<Value> {
    let shape = cx.g.shape_of(x)?;
    let batch = cx.g.slice(shape, &[0], &[1])?;
    let tail = cx.g.ints(tail)?;
    let shape = cx.g.concat(&[batch, tail], 0)?;
    scaled(cx, shape, generator, (low, high), dtype)
}

/// One random number in a range for all images.
pub(super) fn uniform_scalar(
    cx: &mut Call<'_>,
    generator: &Generator,
    range: (f64, f64),
    dtype: DType,
) -> Result<Value> {
    let shape = cx.g.constant(kerox_tensor::Tensor::from_vec(Vec::<i32>::new(), [0])?)?;
    scaled(cx, shape, generator, range, dtype)
}

fn scaled(
    cx: &mut Call<'_>,
    shape: Value,
    generator: &Generator,
    (low, high): (f64, f64),
    dtype: DType,
) -> Result<Value> {
    let unit = cx.g.random(shape, Distribution::Uniform, dtype, generator)?;
    let y = scale(cx, unit, high - low)?;
    shift(cx, y, low)
}

/// For each image whether a number in [0, 1) is below one of that range, `[batch, 1, 1, 1]`.
pub(super) fn chance(cx: &mut Call<'_>, x: Value, generator: &Generator, range: (f64, f64)) -> Result<Value> {
    let probability = uniform(cx, x, generator, range)?;
    let threshold = uniform(cx, x, generator, (0.0, 1.0))?;
    Ok(cx.g.less(threshold, probability)?)
}

/// 1 or -1 for each image, as likely, of the shape of `like`.
pub(super) fn signs(cx: &mut Call<'_>, like: Value, generator: &Generator) -> Result<Value> {
    let dtype = cx.g.dtype(like);
    let shape = cx.g.shape_of(like)?;
    let unit = cx.g.random(shape, Distribution::Uniform, dtype, generator)?;
    let half = cx.g.number(0.5, dtype)?;
    let is_above = cx.g.greater(unit, half)?;
    let (minus, plus) = (cx.g.number(-1.0, dtype)?, cx.g.number(1.0, dtype)?);
    Ok(cx.g.select(is_above, minus, plus)?)
}

/// `x * factor`.
pub(super) fn scale(cx: &mut Call<'_>, x: Value, factor: f64) -> Result<Value> {
    let factor = cx.g.number(factor, cx.g.dtype(x))?;
    Ok(cx.g.multiply(x, factor)?)
}

/// `x + offset`.
pub(super) fn shift(cx: &mut Call<'_>, x: Value, offset: f64) -> Result<Value> {
    let offset = cx.g.number(offset, cx.g.dtype(x))?;
    Ok(cx.g.add(x, offset)?)
}

/// Values brought from one range to another.
pub(super) fn change_range(cx: &mut Call<'_>, x: Value, from: (f64, f64), to: (f64, f64)) -> Result<Value> {
    if from == to {
        return Ok(x);
    }
    let x = shift(cx, x, -from.0)?;
    let width = cx.g.number(from.1 - from.0, cx.g.dtype(x))?;
    let x = cx.g.divide(x, width)?;
    let x = scale(cx, x, to.1 - to.0)?;
    shift(cx, x, to.0)
}

/// `a + factor * (b - a)`.
pub(super) fn blend(cx: &mut Call<'_>, a: Value, b: Value, factor: Value) -> Result<Value> {
    let difference = cx.g.subtract(b, a)?;
    let step = cx.g.multiply(factor, difference)?;
    Ok(cx.g.add(a, step)?)
}

/// The three planes of colour images, each with one channel.
pub(super) fn planes(cx: &mut Call<'_>, class: &str, x: Value) -> Result<[Value; 3]> {
    let channels = cx.g.dims(x).axes().and_then(|axes| axes.get(3).copied().flatten());
    if channels != Some(3) {
        let found = channels.map_or("an unknown number of them".into(), |n| n.to_string());
        return Err(wrong_images(class, "images of 3 channels: red, green, blue", found));
    }
    let parts = cx.g.split(x, 3, 3)?;
    Ok([parts[0], parts[1], parts[2]])
}

/// The error of images that do not fit.
pub(super) fn wrong_images(class: &str, expected: &str, found: String) -> crate::Error {
    crate::Error::Input { layer: class.to_lowercase(), class_name: class.into(), expected: expected.into(), found }
}

/// The height and width of images, which must be known.
pub(super) fn known_size(cx: &Call<'_>, class: &str, x: Value) -> Result<(usize, usize)> {
    match cx.g.dims(x).axes() {
        Some(&[_, Some(height), Some(width), _]) => Ok((height, width)),
        _ => Err(wrong_images(class, "images of known height and width", format!("shape {}", cx.g.dims(x)))),
    }
}

/// The length of an axis as a scalar.
pub(super) fn length(cx: &mut Call<'_>, x: Value, axis: usize, dtype: DType) -> Result<Value> {
    if let Some(Some(length)) = cx.g.dims(x).axes().and_then(|axes| axes.get(axis)) {
        return Ok(cx.g.number(*length as f64, dtype)?);
    }
    let shape = cx.g.shape_of(x)?;
    let length = cx.g.slice(shape, &[axis as i64], &[1])?;
    let length = cx.g.reshape(length, &[])?;
    Ok(cx.g.cast(length, dtype)?)
}

/// The numbers 0, 1, ... below a scalar of type int32.
pub(super) fn counting(cx: &mut Call<'_>, limit: Value) -> Result<Value> {
    let (zero, one) = (cx.g.number(0.0, DType::I32)?, cx.g.number(1.0, DType::I32)?);
    Ok(cx.g.range(zero, limit, one)?)
}

/// Brightness as the eye sees it: one channel; images of one channel stay as they are.
pub(crate) fn grayscale(cx: &mut Call<'_>, class: &str, x: Value) -> Result<Value> {
    if cx.g.dims(x).axes().and_then(|axes| axes.get(3).copied().flatten()) == Some(1) {
        return Ok(x);
    }
    let [r, g, b] = planes(cx, class, x)?;
    let (r, g, b) = (scale(cx, r, 0.2989)?, scale(cx, g, 0.5870)?, scale(cx, b, 0.1140)?);
    let sum = cx.g.add(r, g)?;
    Ok(cx.g.add(sum, b)?)
}

/// Hue, saturation and value of colours.
///
/// # Source
/// `tf.image.rgb_to_hsv`.
pub(crate) fn to_hsv(cx: &mut Call<'_>, class: &str, x: Value) -> Result<[Value; 3]> {
    let [r, g, b] = planes(cx, class, x)?;
    let largest = cx.g.maximum(r, g)?;
    let value = cx.g.maximum(largest, b)?;
    let least = cx.g.minimum(r, g)?;
    let least = cx.g.minimum(least, b)?;
    let range = cx.g.subtract(value, least)?;
    let zero = cx.g.number(0.0, cx.g.dtype(x))?;
    let is_bright = cx.g.greater(value, zero)?;
    let saturation = cx.g.div_no_nan(range, value)?;
    let saturation = cx.g.select(is_bright, saturation, zero)?;
    let one = cx.g.number(1.0, cx.g.dtype(x))?;
    let inverse = cx.g.div_no_nan(one, range)?;
    let sixth = scale(cx, inverse, 1.0 / 6.0)?;
    let part = |cx: &mut Call<'_>, a: Value, b: Value, offset: f64| -> Result<Value> {
        let difference = cx.g.subtract(a, b)?;
        let part = cx.g.multiply(sixth, difference)?;
        shift(cx, part, offset)
    };
    let (red, green) = (part(cx, g, b, 0.0)?, part(cx, b, r, 2.0 / 6.0)?);
    let blue = part(cx, r, g, 4.0 / 6.0)?;
    let (is_red, is_green) = (cx.g.equal(r, value)?, cx.g.equal(g, value)?);
    let hue = cx.g.select(is_green, green, blue)?;
    let hue = cx.g.select(is_red, red, hue)?;
    let is_coloured = cx.g.greater(range, zero)?;
    let hue = cx.g.select(is_coloured, hue, zero)?;
    let around = shift(cx, hue, 1.0)?;
    let is_below = cx.g.less(hue, zero)?;
    Ok([cx.g.select(is_below, around, hue)?, saturation, value])
}

/// Colours of that hue, saturation and value.
///
/// # Source
/// `tf.image.hsv_to_rgb`.
pub(crate) fn from_hsv(cx: &mut Call<'_>, [hue, saturation, value]: [Value; 3]) -> Result<Value> {
    let six = scale(cx, hue, 6.0)?;
    let mut parts = Vec::with_capacity(3);
    for (center, sign, offset) in [(3.0, 1.0, -1.0), (2.0, -1.0, 2.0), (4.0, -1.0, 2.0)] {
        let distance = shift(cx, six, -center)?;
        let distance = cx.g.abs(distance)?;
        let part = scale(cx, distance, sign)?;
        let part = shift(cx, part, offset)?;
        let part = cx.g.clip_by_value(part, 0.0, 1.0)?;
        let coloured = cx.g.multiply(saturation, part)?;
        let rest = scale(cx, saturation, -1.0)?;
        let rest = shift(cx, rest, 1.0)?;
        let sum = cx.g.add(rest, coloured)?;
        parts.push(cx.g.multiply(sum, value)?);
    }
    Ok(cx.g.concat(&parts, 3)?)
}

/// For each image one of `count` numbers from 0 on, as likely: one for all images, an int32 scalar.
pub(super) fn choice(cx: &mut Call<'_>, generator: &Generator, count: usize) -> Result<Value> {
    let number = uniform_scalar(cx, generator, (0.0, count as f64), DType::F32)?;
    let number = cx.g.floor(number)?;
    Ok(cx.g.cast(number, DType::I32)?)
}

/// The error of a word that is none of those known.
pub(super) fn check_word(base: &Base, argument: &str, word: &str, known: &[&str]) -> Result<()> {
    if known.contains(&word) {
        return Ok(());
    }
    Err(argument_error(base, argument, format!("one of {}", known.join(", ")), format!("`{word}`")))
}
