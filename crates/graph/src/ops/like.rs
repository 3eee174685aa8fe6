//! Operations that take a shape from another value, so that gradients work with unknown batch sizes.

use kerox_tensor::{DType, Element};

use super::elementwise::unsupported;
use crate::{Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// `ZerosLike`: zeros of the type and shape of the input.
#[derive(Clone, Copy, Debug)]
pub struct ZerosLike;

/// `OnesLike`: ones of the type and shape of the input.
#[derive(Clone, Copy, Debug)]
pub struct OnesLike;

/// `_Fill`: one number in the type and shape of the input.
#[derive(Clone, Copy, Debug)]
pub struct Fill(pub f64);

fn fill(run: &mut Run<'_, '_>, number: f64) -> Result<()> {
    match run.dtype() {
        DType::F32 => run.outputs[0].slice::<f32>()?.fill(number as f32),
        DType::F64 => run.outputs[0].slice::<f64>()?.fill(number),
        DType::I32 => run.outputs[0].slice::<i32>()?.fill(number as i32),
        DType::I64 => run.outputs[0].slice::<i64>()?.fill(number as i64),
        DType::Bool => run.outputs[0].slice::<bool>()?.fill(number != 0.0),
        found => return Err(unsupported("Fill", found)),
    }
    Ok(())
}

macro_rules! like {
    ($type:ident, $name:literal, $number:expr) => {
        impl Op for $type {
            fn name(&self) -> &'static str {
                $name
            }
            fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
                cx.arity(1)?;
                Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(0)?.clone())])
            }
            fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
                #[allow(clippy::redundant_closure_call, reason = "the number is a constant or a field")]
                fill(run, $number(self))
            }
            fn as_dyn(&self) -> &dyn Op {
                self
            }
            fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
                Ok(vec![None])
            }
            fn reads(&self, _: usize) -> bool {
                false
            }
        }
    };
}
// Expands to one `impl Op` a line: type, name, number.
like!(ZerosLike, "ZerosLike", |_: &ZerosLike| 0.0);
like!(OnesLike, "OnesLike", |_: &OnesLike| 1.0);
like!(Fill, "_Fill", |fill: &Fill| fill.0);

/// `_SumToLike(x, like)`: sums `x` over the axes along which `like` was broadcast to the shape of `x`.
#[derive(Clone, Copy, Debug)]
pub struct SumToLike;

impl Op for SumToLike {
    fn name(&self) -> &'static str {
        "_SumToLike"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(1)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        fn sum<T: Element + Copy + std::ops::AddAssign>(run: &mut Run<'_, '_>) -> Result<()> {
            let (x, like) = (run.input(0), run.input(1));
            let out = run.outputs[0].slice::<T>()?;
            out.fill(T::default());
            let lead = x.shape.rank() - like.shape.rank();
            let strides = like.shape.strides();
            for (i, &value) in x.slice::<T>()?.iter().enumerate() {
                let (mut rest, mut at) = (i, 0);
                for axis in (0..x.shape.rank()).rev() {
                    let position = rest % x.shape[axis];
                    rest /= x.shape[axis];
                    if axis >= lead && like.shape[axis - lead] != 1 {
                        at += position * strides[axis - lead];
                    }
                }
                out[at] += value;
            }
            Ok(())
        }
        match run.dtype() {
            DType::F32 => sum::<f32>(run),
            DType::F64 => sum::<f64>(run),
            found => Err(unsupported("_SumToLike", found)),
        }
    }
    fn as_dyn(&self) -> &dyn Op {
        self
    }
    fn reads(&self, input: usize) -> bool {
        input == 0
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let zeros = cx.g.zeros_like(cx.inputs[0])?;
        let dy = cx.upstream(0)?;
        Ok(vec![Some(cx.g.add(zeros, dy)?), None])
    }
}

/// `_ReshapeLike(x, like)`: the elements of `x` in the shape of `like`.
#[derive(Clone, Copy, Debug)]
pub struct ReshapeLike;

impl Op for ReshapeLike {
    fn name(&self) -> &'static str {
        "_ReshapeLike"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(1)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        *run.outputs[0].buffer = run.input(0).tensor()?.into_buffer();
        Ok(())
    }
    fn as_dyn(&self) -> &dyn Op {
        self
    }
    fn is_alias(&self) -> bool {
        true
    }
    fn reads(&self, input: usize) -> bool {
        input == 0
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        Ok(vec![Some(cx.g.reshape_like(dy, cx.inputs[0])?), None])
    }
}

impl Graph {
    /// Zeros of the type and shape of `x`.
    ///
    /// # Errors
    /// None at present.
    pub fn zeros_like(&mut self, x: Value) -> Result<Value> {
        self.add_single(ZerosLike, &[x])
    }

    /// Ones of the type and shape of `x`.
    ///
    /// # Errors
    /// None at present.
    pub fn ones_like(&mut self, x: Value) -> Result<Value> {
        self.add_single(OnesLike, &[x])
    }

    /// One number in the type and shape of `x`.
    ///
    /// # Errors
    /// None at present.
    pub fn fill_like(&mut self, x: Value, number: f64) -> Result<Value> {
        self.add_single(Fill(number), &[x])
    }

    /// Undoes a broadcast of `like` to the shape of `x` by summing; no node is added where none is needed.
    ///
    /// # Errors
    /// None at present.
    pub fn sum_to_like(&mut self, x: Value, like: Value) -> Result<Value> {
        let fixed = |d: &Dims| d.axes().is_some_and(|axes| axes.iter().skip(1).all(Option::is_some));
        let (a, b) = (self.dims(x), self.dims(like));
        // Equal but for a batch unknown in both: no broadcast can have happened along a lone unknown axis of `like`
        // unless it is one at run time, which the batch of a model never means.
        if a == b && (a.shape().is_some() || fixed(a)) && a.rank() > Some(0) {
            Ok(x)
        } else {
            self.add_single(SumToLike, &[x, like])
        }
    }

    /// The elements of `x` in the shape of `like`.
    ///
    /// # Errors
    /// None at present.
    pub fn reshape_like(&mut self, x: Value, like: Value) -> Result<Value> {
        self.add_single(ReshapeLike, &[x, like])
    }
}
