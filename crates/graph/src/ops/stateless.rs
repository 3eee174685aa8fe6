//! Random numbers that depend on nothing but what goes in: TensorFlow's own, number for number.
//!
//! # Source
//! Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011 (Philox 4x32-10); how TensorFlow 2.15 makes keys of
//! seeds and numbers of words on a processor: tensorflow/core/kernels/stateless_random_ops.cc,
//! tensorflow/core/lib/random/random_distributions.h.

use std::sync::Arc;

use kerox_tensor::random::philox;
use kerox_tensor::{DType, Tensor, bf16, f16};

use super::declaration::Declaration;
use super::dispatch::{for_whole, unsupported};
use super::draws::scalar;
use super::movement::{dims_of, ints_of};
use crate::{Attr, Attrs, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo, View, ViewMut};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "StatelessRandomGetAlg",
        signature: "-> alg",
        build: |_| Ok(Arc::new(super::Const { value: Tensor::scalar(PHILOX) })),
    },
    Declaration {
        name: "StatelessRandomGetKeyCounter",
        signature: "seed -> key, counter",
        build: |_| Ok(Arc::new(KeyCounter)),
    },
    Declaration { name: "StatelessRandomNormal", signature: SEEDED, build: |a| floats(a, Drawn::Normal, false) },
    Declaration { name: "StatelessRandomNormalV2", signature: KEYED, build: |a| floats(a, Drawn::Normal, true) },
    Declaration { name: "StatelessRandomUniform", signature: SEEDED, build: |a| floats(a, Drawn::Uniform, false) },
    Declaration { name: "StatelessRandomUniformV2", signature: KEYED, build: |a| floats(a, Drawn::Uniform, true) },
    Declaration {
        name: "StatelessRandomUniformFullInt",
        signature: SEEDED,
        build: |a| wholes(a, Drawn::FullInt, false),
    },
    Declaration {
        name: "StatelessRandomUniformFullIntV2",
        signature: KEYED,
        build: |a| wholes(a, Drawn::FullInt, true),
    },
    Declaration {
        name: "StatelessRandomUniformInt",
        signature: "shape, seed, minval, maxval -> output",
        build: |a| wholes(a, Drawn::Int, false),
    },
    Declaration {
        name: "StatelessRandomUniformIntV2",
        signature: "shape, key, counter, alg, minval, maxval -> output",
        build: |a| wholes(a, Drawn::Int, true),
    },
    Declaration { name: "StatelessTruncatedNormal", signature: SEEDED, build: |a| floats(a, Drawn::Truncated, false) },
    Declaration { name: "StatelessTruncatedNormalV2", signature: KEYED, build: |a| floats(a, Drawn::Truncated, true) },
];

const SEEDED: &str = "shape, seed -> output";
const KEYED: &str = "shape, key, counter, alg -> output";

/// TensorFlow's number of the algorithm; 3 leaves the choice to it, which is this one.
const PHILOX: i32 = 1;
const AUTO: i64 = 3;

fn floats(attrs: &Attrs, drawn: Drawn, is_keyed: bool) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(StatelessRandom { drawn, dtype: attrs.dtype_or("dtype", DType::F32)?, is_keyed }))
}

fn wholes(attrs: &Attrs, drawn: Drawn, is_keyed: bool) -> Result<Arc<dyn Op>> {
    let dtype = if drawn == Drawn::FullInt { attrs.dtype_or("dtype", DType::U64)? } else { attrs.dtype("dtype")? };
    Ok(Arc::new(StatelessRandom { drawn, dtype, is_keyed }))
}

/// A key and the counter that numbers begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stream {
    key: u64,
    counter: u128,
}

impl Stream {
    /// Scrambles two seeds, of which either may be the weak one.
    fn of_seed(seed: [i64; 2]) -> Stream {
        let words = philox(u128::from(seed[1] as u64) << 64 | u128::from(seed[0] as u64), 0x0246_1e29_3ec8_f720);
        let [a, b, c, d] = words.map(u128::from);
        Stream { key: (b << 32 | a) as u64, counter: d << 96 | c << 64 }
    }

    /// Four words, some blocks further on.
    fn block(&self, at: u64) -> [u32; 4] {
        philox(self.counter.wrapping_add(u128::from(at)), self.key)
    }
}

fn seed_of(view: &View<'_>) -> Result<[i64; 2]> {
    Ok(match ints_of(view)?[..] {
        [a, b] => [a, b],
        _ => [0, 0],
    })
}

/// `StatelessRandomGetKeyCounter(seed)`: the key and the counter that two seeds stand for.
#[derive(Clone, Copy, Debug)]
struct KeyCounter;

impl Op for KeyCounter {
    fn name(&self) -> &'static str {
        "StatelessRandomGetKeyCounter"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("Tseed", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        vector(cx, 0, "seed", 2)?;
        Ok([1, 2].map(|n| ValueInfo::new(DType::U64, Dims::from([Some(n)]))).to_vec())
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let stream = Stream::of_seed(seed_of(&run.input(0))?);
        run.outputs[0].slice::<u64>()?.fill(stream.key);
        run.outputs[1].slice::<u64>()?.copy_from_slice(&[stream.counter as u64, (stream.counter >> 64) as u64]);
        Ok(())
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }
}

fn vector(cx: &Infer<'_>, input: usize, name: &str, length: usize) -> Result<()> {
    if cx.dims(input)?.merge(&Dims::from([Some(length)])).is_none() {
        return Err(cx.wrong(name, format!("({length},)"), cx.dims(input)?.to_string()));
    }
    Ok(())
}

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Drawn {
    /// Evenly in [0, 1).
    Uniform,
    /// By the standard normal distribution.
    Normal,
    /// By the standard normal distribution, drawn again beyond 2.
    Truncated,
    /// Whole numbers from a least one to before another.
    Int,
    /// Whole numbers, all of the type.
    FullInt,
}

/// `StatelessRandomUniform(shape, seed)` and its like, and those that take `key` and `counter` instead.
#[derive(Clone, Copy, Debug)]
struct StatelessRandom {
    drawn: Drawn,
    dtype: DType,
    is_keyed: bool,
}

impl StatelessRandom {
    /// Inputs before `minval`.
    fn sources(&self) -> usize {
        if self.is_keyed { 4 } else { 2 }
    }
}

impl Op for StatelessRandom {
    fn name(&self) -> &'static str {
        match (self.drawn, self.is_keyed) {
            (Drawn::Uniform, false) => "StatelessRandomUniform",
            (Drawn::Normal, false) => "StatelessRandomNormal",
            (Drawn::Truncated, false) => "StatelessTruncatedNormal",
            (Drawn::Int, false) => "StatelessRandomUniformInt",
            (Drawn::FullInt, false) => "StatelessRandomUniformFullInt",
            (Drawn::Uniform, true) => "StatelessRandomUniformV2",
            (Drawn::Normal, true) => "StatelessRandomNormalV2",
            (Drawn::Truncated, true) => "StatelessTruncatedNormalV2",
            (Drawn::Int, true) => "StatelessRandomUniformIntV2",
            (Drawn::FullInt, true) => "StatelessRandomUniformFullIntV2",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let mut attrs = vec![("dtype", Attr::Type(self.dtype))];
        if self.is_keyed {
            attrs.push(("Tshape", Attr::Type(inputs[0].dtype)));
        } else {
            attrs.extend([("T", Attr::Type(inputs[0].dtype)), ("Tseed", Attr::Type(inputs[1].dtype))]);
        }
        attrs
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let bounds = if self.drawn == Drawn::Int { 2 } else { 0 };
        cx.arity(self.sources() + bounds)?;
        if self.is_keyed {
            vector(cx, 1, "key", 1)?;
            vector(cx, 2, "counter", 2)?;
            if let Some(found) = cx.ints(3)?.and_then(|alg| alg.first().copied().flatten())
                && ![i64::from(PHILOX), AUTO].contains(&found)
            {
                return Err(cx.wrong("alg", "1 (Philox) or 3 (any)", found.to_string()));
            }
        } else {
            vector(cx, 1, "seed", 2)?;
        }
        for bound in self.sources()..self.sources() + bounds {
            if cx.dtype(bound)? != self.dtype {
                return Err(cx.wrong(&format!("input {bound}"), self.dtype.to_string(), cx.dtype(bound)?.to_string()));
            }
            scalar(cx, bound)?;
        }
        Ok(vec![ValueInfo::new(self.dtype, dims_of(cx, 0)?.unwrap_or(Dims::unknown()))])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let stream = match self.is_keyed {
            false => Stream::of_seed(seed_of(&run.input(1))?),
            true => {
                let (key, counter) = (run.input(1), run.input(2));
                let [low, high] = [0, 1].map(|i| counter.slice::<u64>().map(|words| u128::from(words[i])));
                Stream { key: key.slice::<u64>()?[0], counter: high? << 64 | low? }
            }
        };
        if self.drawn == Drawn::Int {
            let (low, high) = (run.input(self.sources()), run.input(self.sources() + 1));
            return whole_numbers(&mut run.outputs[0], stream, self.name(), Some((&low, &high)));
        }
        let out = &mut run.outputs[0];
        match self.drawn {
            Drawn::FullInt => whole_numbers(out, stream, self.name(), None),
            _ => numbers(out, stream, self.drawn, self.name()),
        }
    }
    fn reads(&self, input: usize) -> bool {
        input > 0
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None; cx.inputs.len()])
    }
}

/// Whole numbers from `low` to before `high`, or all of the type.
fn whole_numbers(
    out: &mut ViewMut<'_>,
    stream: Stream,
    op: &str,
    bounds: Option<(&View<'_>, &View<'_>)>,
) -> Result<()> {
    let is_wide = matches!(out.dtype(), DType::I64 | DType::U64);
    for_whole!(out.dtype(), op, T => {
        let bounds = match bounds {
            None => None,
            Some((low, high)) => {
                let (low, high) = (low.slice::<T>()?[0], high.slice::<T>()?[0]);
                if low >= high {
                    return Err(super::dispatch::argument(op, "", "maxval", format!("more than {low}"), high.to_string()));
                }
                Some((low, (i128::from(high) - i128::from(low)) as u64))
            }
        };
        // The difference of two signed numbers as an unsigned one of their width.
        let mask = if is_wide { u64::MAX } else { u64::from(u32::MAX) };
        let of = |word: u64| match bounds {
            Some((low, range)) => low.wrapping_add((word % (range & mask)) as T),
            None => word as T,
        };
        let each = if is_wide { 2 } else { 4 };
        for (at, out) in out.slice::<T>()?.chunks_mut(each).enumerate() {
            let [a, b, c, d] = stream.block(at as u64).map(u64::from);
            let words = if is_wide { [b << 32 | a, d << 32 | c, 0, 0] } else { [a, b, c, d] };
            out.iter_mut().zip(words).for_each(|(out, word)| *out = of(word));
        }
        Ok(())
    })
}

fn numbers(out: &mut ViewMut<'_>, stream: Stream, drawn: Drawn, op: &str) -> Result<()> {
    match out.dtype() {
        DType::F64 => {
            let blocks = out.slice::<f64>()?.chunks_mut(2).enumerate();
            blocks.for_each(|(at, out)| out.copy_from_slice(&doubles(stream, at as u64, drawn)[..out.len()]));
        }
        DType::F32 => {
            let blocks = out.slice::<f32>()?.chunks_mut(4).enumerate();
            blocks.for_each(|(at, out)| out.copy_from_slice(&singles(stream, at as u64, drawn, unit)[..out.len()]));
        }
        DType::F16 => {
            let unit = |word: u32| f16::from_bits(15 << 10 | (word & 0x3ff) as u16).to_f32() - 1.0;
            for (at, out) in out.slice::<f16>()?.chunks_mut(4).enumerate() {
                let block = singles(stream, at as u64, drawn, unit);
                out.iter_mut().zip(block).for_each(|(out, x)| *out = f16::from_f32(x));
            }
        }
        DType::BF16 => {
            let unit = |word: u32| bf16::from_bits(127 << 7 | (word & 0x7f) as u16).to_f32() - 1.0;
            for (at, out) in out.slice::<bf16>()?.chunks_mut(4).enumerate() {
                let block = singles(stream, at as u64, drawn, unit);
                out.iter_mut().zip(block).for_each(|(out, x)| *out = bf16::from_f32(x));
            }
        }
        found => return Err(unsupported(op, found)),
    }
    Ok(())
}

/// A number in [0, 1) of 23 bits.
fn unit(word: u32) -> f32 {
    f32::from_bits(127 << 23 | word & 0x7f_ffff) - 1.0
}

/// A number in [0, 1) of 52 bits.
fn wide_unit(high: u32, low: u32) -> f64 {
    f64::from_bits(1023 << 52 | u64::from(high & 0xf_ffff) << 32 | u64::from(low)) - 1.0
}

/// The least number whose logarithm is taken.
const LEAST: f32 = 1e-7;

/// Two normal numbers of two words (Box and Muller).
fn normal([a, b]: [u32; 2]) -> [f32; 2] {
    let radius = (-2.0 * unit(a).max(LEAST).ln()).sqrt();
    let (sin, cos) = (2.0 * std::f32::consts::PI * unit(b)).sin_cos();
    [sin * radius, cos * radius]
}

fn wide_normal([a, b, c, d]: [u32; 4]) -> [f64; 2] {
    let radius = (-2.0 * wide_unit(a, b).max(1e-7).ln()).sqrt();
    let (sin, cos) = (2.0 * std::f64::consts::PI * wide_unit(c, d)).sin_cos();
    [sin * radius, cos * radius]
}

/// Words kept for each number where nobody knows how many it takes.
const RESERVED: u64 = 256;
/// Beyond it, numbers are drawn again.
const CUT: f32 = 2.0;

/// The four numbers of single precision that a block stands for.
fn singles(stream: Stream, at: u64, drawn: Drawn, unit: impl Fn(u32) -> f32) -> [f32; 4] {
    let [a, b, c, d] = stream.block(if drawn == Drawn::Truncated { at * RESERVED } else { at });
    match drawn {
        Drawn::Uniform => [a, b, c, d].map(unit),
        Drawn::Normal => {
            let ([a, b], [c, d]) = (normal([a, b]), normal([c, d]));
            [a, b, c, d]
        }
        _ => {
            let words = (0..).flat_map(|i| {
                let [a, b, c, d] = stream.block(at * RESERVED + i);
                [[a, b], [c, d]]
            });
            let mut kept = words.flat_map(normal).filter(|x| x.abs() < CUT);
            std::array::from_fn(|_| kept.next().unwrap_or_default())
        }
    }
}

/// The two numbers of double precision that a block stands for.
fn doubles(stream: Stream, at: u64, drawn: Drawn) -> [f64; 2] {
    match drawn {
        Drawn::Uniform => {
            let [a, b, c, d] = stream.block(at);
            [wide_unit(a, b), wide_unit(c, d)]
        }
        Drawn::Normal => wide_normal(stream.block(at)),
        _ => {
            let words = (0..).map(|i| stream.block(at * (RESERVED / 2) + i));
            let mut kept = words.flat_map(wide_normal).filter(|x| x.abs() < f64::from(CUT));
            std::array::from_fn(|_| kept.next().unwrap_or_default())
        }
    }
}

/// What [`Graph::stateless_random`] draws.
#[derive(Clone, Copy, Debug)]
pub enum Stateless {
    /// Evenly in [0, 1).
    Uniform,
    /// By the standard normal distribution.
    Normal,
    /// By the standard normal distribution, drawn again beyond 2.
    Truncated,
    /// Whole numbers from the first, a scalar, to before the second.
    Int(Value, Value),
    /// Whole numbers, all of the type.
    FullInt,
}

impl Graph {
    /// Random numbers of a shape that depend on two seeds alone and are TensorFlow's.
    ///
    /// # Arguments
    /// `shape`: an integer vector. `seed`: two integers.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where an argument does not fit.
    ///
    /// # Example
    /// ```
    /// use kerox_graph::{Executor, Graph, Plan, ops::Stateless};
    /// use kerox_tensor::DType;
    /// let mut g = Graph::new();
    /// let (shape, seed) = (g.ints(&[2])?, g.ints(&[1, 2])?);
    /// let y = g.stateless_random(Stateless::Normal, shape, seed, DType::F32)?;
    /// let mut executor = Executor::new(Plan::compile(&g, &[], &[], &[y], &[])?);
    /// executor.run(&[])?;
    /// assert!((executor.output(0).slice::<f32>()?[0] - 0.544_110_1).abs() < 1e-6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Source
    /// tf.random.stateless_uniform, stateless_normal, stateless_truncated_normal.
    pub fn stateless_random(&mut self, what: Stateless, shape: Value, seed: Value, dtype: DType) -> Result<Value> {
        let stream = self.add_op(KeyCounter, &[seed])?;
        let alg = self.constant(Tensor::scalar(AUTO as i32))?;
        let mut inputs = vec![shape, stream[0], stream[1], alg];
        let drawn = match what {
            Stateless::Uniform => Drawn::Uniform,
            Stateless::Normal => Drawn::Normal,
            Stateless::Truncated => Drawn::Truncated,
            Stateless::FullInt => Drawn::FullInt,
            Stateless::Int(low, high) => {
                inputs.extend([low, high]);
                Drawn::Int
            }
        };
        self.add_single(StatelessRandom { drawn, dtype, is_keyed: true }, &inputs)
    }
}
