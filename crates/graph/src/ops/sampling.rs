//! Samples of the gamma distribution, and rows in random order.

use std::sync::Arc;

use kerox_tensor::DType;

use super::declaration::Declaration;
use super::dispatch::{for_any, unsupported};
use super::movement::dims_of;
use crate::generator::for_each_word;
use crate::{Attr, Attrs, Dims, Generator, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "RandomGamma",
        signature: "shape, alpha -> output",
        build: |a| Ok(Arc::new(Gamma { generator: generator(a)? })),
    },
    Declaration {
        name: "RandomShuffle",
        signature: "value -> output",
        build: |a| Ok(Arc::new(Shuffle { generator: generator(a)? })),
    },
];

/// The generator that a node's seeds ask for: a new one where there are none.
pub(super) fn generator(attrs: &Attrs) -> Result<Generator> {
    use std::hash::{BuildHasher, RandomState};
    let (a, b) = (attrs.int_or("seed", 0)?, attrs.int_or("seed2", 0)?);
    let seed = if (a, b) == (0, 0) { RandomState::new().hash_one(0u8) } else { (a as u64) << 32 ^ b as u64 };
    Ok(Generator::new(seed))
}

/// A stream of numbers in (0, 1) that belongs to one place of the output, however many it takes.
pub(super) struct Stream {
    key: u64,
    place: u64,
    round: u64,
}

impl Stream {
    pub(super) fn new(key: u64, place: u64) -> Stream {
        Stream { key, place, round: 0 }
    }

    pub(super) fn next(&mut self) -> [f64; 2] {
        let mut words = [0u32; 4];
        // The high half of the counter is the round, so that no other place meets these numbers.
        self.round += 1;
        for_each_word(self.key, [self.place, self.round], 4, &mut |i, word| words[i] = word);
        let unit = |high: u32, low: u32| {
            ((u64::from(high) << 32 | u64::from(low)) >> 11) as f64 / (1u64 << 53) as f64 + 1.0 / (1u64 << 54) as f64
        };
        [unit(words[0], words[1]), unit(words[2], words[3])]
    }

    /// By Marsaglia and Tsang's rejection.
    fn gamma(&mut self, alpha: f64) -> f64 {
        if alpha <= 0.0 || !alpha.is_finite() {
            return f64::NAN;
        }
        if alpha < 1.0 {
            let [u, _] = self.next();
            return self.gamma(alpha + 1.0) * u.powf(1.0 / alpha);
        }
        let d = alpha - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let [a, b] = self.next();
            let x = (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos();
            let v = (1.0 + c * x).powi(3);
            let [u, _] = self.next();
            if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }
}

/// `RandomGamma(shape, alpha)`: for each `alpha` (a place of the last axes) `shape` samples of the gamma distribution
/// with that shape and rate 1.
///
/// # Source
/// Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
#[derive(Clone, Debug)]
pub struct Gamma {
    /// Where the numbers come from.
    pub generator: Generator,
}

impl Op for Gamma {
    fn name(&self) -> &'static str {
        "RandomGamma"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("S", Attr::Type(inputs[0].dtype)),
            ("T", Attr::Type(inputs[1].dtype)),
            ("seed", Attr::Int(0)),
            ("seed2", Attr::Int(0)),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let dtype = cx.float(1)?;
        let shape = dims_of(cx, 0)?;
        let dims = match (shape.as_ref().and_then(Dims::axes), cx.dims(1)?.axes()) {
            (Some(shape), Some(alpha)) => shape.iter().chain(alpha).copied().collect(),
            _ => Dims::unknown(),
        };
        Ok(vec![ValueInfo::new(dtype, dims)])
    }
    fn reads(&self, input: usize) -> bool {
        input == 1
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let alpha = run.input(1);
        let output = &mut run.outputs[0];
        let n = output.shape.elements();
        let (key, first) = self.generator.draw(4 * n);
        let each = |alphas: usize, alpha: &dyn Fn(usize) -> f64, set: &mut dyn FnMut(usize, f64)| {
            for i in 0..n {
                let mut stream = Stream::new(key, first.wrapping_add(i as u64));
                set(i, stream.gamma(alpha(i % alphas.max(1))));
            }
        };
        match output.dtype() {
            DType::F32 => {
                let (alpha, out) = (alpha.slice::<f32>()?, output.slice::<f32>()?);
                each(alpha.len(), &|i| f64::from(alpha[i]), &mut |i, x| out[i] = x as f32);
            }
            DType::F64 => {
                let (alpha, out) = (alpha.slice::<f64>()?, output.slice::<f64>()?);
                each(alpha.len(), &|i| alpha[i], &mut |i, x| out[i] = x);
            }
            found => return Err(unsupported(self.name(), found)),
        }
        Ok(())
    }
    fn is_pure(&self) -> bool {
        false
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None, None])
    }
}

/// `RandomShuffle(value)`: the rows in random order.
#[derive(Clone, Debug)]
pub struct Shuffle {
    /// Where the order comes from.
    pub generator: Generator,
}

impl Op for Shuffle {
    fn name(&self) -> &'static str {
        "RandomShuffle"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("seed", Attr::Int(0)), ("seed2", Attr::Int(0))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let output = &mut run.outputs[0];
        let rows = x.shape.first().copied().unwrap_or(1);
        let row = x.shape.iter().skip(1).product::<usize>();
        let mut order: Vec<usize> = (0..rows).collect();
        let (key, first) = self.generator.draw(4 * rows);
        for i in (1..rows).rev() {
            let mut stream = Stream::new(key, first.wrapping_add(i as u64));
            let other = (stream.next()[0] * (i + 1) as f64) as usize;
            order.swap(i, other.min(i));
        }
        for_any!(output.dtype(), self.name(), T => {
            let (x, out) = (x.slice::<T>()?, output.slice::<T>()?);
            for (to, &from) in order.iter().enumerate() {
                out[to * row..(to + 1) * row].clone_from_slice(&x[from * row..(from + 1) * row]);
            }
            Ok(())
        })
    }
    fn is_pure(&self) -> bool {
        false
    }
}

impl Graph {
    /// For each element of `alpha` a sample of the gamma distribution of that shape, with rate 1.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where `alpha` is no float.
    pub fn random_gamma(&mut self, alpha: Value, generator: &Generator) -> Result<Value> {
        let shape = self.constant(kerox_tensor::Tensor::from_vec(Vec::<i32>::new(), [0])?)?;
        self.add_single(Gamma { generator: generator.clone() }, &[shape, alpha])
    }

    /// The rows in random order.
    ///
    /// # Errors
    /// None at present.
    pub fn shuffle(&mut self, x: Value, generator: &Generator) -> Result<Value> {
        self.add_single(Shuffle { generator: generator.clone() }, &[x])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Executor, Plan};
    use kerox_tensor::Tensor;

    type AnyResult = std::result::Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn gamma_has_its_mean_and_variance() -> AnyResult {
        for alpha in [0.3f64, 1.0, 4.5] {
            let mut g = Graph::new();
            let alphas = g.constant(Tensor::full(alpha, [20_000])?)?;
            let y = g.random_gamma(alphas, &Generator::new(5))?;
            let mut executor = Executor::new(Plan::compile(&g, &[], &[], &[y], &[])?);
            executor.run(&[])?;
            let samples = executor.output(0).slice::<f64>()?.to_vec();
            let mean = samples.iter().sum::<f64>() / samples.len() as f64;
            let variance = samples.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / samples.len() as f64;
            assert!((mean - alpha).abs() < 0.06 * (1.0 + alpha), "{alpha}: {mean}");
            assert!((variance - alpha).abs() < 0.12 * (1.0 + alpha), "{alpha}: {variance}");
        }
        Ok(())
    }

    #[test]
    fn a_shuffle_keeps_the_rows() -> AnyResult {
        let mut g = Graph::new();
        let x = g.constant(Tensor::from_vec((0..200i32).collect(), [100, 2])?)?;
        let y = g.shuffle(x, &Generator::new(5))?;
        let mut executor = Executor::new(Plan::compile(&g, &[], &[], &[y], &[])?);
        executor.run(&[])?;
        let rows: Vec<Vec<i32>> = executor.output(0).slice::<i32>()?.chunks(2).map(<[i32]>::to_vec).collect();
        let mut sorted = rows.clone();
        sorted.sort();
        assert_eq!(sorted, (0..100).map(|i| vec![2 * i, 2 * i + 1]).collect::<Vec<_>>());
        assert_ne!(sorted, rows);
        Ok(())
    }
}
