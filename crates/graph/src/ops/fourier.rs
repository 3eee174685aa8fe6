//! Discrete Fourier transforms along the last axes.

use std::sync::Arc;

use kerox_tensor::kernels::fourier::{Complex as Pair, Fourier as Plan};
use kerox_tensor::{Shape, Tensor};

use super::complex::{Part, Wide, complex_input, complex_of, for_complex};
use super::declaration::Declaration;
use super::movement::ints_of;
use crate::{Attr, Dim, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo, View};

macro_rules! entries {
    ($($name:literal $signature:literal $kind:ident $axes:literal;)*) => {
        /// The table's entries of this family.
        pub(super) const OPS: &[Declaration] = &[$(
            Declaration {
                name: $name,
                signature: $signature,
                build: |_| Ok(Arc::new(Fourier { kind: FourierKind::$kind, axes: $axes })),
            },
        )*];
    };
}
// A line expands to an entry of the table: name, signature, what is transformed, along how many axes.
entries! {
    "FFT" "input -> output" Forward 1;
    "FFT2D" "input -> output" Forward 2;
    "FFT3D" "input -> output" Forward 3;
    "IFFT" "input -> output" Inverse 1;
    "IFFT2D" "input -> output" Inverse 2;
    "IFFT3D" "input -> output" Inverse 3;
    "RFFT" "input, fft_length -> output" OfReal 1;
    "RFFT2D" "input, fft_length -> output" OfReal 2;
    "RFFT3D" "input, fft_length -> output" OfReal 3;
    "IRFFT" "input, fft_length -> output" ToReal 1;
    "IRFFT2D" "input, fft_length -> output" ToReal 2;
    "IRFFT3D" "input, fft_length -> output" ToReal 3;
}

/// What is transformed into what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FourierKind {
    /// Complex numbers.
    Forward,
    /// Complex numbers, back.
    Inverse,
    /// Real numbers: of the last axis the first half of the result, which says the rest.
    OfReal,
    /// The reverse of [`FourierKind::OfReal`].
    ToReal,
}

/// `FFT(input)` and its relatives: transforms along the last `axes` axes, of which there are 1 to 3.
///
/// Those of real numbers have the lengths that the second input says: what is longer is cut, what is shorter is
/// followed by zeros.
#[derive(Clone, Copy, Debug)]
pub struct Fourier {
    /// What is transformed.
    pub kind: FourierKind,
    /// How many axes.
    pub axes: usize,
}

/// The longest transform.
const LONGEST: i64 = 1 << 22;

impl Fourier {
    fn has_lengths(&self) -> bool {
        matches!(self.kind, FourierKind::OfReal | FourierKind::ToReal)
    }

    /// The lengths that the second input says, as far as known.
    fn lengths(&self, cx: &Infer<'_>) -> Result<Vec<Dim>> {
        let known = cx.ints(1)?.unwrap_or_else(|| vec![None; self.axes]);
        if known.len() != self.axes {
            return Err(cx.wrong("fft_length", format!("{} lengths", self.axes), known.len().to_string()));
        }
        let length = |length: Option<i64>| match length {
            None => Ok(None),
            Some(n @ 0..=LONGEST) => Ok(Some(n as usize)),
            Some(other) => Err(cx.wrong("fft_length", format!("lengths from 0 to {LONGEST}"), other.to_string())),
        };
        known.into_iter().map(length).collect()
    }
}

impl Op for Fourier {
    fn name(&self) -> &'static str {
        let names = match self.kind {
            FourierKind::Forward => ["FFT", "FFT2D", "FFT3D"],
            FourierKind::Inverse => ["IFFT", "IFFT2D", "IFFT3D"],
            FourierKind::OfReal => ["RFFT", "RFFT2D", "RFFT3D"],
            FourierKind::ToReal => ["IRFFT", "IRFFT2D", "IRFFT3D"],
        };
        names[self.axes.clamp(1, 3) - 1]
    }
    fn attrs(&self, inputs: &[ValueInfo], outputs: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        match self.kind {
            FourierKind::OfReal => {
                vec![("Treal", Attr::Type(inputs[0].dtype)), ("Tcomplex", Attr::Type(outputs[0].dtype))]
            }
            FourierKind::ToReal => {
                vec![("Treal", Attr::Type(outputs[0].dtype)), ("Tcomplex", Attr::Type(inputs[0].dtype))]
            }
            _ => vec![("Tcomplex", Attr::Type(inputs[0].dtype))],
        }
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(if self.has_lengths() { 2 } else { 1 })?;
        let dtype = match self.kind {
            FourierKind::OfReal => {
                let given = cx.dtype(0)?;
                complex_of(given).ok_or_else(|| cx.wrong("input", "float32 or float64", given.to_string()))?
            }
            FourierKind::ToReal => complex_input(cx, 0)?.1,
            _ => complex_input(cx, 0)?.0,
        };
        let dims = cx.dims(0)?;
        if dims.rank().is_some_and(|rank| rank < self.axes) {
            return Err(cx.wrong("input", format!("{} axes or more", self.axes), format!("shape {dims}")));
        }
        if !self.has_lengths() {
            return Ok(vec![ValueInfo::new(dtype, dims.clone())]);
        }
        let mut lengths = self.lengths(cx)?;
        if let (FourierKind::OfReal, Some(last)) = (self.kind, lengths.last_mut()) {
            *last = last.map(half);
        }
        let Some(axes) = dims.axes() else { return Ok(vec![ValueInfo::new(dtype, Dims::unknown())]) };
        let lead = axes[..axes.len() - self.axes].iter().copied();
        Ok(vec![ValueInfo::new(dtype, lead.chain(lengths).collect::<Dims>())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let given = tail(x.shape, self.axes);
        let output = &mut run.outputs[0];
        let made = tail(output.shape, self.axes);
        match self.kind {
            FourierKind::OfReal => {
                let lengths = full(&run.inputs[1])?;
                for_complex!(output.dtype(), self.name(), T => {
                    type Real = <T as Wide>::Real;
                    let x = x.slice::<Real>()?;
                    let mut room = Vec::new();
                    let blocks = output.slice::<T>()?.chunks_exact_mut(count(&made).max(1));
                    let plans = Plans::new(&lengths);
                    for (block, to) in blocks.enumerate() {
                        room.clear();
                        room.resize(count(&lengths), [0.0; 2]);
                        let from = &x[block * count(&given)..(block + 1) * count(&given)];
                        copied(from, &given, &mut room, &lengths, |number| [T::of_real(number), 0.0]);
                        plans.transform(&mut room, false);
                        let mut kept = vec![[0.0; 2]; to.len()];
                        copied(&room, &lengths, &mut kept, &made, |pair| pair);
                        to.iter_mut().zip(kept).for_each(|(to, pair)| *to = T::narrow(pair));
                    }
                    Ok(())
                })
            }
            FourierKind::ToReal => {
                let lengths = full(&run.inputs[1])?;
                let mut halves = lengths.clone();
                halves.last_mut().into_iter().for_each(|last| *last = half(*last));
                for_complex!(x.dtype().unwrap_or(kerox_tensor::DType::Variant), self.name(), T => {
                    type Real = <T as Wide>::Real;
                    let x = x.slice::<T>()?;
                    let mut room = Vec::new();
                    let plans = Plans::new(&lengths);
                    let blocks = output.slice::<Real>()?.chunks_exact_mut(count(&made).max(1));
                    for (block, to) in blocks.enumerate() {
                        room.clear();
                        room.resize(count(&halves), [0.0; 2]);
                        let from = &x[block * count(&given)..(block + 1) * count(&given)];
                        copied(from, &given, &mut room, &halves, T::wide);
                        plans.to_real(&mut room, |at, number| to[at] = T::real(number));
                    }
                    Ok(())
                })
            }
            _ => {
                let is_inverse = self.kind == FourierKind::Inverse;
                let plans = Plans::new(&given);
                for_complex!(output.dtype(), self.name(), T => {
                    let x = x.slice::<T>()?;
                    let size = count(&given).max(1);
                    let mut room = vec![[0.0; 2]; count(&given)];
                    for (from, to) in x.chunks_exact(size).zip(output.slice::<T>()?.chunks_exact_mut(size)) {
                        room.iter_mut().zip(from).for_each(|(to, from)| *to = from.wide());
                        plans.transform(&mut room, is_inverse);
                        to.iter_mut().zip(&room).for_each(|(to, &pair)| *to = T::narrow(pair));
                    }
                    Ok(())
                })
            }
        }
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (x, dy) = (cx.inputs[0], cx.upstream(0)?);
        let lengths = cx.inputs.get(1).copied();
        let real = if self.kind == FourierKind::OfReal { x } else { cx.outputs[0] };
        let g = &mut *cx.g;
        let of = |kind| Fourier { kind, axes: self.axes };
        let dx = match self.kind {
            FourierKind::Forward => {
                let back = g.add_single(of(FourierKind::Inverse), &[dy])?;
                scaled(g, back, self.elements(g, x)?)?
            }
            FourierKind::Inverse => {
                let forward = g.add_single(of(FourierKind::Forward), &[dy])?;
                scaled(g, forward, 1.0 / self.elements(g, x)?)?
            }
            FourierKind::OfReal => {
                // The half that is left out had no part in the result.
                let whole = self.full_lengths(g, lengths, real)?;
                let wide = resized(g, dy, &whole)?;
                let back = g.add_single(of(FourierKind::Inverse), &[wide])?;
                let re = g.add_single(Part::Real, &[back])?;
                let re = scaled(g, re, count(&whole) as f64)?;
                let own = self.tail_of(g, x)?;
                resized(g, re, &own)?
            }
            FourierKind::ToReal => {
                let whole = self.full_lengths(g, None, real)?;
                let lengths: Vec<i64> = whole.iter().map(|&n| n as i64).collect();
                let lengths = g.ints(&lengths)?;
                let forward = g.add_single(of(FourierKind::OfReal), &[dy, lengths])?;
                // All but the first and, where the length is even, the last stand for two.
                let n = whole.last().copied().unwrap_or(0);
                let weight = |k: usize| if k == 0 || 2 * k == n { 1.0 } else { 2.0 } / count(&whole).max(1) as f64;
                let weights: Vec<f64> = (0..half(n)).map(weight).collect();
                let weights = Tensor::from_vec(weights, [half(n)])?.cast(g.dtype(forward))?;
                let weights = g.constant(weights)?;
                let weighted = g.multiply(forward, weights)?;
                let own = self.tail_of(g, x)?;
                resized(g, weighted, &own)?
            }
        };
        let mut gradients = vec![None; cx.inputs.len()];
        gradients[0] = Some(dx);
        Ok(gradients)
    }
}

impl Fourier {
    /// The lengths of the axes that are transformed.
    fn tail_of(&self, g: &Graph, x: Value) -> Result<Vec<usize>> {
        let axes = g.dims(x).axes().and_then(|axes| axes.get(axes.len().checked_sub(self.axes)?..));
        let known: Option<Vec<usize>> = axes.and_then(|axes| axes.iter().copied().collect());
        known.ok_or_else(|| {
            let found = g.dims(x).to_string();
            super::dispatch::argument(self.name(), "", "gradient", "known lengths of the axes transformed", found)
        })
    }

    fn elements(&self, g: &Graph, x: Value) -> Result<f64> {
        Ok(count(&self.tail_of(g, x)?).max(1) as f64)
    }

    /// The lengths of the real side.
    fn full_lengths(&self, g: &Graph, lengths: Option<Value>, real: Value) -> Result<Vec<usize>> {
        let Some(lengths) = lengths else { return self.tail_of(g, real) };
        let known = g.info(lengths).ints().map(|ints| ints.into_iter().map(|n| usize::try_from(n?).ok()).collect());
        match known {
            Some(Some(known)) => Ok(known),
            _ => Err(super::dispatch::argument(self.name(), "", "gradient", "known lengths", "others")),
        }
    }
}

/// A value times a number.
fn scaled(g: &mut Graph, x: Value, factor: f64) -> Result<Value> {
    let factor = g.constant(Tensor::scalar(factor).cast(g.dtype(x))?)?;
    g.multiply(x, factor)
}

/// The last axes cut, or followed by zeros, to these lengths.
fn resized(g: &mut Graph, x: Value, lengths: &[usize]) -> Result<Value> {
    let Some(axes) = g.dims(x).axes().map(<[Dim]>::to_vec) else { return Ok(x) };
    let lead = axes.len() - lengths.len();
    let mut borders = vec![(0, 0); axes.len()];
    let (begin, mut size) = (vec![0; axes.len()], vec![-1; axes.len()]);
    for (at, &length) in lengths.iter().enumerate() {
        let own = axes[lead + at].unwrap_or(length);
        size[lead + at] = own.min(length) as i64;
        borders[lead + at].1 = length.saturating_sub(own) as i64;
    }
    let cut = if axes[lead..].iter().zip(lengths).any(|(own, &n)| own.is_some_and(|own| own > n)) {
        g.slice(x, &begin, &size)?
    } else {
        x
    };
    if borders.iter().all(|&border| border == (0, 0)) { Ok(cut) } else { g.pad(cut, &borders) }
}

/// How many elements of a transform of real numbers of that length are told.
fn half(n: usize) -> usize {
    n / 2 + 1
}

fn count(lengths: &[usize]) -> usize {
    lengths.iter().product()
}

fn tail(shape: &Shape, axes: usize) -> Vec<usize> {
    shape[shape.rank().saturating_sub(axes)..].to_vec()
}

/// The lengths in the second input.
fn full(lengths: &View<'_>) -> Result<Vec<usize>> {
    Ok(ints_of(lengths)?.into_iter().map(|n| usize::try_from(n).unwrap_or(0)).collect())
}

/// Copies what both blocks have, whose axes are of these lengths.
fn copied<A: Copy, B>(from: &[A], own: &[usize], to: &mut [B], other: &[usize], f: impl Fn(A) -> B + Copy) {
    match (own, other) {
        ([_], [_]) => to.iter_mut().zip(from).for_each(|(to, &from)| *to = f(from)),
        ([_, own @ ..], [_, other @ ..]) => {
            let rows = to.chunks_exact_mut(count(other).max(1)).zip(from.chunks_exact(count(own).max(1)));
            rows.for_each(|(to, from)| copied(from, own, to, other, f));
        }
        _ => {}
    }
}

/// Transforms along all axes of a block.
struct Plans {
    lengths: Vec<usize>,
    plans: Vec<Plan>,
}

impl Plans {
    fn new(lengths: &[usize]) -> Plans {
        Plans { lengths: lengths.to_vec(), plans: lengths.iter().map(|&n| Plan::new(n)).collect() }
    }

    /// Along one axis of a block whose last axis has another length where `last` says so.
    fn along(&self, block: &mut [Pair], axis: usize, last: usize, is_inverse: bool) {
        let (n, plan) = (self.lengths[axis], &self.plans[axis]);
        let end = self.lengths.len() - 1;
        let inner = if axis == end { 1 } else { count(&self.lengths[axis + 1..end]) * last };
        let mut row = vec![[0.0; 2]; n];
        for outer in block.chunks_exact_mut((n * inner).max(1)) {
            for at in 0..inner {
                row.iter_mut().enumerate().for_each(|(k, to)| *to = outer[k * inner + at]);
                if is_inverse {
                    plan.inverse(&mut row)
                } else {
                    plan.forward(&mut row)
                }
                row.iter().enumerate().for_each(|(k, &from)| outer[k * inner + at] = from);
            }
        }
    }

    fn transform(&self, block: &mut [Pair], is_inverse: bool) {
        let last = self.lengths.last().copied().unwrap_or(0);
        (0..self.lengths.len()).for_each(|axis| self.along(block, axis, last, is_inverse));
    }

    /// Back to real numbers from halves of rows, each handed to `put` with its place.
    fn to_real(&self, block: &mut [Pair], mut put: impl FnMut(usize, f64)) {
        let end = self.lengths.len() - 1;
        let n = self.lengths[end];
        (0..end).for_each(|axis| self.along(block, axis, half(n), true));
        let mut row = vec![[0.0; 2]; n];
        for (at, halves) in block.chunks_exact(half(n)).enumerate() {
            for (k, to) in row.iter_mut().enumerate() {
                let [re, im] = halves[k.min(n - k)];
                // What stands for itself is real.
                let im = if k == 0 || 2 * k == n { 0.0 } else { im };
                *to = [re, if 2 * k > n { -im } else { im }];
            }
            self.plans[end].inverse(&mut row);
            row.iter().enumerate().for_each(|(k, &[re, _])| put(at * n + k, re));
        }
    }
}
