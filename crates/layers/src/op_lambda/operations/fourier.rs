//! Fourier transforms, and complex numbers and their parts.

use std::f64::consts::{PI, TAU};

use kerox_config_json::Value as Json;
use kerox_graph::ops::{Combine, ComplexPart, Fourier, FourierKind, Segment};
use kerox_graph::{Graph, Value};
use kerox_tensor::{DType, Tensor};

use super::super::inputs::Inputs;
use super::arrangement::{length, rank};
use super::{Build, IN_CONFIG};
use crate::{Arg, Result};

pub(super) const OPERATIONS: &[(&str, Build)] = &[
    ("Angle", angle),
    ("FFT", |i| transformed(i, 1)),
    ("FFT2", |i| transformed(i, 2)),
    ("IFFT2", ifft2),
    ("IRFFT", irfft),
    ("ISTFT", istft),
    ("Imag", imag),
    ("Isreal", isreal),
    ("Polar", polar),
    ("RFFT", rfft),
    ("STFT", stft),
    ("ViewAsReal", view_as_real),
];

/// Whether numbers are complex.
pub(in super::super) fn is_complex(i: &Inputs<'_, '_>, x: Value) -> bool {
    matches!(i.cx.g.dtype(x), DType::Complex64 | DType::Complex128)
}

fn angle(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    if is_complex(i, x) {
        return Ok(vec![i.cx.g.add_single(ComplexPart::Angle, &[x])?]);
    }
    let x = i.x_as_float()?;
    let (zeros, turned) = (i.cx.g.zeros_like(x)?, i.cx.g.fill_like(x, PI)?);
    let is_below = i.cx.g.less(x, zeros)?;
    Ok(vec![i.cx.g.select(is_below, turned, zeros)?])
}

fn imag(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    Ok(vec![if is_complex(i, x) { i.cx.g.add_single(ComplexPart::Imag, &[x])? } else { i.cx.g.zeros_like(x)? }])
}

fn isreal(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let [_, im] = match is_complex(i, x) {
        true => i.cx.g.parts(x)?,
        false => {
            let bools = i.cx.g.cast(x, DType::Bool)?;
            return Ok(vec![i.cx.g.ones_like(bools)?]);
        }
    };
    let zeros = i.cx.g.zeros_like(im)?;
    Ok(vec![i.cx.g.equal(im, zeros)?])
}

/// Numbers of their sizes and angles.
fn polar(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let (size, angle) = match (i.arg(0, &["abs_"]), i.arg(1, &["angle"])) {
        (Some(size), Some(angle)) => i.meet(&size, &angle)?,
        _ => return Err(i.wrong("arguments `abs_` and `angle`", "fewer")),
    };
    let (cos, sin) = (i.cx.g.cos(angle)?, i.cx.g.sin(angle)?);
    let (re, im) = (i.cx.g.multiply(size, cos)?, i.cx.g.multiply(size, sin)?);
    Ok(vec![i.cx.g.complex(re, im)?])
}

/// The parts side by side in a new axis.
fn view_as_real(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let parts = i.cx.g.parts(x)?;
    Ok(vec![i.cx.g.stack(&parts, -1)?])
}

/// The first argument: real and imaginary parts.
fn given(i: &mut Inputs<'_, '_>) -> Result<Value> {
    let Some(Arg::List(parts)) = i.arg(0, &["x"]) else {
        return Err(i.wrong("real and imaginary parts", "another argument"));
    };
    let [re, im] = &parts[..] else { return Err(i.wrong("real and imaginary parts", parts.len().to_string())) };
    let (re, im) = i.meet(re, im)?;
    Ok(i.cx.g.complex(re, im)?)
}

fn parts(i: &mut Inputs<'_, '_>, x: Value) -> Result<Vec<Value>> {
    Ok(i.cx.g.parts(x)?.to_vec())
}

fn transformed(i: &mut Inputs<'_, '_>, axes: usize) -> Result<Vec<Value>> {
    let x = given(i)?;
    let y = i.cx.g.add_single(Fourier { kind: FourierKind::Forward, axes }, &[x])?;
    parts(i, y)
}

fn ifft2(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i)?;
    let y = i.cx.g.add_single(Fourier { kind: FourierKind::Inverse, axes: 2 }, &[x])?;
    parts(i, y)
}

/// Lengths that transforms may have.
const LENGTHS: std::ops::RangeInclusive<i64> = 1..=1 << 22;

fn positive(i: &Inputs<'_, '_>, name: &'static str) -> Result<usize> {
    let found = i.int(IN_CONFIG, &[name], 0)?;
    let length = usize::try_from(found).ok().filter(|_| LENGTHS.contains(&found));
    length.ok_or_else(|| i.wrong(format!("`{name}` from 1 to {}", LENGTHS.end()), found.to_string()))
}

/// Zeros behind the last axis where it is shorter: TensorFlow's transforms take nothing shorter than they are.
fn at_least(g: &mut Graph, x: Value, length: usize) -> Result<Value> {
    let (rank, last) = g.dims(x).axes().map_or((0, None), |axes| (axes.len(), axes.last().copied().flatten()));
    let Some(missing) = last.and_then(|n| length.checked_sub(n)).filter(|&n| n > 0) else { return Ok(x) };
    if matches!(g.dtype(x), DType::Complex64 | DType::Complex128) {
        let [re, im] = g.parts(x)?;
        let (re, im) = (at_least(g, re, length)?, at_least(g, im, length)?);
        return Ok(g.complex(re, im)?);
    }
    let mut borders = vec![(0, 0); rank];
    borders[rank - 1].1 = missing as i64;
    Ok(g.pad(x, &borders)?)
}

/// The transform of real numbers along the last axis.
pub(in super::super) fn of_real(i: &mut Inputs<'_, '_>, x: Value, length: usize) -> Result<Value> {
    let x = at_least(i.cx.g, x, length)?;
    let length = i.cx.g.ints(&[length as i64])?;
    Ok(i.cx.g.add_single(Fourier { kind: FourierKind::OfReal, axes: 1 }, &[x, length])?)
}

/// The reverse of [`of_real`].
pub(in super::super) fn to_real(i: &mut Inputs<'_, '_>, x: Value, length: usize) -> Result<Value> {
    let x = at_least(i.cx.g, x, length / 2 + 1)?;
    let length = i.cx.g.ints(&[length as i64])?;
    Ok(i.cx.g.add_single(Fourier { kind: FourierKind::ToReal, axes: 1 }, &[x, length])?)
}

fn rfft(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = i.x()?;
    let n = match i.ints(IN_CONFIG, &["fft_length"])? {
        Some(_) => positive(i, "fft_length")?,
        None => last_length(i, x)?,
    };
    let y = of_real(i, x, n)?;
    parts(i, y)
}

fn irfft(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i)?;
    let n = match i.ints(IN_CONFIG, &["fft_length"])? {
        Some(_) => positive(i, "fft_length")?,
        None => 2 * last_length(i, x)?.saturating_sub(1),
    };
    Ok(vec![to_real(i, x, n)?])
}

/// The length of the last axis.
pub(in super::super) fn last_length(i: &Inputs<'_, '_>, x: Value) -> Result<usize> {
    match rank(i, x)? {
        0 => Err(i.wrong("one axis or more", "a scalar")),
        all => length(i, x, all - 1),
    }
}

/// `a - b cos`, as TensorFlow has it: of odd lengths the last element is as the first.
pub(in super::super) fn raised_cosine(length: usize, (a, b): (f64, f64)) -> Vec<f64> {
    if length == 1 {
        return vec![1.0];
    }
    let period = if length.is_multiple_of(2) { length } else { length - 1 };
    (0..length).map(|at| a - b * (TAU * at as f64 / period as f64).cos()).collect()
}

/// Hann's window.
pub(in super::super) const HANN: (f64, f64) = (0.5, 0.5);
const HAMMING: (f64, f64) = (0.54, 0.46);

/// The window of a sequence in the middle of a transform, if there is one.
fn window(i: &Inputs<'_, '_>, size: usize, length: usize) -> Result<Option<Vec<f64>>> {
    let window = match i.rest.get("window") {
        None => raised_cosine(size, HANN),
        Some(Json::Null) => return Ok(None),
        Some(Json::String(name)) if name == "hann" => raised_cosine(size, HANN),
        Some(Json::String(name)) if name == "hamming" => raised_cosine(size, HAMMING),
        Some(other) => return Err(i.wrong("`hann`, `hamming` or none", other.describe())),
    };
    let before = (length - size) / 2;
    let after = length - size - before;
    Ok(Some(vec![0.0; before].into_iter().chain(window).chain(vec![0.0; after]).collect()))
}

/// Lengths of a sequence, of the step to the next and of a transform.
fn lengths(i: &Inputs<'_, '_>) -> Result<[usize; 3]> {
    let [size, step, length] =
        [positive(i, "sequence_length")?, positive(i, "sequence_stride")?, positive(i, "fft_length")?];
    if length < size {
        return Err(i.wrong(format!("`fft_length` from {size} on"), length.to_string()));
    }
    Ok([size, step, length])
}

fn is_centered(i: &Inputs<'_, '_>) -> Result<bool> {
    Ok(i.json(IN_CONFIG, &["center"])?.is_none_or(|center| center.as_bool() != Some(false)))
}

/// Values times numbers along the last axis.
pub(in super::super) fn times_row(i: &mut Inputs<'_, '_>, x: Value, row: Vec<f64>) -> Result<Value> {
    let length = row.len();
    let row = i.cx.g.constant(Tensor::from_vec(row, [length])?.cast(i.cx.g.dtype(x))?)?;
    Ok(i.cx.g.multiply(x, row)?)
}

/// Stretches of the last axis, side by side.
pub(in super::super) fn framed(i: &mut Inputs<'_, '_>, x: Value, size: usize, step: usize) -> Result<Value> {
    let count = last_length(i, x)?.checked_sub(size).map_or(0, |rest| rest / step + 1);
    let places: Vec<i32> = (0..count * size).map(|at| (at / size * step + at % size) as i32).collect();
    let places = i.cx.g.constant(Tensor::from_vec(places, [count, size])?)?;
    Ok(i.cx.g.gather(x, places, -1)?)
}

/// Frames `[..., frames, size]`, each a step behind the one before, added up.
pub(in super::super) fn overlapped(i: &mut Inputs<'_, '_>, x: Value, step: usize) -> Result<Value> {
    let all = rank(i, x)?;
    if all < 2 {
        return Err(i.wrong("frames, of 2 axes or more", format!("rank {all}")));
    }
    let (count, size) = (length(i, x, all - 2)?, length(i, x, all - 1)?);
    let total = count.saturating_sub(1) * step + if count == 0 { 0 } else { size };
    let perm: Vec<i64> = [all - 2, all - 1].into_iter().chain(0..all - 2).map(|axis| axis as i64).collect();
    let frames = i.cx.g.transpose(x, &perm)?;
    let places: Vec<i32> = (0..count * size).map(|at| (at / size * step + at % size) as i32).collect();
    let places = i.cx.g.constant(Tensor::from_vec(places, [count, size])?)?;
    let total = i.cx.g.number(total as f64, DType::I32)?;
    let sums = i.cx.g.add_single(Segment(Combine::Add), &[frames, places, total])?;
    let perm: Vec<i64> = (1..all as i64 - 1).chain([0]).collect();
    Ok(i.cx.g.transpose(sums, &perm)?)
}

/// A window over what its overlapping squares sum up to: so frames come back as they were.
pub(in super::super) fn inverse_window(window: &[f64], step: usize) -> Vec<f64> {
    let sum = |at: usize| window.iter().skip(at % step).step_by(step).map(|x| x * x).sum::<f64>();
    window.iter().enumerate().map(|(at, x)| x / sum(at)).collect()
}

fn stft(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let mut x = i.x()?;
    let [size, step, n] = lengths(i)?;
    if is_centered(i)? {
        let mut borders = vec![(0, 0); rank(i, x)?];
        if let Some(last) = borders.last_mut() {
            *last = ((n / 2) as i64, (n / 2) as i64);
        }
        x = i.cx.g.mirror_pad(x, &borders, kerox_graph::ops::PadMode::Reflect)?;
    }
    let mut frames = framed(i, x, n, step)?;
    if let Some(window) = window(i, size, n)? {
        frames = times_row(i, frames, window)?;
    }
    let y = of_real(i, frames, n)?;
    parts(i, y)
}

fn istft(i: &mut Inputs<'_, '_>) -> Result<Vec<Value>> {
    let x = given(i)?;
    let [size, step, n] = lengths(i)?;
    let mut frames = to_real(i, x, n)?;
    if let Some(window) = window(i, size, n)? {
        frames = times_row(i, frames, inverse_window(&window, step))?;
    }
    let sum = overlapped(i, frames, step)?;
    let is_centered = is_centered(i)?;
    let start = if is_centered { (n / 2) as i64 } else { 0 };
    let end = match i.ints(IN_CONFIG, &["length"])?.and_then(|numbers| numbers.first().copied()) {
        Some(length) => Some(start + length),
        None if is_centered => Some(-((n / 2) as i64)),
        None => None,
    };
    let entries = [kerox_graph::ops::Index::Rest, kerox_graph::ops::Index::Range(Some(start), end, 1)];
    Ok(vec![i.cx.g.strided_slice(sum, &entries)?])
}
