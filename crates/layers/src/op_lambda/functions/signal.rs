//! `tf.signal`, along the last axis.

use std::f64::consts::PI;

use kerox_config_json::Value as Json;
use kerox_graph::Value;
use kerox_tensor::Tensor;

use super::super::inputs::Inputs;
use super::super::operations::fourier::{
    HANN, framed, last_length, of_real, overlapped, raised_cosine, times_row, to_real,
};
use super::super::operations::{Build, axis_of, length, rank};
use super::{BY_NAME, given};
use crate::{Arg, Result};

pub(super) const FUNCTIONS: &[(&str, Build)] = &[
    ("signal.dct", |i| cosine(i, false)),
    ("signal.fftshift", |i| shifted(i, false)),
    ("signal.frame", frame),
    ("signal.idct", |i| cosine(i, true)),
    ("signal.ifftshift", |i| shifted(i, true)),
    ("signal.inverse_stft", inverse_stft),
    ("signal.mfccs_from_log_mel_spectrograms", mfccs),
    ("signal.overlap_and_add", |i| {
        let x = i.x()?;
        let step = positive(i, 1, "frame_step")?;
        Ok(vec![overlapped(i, x, step)?])
    }),
    ("signal.stft", stft),
];

fn positive(i: &Inputs<'_, '_>, at: usize, name: &'static str) -> Result<usize> {
    let number = i.int(at, &[name], 0)?;
    let found = usize::try_from(number).ok().filter(|&n| n > 0 && n < 1 << 24);
    found.ok_or_else(|| i.wrong(format!("a positive `{name}`"), number.to_string()))
}

/// The length of transforms: what is given, or else the power of two from the length of a frame on.
fn fft_length(i: &Inputs<'_, '_>, size: usize) -> Result<usize> {
    match i.ints(3, &["fft_length"])? {
        Some(_) => positive(i, 3, "fft_length"),
        None => Ok(size.next_power_of_two()),
    }
}

/// Hann's window, unless another is asked for: a file names others by functions of Python.
fn window(i: &Inputs<'_, '_>, size: usize) -> Result<Vec<f64>> {
    // Null is a window of its own, not one that is missing.
    match i.args.kwargs.iter().find(|(name, _)| name == "window_fn").map(|(_, arg)| arg) {
        None => Ok(raised_cosine(size, HANN)),
        Some(Arg::None | Arg::Const(Json::Null)) => Ok(vec![1.0; size]),
        Some(_) => Err(i.wrong("Hann's window or none", "another")),
    }
}

/// Frames of the last axis, filled up where asked for, as long as `length`.
fn frames(i: &mut Inputs<'_, '_>, x: Value, size: usize, step: usize) -> Result<Value> {
    let x = if i.flag(BY_NAME, &["pad_end"])? { padded(i, x, (size, step), 0.0)? } else { x };
    framed(i, x, size, step)
}

/// As many values behind the end as the last frame needs, which begins inside.
fn padded(i: &mut Inputs<'_, '_>, x: Value, (size, step): (usize, usize), value: f64) -> Result<Value> {
    let n = last_length(i, x)?;
    let count = n.div_ceil(step);
    let more = (count.saturating_sub(1) * step + size).saturating_sub(n);
    if count == 0 || more == 0 {
        return Ok(x);
    }
    let mut borders = vec![(0, 0); rank(i, x)?];
    if let Some(last) = borders.last_mut() {
        last.1 = more as i64;
    }
    if value == 0.0 {
        return Ok(i.cx.g.pad(x, &borders)?);
    }
    let borders: Vec<i64> = borders.into_iter().flat_map(|(before, after)| [before, after]).collect();
    let borders = i.cx.g.ints(&borders)?;
    let borders = i.cx.g.reshape(borders, &[-1, 2])?;
    let value = i.cx.g.number(value, i.cx.g.dtype(x))?;
    let mode = kerox_graph::ops::PadMode::Value;
    Ok(i.cx.g.add_single(kerox_graph::ops::Pad { mode }, &[x, borders, value])?)
}

/// Stretches of an axis, side by side.
fn frame(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let mut x = given(i, 0, &["signal"], None)?;
    let all = rank(i, x)?;
    let axis = axis_of(i, i.int(BY_NAME, &["axis"], -1)?, all)?;
    let (size, step) = (positive(i, 1, "frame_length")?, positive(i, 2, "frame_step")?);
    if i.flag(BY_NAME, &["pad_end"])? {
        if axis + 1 != all {
            return Err(i.wrong("the last axis, with `pad_end`", axis.to_string()));
        }
        let value = i.float(4, &["pad_value"], 0.0)?;
        x = padded(i, x, (size, step), value)?;
    }
    let count = length(i, x, axis)?.checked_sub(size).map_or(0, |rest| rest / step + 1);
    let places: Vec<i32> = (0..count * size).map(|at| (at / size * step + at % size) as i32).collect();
    let places = i.cx.g.constant(Tensor::from_vec(places, [count, size])?)?;
    Ok(vec![i.cx.g.gather(x, places, axis as i64)?])
}

fn stft(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let (size, step) = (positive(i, 1, "frame_length")?, positive(i, 2, "frame_step")?);
    let n = fft_length(i, size)?;
    let window = window(i, size)?;
    let frames = frames(i, x, size, step)?;
    let frames = times_row(i, frames, window)?;
    Ok(vec![of_real(i, frames, n)?])
}

fn inverse_stft(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["stfts"], None)?;
    let (size, step) = (positive(i, 1, "frame_length")?, positive(i, 2, "frame_step")?);
    let n = fft_length(i, size)?;
    let window = window(i, size)?;
    let mut frames = to_real(i, x, n)?;
    if n > size {
        let entries = [kerox_graph::ops::Index::Rest, kerox_graph::ops::Index::Range(None, Some(size as i64), 1)];
        frames = i.cx.g.strided_slice(frames, &entries)?;
    } else if n < size {
        let mut borders = vec![(0, 0); rank(i, frames)?];
        if let Some(last) = borders.last_mut() {
            last.1 = (size - n) as i64;
        }
        frames = i.cx.g.pad(frames, &borders)?;
    }
    let frames = times_row(i, frames, window)?;
    Ok(vec![overlapped(i, frames, step)?])
}

/// The longest cosine transform: it is a product with a matrix.
const LONGEST: usize = 4096;

/// The matrix of a cosine transform of one of its four types.
fn cosines(kind: i64, n: usize, is_orthogonal: bool) -> Option<Vec<f64>> {
    let length = n as f64;
    let of = |j: usize, k: usize| -> Option<f64> {
        let (row, column) = (j as f64, k as f64);
        Some(match kind {
            1 if n > 1 => {
                let weight = if j == 0 || j == n - 1 { 1.0 } else { 2.0 };
                weight * (PI * row * column / (length - 1.0)).cos()
            }
            2 => {
                let scale = match (is_orthogonal, k) {
                    (false, _) => 1.0,
                    (true, 0) => (0.25 / length).sqrt(),
                    (true, _) => (0.5 / length).sqrt(),
                };
                2.0 * scale * (PI * column * (2.0 * row + 1.0) / (2.0 * length)).cos()
            }
            3 => {
                let scale = match (is_orthogonal, j) {
                    (false, 0) => 1.0,
                    (false, _) => 2.0,
                    (true, 0) => (1.0 / length).sqrt(),
                    (true, _) => (2.0 / length).sqrt(),
                };
                scale * (PI * row * (2.0 * column + 1.0) / (2.0 * length)).cos()
            }
            4 => {
                let scale = if is_orthogonal { (0.5 / length).sqrt() } else { 1.0 };
                2.0 * scale * (PI * (2.0 * row + 1.0) * (2.0 * column + 1.0) / (4.0 * length)).cos()
            }
            _ => return None,
        })
    };
    (0..n * n).map(|at| of(at / n, at % n)).collect()
}

/// The product of the last axis with the matrix of a cosine transform.
fn transformed(i: &mut Inputs<'_, '_>, x: Value, kind: i64, is_orthogonal: bool) -> Result<Value> {
    let n = last_length(i, x)?;
    if n > LONGEST {
        return Err(i.wrong(format!("at most {LONGEST} elements"), n.to_string()));
    }
    let matrix = cosines(kind, n, is_orthogonal).ok_or_else(|| i.wrong("a type from 1 to 4", kind.to_string()))?;
    let matrix = i.cx.g.constant(Tensor::from_vec(matrix, [n, n])?.cast(i.cx.g.dtype(x))?)?;
    let is_vector = rank(i, x)? == 1;
    let x = if is_vector { i.cx.g.expand_dims(x, 0)? } else { x };
    let y = i.cx.g.batch_matmul(x, matrix, false, false)?;
    Ok(if is_vector { i.cx.g.squeeze(y, &[0])? } else { y })
}

fn cosine(i: &mut Inputs<'_, '_>, is_inverse: bool) -> Result<Vec<Value>> {
    let x = i.x()?;
    let kind = i.int(1, &["type"], 2)?;
    if i.ints(2, &["n"])?.is_some() {
        return Err(i.wrong("no argument `n`", "one"));
    }
    let norm = i.json(4, &["norm"])?;
    let is_orthogonal = norm.as_ref().and_then(Json::as_str) == Some("ortho");
    let kind = match (is_inverse, kind) {
        (true, 2) => 3,
        (true, 3) => 2,
        (_, kind) => kind,
    };
    Ok(vec![transformed(i, x, kind, is_orthogonal)?])
}

fn mfccs(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i, 0, &["log_mel_spectrograms"], None)?;
    let bins = last_length(i, x)?;
    let y = transformed(i, x, 2, false)?;
    let factor = i.cx.g.number((0.5 / bins as f64).sqrt(), i.cx.g.dtype(y))?;
    Ok(vec![i.cx.g.multiply(y, factor)?])
}

/// The halves of axes exchanged.
fn shifted(i: &mut Inputs<'_, '_>, is_inverse: bool) -> Result<Vec<Value>> {
    let x = i.x()?;
    let all = rank(i, x)?;
    let axes = i.ints(1, &["axes"])?.unwrap_or_else(|| (0..all as i64).collect());
    let mut y = x;
    for axis in axes {
        let axis = axis_of(i, axis, all)?;
        let n = length(i, x, axis)?;
        let first = if is_inverse { n / 2 } else { n - n / 2 } as i64;
        let parts = i.cx.g.split_sizes(y, &[first, n as i64 - first], axis as i64)?;
        let turned: Vec<Value> = parts.into_iter().rev().collect();
        y = i.cx.g.concat(&turned, axis as i64)?;
    }
    Ok(vec![y])
}
