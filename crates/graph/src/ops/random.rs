//! Random values and dropout.

use std::sync::Arc;

use kerox_tensor::{DType, Shape, vectorised};

use super::declaration::Declaration;
use super::dispatch::{argument, for_float, unsupported};
use super::movement::dims_of;
use super::strided::{Signed, repeat, walk};
use crate::generator::{for_each_word, unit_f32, unit_f64};
use crate::{Attr, Attrs, Dims, Generator, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo, ViewMut};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "RandomUniform", signature: "shape -> output", build: |a| random(a, Distribution::Uniform) },
    Declaration {
        name: "RandomStandardNormal",
        signature: "shape -> output",
        build: |a| random(a, Distribution::Normal),
    },
    Declaration {
        name: "TruncatedNormal",
        signature: "shape -> output",
        build: |a| random(a, Distribution::Truncated),
    },
];

/// How random numbers are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Evenly in [0, 1).
    Uniform,
    /// By the standard normal distribution.
    Normal,
    /// By the standard normal distribution, drawn again beyond 2.
    Truncated,
}

fn random(attrs: &Attrs, distribution: Distribution) -> Result<Arc<dyn Op>> {
    let (a, b) = (attrs.int_or("seed", 0)?, attrs.int_or("seed2", 0)?);
    let seed = if (a, b) == (0, 0) { fresh_seed() } else { (a as u64) << 32 ^ b as u64 };
    Ok(Arc::new(Random { distribution, dtype: attrs.dtype("dtype")?, generator: Generator::new(seed) }))
}

/// A seed that differs each time.
fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0u8)
}

/// Fills an output from a stream of words. The truncated normal distribution is drawn through the inverse of its
/// distribution function, so that each number takes a fixed share of the stream.
fn fill(out: &mut ViewMut<'_>, distribution: Distribution, key: u64, counter: [u64; 2]) -> Result<()> {
    let wide = out.dtype() == DType::F64;
    match out.dtype() {
        DType::F32 if distribution == Distribution::Uniform => {
            let out = out.slice::<f32>()?;
            for_each_word(key, counter, out.len(), &mut |i, word| out[i] = unit_f32(word));
            Ok(())
        }
        DType::F32 | DType::F64 => {
            let n = out.shape.elements();
            let (mut high, mut pair) = (0u32, 0.0f64);
            let mut set = |i: usize, value: f64| -> Result<()> {
                if wide {
                    out.slice::<f64>()?[i] = value
                } else {
                    out.slice::<f32>()?[i] = value as f32
                }
                Ok(())
            };
            let mut result = Ok(());
            for_each_word(key, counter, 2 * n.next_multiple_of(2), &mut |i, word| {
                if i % 2 == 0 {
                    high = word;
                    return;
                }
                let u = unit_f64(high, word);
                let at = i / 2;
                match distribution {
                    Distribution::Uniform if at < n => result = set(at, u),
                    Distribution::Truncated if at < n => result = set(at, truncated_normal(u)),
                    Distribution::Normal if at % 2 == 0 => pair = u,
                    Distribution::Normal => {
                        // Box and Muller: two uniform numbers make two normal ones.
                        let radius = (-2.0 * (1.0 - pair).ln()).sqrt();
                        let (sin, cos) = (std::f64::consts::TAU * u).sin_cos();
                        if at - 1 < n {
                            result = set(at - 1, radius * cos);
                        }
                        if at < n {
                            result = set(at, radius * sin);
                        }
                    }
                    _ => {}
                }
            });
            result
        }
        found => Err(unsupported("RandomUniform", found)),
    }
}

/// The standard normal distribution cut at 2 on both sides, from a number in [0, 1).
fn truncated_normal(u: f64) -> f64 {
    // Φ(-2); the values lie between Φ(-2) and Φ(2).
    const LOW: f64 = 0.022_750_131_948_179_2;
    inverse_normal(LOW + u * (1.0 - 2.0 * LOW)).clamp(-2.0, 2.0)
}

/// The inverse of the normal distribution function, by Newton's method from a rational first guess.
fn inverse_normal(p: f64) -> f64 {
    use kerox_tensor::kernels::Float;
    let tail = if p < 0.5 { p } else { 1.0 - p };
    let t = (-2.0 * tail.ln()).sqrt();
    let guess = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    let mut x = if p < 0.5 { -guess } else { guess };
    for _ in 0..2 {
        let error = 0.5 * Float::erfc(-x * std::f64::consts::FRAC_1_SQRT_2) - p;
        let density = (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
        x -= error / density;
    }
    x
}

/// `RandomUniform(shape)` and its like, from a generator of its own or one that is shared.
#[derive(Clone, Debug)]
pub struct Random {
    /// How the numbers are distributed.
    pub distribution: Distribution,
    /// Their type: float32 or float64.
    pub dtype: DType,
    /// Where they come from.
    pub generator: Generator,
}

impl Op for Random {
    fn name(&self) -> &'static str {
        match self.distribution {
            Distribution::Uniform => "RandomUniform",
            Distribution::Normal => "RandomStandardNormal",
            Distribution::Truncated => "TruncatedNormal",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("T", Attr::Type(inputs[0].dtype)),
            ("dtype", Attr::Type(self.dtype)),
            ("seed", Attr::Int(0)),
            ("seed2", Attr::Int(0)),
        ]
    }
    fn generator(&self) -> Option<&Generator> {
        Some(&self.generator)
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        Ok(vec![ValueInfo::new(self.dtype, dims_of(cx, 0)?.unwrap_or(Dims::unknown()))])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let out = &mut run.outputs[0];
        let words = out.shape.elements() * 2 + 4;
        let (seed, counter) = self.generator.draw(words);
        fill(out, self.distribution, seed, [counter, 0])
    }
    fn reads(&self, _: usize) -> bool {
        false
    }
    fn is_pure(&self) -> bool {
        false
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }
}

/// `_Dropout(x)`: each element kept with probability `1 - rate` and then divided by it, else 0. The second output is
/// the mask of what was kept.
#[derive(Clone, Debug)]
pub struct Dropout {
    /// Fraction in [0, 1) that is dropped.
    pub rate: f64,
    /// The shape of the mask: `Some(1)` shares one decision along an axis, `None` takes the length of `x`.
    pub noise_shape: Option<Vec<Option<usize>>>,
    /// Where decisions come from.
    pub generator: Generator,
}

impl Op for Dropout {
    fn name(&self) -> &'static str {
        "_Dropout"
    }
    fn generator(&self) -> Option<&Generator> {
        Some(&self.generator)
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let dtype = cx.float(0)?;
        let dims = cx.dims(0)?;
        let mask = match (&self.noise_shape, dims.axes()) {
            (None, _) => dims.clone(),
            (Some(_), None) => Dims::unknown(),
            (Some(noise), Some(axes)) => {
                let fits =
                    |(n, a): (&Option<usize>, &Option<usize>)| n.is_none() || *n == Some(1) || a.is_none() || n == a;
                if noise.len() != axes.len() || !noise.iter().zip(axes).all(fits) {
                    return Err(cx.wrong("noise_shape", format!("lengths of {dims} or 1"), format!("{noise:?}")));
                }
                noise.iter().zip(axes).map(|(n, &a)| if *n == Some(1) { Some(1) } else { a.or(*n) }).collect()
            }
        };
        Ok(vec![ValueInfo::new(dtype, dims.clone()), ValueInfo::new(DType::Bool, mask)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let [y, mask] = run.outputs else { return Ok(()) };
        let (mask_shape, shape) = (mask.shape, y.shape);
        let mask = mask.slice::<bool>()?;
        // 32 bits decide: what is below the threshold is dropped.
        let threshold = (self.rate * 4_294_967_296.0).min(4_294_967_295.0) as u32;
        self.generator.for_each(mask.len(), |i, word| mask[i] = word >= threshold);
        for_float!(y.dtype(), "_Dropout", T => {
            apply(x.get::<T>()?, mask, mask_shape, y.slice::<T>()?, shape, 1.0 / (1.0 - self.rate) as T);
            Ok(())
        })
    }
    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
    fn is_pure(&self) -> bool {
        false
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        Ok(vec![Some(cx.g.add_single(DropoutGrad { rate: self.rate }, &[dy, cx.outputs[1]])?)])
    }
    fn lower(&self, g: &mut Graph, inputs: &[Value]) -> Result<Option<Vec<Value>>> {
        let x = inputs[0];
        let dtype = g.dtype(x);
        let factor = g.number(1.0 / (1.0 - self.rate), dtype)?;
        let scaled = g.multiply(x, factor)?;
        let shape = match &self.noise_shape {
            None => g.shape_of(x)?,
            Some(noise) => {
                let whole = g.shape_of(x)?;
                let lengths = g.unstack(whole, 0)?;
                let mut parts = Vec::new();
                for (n, length) in noise.iter().zip(lengths) {
                    parts.push(match n {
                        Some(n) => g.axis_constant(*n as i64)?,
                        None => length,
                    });
                }
                g.stack(&parts, 0)?
            }
        };
        let op = Random { distribution: Distribution::Uniform, dtype, generator: self.generator.clone() };
        let uniform = g.add_single(op, &[shape])?;
        let rate = g.number(self.rate, dtype)?;
        let keep = g.greater_equal(uniform, rate)?;
        let zero = g.number(0.0, dtype)?;
        Ok(Some(vec![g.select(keep, scaled, zero)?, keep]))
    }
}

/// Multiplies what is kept, zeros the rest; `x` is in `y` where it is not given.
fn apply<T: Copy + Default + std::ops::Mul<Output = T>>(
    x: Option<&[T]>,
    mask: &[bool],
    mask_shape: &Shape,
    y: &mut [T],
    shape: &Shape,
    scale: T,
) {
    let zero = T::default();
    if mask.len() == y.len() {
        match x {
            Some(x) => vectorised(|| {
                for ((y, &x), &keep) in y.iter_mut().zip(x).zip(mask) {
                    *y = if keep { x * scale } else { zero };
                }
            }),
            None => vectorised(|| {
                for (y, &keep) in y.iter_mut().zip(mask) {
                    *y = if keep { *y * scale } else { zero };
                }
            }),
        }
        return;
    }
    if let Some(x) = x {
        y.copy_from_slice(x);
    }
    walk(shape, &[shape.strides_signed(), repeat(mask_shape, shape)], [0; 2], |[mut at, mut m], n, steps| {
        for _ in 0..n {
            let o = &mut y[at as usize];
            *o = if mask[m as usize] { *o * scale } else { zero };
            at += steps[0];
            m += steps[1];
        }
    });
}

/// `_DropoutGrad(dy, mask)`.
#[derive(Clone, Copy, Debug)]
pub struct DropoutGrad {
    /// Fraction that was dropped.
    pub rate: f64,
}

impl Op for DropoutGrad {
    fn name(&self) -> &'static str {
        "_DropoutGrad"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        Ok(vec![ValueInfo::new(cx.float(0)?, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (dy, mask) = (run.input(0), run.input(1));
        let output = &mut run.outputs[0];
        let shape = output.shape;
        for_float!(output.dtype(), "_DropoutGrad", T => {
            let scale = 1.0 / (1.0 - self.rate) as T;
            apply(dy.get::<T>()?, mask.slice::<bool>()?, mask.shape, output.slice::<T>()?, shape, scale);
            Ok(())
        })
    }
    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let upstream = cx.upstream(0)?;
        Ok(vec![Some(cx.g.add_single(*self, &[upstream, cx.inputs[1]])?), None])
    }
}

impl Graph {
    /// Drops a fraction of the elements and scales the others so that sums stay as they are on average.
    ///
    /// # Arguments
    /// `rate`: fraction in [0, 1) that is dropped. `noise_shape`: for each axis `Some(1)` to share one decision along
    /// it, `None` for one each; without it all elements are decided each for itself.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the rate is outside [0, 1) or `noise_shape` does not fit.
    ///
    /// # Example
    /// ```
    /// use kerox_graph::{Dims, Executor, Generator, Graph, Plan};
    /// use kerox_tensor::{DType, Tensor};
    /// let mut g = Graph::new();
    /// let x = g.placeholder("x", DType::F32, Dims::from([None]))?;
    /// let y = g.dropout(x, 0.5, None, &Generator::new(3))?;
    /// let mut executor = Executor::new(Plan::compile(&g, &[x], &[[1000].into()], &[y], &[])?);
    /// executor.run(&[&Tensor::full(1f32, [1000])?])?;
    /// let kept = executor.output(0).slice::<f32>()?.iter().filter(|&&v| v == 2.0).count();
    /// assert!((400..600).contains(&kept));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dropout(
        &mut self,
        x: Value,
        rate: f64,
        noise_shape: Option<&[Option<usize>]>,
        generator: &Generator,
    ) -> Result<Value> {
        if !(0.0..1.0).contains(&rate) {
            return Err(argument("_Dropout", "", "rate", "a fraction in [0, 1)", rate.to_string()));
        }
        let noise_shape = noise_shape.map(<[_]>::to_vec);
        Ok(self.add_op(Dropout { rate, noise_shape, generator: generator.clone() }, &[x])?[0])
    }

    /// Random numbers of a shape given by an integer vector.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the shape is no integer vector.
    pub fn random(
        &mut self,
        shape: Value,
        distribution: Distribution,
        dtype: DType,
        generator: &Generator,
    ) -> Result<Value> {
        self.add_single(Random { distribution, dtype, generator: generator.clone() }, &[shape])
    }
}
