//! Whole numbers drawn at random: evenly, by the logits of classes, by Poisson's distribution.

use std::sync::Arc;

use kerox_tensor::DType;
use kerox_tensor::kernels::special::lgamma;

use super::declaration::Declaration;
use super::dispatch::{argument, for_number, for_whole};
use super::movement::dims_of;
use super::sampling::{Stream, generator};
use crate::generator::unit_f64;
use crate::{Attr, Dims, Generator, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "Multinomial",
        signature: "logits, num_samples -> output",
        build: |a| {
            Ok(Arc::new(Multinomial { generator: generator(a)?, dtype: a.dtype_or("output_dtype", DType::I64)? }))
        },
    },
    Declaration {
        name: "RandomPoissonV2",
        signature: "shape, rate -> output",
        build: |a| Ok(Arc::new(Poisson { generator: generator(a)?, dtype: a.dtype_or("dtype", DType::I64)? })),
    },
    Declaration {
        name: "RandomUniformInt",
        signature: "shape, minval, maxval -> output",
        build: |a| Ok(Arc::new(UniformInt { generator: generator(a)? })),
    },
];

/// `RandomUniformInt(shape, minval, maxval)`: whole numbers from the one to before the other, all as likely.
#[derive(Clone, Debug)]
pub struct UniformInt {
    /// Where they come from.
    pub generator: Generator,
}

impl Op for UniformInt {
    fn name(&self) -> &'static str {
        "RandomUniformInt"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let (t, out) = (Attr::Type(inputs[0].dtype), Attr::Type(inputs[1].dtype));
        vec![("T", t), ("Tout", out), ("seed", Attr::Int(0)), ("seed2", Attr::Int(0))]
    }
    fn generator(&self) -> Option<&Generator> {
        Some(&self.generator)
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        let dtype = cx.dtype(1)?;
        if !dtype.is_integer() || cx.dtype(2)? != dtype {
            let found = format!("{dtype} and {}", cx.dtype(2)?);
            return Err(cx.wrong("minval and maxval", "whole numbers of one type", found));
        }
        scalar(cx, 1)?;
        scalar(cx, 2)?;
        Ok(vec![ValueInfo::new(dtype, dims_of(cx, 0)?.unwrap_or(Dims::unknown()))])
    }
    fn reads(&self, input: usize) -> bool {
        input > 0
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (low, high) = (run.input(1), run.input(2));
        let output = &mut run.outputs[0];
        for_whole!(output.dtype(), self.name(), T => {
            let (low, high) = (low.slice::<T>()?[0], high.slice::<T>()?[0]);
            if low >= high {
                return Err(argument(self.name(), "", "maxval", format!("more than {low}"), high.to_string()));
            }
            let (low, range) = (i128::from(low), (i128::from(high) - i128::from(low)) as u128);
            let out = output.slice::<T>()?;
            let mut words = vec![0u32; 2 * out.len()];
            self.generator.fill(&mut words);
            for (out, words) in out.iter_mut().zip(words.chunks_exact(2)) {
                // The high half of the product of 64 random bits and the range.
                let word = u128::from(words[0]) << 32 | u128::from(words[1]);
                *out = (low + ((word * range) >> 64) as i128) as T;
            }
            Ok(())
        })
    }
    fn is_pure(&self) -> bool {
        false
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None; 3])
    }
}

/// Whether an input is one number.
pub(super) fn scalar(cx: &Infer<'_>, input: usize) -> Result<()> {
    if cx.dims(input)?.merge(&Dims::of_rank(0)).is_none() {
        return Err(cx.wrong(&format!("input {input}"), "a scalar", cx.dims(input)?.to_string()));
    }
    Ok(())
}

/// `Multinomial(logits, num_samples)`: for each row of logits `num_samples` classes, drawn with the probabilities of their
/// softmax. Classes whose logit is no finite number are not drawn.
#[derive(Clone, Debug)]
pub struct Multinomial {
    /// Where they come from.
    pub generator: Generator,
    /// The type of classes: int32 or int64.
    pub dtype: DType,
}

impl Op for Multinomial {
    fn name(&self) -> &'static str {
        "Multinomial"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let (t, out) = (Attr::Type(inputs[0].dtype), Attr::Type(self.dtype));
        vec![("T", t), ("output_dtype", out), ("seed", Attr::Int(0)), ("seed2", Attr::Int(0))]
    }
    fn generator(&self) -> Option<&Generator> {
        Some(&self.generator)
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let count = cx.ints(1)?.and_then(|counts| counts.first().copied().flatten());
        if count.is_some_and(|count| count < 0) {
            return Err(cx.wrong("num_samples", "a number of at least 0", format!("{count:?}")));
        }
        let dims = cx.dims(0)?;
        let rows = match dims.axes() {
            Some([rows, classes]) if *classes != Some(0) => *rows,
            Some(_) => return Err(cx.wrong("logits", "rows of classes", dims.to_string())),
            None => None,
        };
        Ok(vec![ValueInfo::new(self.dtype, Dims::from([rows, count.map(|count| count as usize)]))])
    }
    fn reads(&self, input: usize) -> bool {
        input == 0
    }
    #[allow(clippy::unnecessary_cast, reason = "one of the types is the one that is cast to")]
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let logits = run.input(0);
        let output = &mut run.outputs[0];
        let (classes, count) = (logits.shape[1], output.shape[1]);
        let sums: Vec<f64> = for_number!(logits.dtype().unwrap_or(DType::F32), self.name(), T => {
            Ok(logits.slice::<T>()?.chunks_exact(classes).flat_map(|row| {
                let row = row.iter().map(|&x| x as f64);
                let most = row.clone().filter(|x| x.is_finite()).fold(f64::NEG_INFINITY, f64::max);
                row.scan(0.0, move |sum, x| {
                    *sum += if x.is_finite() { (x - most).exp() } else { 0.0 };
                    Some(*sum)
                })
            }).collect())
        })?;
        let mut words = vec![0u32; 2 * output.shape.elements()];
        self.generator.fill(&mut words);
        for_whole!(output.dtype(), self.name(), T => {
            let rows = output.slice::<T>()?.chunks_exact_mut(count.max(1));
            for ((out, words), sums) in rows.zip(words.chunks_exact(2 * count.max(1))).zip(sums.chunks_exact(classes)) {
                for (out, words) in out.iter_mut().zip(words.chunks_exact(2)) {
                    let at = unit_f64(words[0], words[1]) * sums[classes - 1];
                    *out = sums.partition_point(|&sum| sum <= at).min(classes - 1) as T;
                }
            }
            Ok(())
        })
    }
    fn is_pure(&self) -> bool {
        false
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None; 2])
    }
}

/// `RandomPoissonV2(shape, rate)`: for each rate (a place of the last axes) `shape` samples of Poisson's distribution.
///
/// # Source
/// Hörmann, "The transformed rejection method for generating Poisson random variables", 1993; small rates by Knuth's
/// products.
#[derive(Clone, Debug)]
pub struct Poisson {
    /// Where they come from.
    pub generator: Generator,
    /// The type of the samples.
    pub dtype: DType,
}

impl Op for Poisson {
    fn name(&self) -> &'static str {
        "RandomPoissonV2"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let [s, r] = [0, 1].map(|i| Attr::Type(inputs[i].dtype));
        vec![("S", s), ("R", r), ("dtype", Attr::Type(self.dtype)), ("seed", Attr::Int(0)), ("seed2", Attr::Int(0))]
    }
    fn generator(&self) -> Option<&Generator> {
        Some(&self.generator)
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let shape = dims_of(cx, 0)?;
        let dims = match (shape.as_ref().and_then(Dims::axes), cx.dims(1)?.axes()) {
            (Some(shape), Some(rate)) => shape.iter().chain(rate).copied().collect(),
            _ => Dims::unknown(),
        };
        Ok(vec![ValueInfo::new(self.dtype, dims)])
    }
    fn reads(&self, input: usize) -> bool {
        input == 1
    }
    #[allow(clippy::unnecessary_cast, reason = "one of the types is the one that is cast to")]
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let rates = run.input(1);
        let rates: Vec<f64> = for_number!(rates.dtype().unwrap_or(DType::F32), self.name(), T => {
            Ok(rates.slice::<T>()?.iter().map(|&rate| rate as f64).collect())
        })?;
        let output = &mut run.outputs[0];
        let (key, first) = self.generator.draw(4 * output.shape.elements());
        for_number!(output.dtype(), self.name(), T => {
            for (i, out) in output.slice::<T>()?.iter_mut().enumerate() {
                let mut stream = Stream::new(key, first.wrapping_add(i as u64));
                *out = poisson(&mut stream, rates[i % rates.len()]) as T;
            }
            Ok(())
        })
    }
    fn is_pure(&self) -> bool {
        false
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None; 2])
    }
}

fn poisson(stream: &mut Stream, rate: f64) -> f64 {
    if rate < 0.0 || !rate.is_finite() {
        return f64::NAN;
    }
    if rate < 10.0 {
        let least = (-rate).exp();
        let (mut count, mut product) = (0.0, 1.0);
        loop {
            for u in stream.next() {
                product *= u;
                if product <= least {
                    return count;
                }
                count += 1.0;
            }
        }
    }
    let b = 0.931 + 2.53 * rate.sqrt();
    let a = -0.059 + 0.02483 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let most = 0.9277 - 3.6224 / (b - 2.0);
    loop {
        let [u, v] = stream.next();
        let u = u - 0.5;
        let s = 0.5 - u.abs();
        let k = ((2.0 * a / s + b) * u + rate + 0.43).floor();
        if s >= 0.07 && v <= most {
            return k;
        }
        if k < 0.0 || s < 0.013 && v > s {
            continue;
        }
        if (v * inverse_alpha / (a / (s * s) + b)).ln() <= k * rate.ln() - rate - lgamma(k + 1.0) {
            return k;
        }
    }
}

impl Graph {
    /// Whole numbers from `low` to before `high`, scalars of one type, of a shape given by an integer vector.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the types differ or are none of whole numbers.
    pub fn random_int(&mut self, shape: Value, low: Value, high: Value, generator: &Generator) -> Result<Value> {
        self.add_single(UniformInt { generator: generator.clone() }, &[shape, low, high])
    }

    /// For each row of logits `count` classes, drawn with the probabilities of their softmax.
    ///
    /// # Shapes
    /// `logits` is `[rows, classes]`, `count` a scalar of type int32, the result `[rows, count]`.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the shapes do not fit.
    pub fn multinomial(&mut self, logits: Value, count: Value, dtype: DType, generator: &Generator) -> Result<Value> {
        self.add_single(Multinomial { generator: generator.clone(), dtype }, &[logits, count])
    }

    /// For each rate samples of Poisson's distribution, of a shape given by an integer vector.
    ///
    /// # Shapes
    /// the shape, then that of `rate`.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the shape is no integer vector.
    pub fn random_poisson(&mut self, shape: Value, rate: Value, dtype: DType, generator: &Generator) -> Result<Value> {
        self.add_single(Poisson { generator: generator.clone(), dtype }, &[shape, rate])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Executor, Plan};
    use kerox_tensor::Tensor;

    type AnyResult<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

    fn draw(build: impl Fn(&mut Graph) -> Result<Value>) -> AnyResult<Vec<f64>> {
        let mut g = Graph::new();
        let y = build(&mut g)?;
        let mut executor = Executor::new(Plan::compile(&g, &[], &[], &[y], &[])?);
        executor.run(&[])?;
        Ok(executor.output(0).tensor()?.cast(DType::F64)?.as_slice::<f64>()?.to_vec())
    }

    fn mean(all: &[f64]) -> f64 {
        all.iter().sum::<f64>() / all.len() as f64
    }

    #[test]
    fn poisson_has_its_mean_and_variance() -> AnyResult {
        for rate in [0.0, 0.4, 3.0, 9.9, 10.0, 75.0, 1e5] {
            let all = draw(|g| {
                let (shape, rate) = (g.ints(&[20_000])?, g.number(rate, DType::F64)?);
                g.random_poisson(shape, rate, DType::I64, &Generator::new(5))
            })?;
            let found = mean(&all);
            let variance = mean(&all.iter().map(|x| (x - found).powi(2)).collect::<Vec<_>>());
            assert!((found - rate).abs() <= 0.03 * rate.sqrt(), "{rate}: {found}");
            assert!((variance - rate).abs() <= 0.06 * rate, "{rate}: {variance}");
        }
        Ok(())
    }

    #[test]
    fn classes_come_as_often_as_their_softmax_says() -> AnyResult {
        let all = draw(|g| {
            let logits = [0.0, f64::NEG_INFINITY, 3f64.ln(), f64::NAN, 1e300, 1e300];
            let logits = g.constant(Tensor::from_vec(logits.to_vec(), [2, 3])?)?;
            let count = g.number(20_000.0, DType::I32)?;
            g.multinomial(logits, count, DType::I32, &Generator::new(6))
        })?;
        let often = |row: &[f64], class: f64| row.iter().filter(|&&x| x == class).count() as f64 / row.len() as f64;
        let (first, second) = all.split_at(20_000);
        assert!((often(first, 2.0) - 0.75).abs() < 0.02 && often(first, 1.0) == 0.0);
        assert!((often(second, 1.0) - 0.5).abs() < 0.02 && often(second, 0.0) == 0.0);
        Ok(())
    }

    #[test]
    fn whole_numbers_lie_between_their_bounds() -> AnyResult {
        let all = draw(|g| {
            let (shape, low, high) = (g.ints(&[6000])?, g.number(-2.0, DType::I32)?, g.number(1.0, DType::I32)?);
            g.random_int(shape, low, high, &Generator::new(7))
        })?;
        for number in [-2.0, -1.0, 0.0] {
            let often = all.iter().filter(|&&x| x == number).count();
            assert!((1850..2150).contains(&often), "{number}: {often}");
        }
        let refused = draw(|g| {
            let (shape, low) = (g.ints(&[6])?, g.number(1.0, DType::I32)?);
            g.random_int(shape, low, low, &Generator::new(7))
        });
        let refused = refused.unwrap_err().to_string();
        assert!(refused.ends_with("maxval: expected more than 1, found 1"), "{refused}");
        Ok(())
    }
}
