//! What looks at tensors through windows: patches, frames, and coordinates between elements.

use kerox_config_json::Value as Json;
use kerox_graph::Value;
use kerox_graph::ops::{GatherNd, Index, Padding};
use kerox_tensor::{DType, Tensor};

use super::super::inputs::Inputs;
use super::arrangement::{length, rank};
use super::{Build, IN_CONFIG};
use crate::Result;
use crate::augmentation::mirrored;
use crate::einsum::{Length, reshape_to_lengths};

pub(super) const OPERATIONS: &[(&str, Build)] = &[
    ("ExtractPatches", extract_patches),
    ("ExtractSequences", extract_sequences),
    ("Fold", fold),
    ("MapCoordinates", map_coordinates),
    ("Unfold", unfold),
];

/// Lengths for each axis: one number is for all.
fn lengths(i: &Inputs<'_, '_>, name: &'static str, default: Option<&[usize]>, count: usize) -> Result<Vec<usize>> {
    let Some(given) = i.ints(IN_CONFIG, &[name])? else {
        return Ok(default.map_or_else(|| vec![1; count], <[usize]>::to_vec));
    };
    let found: Option<Vec<usize>> = given.iter().map(|&n| usize::try_from(n).ok().filter(|&n| n < 1 << 16)).collect();
    match found {
        Some(one) if one.len() == 1 => Ok(vec![one[0]; count]),
        Some(all) if all.len() == count => Ok(all),
        _ => Err(i.wrong(format!("{count} lengths for `{name}`"), format!("{given:?}"))),
    }
}

/// The elements in each window of images with channels last, in one axis.
pub(in super::super) fn patches(
    i: &mut Inputs<'_, '_>,
    x: Value,
    size: &[usize],
    (strides, dilations): (&[usize], &[usize]),
    padding: Padding,
) -> Result<Value> {
    let channels = length(i, x, rank(i, x)? - 1)?;
    let count = size.iter().product::<usize>() * channels;
    if count > 1 << 12 {
        return Err(i.wrong("windows of at most 4096 numbers", count.to_string()));
    }
    let ones: Vec<f64> = (0..count * count).map(|at| f64::from(u8::from(at / count == at % count))).collect();
    let shape: Vec<usize> = size.iter().copied().chain([channels, count]).collect();
    let kernel = i.cx.g.constant(Tensor::from_vec(ones, shape)?.cast(i.cx.g.dtype(x))?)?;
    Ok(i.cx.g.conv(x, kernel, strides, padding, dilations)?)
}

fn extract_patches(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let mut x = i.x_as_float()?;
    let given = i.ints(IN_CONFIG, &["size"])?.unwrap_or_default();
    let spatial = if given.len() == 3 { 3 } else { 2 };
    let size = lengths(i, "size", None, spatial)?;
    let (strides, dilations) =
        (lengths(i, "strides", Some(&size), spatial)?, lengths(i, "dilation_rate", None, spatial)?);
    let padding = i.json(IN_CONFIG, &["padding"])?;
    let padding = if padding.as_ref().and_then(Json::as_str) == Some("same") { Padding::Same } else { Padding::Valid };
    if i.json(IN_CONFIG, &["data_format"])?.is_some_and(|format| format.as_str() == Some("channels_first")) {
        return Err(i.wrong("channels last", "`channels_first`"));
    }
    let is_one = rank(i, x)? == spatial + 1;
    if is_one {
        x = i.cx.g.expand_dims(x, 0)?;
    }
    let found = patches(i, x, &size, (&strides, &dilations), padding)?;
    Ok(vec![if is_one { i.cx.g.squeeze(found, &[0])? } else { found }])
}

/// Stretches of the last axis.
fn extract_sequences(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let last = rank(i, x)?.checked_sub(1).ok_or_else(|| i.wrong("at least one axis", "a scalar"))?;
    let all = length(i, x, last)?;
    let whole = |i: &Inputs<'_, '_>, name: &'static str| -> Result<usize> {
        let number = i.int(IN_CONFIG, &[name], 1)?;
        usize::try_from(number)
            .ok()
            .filter(|&n| n > 0)
            .ok_or_else(|| i.wrong(format!("a positive `{name}`"), number.to_string()))
    };
    let (size, stride) = (whole(i, "sequence_length")?, whole(i, "sequence_stride")?);
    let count = all.checked_sub(size).map_or(0, |rest| rest / stride + 1);
    let places: Vec<i32> = (0..count * size).map(|at| (at / size * stride + at % size) as i32).collect();
    let places = i.cx.g.constant(Tensor::from_vec(places, [count, size])?)?;
    Ok(vec![i.cx.g.gather(x, places, last as i64)?])
}

/// The windows of images with channels first: `[batch, channels * height * width, windows]`.
fn unfold(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let (size, dilations) = (lengths(i, "kernel_size", None, 2)?, lengths(i, "dilation", None, 2)?);
    let (strides, beside) = (lengths(i, "stride", None, 2)?, lengths(i, "padding", Some(&[0, 0]), 2)?);
    let channels = length(i, x, 1)?;
    let border = |at: usize| (beside[at] as i64, beside[at] as i64);
    let x = i.cx.g.pad(x, &[(0, 0), (0, 0), border(0), border(1)])?;
    let x = i.cx.g.transpose(x, &[0, 2, 3, 1])?;
    let found = patches(i, x, &size, (&strides, &dilations), Padding::Valid)?;
    let of = Length::all(i.cx.g, found);
    let split =
        [vec![of[0]], vec![of[1], of[2]], vec![Length::Known(size[0] * size[1])], vec![Length::Known(channels)]];
    let found = reshape_to_lengths(i.cx.g, found, &split)?;
    let found = i.cx.g.transpose(found, &[0, 3, 2, 1])?;
    let joined = [vec![of[0]], vec![Length::Known(channels * size[0] * size[1])], vec![of[1], of[2]]];
    Ok(vec![reshape_to_lengths(i.cx.g, found, &joined)?])
}

/// The sum of windows laid where they belong: the reverse of `Unfold`.
fn fold(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x_as_float()?;
    let (size, dilations) = (lengths(i, "kernel_size", None, 2)?, lengths(i, "dilation", None, 2)?);
    let (strides, beside) = (lengths(i, "stride", None, 2)?, lengths(i, "padding", Some(&[0, 0]), 2)?);
    let output = lengths(i, "output_size", None, 2)?;
    let rows = length(i, x, 1)?;
    let channels = rows.checked_div(size[0] * size[1]).filter(|n| n * size[0] * size[1] == rows && *n > 0);
    let channels = channels.ok_or_else(|| i.wrong("channels for each place of the window", rows.to_string()))?;
    let mut counts = [0; 2];
    for at in 0..2 {
        let reach = dilations[at] * (size[at].max(1) - 1) + 1;
        let count = (output[at] + 2 * beside[at]).checked_sub(reach).map(|rest| rest / strides[at].max(1) + 1);
        counts[at] = count.ok_or_else(|| i.wrong("a window within the output", format!("{size:?} in {output:?}")))?;
    }
    let batch = Length::all(i.cx.g, x)[0];
    let split = [channels, size[0] * size[1], counts[0], counts[1]].map(|n| vec![Length::Known(n)]);
    let split: Vec<Vec<Length>> = std::iter::once(vec![batch]).chain(split).collect();
    let x = reshape_to_lengths(i.cx.g, x, &split)?;
    let mut parts = Vec::with_capacity(size[0] * size[1]);
    for place in 0..size[0] * size[1] {
        let entries = [Index::ALL, Index::ALL, Index::At(place as i64)];
        let mut part = i.cx.g.strided_slice(x, &entries)?;
        for (at, offset) in [place / size[1], place % size[1]].into_iter().enumerate() {
            part = spread(i, part, at + 2, (counts[at], strides[at].max(1)))?;
            let reach = (counts[at] - 1) * strides[at].max(1) + 1;
            let before = offset * dilations[at];
            let after = output[at] + 2 * beside[at] - before - reach;
            let mut borders = vec![(0, 0); 4];
            borders[at + 2] = (before as i64, after as i64);
            part = i.cx.g.pad(part, &borders)?;
        }
        parts.push(part);
    }
    let sum = i.cx.g.add_n(&parts)?;
    let inside = |at: usize| Index::Range(Some(beside[at] as i64), Some((beside[at] + output[at]) as i64), 1);
    Ok(vec![i.cx.g.strided_slice(sum, &[Index::ALL, Index::ALL, inside(0), inside(1)])?])
}

/// The elements of an axis with `stride - 1` zeros between each two.
fn spread(i: &mut Inputs<'_, '_>, x: Value, axis: usize, (count, stride): (usize, usize)) -> Result<Value> {
    if stride == 1 {
        return Ok(x);
    }
    let wide = i.cx.g.expand_dims(x, axis as i64 + 1)?;
    let mut borders = vec![(0, 0); rank(i, wide)?];
    borders[axis + 1] = (0, stride as i64 - 1);
    let wide = i.cx.g.pad(wide, &borders)?;
    let mut axes: Vec<Vec<Length>> = Length::all(i.cx.g, x).into_iter().map(|length| vec![length]).collect();
    axes[axis] = vec![Length::Known(count * stride)];
    let wide = reshape_to_lengths(i.cx.g, wide, &axes)?;
    let mut entries = vec![Index::ALL; axis];
    entries.push(Index::Range(None, Some(((count - 1) * stride + 1) as i64), 1));
    Ok(i.cx.g.strided_slice(wide, &entries)?)
}

/// What lies at coordinates, which may be between elements.
fn map_coordinates(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (Some(x), Some(places)) = (i.arg(0, &["inputs"]), i.arg(1, &["coordinates"])) else {
        return Err(i.wrong("a tensor and coordinates", "fewer"));
    };
    let (x, places) = (i.value(&x, None)?, i.value(&places, Some(DType::F32))?);
    let given = i.cx.g.dtype(x);
    let dtype = if i.cx.g.dtype(places).is_float() { i.cx.g.dtype(places) } else { DType::F32 };
    let places = i.cx.g.cast(places, dtype)?;
    let mode = i.json(IN_CONFIG, &["fill_mode"])?;
    let mode = mode.as_ref().and_then(Json::as_str).unwrap_or("constant").to_owned();
    if !matches!(mode.as_str(), "constant" | "nearest" | "wrap" | "mirror" | "reflect") {
        let expected = "fill mode `constant`, `nearest`, `wrap`, `mirror` or `reflect`";
        return Err(i.wrong(expected, format!("`{mode}`")));
    }
    let is_linear = match i.int(IN_CONFIG, &["order"], 1)? {
        0 => false,
        1 => true,
        other => return Err(i.wrong("order 0 or 1", other.to_string())),
    };
    let rows = i.cx.g.unstack(places, 0)?;
    if rows.len() != rank(i, x)? {
        return Err(i.wrong(format!("{} rows of coordinates", rank(i, x)?), rows.len().to_string()));
    }
    // For each axis the elements before and after: where, whether inside, how much of it.
    let mut axes = Vec::with_capacity(rows.len());
    for (axis, row) in rows.into_iter().enumerate() {
        let size = length(i, x, axis)? as f64;
        let low = if is_linear { i.cx.g.floor(row)? } else { i.cx.g.round(row)? };
        let one = i.cx.g.number(1.0, dtype)?;
        let mut taps = Vec::new();
        let part = i.cx.g.subtract(row, low)?;
        if is_linear {
            let rest = i.cx.g.subtract(one, part)?;
            taps.extend([(low, rest), (i.cx.g.add(low, one)?, part)]);
        } else {
            taps.push((low, i.cx.g.ones_like(low)?));
        }
        let mut found = Vec::new();
        for (at, weight) in taps {
            let (zero, end) = (i.cx.g.number(0.0, dtype)?, i.cx.g.number(size, dtype)?);
            let (after, before) = (i.cx.g.greater_equal(at, zero)?, i.cx.g.less(at, end)?);
            let is_inside = i.cx.g.logical_and(after, before)?;
            let at = match mode.as_str() {
                "wrap" => i.cx.g.floor_mod(at, end)?,
                "mirror" | "reflect" => mirrored(i.cx, at, size, mode == "reflect")?,
                _ => at,
            };
            let at = i.cx.g.clip_by_value(at, 0.0, size - 1.0)?;
            found.push((i.cx.g.cast(at, DType::I32)?, is_inside, weight));
        }
        axes.push(found);
    }
    let fill = i.cx.g.number(i.float(IN_CONFIG, &["fill_value"], 0.0)?, dtype)?;
    let mut parts = Vec::new();
    for choice in 0..1usize << if is_linear { axes.len() } else { 0 } {
        let taps: Vec<_> = axes.iter().enumerate().map(|(axis, taps)| taps[choice >> axis & 1]).collect();
        let at: Vec<Value> = taps.iter().map(|tap| tap.0).collect();
        let at = i.cx.g.stack(&at, -1)?;
        let mut found = i.cx.g.add_single(GatherNd, &[x, at])?;
        found = i.cx.g.cast(found, dtype)?;
        if mode == "constant" {
            let mut is_inside = taps[0].1;
            for tap in &taps[1..] {
                is_inside = i.cx.g.logical_and(is_inside, tap.1)?;
            }
            found = i.cx.g.select(is_inside, found, fill)?;
        }
        for tap in &taps {
            found = i.cx.g.multiply(found, tap.2)?;
        }
        parts.push(found);
    }
    let mut sum = i.cx.g.add_n(&parts)?;
    if !given.is_float() {
        sum = i.cx.g.round(sum)?;
    }
    Ok(vec![i.cx.g.cast(sum, given)?])
}
