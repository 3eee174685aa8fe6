//! Slices put into tensors at positions, and slices gathered into segments.

use std::sync::Arc;

use kerox_tensor::kernels::Number;

use super::declaration::Declaration;
use super::dispatch::for_number;
use super::index::{GatherNd, place};
use super::join::scalar;
use super::movement::ints_of;
use crate::{Attr, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "TensorScatterUpdate", signature: SCATTER, build: |_| Ok(Arc::new(Scatter(Combine::Replace))) },
    Declaration { name: "TensorScatterAdd", signature: SCATTER, build: |_| Ok(Arc::new(Scatter(Combine::Add))) },
    Declaration { name: "TensorScatterMax", signature: SCATTER, build: |_| Ok(Arc::new(Scatter(Combine::Max))) },
    Declaration { name: "TensorScatterMin", signature: SCATTER, build: |_| Ok(Arc::new(Scatter(Combine::Min))) },
    Declaration { name: "UnsortedSegmentSum", signature: SEGMENT, build: |_| Ok(Arc::new(Segment(Combine::Add))) },
    Declaration { name: "UnsortedSegmentMax", signature: SEGMENT, build: |_| Ok(Arc::new(Segment(Combine::Max))) },
    Declaration { name: "UnsortedSegmentMin", signature: SEGMENT, build: |_| Ok(Arc::new(Segment(Combine::Min))) },
    Declaration {
        name: "UnsortedSegmentProd",
        signature: SEGMENT,
        build: |_| Ok(Arc::new(Segment(Combine::Multiply))),
    },
];

const SCATTER: &str = "tensor, indices, updates -> output";
const SEGMENT: &str = "data, segment_ids, num_segments -> output";

/// What becomes of two elements that meet in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// The later one.
    Replace,
    /// Their sum.
    Add,
    /// Their product.
    Multiply,
    /// The larger one.
    Max,
    /// The smaller one.
    Min,
}

impl Combine {
    fn of<T: Number>(self, a: T, b: T) -> T {
        match self {
            Combine::Replace => b,
            Combine::Add => a.plus(b),
            Combine::Multiply => a.times(b),
            Combine::Max => a.larger(b),
            Combine::Min => a.smaller(b),
        }
    }

    /// What a place holds that nothing goes to.
    fn neutral<T: Number>(self) -> T {
        match self {
            Combine::Replace | Combine::Add => T::ZERO,
            Combine::Multiply => T::ONE,
            Combine::Max => T::LEAST,
            Combine::Min => T::MOST,
        }
    }
}

/// `TensorScatterUpdate(tensor, indices, updates)` and its like: slices that replace those of a tensor at positions, or are
/// combined with them.
#[derive(Clone, Copy, Debug)]
pub struct Scatter(pub Combine);

impl Op for Scatter {
    fn name(&self) -> &'static str {
        match self.0 {
            Combine::Replace | Combine::Multiply => "TensorScatterUpdate",
            Combine::Add => "TensorScatterAdd",
            Combine::Max => "TensorScatterMax",
            Combine::Min => "TensorScatterMin",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("Tindices", Attr::Type(inputs[1].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        cx.ints(1)?;
        cx.of_dtype(2, cx.dtype(0)?)?;
        if let (Some(to), Some(i)) = (cx.dims(0)?.axes(), cx.dims(1)?.axes())
            && let Some(depth) = super::index::depth_of(cx, 1, to.len())?
        {
            let wanted: Dims = i[..i.len() - 1].iter().chain(&to[depth..]).copied().collect();
            if wanted.merge(cx.dims(2)?).is_none() {
                return Err(cx.wrong("updates", wanted.to_string(), cx.dims(2)?.to_string()));
            }
        }
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (tensor, indices, updates) = (run.input(0), run.input(1), run.input(2));
        let depth = indices.shape.last().copied().unwrap_or(0);
        let output = &mut run.outputs[0];
        let shape = output.shape;
        let inner: usize = shape[depth..].iter().product();
        for_number!(output.dtype(), self.name(), T => {
            let (from, out) = (updates.slice::<T>()?, output.slice::<T>()?);
            out.copy_from_slice(tensor.slice::<T>()?);
            for (i, row) in from.chunks_exact(inner.max(1)).enumerate() {
                let at = place(self.name(), &indices, i, depth, shape)?;
                out[at..at + inner].iter_mut().zip(row).for_each(|(o, &r)| *o = self.0.of(*o, r));
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let (x, indices, updates, y) = (cx.inputs[0], cx.inputs[1], cx.inputs[2], cx.outputs[0]);
        let g = &mut *cx.g;
        let at = |g: &mut Graph, x: Value| g.add_single(GatherNd, &[x, indices]);
        let (dx, d_updates) = match self.0 {
            Combine::Replace | Combine::Multiply => {
                let zeros = g.zeros_like(updates)?;
                (g.add_single(Scatter(Combine::Replace), &[dy, indices, zeros])?, at(g, dy)?)
            }
            Combine::Add => (dy, at(g, dy)?),
            Combine::Max | Combine::Min => {
                // Those that the result came from share the gradient.
                let dtype = g.dtype(dy);
                let is_x = g.equal(x, y)?;
                let is_x = g.cast(is_x, dtype)?;
                let chosen = at(g, y)?;
                let is_update = g.equal(updates, chosen)?;
                let is_update = g.cast(is_update, dtype)?;
                let count = g.add_single(Scatter(Combine::Add), &[is_x, indices, is_update])?;
                let share = g.divide(dy, count)?;
                let share_at = at(g, share)?;
                (g.multiply(share, is_x)?, g.multiply(share_at, is_update)?)
            }
        };
        Ok(vec![Some(dx), None, Some(d_updates)])
    }
}

/// `UnsortedSegmentSum(data, segment_ids, num_segments)` and its like: slices combined with those of the same number.
/// Slices of negative numbers go nowhere.
#[derive(Clone, Copy, Debug)]
pub struct Segment(pub Combine);

impl Op for Segment {
    fn name(&self) -> &'static str {
        match self.0 {
            Combine::Replace | Combine::Add => "UnsortedSegmentSum",
            Combine::Multiply => "UnsortedSegmentProd",
            Combine::Max => "UnsortedSegmentMax",
            Combine::Min => "UnsortedSegmentMin",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("T", Attr::Type(inputs[0].dtype)),
            ("Tindices", Attr::Type(inputs[1].dtype)),
            ("Tnumsegments", Attr::Type(inputs[2].dtype)),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        cx.ints(1)?;
        let dtype = cx.dtype(0)?;
        let count = match scalar(cx, 2)? {
            Some(n) => Some(usize::try_from(n).map_err(|_| cx.wrong("num_segments", "at least 0", n.to_string()))?),
            None => None,
        };
        let (Some(data), Some(ids)) = (cx.dims(0)?.axes(), cx.dims(1)?.axes()) else {
            return Ok(vec![ValueInfo::new(dtype, Dims::unknown())]);
        };
        let starts = data.len() >= ids.len() && Dims::from(&data[..ids.len()]).merge(cx.dims(1)?).is_some();
        if !starts {
            return Err(cx.wrong("segment_ids", format!("the first axes of {}", cx.dims(0)?), cx.dims(1)?.to_string()));
        }
        let dims: Dims = std::iter::once(count).chain(data[ids.len()..].iter().copied()).collect();
        if let Some(shape) = dims.shape() {
            shape.checked_elements()?;
        }
        Ok(vec![ValueInfo::new(dtype, dims)])
    }
    fn reads(&self, input: usize) -> bool {
        input != 2
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let data = run.input(0);
        let ids = ints_of(&run.input(1))?;
        let output = &mut run.outputs[0];
        let segments = output.shape[0];
        let inner: usize = output.shape[1..].iter().product();
        for_number!(output.dtype(), self.name(), T => {
            let (from, out) = (data.slice::<T>()?, output.slice::<T>()?);
            out.fill(self.0.neutral());
            for (row, &id) in from.chunks_exact(inner.max(1)).zip(&ids) {
                let Ok(id) = usize::try_from(id) else { continue };
                if id >= segments {
                    let expected = format!("numbers below {segments}");
                    return Err(super::dispatch::argument(self.name(), "", "segment_ids", expected, id.to_string()));
                }
                out[id * inner..(id + 1) * inner].iter_mut().zip(row).for_each(|(o, &r)| *o = self.0.of(*o, r));
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let (x, ids, count, y) = (cx.inputs[0], cx.inputs[1], cx.inputs[2], cx.outputs[0]);
        let g = &mut *cx.g;
        let dx = match self.0 {
            Combine::Replace | Combine::Add => of_segment(g, dy, ids, x)?,
            Combine::Multiply => {
                // The product of the others: without zeros it is the product over the element; a single zero has that of
                // the rest.
                let dtype = g.dtype(x);
                let (zero, one) = (g.number(0.0, dtype)?, g.number(1.0, dtype)?);
                let is_zero = g.equal(x, zero)?;
                let zeros = g.cast(is_zero, dtype)?;
                let zeros = g.add_single(Segment(Combine::Add), &[zeros, ids, count])?;
                let known = g.select(is_zero, one, x)?;
                let rest = g.add_single(Segment(Combine::Multiply), &[known, ids, count])?;
                let (zeros, rest) = (of_segment(g, zeros, ids, x)?, of_segment(g, rest, ids, x)?);
                let over = g.divide(rest, known)?;
                let none = g.equal(zeros, zero)?;
                let single = g.equal(zeros, one)?;
                let single = g.logical_and(single, is_zero)?;
                let factor = g.select(single, rest, zero)?;
                let factor = g.select(none, over, factor)?;
                let dy = of_segment(g, dy, ids, x)?;
                g.multiply(dy, factor)?
            }
            Combine::Max | Combine::Min => {
                // Those that are the extreme share the gradient.
                let dtype = g.dtype(x);
                let extreme = of_segment(g, y, ids, x)?;
                let is = g.equal(x, extreme)?;
                let is = g.cast(is, dtype)?;
                let shares = g.add_single(Segment(Combine::Add), &[is, ids, count])?;
                let share = g.divide(dy, shares)?;
                let share = of_segment(g, share, ids, x)?;
                let zeros = g.zeros_like(share)?;
                let is = g.cast(is, kerox_tensor::DType::Bool)?;
                g.select(is, share, zeros)?
            }
        };
        Ok(vec![Some(dx), None, None])
    }
}

/// What each slice of `like` finds at the number of its segment; zeros where that is negative.
fn of_segment(g: &mut Graph, x: Value, ids: Value, like: Value) -> Result<Value> {
    let zero = g.number(0.0, g.dtype(ids))?;
    let known = g.maximum(ids, zero)?;
    let found = g.gather(x, known, 0)?;
    let mut is_somewhere = g.greater_equal(ids, zero)?;
    let (all, own) = (g.all_axes(like)?.len(), g.all_axes(ids)?.len());
    for _ in own..all {
        is_somewhere = g.expand_dims(is_somewhere, -1)?;
    }
    let zeros = g.zeros_like(found)?;
    g.select(is_somewhere, found, zeros)
}
