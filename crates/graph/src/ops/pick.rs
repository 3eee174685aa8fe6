//! Operations that look for elements: the largest, the true, the different ones, and those within bounds.

use std::collections::HashMap;
use std::sync::Arc;

use kerox_tensor::{DType, Shape, Tensor};

use super::declaration::Declaration;
use super::dispatch::{for_any, for_float, for_number};
use super::dynamic::{Arguments, int_tensor, run_interpreted};
use super::reduce::axis_index;
use crate::{Attr, Dims, Grad, Infer, Op, Result, Run, RunContext, RuntimeValue, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "ClipByValue",
        signature: "t, clip_value_min, clip_value_max -> output",
        build: |_| Ok(Arc::new(Clip)),
    },
    Declaration {
        name: "TopKV2",
        signature: "input, k -> values, indices",
        build: |a| Ok(Arc::new(TopK { sorted: a.bool_or("sorted", true)? })),
    },
    Declaration {
        name: "InTopKV2",
        signature: "predictions, targets, k -> precision",
        build: |_| Ok(Arc::new(InTopK)),
    },
    Declaration { name: "Where", signature: "input -> index", build: |_| Ok(Arc::new(Where)) },
    Declaration {
        name: "Unique",
        signature: "x -> y, idx",
        build: |a| Ok(Arc::new(Unique { has_axis: false, index: a.dtype_or("out_idx", DType::I32)? })),
    },
    Declaration {
        name: "UniqueV2",
        signature: "x, axis -> y, idx",
        build: |a| Ok(Arc::new(Unique { has_axis: true, index: a.dtype_or("out_idx", DType::I32)? })),
    },
];

/// `ClipByValue(t, min, max)`: the bounds are scalars or of the shape of `t`.
#[derive(Clone, Copy, Debug)]
pub struct Clip;

impl Op for Clip {
    fn name(&self) -> &'static str {
        "ClipByValue"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        let dtype = cx.same_dtype()?;
        let dims = cx.dims(0)?;
        for i in 1..3 {
            let bound = cx.dims(i)?;
            if bound.rank() != Some(0) && bound.merge(dims).is_none() {
                return Err(cx.wrong(&format!("input {i}"), format!("a scalar or shape {dims}"), bound.to_string()));
            }
        }
        Ok(vec![ValueInfo::new(dtype, dims.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (x, low, high) = (run.input(0), run.input(1), run.input(2));
        for_number!(run.dtype(), self.name(), T => {
            let (x, low, high) = (x.slice::<T>()?, low.slice::<T>()?, high.slice::<T>()?);
            let at = |bound: &[T], i: usize| if bound.len() == 1 { bound[0] } else { bound[i] };
            for (i, (o, &x)) in run.outputs[0].slice::<T>()?.iter_mut().zip(x).enumerate() {
                let (low, high) = (at(low, i), at(high, i));
                // A NaN stays.
                let x = if x > high { high } else { x };
                *o = if x < low { low } else { x };
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let (x, low, high) = (cx.inputs[0], cx.inputs[1], cx.inputs[2]);
        let g = &mut *cx.g;
        let (below, above) = (g.less(x, low)?, g.greater(x, high)?);
        let outside = g.logical_or(below, above)?;
        let zeros = g.zeros_like(dy)?;
        let dx = g.select(outside, zeros, dy)?;
        let d_low = g.select(below, dy, zeros)?;
        let d_high = g.select(above, dy, zeros)?;
        Ok(vec![Some(dx), Some(g.sum_to_like(d_low, low)?), Some(g.sum_to_like(d_high, high)?)])
    }
}

/// `TopKV2(input, k)`: the `k` largest elements of each row in descending order, and their positions. Of equal ones
/// the first comes first.
#[derive(Clone, Copy, Debug)]
pub struct TopK {
    /// Whether the order matters; it is the same anyway.
    pub sorted: bool,
}

impl Op for TopK {
    fn name(&self) -> &'static str {
        "TopKV2"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("sorted", Attr::Bool(self.sorted))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let input = cx.dims(0)?;
        let k = match super::join::scalar(cx, 1)? {
            Some(k) => Some(usize::try_from(k).map_err(|_| cx.wrong("k", "at least 0", k.to_string()))?),
            None => None,
        };
        let dims = match input.axes() {
            None => Dims::unknown(),
            Some([]) => return Err(cx.wrong("input 0", "at least 1 axis", "a scalar")),
            Some([outer @ .., last]) => {
                if matches!((k, *last), (Some(k), Some(n)) if k > n) {
                    return Err(cx.wrong("k", format!("at most the last length of {input}"), format!("{k:?}")));
                }
                outer.iter().copied().chain([k]).collect()
            }
        };
        Ok(vec![ValueInfo::new(cx.dtype(0)?, dims.clone()), ValueInfo::new(DType::I32, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let input = run.input(0);
        let n = input.shape.last().copied().unwrap_or(0);
        let [values, indices] = run.outputs else { return Ok(()) };
        let k = values.shape.last().copied().unwrap_or(0);
        if k == 0 || n == 0 {
            return Ok(());
        }
        let indices = indices.slice::<i32>()?;
        for_number!(values.dtype(), self.name(), T => {
            let rows = input.slice::<T>()?.chunks_exact(n);
            let outputs = values.slice::<T>()?.chunks_exact_mut(k).zip(indices.chunks_exact_mut(k));
            let mut order: Vec<usize> = Vec::with_capacity(n);
            for (row, (values, indices)) in rows.zip(outputs) {
                order.clear();
                order.extend(0..n);
                let descending = |&a: &usize, &b: &usize| {
                    row[b].partial_cmp(&row[a]).unwrap_or(std::cmp::Ordering::Equal).then(a.cmp(&b))
                };
                order.sort_by(descending);
                for (i, &at) in order[..k].iter().enumerate() {
                    values[i] = row[at];
                    indices[i] = at as i32;
                }
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let (x, indices) = (cx.inputs[0], cx.outputs[1]);
        Ok(vec![Some(cx.g.add_single(TopKGrad, &[dy, indices, x])?), None])
    }
}

/// `_TopKGrad(dy, indices, x)`: the gradients at the positions they come from.
#[derive(Clone, Copy, Debug)]
pub struct TopKGrad;

impl Op for TopKGrad {
    fn name(&self) -> &'static str {
        "_TopKGrad"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(2)?.clone())])
    }
    fn reads(&self, input: usize) -> bool {
        input < 2
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (dy, indices) = (run.input(0), run.input(1));
        let (n, k) = (run.outputs[0].shape.last().copied().unwrap_or(0), dy.shape.last().copied().unwrap_or(0));
        let indices = indices.slice::<i32>()?;
        for_float!(run.dtype(), self.name(), T => {
            let out = run.outputs[0].slice::<T>()?;
            out.fill(0.0);
            for (i, (&dy, &at)) in dy.slice::<T>()?.iter().zip(indices).enumerate() {
                out[i / k * n + at as usize] = dy;
            }
            Ok(())
        })
    }
}

/// `InTopKV2(predictions, targets, k)`: whether the target's prediction is among the `k` largest of its row.
#[derive(Clone, Copy, Debug)]
pub struct InTopK;

impl Op for InTopK {
    fn name(&self) -> &'static str {
        "InTopKV2"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[1].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        cx.of_dtype(0, DType::F32)?;
        let (predictions, targets) = (cx.of_rank(0, 2)?, cx.of_rank(1, 1)?);
        let rows: Dims = predictions.axes().unwrap_or(&[])[..1].into();
        let wrong = || cx.wrong("targets", format!("one a row of {predictions}"), targets.to_string());
        Ok(vec![ValueInfo::new(DType::Bool, rows.merge(&targets).ok_or_else(wrong)?)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (predictions, targets) = (run.input(0), super::movement::ints_of(&run.input(1))?);
        let k = super::movement::ints_of(&run.input(2))?.first().copied().unwrap_or(0);
        let n = predictions.shape[1];
        let all = predictions.slice::<f32>()?;
        for (i, (o, &target)) in run.outputs[0].slice::<bool>()?.iter_mut().zip(&targets).enumerate() {
            let row = &all[i * n..(i + 1) * n];
            let own = usize::try_from(target).ok().and_then(|t| row.get(t)).filter(|p| p.is_finite());
            *o = own.is_some_and(|own| {
                row.iter().all(|p| p.is_finite()) && (row.iter().filter(|p| *p > own).count() as i64) < k
            });
        }
        Ok(())
    }
}

/// `Where(input)`: the positions of elements other than zero, one a row.
#[derive(Clone, Copy, Debug)]
pub struct Where;

impl Op for Where {
    fn name(&self) -> &'static str {
        "Where"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        Ok(vec![ValueInfo::new(DType::I64, [None, cx.dims(0)?.rank()])])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let input = Arguments::new("Where", cx, inputs).tensor()?;
        let holds: Vec<usize> = match input.dtype() {
            DType::Bool => input.as_slice::<bool>()?.iter().enumerate().filter(|(_, b)| **b).map(|(i, _)| i).collect(),
            dtype => for_number!(dtype, "Where", T => {
                let zero = T::default();
                Ok(input.as_slice::<T>()?.iter().enumerate().filter(|(_, v)| **v != zero).map(|(i, _)| i).collect())
            })?,
        };
        let strides = input.shape().strides();
        let mut positions = Vec::with_capacity(holds.len() * strides.rank());
        for at in &holds {
            let mut rest = *at;
            for &stride in strides.iter() {
                positions.push((rest / stride.max(1)) as i64);
                rest %= stride.max(1);
            }
        }
        Ok(vec![Tensor::from_vec(positions, [holds.len(), input.rank()])?.into()])
    }
}

/// `Unique(x)` and `UniqueV2(x, axis)`: each element (or slice along an axis) once, in order of appearance, and for
/// each element its position among them.
#[derive(Clone, Copy, Debug)]
pub struct Unique {
    /// Whether there is an axis (`UniqueV2`; an empty one means that `x` is a vector).
    pub has_axis: bool,
    /// The type of the positions.
    pub index: DType,
}

impl Op for Unique {
    fn name(&self) -> &'static str {
        if self.has_axis { "UniqueV2" } else { "Unique" }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let mut attrs = vec![("T", Attr::Type(inputs[0].dtype)), ("out_idx", Attr::Type(self.index))];
        if self.has_axis {
            attrs.push(("Taxis", Attr::Type(inputs[1].dtype)));
        }
        attrs
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(if self.has_axis { 2 } else { 1 })?;
        let x = cx.dims(0)?;
        let mut axis = Some(0);
        if self.has_axis {
            axis = match (cx.ints(1)?.as_deref(), x.rank()) {
                (Some([]), _) => Some(0),
                (Some([Some(axis)]), Some(rank)) => Some(axis_index(cx, "axis", *axis, rank)?),
                _ => None,
            };
        }
        let (dims, n) = match (x.axes(), axis) {
            (Some(axes), Some(axis)) if axis < axes.len() => {
                (axes.iter().enumerate().map(|(i, &a)| if i == axis { None } else { a }).collect(), axes[axis])
            }
            _ => (Dims::unknown(), None),
        };
        Ok(vec![ValueInfo::new(cx.dtype(0)?, dims), ValueInfo::new(self.index, [n])])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        run_interpreted(self, run)
    }
    fn interpret(&self, cx: &mut RunContext, inputs: Vec<RuntimeValue>) -> Result<Vec<RuntimeValue>> {
        let mut a = Arguments::new(self.name(), cx, inputs);
        let x = a.tensor()?;
        let rank = x.rank() as i64;
        let axis = if self.has_axis { a.ints()?.first().copied() } else { None };
        let axis = axis.map_or(0, |axis| if axis < 0 { axis + rank } else { axis });
        if axis < 0 || axis >= rank || (!self.has_axis && rank != 1) {
            return Err(a.wrong("a vector, or an axis of the first input", format!("{axis} of {}", x.shape())));
        }
        let axis = axis as usize;
        let (outer, n, inner) = super::strided::around(x.shape(), axis);
        let (kept, index): (Vec<usize>, Vec<i64>) = for_any!(x.dtype(), self.name(), T => {
            let all = x.as_slice::<T>()?;
            // Slices are compared by their bytes' text: elements of all types can be printed exactly.
            let mut seen: HashMap<String, usize> = HashMap::new();
            let (mut kept, mut index) = (Vec::new(), Vec::with_capacity(n));
            for i in 0..n {
                let mut key = String::new();
                for o in 0..outer {
                    let at = (o * n + i) * inner;
                    key.push_str(&format!("{:?}", &all[at..at + inner]));
                }
                let next = seen.len();
                let at = *seen.entry(key).or_insert(next);
                if at == next {
                    kept.push(i);
                }
                index.push(at as i64);
            }
            Ok::<_, crate::Error>((kept, index))
        })?;
        let mut shape: Vec<usize> = x.shape().to_vec();
        shape[axis] = kept.len();
        let picked = for_any!(x.dtype(), self.name(), T => {
            let all = x.as_slice::<T>()?;
            let mut result: Vec<T> = Vec::with_capacity(outer * kept.len() * inner);
            for o in 0..outer {
                for &i in &kept {
                    let at = (o * n + i) * inner;
                    result.extend_from_slice(&all[at..at + inner]);
                }
            }
            Ok::<_, crate::Error>(Tensor::from_vec(result, shape.iter().copied().collect::<Shape>())?)
        })?;
        Ok(vec![picked.into(), int_tensor(index, self.index, [n])?.into()])
    }
}
