//! Operations that take a shape from another value, so that gradients work with unknown batch sizes.

use std::sync::Arc;

use kerox_tensor::kernels::reduce::{Reduce as Plan, Reduction};
use kerox_tensor::{DType, Shape, Tensor};
use smallvec::SmallVec;

use super::complex::{Wide, for_complex, real_of};
use super::declaration::Declaration;
use super::dispatch::{argument, for_any, for_number};
use super::movement::{dims_of, ints_of};
use crate::{Attr, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

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
        DType::Bool => run.outputs[0].slice::<bool>()?.fill(number != 0.0),
        DType::String => run.outputs[0].slice::<Vec<u8>>()?.fill(Vec::new()),
        DType::Complex64 => run.outputs[0].slice::<[f32; 2]>()?.fill([number as f32, 0.0]),
        DType::Complex128 => run.outputs[0].slice::<[f64; 2]>()?.fill([number, 0.0]),
        dtype => for_number!(dtype, "Fill", T => {
            run.outputs[0].slice::<T>()?.fill(number as T);
            Ok::<(), crate::Error>(())
        })?,
    }
    Ok(())
}

macro_rules! like {
    ($type:ident, $name:literal, $number:expr, $lower:expr) => {
        impl Op for $type {
            fn name(&self) -> &'static str {
                $name
            }
            fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
                vec![("T", Attr::Type(inputs[0].dtype))]
            }
            fn lower(&self, g: &mut Graph, inputs: &[Value]) -> Result<Option<Vec<Value>>> {
                let lower: fn(&$type, &mut Graph, Value) -> Result<Option<Vec<Value>>> = $lower;
                lower(self, g, inputs[0])
            }
            fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
                cx.arity(1)?;
                Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(0)?.clone())])
            }
            fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
                #[allow(clippy::redundant_closure_call, reason = "the number is a constant or a field")]
                fill(run, $number(self))
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
// Expands to one `impl Op` a line: type, name, number, what it is made of.
like!(ZerosLike, "ZerosLike", |_: &ZerosLike| 0.0, |_, _, _| Ok(None));
like!(OnesLike, "OnesLike", |_: &OnesLike| 1.0, |_, _, _| Ok(None));
like!(Fill, "_Fill", |fill: &Fill| fill.0, |fill, g, x| {
    let (shape, number) = (g.shape_of(x)?, g.number(fill.0, g.dtype(x))?);
    Ok(Some(vec![g.fill(shape, number)?]))
});

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
        let (x, like) = (run.input(0), run.input(1));
        let lead = x.shape.rank().saturating_sub(like.shape.rank());
        let goes = |i: usize| i < lead || (like.shape[i - lead] == 1 && x.shape[i] != 1);
        let axes: SmallVec<[i64; 8]> = (0..x.shape.rank()).filter(|&i| goes(i)).map(|i| i as i64).collect();
        let plan = Plan::new(x.shape, &axes)?;
        if real_of(run.dtype()).is_some() {
            return for_complex!(run.dtype(), "_SumToLike", T => {
                let out = run.outputs[0].slice::<T>()?;
                for part in 0..2 {
                    let from: Vec<<T as Wide>::Real> = x.slice::<T>()?.iter().map(|x| x[part]).collect();
                    let mut sums = vec![0.0; out.len()];
                    plan.run(Reduction::Sum, &from, &mut sums);
                    out.iter_mut().zip(sums).for_each(|(out, sum)| out[part] = sum);
                }
                Ok(())
            });
        }
        for_number!(run.dtype(), "_SumToLike", T => {
            plan.run(Reduction::Sum, x.slice::<T>()?, run.outputs[0].slice::<T>()?);
            Ok(())
        })
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
        super::shape::copy(run)
    }
    fn is_alias(&self) -> bool {
        true
    }
    fn reads(&self, input: usize) -> bool {
        input == 0
    }
    fn lower(&self, g: &mut Graph, inputs: &[Value]) -> Result<Option<Vec<Value>>> {
        let shape = g.shape_of(inputs[1])?;
        Ok(Some(vec![g.reshape_to(inputs[0], shape)?]))
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        Ok(vec![Some(cx.g.reshape_like(dy, cx.inputs[0])?), None])
    }
}

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "ZerosLike", signature: "x -> y", build: |_| Ok(Arc::new(ZerosLike)) },
    Declaration { name: "OnesLike", signature: "x -> y", build: |_| Ok(Arc::new(OnesLike)) },
    Declaration { name: "Fill", signature: "dims, value -> output", build: |_| Ok(Arc::new(FillShape)) },
    Declaration { name: "Range", signature: "start, limit, delta -> output", build: |_| Ok(Arc::new(Range)) },
    Declaration { name: "LinSpace", signature: "start, stop, num -> output", build: |_| Ok(Arc::new(LinSpace)) },
];

/// `Fill(dims, value)`: one value in a shape.
#[derive(Clone, Copy, Debug)]
pub struct FillShape;

impl Op for FillShape {
    fn name(&self) -> &'static str {
        "Fill"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[1].dtype)), ("index_type", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let value = cx.input(1)?;
        if value.dims.rank().is_some_and(|r| r != 0) {
            return Err(cx.wrong("value", "a scalar", value.dims.to_string()));
        }
        let dims = dims_of(cx, 0)?.unwrap_or(Dims::unknown());
        if let (Some(ints), Some(shape)) = (value.ints(), dims.shape())
            && shape.rank() <= 1
            && shape.elements() <= 64
        {
            return Ok(vec![ValueInfo::of_ints(value.dtype, dims, vec![ints[0]; shape.elements()])]);
        }
        Ok(vec![ValueInfo::new(value.dtype, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let value = run.input(1);
        for_any!(run.dtype(), "Fill", T => {
            run.outputs[0].slice::<T>()?.fill(value.slice::<T>()?[0].clone());
            Ok(())
        })
    }
    fn reads(&self, input: usize) -> bool {
        input == 1
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        Ok(vec![None, Some(cx.g.add_single(SumToLike, &[dy, cx.inputs[1]])?)])
    }
}

/// `Range(start, limit, delta)`.
#[derive(Clone, Copy, Debug)]
pub struct Range;

/// The one number of a known scalar.
fn known_number(info: &ValueInfo) -> Option<f64> {
    let tensor = info.tensor()?;
    match tensor.dtype() {
        DType::F32 => tensor.to_scalar::<f32>().ok().map(f64::from),
        DType::F64 => tensor.to_scalar::<f64>().ok(),
        _ => None,
    }
}

impl Op for Range {
    fn name(&self) -> &'static str {
        "Range"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("Tidx", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        let dtype = cx.same_dtype()?;
        let mut bounds = [None; 3];
        for (i, bound) in bounds.iter_mut().enumerate() {
            let info = cx.input(i)?;
            if info.dims.rank().is_some_and(|r| r != 0) {
                return Err(cx.wrong(&format!("input {i}"), "a scalar", info.dims.to_string()));
            }
            *bound = match info.ints() {
                Some(ints) => ints.first().copied().flatten().map(|i| i as f64),
                None => known_number(info),
            };
        }
        let [Some(start), Some(limit), Some(delta)] = bounds else {
            return Ok(vec![ValueInfo::new(dtype, Dims::of_rank(1))]);
        };
        let steps = ((limit - start) / delta).ceil();
        if delta == 0.0 || steps.is_nan() || steps < 0.0 && start != limit {
            return Err(cx.wrong(
                "delta",
                "a step that leads from start to limit",
                format!("{start}, {limit}, {delta}"),
            ));
        }
        if steps > (isize::MAX / 16) as f64 {
            return Err(cx.wrong("limit", "a length that fits memory", format!("{steps} elements")));
        }
        let n = steps.max(0.0) as usize;
        if dtype.is_integer() && n <= 64 {
            let ints = (0..n).map(|i| Some(start as i64 + i as i64 * delta as i64)).collect();
            return Ok(vec![ValueInfo::of_ints(dtype, Dims::from([Some(n)]), ints)]);
        }
        Ok(vec![ValueInfo::new(dtype, [Some(n)])])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (start, delta) = (run.input(0), run.input(2));
        for_number!(run.dtype(), "Range", T => {
            use kerox_tensor::kernels::Number;
            let (start, delta) = (start.slice::<T>()?[0], delta.slice::<T>()?[0]);
            for (i, o) in run.outputs[0].slice::<T>()?.iter_mut().enumerate() {
                *o = start.plus(T::from_count(i).times(delta));
            }
            Ok(())
        })
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None, None, None])
    }
}

/// `LinSpace(start, stop, num)`: evenly spaced numbers, both ends included.
#[derive(Clone, Copy, Debug)]
pub struct LinSpace;

impl Op for LinSpace {
    fn name(&self) -> &'static str {
        "LinSpace"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("Tidx", Attr::Type(inputs[2].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        let n = match super::join::scalar(cx, 2)? {
            Some(n) if n < 1 => return Err(cx.wrong("num", "at least 1", n.to_string())),
            n => n.map(|n| n as usize),
        };
        Ok(vec![ValueInfo::new(cx.float(0)?, [n])])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (start, stop, num) = (run.input(0), run.input(1), ints_of(&run.input(2))?[0]);
        super::dispatch::for_float!(run.dtype(), "LinSpace", T => {
            let (start, stop) = (start.slice::<T>()?[0], stop.slice::<T>()?[0]);
            let step = if num > 1 { (stop - start) / (num - 1) as T } else { 0.0 };
            let out = run.outputs[0].slice::<T>()?;
            out.iter_mut().enumerate().for_each(|(i, o)| *o = start + step * i as T);
            if num > 1 {
                out[num as usize - 1] = stop;
            }
            Ok(())
        })
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None, None, None])
    }
}

impl Graph {
    /// One value in a shape given by an integer vector.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where `value` is no scalar.
    pub fn fill(&mut self, dims: Value, value: Value) -> Result<Value> {
        self.add_single(FillShape, &[dims, value])
    }

    /// Numbers from `start` to below `limit` in steps of `delta`.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where types differ or the step does not lead to the limit.
    pub fn range(&mut self, start: Value, limit: Value, delta: Value) -> Result<Value> {
        self.add_single(Range, &[start, limit, delta])
    }

    /// A constant of one value in a known shape.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the type is no number; the shape does not fit memory.
    pub fn full(&mut self, shape: &[usize], value: f64, dtype: DType) -> Result<Value> {
        let scalar = self.number(value, dtype)?;
        if shape.is_empty() {
            return Ok(scalar);
        }
        let lengths: Option<Vec<i32>> = shape.iter().map(|&d| i32::try_from(d).ok()).collect();
        let lengths = lengths.ok_or_else(|| argument("Fill", "", "dims", "int32", Shape::from(shape).to_string()))?;
        let dims = self.constant(Tensor::from_vec(lengths, [shape.len()])?)?;
        self.fill(dims, scalar)
    }

    /// The value cut at both ends.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the elements are no numbers.
    pub fn clip_by_value(&mut self, x: Value, min: f64, max: f64) -> Result<Value> {
        let dtype = self.dtype(x);
        let (min, max) = (self.number(min, dtype)?, self.number(max, dtype)?);
        let below = self.minimum(x, max)?;
        self.maximum(below, min)
    }

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
