//! Products of numbers that 8-bit floats can hold.

use kerox_graph::ops::Identity;
use kerox_graph::{Grad, Graph, Infer, Op, Run, Value, ValueInfo};
use kerox_tensor::{DType, Variable};

use crate::{Base, Build, Call, Error, Quantization, Result, WeightSpec};

/// What is rounded, as the names of its scale and of its history begin.
const PARTS: [&str; 3] = ["inputs", "kernel", "outputs_grad"];

/// A product whose inputs and kernel are rounded to numbers of 4 bits, and the gradient of its outputs to numbers of 3,
/// each divided by a scale before. In training scales follow the largest sizes of the last steps.
///
/// # Source
/// `_float8_call` of `keras.layers.Dense` and `keras.layers.EinsumDense` of Keras 3.
pub(crate) struct Float8<'a> {
    base: &'a Base,
    amax_history_length: usize,
}

/// The numbers of a format.
#[derive(Clone, Copy, Debug)]
struct Format {
    /// The bits of a number, the first of which is not written.
    bits: i32,
    /// The exponent of the least number that has all of them.
    least: i32,
    most: f64,
}

const E4M3FN: Format = Format { bits: 4, least: -6, most: 448.0 };
const E5M2: Format = Format { bits: 3, least: -14, most: 57344.0 };

impl<'a> Float8<'a> {
    /// That of a layer whose policy asks for it.
    pub(crate) fn of(base: &'a Base) -> Option<Float8<'a>> {
        match base.policy().quantization {
            Some(Quantization::Float8 { amax_history_length }) => Some(Float8 { base, amax_history_length }),
            _ => None,
        }
    }

    /// Makes scales and histories. Keras trains them by taking their gradients for their values; to optimizers they are
    /// none of the weights.
    pub(crate) fn build(&self, cx: &mut Build) -> Result<()> {
        for part in PARTS {
            for (name, shape, initializer) in
                [("scale", vec![], "ones"), ("amax_history", vec![self.amax_history_length], "zeros")]
            {
                let spec = WeightSpec::new(format!("{part}_{name}"), shape, &initializer.into());
                cx.add_weight(self.base, spec.non_trainable().dtype(DType::F32))?;
            }
        }
        Ok(())
    }

    fn state(&self, part: &str) -> Result<State> {
        let variable = |name: &str| self.base.variable(&format!("{part}_{name}")).ok_or(Error::NotBuilt);
        Ok(State { scale: variable("scale")?, history: variable("amax_history")?, compute: self.base.policy().compute })
    }

    /// Inputs or a kernel, rounded; with the gradient of what they were.
    pub(crate) fn rounded(&self, cx: &mut Call<'_>, part: &str, x: Value) -> Result<Value> {
        let state = self.state(part)?;
        let rounded = state.round(cx.g, x, E4M3FN)?;
        if cx.training && self.base.trainable() {
            let x = cx.g.stop_gradient(x)?;
            state.update(cx.g, x, E4M3FN)?;
        }
        let moved = cx.g.subtract(rounded, x)?;
        let moved = cx.g.stop_gradient(moved)?;
        Ok(cx.g.add(x, moved)?)
    }

    /// The product as it is, whose gradient is rounded.
    pub(crate) fn with_rounded_gradient(&self, cx: &mut Call<'_>, y: Value) -> Result<Value> {
        let op = RoundedGradient { state: self.state("outputs_grad")?, is_trained: self.base.trainable() };
        Ok(cx.g.add_single(op, &[y])?)
    }

    /// The bias, which in single precision Keras rounds to `bfloat16`.
    pub(crate) fn bias(&self, cx: &mut Call<'_>) -> Result<Value> {
        let bias = cx.weight(self.base, "bias")?;
        match cx.g.dtype(bias) {
            DType::F32 => {
                let narrow = cx.g.cast(bias, DType::BF16)?;
                Ok(cx.g.cast(narrow, DType::F32)?)
            }
            _ => Ok(bias),
        }
    }
}

/// A scale and the history that it follows.
#[derive(Clone, Debug)]
struct State {
    scale: Variable,
    history: Variable,
    compute: DType,
}

impl State {
    /// Numbers as the format holds them once they are divided by the scale, in the compute type.
    fn round(&self, g: &mut Graph, x: Value, format: Format) -> kerox_graph::Result<Value> {
        let scale = g.read(&self.scale)?;
        let scale = g.cast(scale, self.compute)?;
        let x = g.divide(x, scale)?;
        let x = g.clip_by_value(x, -format.most, format.most)?;
        let x = g.cast(x, DType::F32)?;
        // A product minus itself less a part of it leaves as many bits as are wanted; below the least number with all of
        // them the sum with a large one leaves multiples of the smallest.
        let factor = g.number(f64::from(1 << (24 - format.bits)) + 1.0, DType::F32)?;
        let product = g.multiply(x, factor)?;
        let rest = g.subtract(product, x)?;
        let large = g.subtract(product, rest)?;
        let step = f64::from(format.least - format.bits + 1).exp2();
        let shift = g.number(1.5 * f64::from(1 << 23) * step, DType::F32)?;
        let shifted = g.add(x, shift)?;
        let small = g.subtract(shifted, shift)?;
        let size = g.abs(x)?;
        let least = g.number(f64::from(format.least).exp2(), DType::F32)?;
        let is_small = g.less(size, least)?;
        let x = g.select(is_small, small, large)?;
        let x = g.cast(x, self.compute)?;
        g.multiply(x, scale)
    }

    /// Sets the scale to what brings the largest number of the history to the most that the format holds, and puts the
    /// largest of these numbers at the beginning of the history, where the oldest one was.
    fn update(&self, g: &mut Graph, x: Value, format: Format) -> kerox_graph::Result<()> {
        let (scale, history) = (g.read(&self.scale)?, g.read(&self.history)?);
        let most = g.number(format.most, DType::F32)?;
        let largest = g.reduce_max(history, &[0], false)?;
        let zero = g.number(0.0, DType::F32)?;
        let is_something = g.greater(largest, zero)?;
        let infinity = g.number(f64::INFINITY, DType::F32)?;
        let is_finite = g.less(largest, infinity)?;
        let is_usable = g.logical_and(is_something, is_finite)?;
        let next = g.divide(largest, most)?;
        let next = g.select(is_usable, next, scale)?;
        g.assign(&self.scale, next)?;
        let size = g.abs(x)?;
        let axes = g.all_axes(size)?;
        let size = g.reduce_max(size, &axes, false)?;
        let size = g.cast(size, DType::F32)?;
        let newest = g.reshape(size, &[1])?;
        let length = self.history.shape().elements() as i64;
        let mut parts = vec![newest];
        if length > 1 {
            parts.push(g.slice(history, &[2], &[length - 2])?);
            parts.push(g.slice(history, &[0], &[1])?);
        }
        let history = if parts.len() == 1 { newest } else { g.concat(&parts, 0)? };
        g.assign(&self.history, history)?;
        Ok(())
    }
}

/// `_RoundedGradient(x)`: `x`, whose gradient is rounded.
#[derive(Debug)]
struct RoundedGradient {
    state: State,
    is_trained: bool,
}

impl Op for RoundedGradient {
    fn name(&self) -> &'static str {
        "_RoundedGradient"
    }
    fn infer(&self, cx: &Infer<'_>) -> kerox_graph::Result<Vec<ValueInfo>> {
        Identity.infer(cx)
    }
    fn run(&self, run: &mut Run<'_, '_>) -> kerox_graph::Result<()> {
        Identity.run(run)
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> kerox_graph::Result<Vec<Option<Value>>> {
        let upstream = cx.upstream(0)?;
        if self.is_trained {
            self.state.update(cx.g, upstream, E5M2)?;
        }
        Ok(vec![Some(self.state.round(cx.g, upstream, E5M2)?)])
    }
    fn lower(&self, _: &mut Graph, inputs: &[Value]) -> kerox_graph::Result<Option<Vec<Value>>> {
        Ok(Some(inputs.to_vec()))
    }
}
