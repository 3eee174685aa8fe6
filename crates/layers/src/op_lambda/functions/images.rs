//! `tf.image`, of images with channels last.

use kerox_config_json::Value as Json;
use kerox_graph::Value;
use kerox_graph::ops::{Index, Padding};
use kerox_tensor::{DType, Tensor};

use super::super::inputs::Inputs;
use super::super::operations::{Build, length, patches, rank};
use super::{BY_NAME, given, two, word};
use crate::augmentation::{from_hsv, to_hsv};
use crate::preprocessing::{ResizeMethod, resize_images};
use crate::{Layer, Result};

pub(super) const FUNCTIONS: &[(&str, Build)] = &[
    ("image.adjust_brightness", adjust_brightness),
    ("image.adjust_contrast", adjust_contrast),
    ("image.adjust_gamma", adjust_gamma),
    ("image.adjust_hue", |i| in_hsv(i, Shift::Hue)),
    ("image.adjust_saturation", |i| in_hsv(i, Shift::Saturation)),
    ("image.central_crop", central_crop),
    ("image.convert_image_dtype", convert_image_dtype),
    ("image.crop_to_bounding_box", crop_to_bounding_box),
    ("image.extract_patches", extract_patches),
    ("image.flip_left_right", |i| flipped(i, -2)),
    ("image.flip_up_down", |i| flipped(i, -3)),
    ("image.grayscale_to_rgb", grayscale_to_rgb),
    ("image.pad_to_bounding_box", pad_to_bounding_box),
    ("image.per_image_standardization", per_image_standardization),
    ("image.psnr", psnr),
    ("image.resize", resize),
    ("image.resize_with_crop_or_pad", resize_with_crop_or_pad),
    ("image.resize_with_pad", resize_with_pad),
    ("image.rgb_to_yiq", |i| mixed(i, &RGB_TO_YIQ)),
    ("image.rgb_to_yuv", |i| mixed(i, &RGB_TO_YUV)),
    ("image.rot90", rot90),
    ("image.transpose", |i| {
        let x = images(i)?;
        Ok(vec![turned(i, x)?])
    }),
    ("image.yiq_to_rgb", |i| mixed(i, &YIQ_TO_RGB)),
    ("image.yuv_to_rgb", |i| mixed(i, &YUV_TO_RGB)),
];

fn images(i: &mut Inputs<'_, '_>) -> Result<Value> {
    let x = given(i, 0, &["images", "image"], None)?;
    match rank(i, x)? {
        3 | 4 => Ok(x),
        other => Err(i.wrong("images, of 3 or 4 axes", format!("rank {other}"))),
    }
}

/// Images of floating-point numbers: for others TensorFlow goes through another scale.
fn floating(i: &mut Inputs<'_, '_>) -> Result<Value> {
    let x = images(i)?;
    match i.cx.g.dtype(x) {
        dtype if dtype.is_float() => Ok(x),
        other => Err(i.wrong("images of floating-point numbers", other.to_string())),
    }
}

/// Height and width, with the axes where they are.
fn size(i: &Inputs<'_, '_>, x: Value) -> Result<[(usize, usize); 2]> {
    let all = rank(i, x)?;
    Ok([(all - 3, length(i, x, all - 3)?), (all - 2, length(i, x, all - 2)?)])
}

fn adjust_brightness(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = floating(i)?;
    let delta = i.cx.g.number(i.float(1, &["delta"], 0.0)?, i.cx.g.dtype(x))?;
    Ok(vec![i.cx.g.add(x, delta)?])
}

fn adjust_contrast(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = floating(i)?;
    let factor = i.cx.g.number(i.float(1, &["contrast_factor"], 1.0)?, i.cx.g.dtype(x))?;
    let mean = i.cx.g.reduce_mean(x, &[-3, -2], true)?;
    let apart = i.cx.g.subtract(x, mean)?;
    let apart = i.cx.g.multiply(apart, factor)?;
    Ok(vec![i.cx.g.add(apart, mean)?])
}

fn adjust_gamma(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = floating(i)?;
    let dtype = i.cx.g.dtype(x);
    let (gamma, gain) = (i.float(1, &["gamma"], 1.0)?, i.float(2, &["gain"], 1.0)?);
    let (gamma, gain) = (i.cx.g.number(gamma, dtype)?, i.cx.g.number(gain, dtype)?);
    let power = i.cx.g.pow(x, gamma)?;
    Ok(vec![i.cx.g.multiply(power, gain)?])
}

enum Shift {
    Hue,
    Saturation,
}

/// Colours whose hue or saturation has changed.
fn in_hsv(i: &mut Inputs<'_, '_>, shift: Shift) -> Result<Vec<Value>> {
    let mut x = floating(i)?;
    let is_one = rank(i, x)? == 3;
    if is_one {
        x = i.cx.g.expand_dims(x, 0)?;
    }
    let dtype = i.cx.g.dtype(x);
    let [mut hue, mut saturation, value] = to_hsv(i.cx, "colours", x)?;
    match shift {
        Shift::Hue => {
            let (delta, one) = (i.cx.g.number(i.float(1, &["delta"], 0.0)?, dtype)?, i.cx.g.number(1.0, dtype)?);
            hue = i.cx.g.add(hue, delta)?;
            hue = i.cx.g.floor_mod(hue, one)?;
        }
        Shift::Saturation => {
            let factor = i.cx.g.number(i.float(1, &["saturation_factor"], 1.0)?, dtype)?;
            saturation = i.cx.g.multiply(saturation, factor)?;
            saturation = i.cx.g.clip_by_value(saturation, 0.0, 1.0)?;
        }
    }
    let y = from_hsv(i.cx, [hue, saturation, value])?;
    Ok(vec![if is_one { i.cx.g.squeeze(y, &[0])? } else { y }])
}

/// The pixels from a place on.
fn cropped(i: &mut Inputs<'_, '_>, x: Value, starts: [i64; 2], lengths: [i64; 2]) -> Result<Value> {
    let sides = size(i, x)?;
    let mut entries = vec![Index::ALL; sides[0].0];
    for (((_, all), start), length) in sides.into_iter().zip(starts).zip(lengths) {
        if start < 0 || length < 0 || start.checked_add(length).is_none_or(|end| end > all as i64) {
            return Err(i.wrong(format!("a part of {all} pixels"), format!("{length} from {start} on")));
        }
        entries.push(Index::Range(Some(start), Some(start + length), 1));
    }
    Ok(i.cx.g.strided_slice(x, &entries)?)
}

/// Zeros around images up to a size.
fn padded(i: &mut Inputs<'_, '_>, x: Value, starts: [i64; 2], lengths: [i64; 2]) -> Result<Value> {
    let mut borders = vec![(0, 0); rank(i, x)?];
    for (((axis, own), start), length) in size(i, x)?.into_iter().zip(starts).zip(lengths) {
        let after = length.checked_sub(start).and_then(|rest| rest.checked_sub(own as i64));
        let after = after.filter(|&after| start >= 0 && (0..1 << 24).contains(&after));
        let after =
            after.ok_or_else(|| i.wrong(format!("room for {own} pixels"), format!("{length} from {start} on")))?;
        borders[axis] = (start, after);
    }
    Ok(i.cx.g.pad(x, &borders)?)
}

fn whole(i: &Inputs<'_, '_>, names: [&'static str; 2]) -> Result<[i64; 2]> {
    let one = |name: &'static str| -> Result<i64> {
        let found = i.ints(BY_NAME, &[name])?.and_then(|numbers| numbers.first().copied());
        found.ok_or_else(|| i.wrong(format!("argument `{name}`"), "none"))
    };
    Ok([one(names[0])?, one(names[1])?])
}

fn crop_to_bounding_box(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = images(i)?;
    let (starts, lengths) =
        (whole(i, ["offset_height", "offset_width"])?, whole(i, ["target_height", "target_width"])?);
    Ok(vec![cropped(i, x, starts, lengths)?])
}

fn pad_to_bounding_box(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = images(i)?;
    let (starts, lengths) =
        (whole(i, ["offset_height", "offset_width"])?, whole(i, ["target_height", "target_width"])?);
    Ok(vec![padded(i, x, starts, lengths)?])
}

fn central_crop(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = images(i)?;
    let part = i.float(1, &["central_fraction"], 1.0)?;
    if !(part > 0.0 && part <= 1.0) {
        return Err(i.wrong("a fraction in (0, 1]", part.to_string()));
    }
    let [height, width] = size(i, x)?.map(|(_, length)| length as i64);
    let start = |length: i64| ((length as f64 - length as f64 * part) / 2.0) as i64;
    let starts = [start(height), start(width)];
    Ok(vec![cropped(i, x, starts, [height - 2 * starts[0], width - 2 * starts[1]])?])
}

fn resize_with_crop_or_pad(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = images(i)?;
    let targets = whole(i, ["target_height", "target_width"])?;
    let own = size(i, x)?.map(|(_, length)| length as i64);
    let (mut cuts, mut kept, mut borders) = ([0; 2], [0; 2], [0; 2]);
    for at in 0..2 {
        let apart = targets[at].saturating_sub(own[at]);
        cuts[at] = apart.saturating_neg().div_euclid(2).max(0);
        borders[at] = apart.div_euclid(2).max(0);
        kept[at] = targets[at].min(own[at]);
    }
    let x = cropped(i, x, cuts, kept)?;
    Ok(vec![padded(i, x, borders, targets)?])
}

/// `[batch, height, width, channels]` in another size.
fn resized(i: &mut Inputs<'_, '_>, x: Value, size: [i64; 2]) -> Result<Value> {
    let name = word(i, &["method"], "bilinear")?;
    let method = ResizeMethod::find(i.layer.base(), &name)?;
    let antialias = i.flag(BY_NAME, &["antialias"])?;
    let is_one = rank(i, x)? == 3;
    let batch = if is_one { i.cx.g.expand_dims(x, 0)? } else { x };
    let size = i.cx.g.ints(&size)?;
    let given = i.cx.g.dtype(x);
    let is_nearest = name == "nearest";
    let batch = if given.is_float() || is_nearest { batch } else { i.cx.g.cast(batch, DType::F32)? };
    let y = resize_images(i.cx.g, batch, size, method, antialias)?;
    let y = if is_nearest { i.cx.g.cast(y, given)? } else { y };
    Ok(if is_one { i.cx.g.squeeze(y, &[0])? } else { y })
}

fn resize(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = images(i)?;
    let given = i.ints(1, &["size"])?.unwrap_or_default();
    let &[mut height, mut width] = &given[..] else {
        return Err(i.wrong("a height and a width", format!("{given:?}")));
    };
    if i.flag(BY_NAME, &["preserve_aspect_ratio"])? {
        let own = size(i, x)?.map(|(_, length)| length as f64);
        let scale = (height as f64 / own[0]).min(width as f64 / own[1]);
        [height, width] = own.map(|length| (scale * length).round_ties_even() as i64);
    }
    Ok(vec![resized(i, x, [height, width])?])
}

/// As large as fits, in the middle of zeros.
fn resize_with_pad(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = images(i)?;
    let targets = whole(i, ["target_height", "target_width"])?;
    let own = size(i, x)?.map(|(_, length)| length as f64);
    if targets.iter().any(|&target| target < 1) || own.contains(&0.0) {
        return Err(i.wrong("sizes from 1 on", format!("{targets:?}")));
    }
    let ratio = (own[0] / targets[0] as f64).max(own[1] / targets[1] as f64);
    let fitting = own.map(|length| length / ratio);
    let borders = [0, 1].map(|at| ((targets[at] as f64 - fitting[at]) / 2.0).floor().max(0.0) as i64);
    let x = resized(i, x, fitting.map(|length| length.floor() as i64))?;
    Ok(vec![padded(i, x, borders, targets)?])
}

/// The largest whole number of a type.
fn largest(dtype: DType) -> Option<f64> {
    Some(match dtype {
        DType::U8 => f64::from(u8::MAX),
        DType::I8 => f64::from(i8::MAX),
        DType::U16 => f64::from(u16::MAX),
        DType::I16 => f64::from(i16::MAX),
        DType::I32 => f64::from(i32::MAX),
        _ => return None,
    })
}

/// Whole numbers as parts of the largest one, or another type of the same scale.
fn convert_image_dtype(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["image"], None)?;
    let to = i.dtype(1, &["dtype"])?.ok_or_else(|| i.wrong("argument `dtype`", "none"))?;
    let from = i.cx.g.dtype(x);
    let most = largest(from).unwrap_or(1.0);
    if !to.is_float() {
        let most = largest(to).filter(|_| from.is_float());
        let most = most.ok_or_else(|| i.wrong("floating-point numbers on one side", format!("{from} and {to}")))?;
        let factor = i.cx.g.number(most + 0.5, from)?;
        let scaled = i.cx.g.multiply(x, factor)?;
        return Ok(vec![i.cx.g.cast(scaled, to)?]);
    }
    let y = i.cx.g.cast(x, to)?;
    if from.is_float() {
        return Ok(vec![i.cx.g.identity(y)?]);
    }
    let scale = i.cx.g.number(1.0 / most, to)?;
    Ok(vec![i.cx.g.multiply(y, scale)?])
}

fn extract_patches(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = images(i)?;
    let lengths = |i: &Inputs<'_, '_>, name: &'static str| -> Result<[usize; 2]> {
        let given = i.ints(BY_NAME, &[name])?.unwrap_or_default();
        let positive = |n: i64| usize::try_from(n).ok().filter(|n| (1..1 << 16).contains(n));
        match &given[..] {
            &[1, height, width, 1] => positive(height).zip(positive(width)).map(|(height, width)| [height, width]),
            _ => None,
        }
        .ok_or_else(|| i.wrong(format!("`{name}` of the form [1, height, width, 1]"), format!("{given:?}")))
    };
    let (size, strides, rates) = (lengths(i, "sizes")?, lengths(i, "strides")?, lengths(i, "rates")?);
    let padding = i.json(BY_NAME, &["padding"])?;
    let padding = if padding.as_ref().and_then(Json::as_str) == Some("SAME") { Padding::Same } else { Padding::Valid };
    Ok(vec![patches(i, x, &size, (&strides, &rates), padding)?])
}

fn flipped(i: &mut Inputs<'_, '_>, axis: i64) -> Result<Vec<Value>> {
    let x = images(i)?;
    Ok(vec![i.cx.g.reverse(x, &[axis])?])
}

fn grayscale_to_rgb(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = images(i)?;
    let mut multiples = vec![1; rank(i, x)?];
    if let Some(last) = multiples.last_mut() {
        *last = 3;
    }
    Ok(vec![i.cx.g.tile(x, &multiples)?])
}

/// Each image less its mean, over its deviation, which is at least that of one pixel of many.
fn per_image_standardization(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = floating(i)?;
    let [(_, height), (_, width)] = size(i, x)?;
    let count = (height * width * length(i, x, rank(i, x)? - 1)?) as f64;
    let axes = [-3, -2, -1];
    let mean = i.cx.g.reduce_mean(x, &axes, true)?;
    let apart = i.cx.g.subtract(x, mean)?;
    let square = i.cx.g.square(apart)?;
    let variance = i.cx.g.reduce_mean(square, &axes, true)?;
    let deviation = i.cx.g.sqrt(variance)?;
    let least = i.cx.g.number(1.0 / count.sqrt(), i.cx.g.dtype(x))?;
    let deviation = i.cx.g.maximum(deviation, least)?;
    Ok(vec![i.cx.g.divide(apart, deviation)?])
}

/// `10 log10(max_val² / mean squared difference)` of each image.
fn psnr(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (a, b) = two(i, [&["a"], &["b"]])?;
    let dtype = i.cx.g.dtype(a);
    if !dtype.is_float() {
        return Err(i.wrong("images of floating-point numbers", dtype.to_string()));
    }
    let most = i.float(2, &["max_val"], 1.0)?;
    let square = i.cx.g.squared_difference(a, b)?;
    let mean = i.cx.g.reduce_mean(square, &[-3, -2, -1], false)?;
    let log = i.cx.g.log(mean)?;
    let factor = i.cx.g.number(10.0 / std::f64::consts::LN_10, dtype)?;
    let start = i.cx.g.number(20.0 * most.log10(), dtype)?;
    let log = i.cx.g.multiply(log, factor)?;
    Ok(vec![i.cx.g.subtract(start, log)?])
}

/// Brightness and two differences of colour, a row for each of red, green and blue.
const RGB_TO_YUV: [f64; 9] =
    [0.299, -0.14714119, 0.61497538, 0.587, -0.28886916, -0.51496512, 0.114, 0.43601035, -0.10001026];

/// The reverse of [`RGB_TO_YUV`].
const YUV_TO_RGB: [f64; 9] = [1.0, 1.0, 1.0, 0.0, -0.394642334, 2.03206185, 1.13988303, -0.58062185, 0.0];

/// Brightness and two differences of colour as in television, a row for each of red, green and blue.
const RGB_TO_YIQ: [f64; 9] =
    [0.299, 0.59590059, 0.2115, 0.587, -0.27455667, -0.52273617, 0.114, -0.32134392, 0.31119955];

/// The reverse of [`RGB_TO_YIQ`].
const YIQ_TO_RGB: [f64; 9] = [1.0, 1.0, 1.0, 0.95598634, -0.27201283, -1.10674021, 0.6208248, -0.64720424, 1.70423049];

/// Channels mixed by a matrix.
fn mixed(i: &mut Inputs<'_, '_>, matrix: &[f64; 9]) -> Result<Vec<Value>> {
    let x = floating(i)?;
    let matrix = Tensor::from_vec(matrix.to_vec(), [3, 3])?.cast(i.cx.g.dtype(x))?;
    let matrix = i.cx.g.constant(matrix)?;
    Ok(vec![i.cx.g.batch_matmul(x, matrix, false, false)?])
}

/// Height and width exchanged.
fn turned(i: &mut Inputs<'_, '_>, x: Value) -> Result<Value> {
    let mut perm = i.cx.g.all_axes(x)?;
    let all = perm.len();
    perm.swap(all - 3, all - 2);
    Ok(i.cx.g.transpose(x, &perm)?)
}

fn rot90(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = images(i)?;
    Ok(vec![match i.int(1, &["k"], 1)?.rem_euclid(4) {
        0 => i.cx.g.identity(x)?,
        1 => {
            let flipped = i.cx.g.reverse(x, &[-2])?;
            turned(i, flipped)?
        }
        2 => i.cx.g.reverse(x, &[-3, -2])?,
        _ => {
            let turned = turned(i, x)?;
            i.cx.g.reverse(turned, &[-2])?
        }
    }])
}
