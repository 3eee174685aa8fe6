//! Picking elements by their position.

use std::sync::Arc;

use kerox_tensor::{DType, Shape};

use super::declaration::Declaration;
use super::dispatch::{argument, for_any, for_float, for_number};
use super::join::scalar;
use super::movement::{dims_of, ints_of};
use super::reduce::axis_index;
use crate::{Attr, Dim, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo, View};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "GatherV2",
        signature: "params, indices, axis -> output",
        build: |a| Ok(Arc::new(Gather { batch_dims: a.int_or("batch_dims", 0)? })),
    },
    Declaration { name: "GatherNd", signature: "params, indices -> output", build: |_| Ok(Arc::new(GatherNd)) },
    Declaration {
        name: "ScatterNd",
        signature: "indices, updates, shape -> output",
        build: |_| Ok(Arc::new(ScatterNd)),
    },
    Declaration { name: "InvertPermutation", signature: "x -> y", build: |_| Ok(Arc::new(InvertPermutation)) },
    Declaration {
        name: "OneHot",
        signature: "indices, depth, on_value, off_value -> output",
        build: |a| Ok(Arc::new(OneHot { axis: a.int_or("axis", -1)? })),
    },
];

/// Index `i` of a vector, which has to lie in `0..n`.
fn checked(op: &str, indices: &View<'_>, i: usize, n: usize) -> Result<usize> {
    let index = match indices.dtype() {
        Some(DType::I64) => indices.slice::<i64>()?[i],
        _ => i64::from(indices.slice::<i32>()?[i]),
    };
    usize::try_from(index)
        .ok()
        .filter(|&at| at < n)
        .ok_or_else(|| argument(op, "", &format!("index {i}"), format!("0..{n}"), index.to_string()))
}

/// `GatherV2(params, indices, axis)`: slices of `params` at the indices along an axis.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gather {
    /// Leading axes that `params` and `indices` share.
    pub batch_dims: i64,
}

/// Lengths of a gather: batches, axes between batch and the gathered one, the axis, what lies behind, indices a batch.
struct Lengths {
    batch: usize,
    outer: usize,
    n: usize,
    inner: usize,
    indices: usize,
}

impl Gather {
    fn lengths(&self, params: &Shape, indices: &Shape, axis: i64) -> Lengths {
        let batch_dims =
            if self.batch_dims < 0 { self.batch_dims + indices.rank() as i64 } else { self.batch_dims } as usize;
        let axis = if axis < 0 { axis + params.rank() as i64 } else { axis } as usize;
        Lengths {
            batch: params[..batch_dims].iter().product(),
            outer: params[batch_dims..axis].iter().product(),
            n: params[axis],
            inner: params[axis + 1..].iter().product(),
            indices: indices[batch_dims..].iter().product(),
        }
    }
}

impl Op for Gather {
    fn name(&self) -> &'static str {
        "GatherV2"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("Tparams", Attr::Type(inputs[0].dtype)),
            ("Tindices", Attr::Type(inputs[1].dtype)),
            ("Taxis", Attr::Type(inputs[2].dtype)),
            ("batch_dims", Attr::Int(self.batch_dims)),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        let params = cx.input(0)?;
        let dtype = params.dtype;
        let known = cx.ints(1)?;
        let unknown = Ok(vec![ValueInfo::new(dtype, Dims::unknown())]);
        let (Some(p), Some(i), Some(axis)) = (params.dims.axes(), cx.dims(1)?.axes(), scalar(cx, 2)?) else {
            return unknown;
        };
        let at = axis_index(cx, "axis", axis, p.len())?;
        let batch = if self.batch_dims < 0 { self.batch_dims + i.len() as i64 } else { self.batch_dims };
        let batch = usize::try_from(batch).ok().filter(|&b| b <= at && b <= i.len());
        let batch = batch.ok_or_else(|| cx.wrong("batch_dims", format!("0..={at}"), self.batch_dims.to_string()))?;
        for k in 0..batch {
            if matches!((p[k], i[k]), (Some(a), Some(b)) if a != b) {
                return Err(cx.wrong("indices", format!("the batch of {}", params.dims), cx.dims(1)?.to_string()));
            }
        }
        let dims: Dims = p[..at].iter().chain(&i[batch..]).chain(&p[at + 1..]).copied().collect();
        if let (Some(ints), Some(indices), 1) = (params.ints(), known, p.len()) {
            let picked = indices.iter().map(|i| i.and_then(|i| *ints.get(usize::try_from(i).ok()?)?));
            return Ok(vec![ValueInfo::of_ints(dtype, dims, picked.collect())]);
        }
        Ok(vec![ValueInfo::new(dtype, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (params, indices) = (run.input(0), run.input(1));
        let axis = ints_of(&run.input(2))?[0];
        let l = self.lengths(params.shape, indices.shape, axis);
        for_any!(run.dtype(), "GatherV2", T => {
            let (x, out) = (params.slice::<T>()?, run.outputs[0].slice::<T>()?);
            if out.is_empty() {
                return Ok(());
            }
            for b in 0..l.batch {
                for k in 0..l.indices {
                    let index = checked("GatherV2", &indices, b * l.indices + k, l.n)?;
                    for o in 0..l.outer {
                        let row = b * l.outer + o;
                        out[(row * l.indices + k) * l.inner..][..l.inner]
                            .clone_from_slice(&x[(row * l.n + index) * l.inner..][..l.inner]);
                    }
                }
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let (params, indices, axis) = (cx.inputs[0], cx.inputs[1], cx.inputs[2]);
        if !cx.g.dtype(params).is_float() {
            return Ok(vec![None, None, None]);
        }
        let op = GatherGrad { batch_dims: self.batch_dims };
        Ok(vec![Some(cx.g.add_single(op, &[dy, params, indices, axis])?), None, None])
    }
}

/// `_GatherGrad(dy, params, indices, axis)`: adds the slices of `dy` at the indices to zeros.
#[derive(Clone, Copy, Debug, Default)]
pub struct GatherGrad {
    /// Leading axes that `params` and `indices` share.
    pub batch_dims: i64,
}

impl Op for GatherGrad {
    fn name(&self) -> &'static str {
        "_GatherGrad"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(4)?;
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(1)?.clone())])
    }
    fn reads(&self, input: usize) -> bool {
        input != 1
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (dy, params, indices) = (run.input(0), run.input(1), run.input(2));
        let axis = ints_of(&run.input(3))?[0];
        let l = Gather { batch_dims: self.batch_dims }.lengths(params.shape, indices.shape, axis);
        for_float!(run.dtype(), "_GatherGrad", T => {
            let (dy, dx) = (dy.slice::<T>()?, run.outputs[0].slice::<T>()?);
            dx.fill(0.0);
            if dy.is_empty() {
                return Ok(());
            }
            for b in 0..l.batch {
                for k in 0..l.indices {
                    let index = checked("GatherV2", &indices, b * l.indices + k, l.n)?;
                    for o in 0..l.outer {
                        let row = b * l.outer + o;
                        let from = &dy[(row * l.indices + k) * l.inner..][..l.inner];
                        let to = &mut dx[(row * l.n + index) * l.inner..][..l.inner];
                        to.iter_mut().zip(from).for_each(|(t, f)| *t += f);
                    }
                }
            }
            Ok(())
        })
    }
}

/// `GatherNd(params, indices)`: the last axis of `indices` holds positions along the first axes of `params`.
#[derive(Clone, Copy, Debug)]
pub struct GatherNd;

/// The position of row `i` of indices in an array of that shape, in elements.
pub(super) fn place(op: &str, indices: &View<'_>, i: usize, depth: usize, shape: &Shape) -> Result<usize> {
    let mut at = 0;
    for k in 0..depth {
        at = at * shape[k] + checked(op, indices, i * depth + k, shape[k])?;
    }
    Ok(at * shape[depth..].iter().product::<usize>())
}

pub(super) fn depth_of(cx: &Infer<'_>, i: usize, rank: usize) -> Result<Option<usize>> {
    let dims = cx.dims(i)?;
    let Some(axes) = dims.axes() else { return Ok(None) };
    match axes.last() {
        Some(&Some(depth)) if depth > rank => {
            Err(cx.wrong("indices", format!("at most {rank} positions"), dims.to_string()))
        }
        Some(&depth) => Ok(depth),
        None => Err(cx.wrong("indices", "at least 1 axis", dims.to_string())),
    }
}

impl Op for GatherNd {
    fn name(&self) -> &'static str {
        "GatherNd"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("Tparams", Attr::Type(inputs[0].dtype)), ("Tindices", Attr::Type(inputs[1].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        cx.ints(1)?;
        let dtype = cx.dtype(0)?;
        let (Some(p), Some(i)) = (cx.dims(0)?.axes(), cx.dims(1)?.axes()) else {
            return Ok(vec![ValueInfo::new(dtype, Dims::unknown())]);
        };
        let Some(depth) = depth_of(cx, 1, p.len())? else { return Ok(vec![ValueInfo::new(dtype, Dims::unknown())]) };
        let dims: Dims = i[..i.len() - 1].iter().chain(&p[depth..]).copied().collect();
        Ok(vec![ValueInfo::new(dtype, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (params, indices) = (run.input(0), run.input(1));
        let depth = indices.shape.last().copied().unwrap_or(0);
        let inner: usize = params.shape[depth..].iter().product();
        for_any!(run.dtype(), "GatherNd", T => {
            let (x, out) = (params.slice::<T>()?, run.outputs[0].slice::<T>()?);
            for (i, row) in out.chunks_exact_mut(inner.max(1)).enumerate() {
                row.clone_from_slice(&x[place("GatherNd", &indices, i, depth, params.shape)?..][..inner]);
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let shape = cx.g.shape_of(cx.inputs[0])?;
        Ok(vec![Some(cx.g.add_single(ScatterNd, &[cx.inputs[1], dy, shape])?), None])
    }
}

/// `ScatterNd(indices, updates, shape)`: adds slices to zeros at positions.
#[derive(Clone, Copy, Debug)]
pub struct ScatterNd;

impl Op for ScatterNd {
    fn name(&self) -> &'static str {
        "ScatterNd"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[1].dtype)), ("Tindices", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        cx.ints(0)?;
        let dims = dims_of(cx, 2)?.unwrap_or(Dims::unknown());
        if let (Some(to), Some(i)) = (dims.axes(), cx.dims(0)?.axes())
            && let Some(depth) = depth_of(cx, 0, to.len())?
        {
            let wanted: Dims = i[..i.len() - 1].iter().chain(&to[depth..]).copied().collect();
            if wanted.merge(cx.dims(1)?).is_none() {
                return Err(cx.wrong("updates", wanted.to_string(), cx.dims(1)?.to_string()));
            }
        }
        Ok(vec![ValueInfo::new(cx.dtype(1)?, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (indices, updates) = (run.input(0), run.input(1));
        let depth = indices.shape.last().copied().unwrap_or(0);
        let output = &mut run.outputs[0];
        let shape = output.shape;
        let inner: usize = shape[depth..].iter().product();
        for_number!(output.dtype(), "ScatterNd", T => {
            use kerox_tensor::kernels::Number;
            let (from, out) = (updates.slice::<T>()?, output.slice::<T>()?);
            out.fill(T::ZERO);
            for (i, row) in from.chunks_exact(inner.max(1)).enumerate() {
                let at = place("ScatterNd", &indices, i, depth, shape)?;
                out[at..at + inner].iter_mut().zip(row).for_each(|(o, &r)| *o = o.plus(r));
            }
            Ok(())
        })
    }
    fn reads(&self, input: usize) -> bool {
        input != 2
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        Ok(vec![None, Some(cx.g.add_single(GatherNd, &[dy, cx.inputs[0]])?), None])
    }
}

/// `InvertPermutation`.
#[derive(Clone, Copy, Debug)]
pub struct InvertPermutation;

impl Op for InvertPermutation {
    fn name(&self) -> &'static str {
        "InvertPermutation"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        cx.ints(0)?;
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.of_rank(0, 1)?)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let n = x.shape[0];
        for i in 0..n {
            let at = checked("InvertPermutation", &x, i, n)?;
            match run.dtype() {
                DType::I64 => run.outputs[0].slice::<i64>()?[at] = i as i64,
                _ => run.outputs[0].slice::<i32>()?[at] = i as i32,
            }
        }
        Ok(())
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }
}

/// `OneHot(indices, depth, on_value, off_value)`: a new axis that holds `on_value` at the index; nowhere, where the
/// index lies outside.
#[derive(Clone, Copy, Debug)]
pub struct OneHot {
    /// Position of the new axis; -1 is the last.
    pub axis: i64,
}

impl Op for OneHot {
    fn name(&self) -> &'static str {
        "OneHot"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[2].dtype)), ("TI", Attr::Type(inputs[0].dtype)), ("axis", Attr::Int(self.axis))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(4)?;
        let dtype = cx.dtype(2)?;
        cx.of_dtype(3, dtype)?;
        if !cx.dtype(0)?.is_integer() {
            return Err(cx.wrong("indices", "integers", cx.dtype(0)?.to_string()));
        }
        let depth = scalar(cx, 1)?;
        let Some(axes) = cx.dims(0)?.axes() else { return Ok(vec![ValueInfo::new(dtype, Dims::unknown())]) };
        let at = axis_index(cx, "axis", self.axis, axes.len() + 1)?;
        let depth: Dim = match depth {
            Some(d) => Some(usize::try_from(d).map_err(|_| cx.wrong("depth", "at least 0", d.to_string()))?),
            None => None,
        };
        let mut axes = axes.to_vec();
        axes.insert(at, depth);
        let dims: Dims = axes.into_iter().collect();
        if let Some(shape) = dims.shape() {
            shape.checked_elements()?;
        }
        Ok(vec![ValueInfo::new(dtype, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (indices, on, off) = (run.input(0), run.input(2), run.input(3));
        let output = &mut run.outputs[0];
        let rank = output.shape.rank();
        let axis = if self.axis < 0 { (self.axis + rank as i64) as usize } else { self.axis as usize };
        let (_, depth, inner) = super::strided::around(output.shape, axis);
        let index = |i: usize| -> Result<i64> {
            Ok(match indices.dtype() {
                Some(DType::I64) => indices.slice::<i64>()?[i],
                Some(DType::U8) => i64::from(indices.slice::<u8>()?[i]),
                _ => i64::from(indices.slice::<i32>()?[i]),
            })
        };
        for_any!(output.dtype(), "OneHot", T => {
            let (on, off) = (&on.slice::<T>()?[0], &off.slice::<T>()?[0]);
            let out = output.slice::<T>()?;
            out.fill(off.clone());
            for i in 0..indices.shape.elements() {
                if let Some(at) = usize::try_from(index(i)?).ok().filter(|&at| at < depth) {
                    out[(i / inner * depth + at) * inner + i % inner].clone_from(on);
                }
            }
            Ok(())
        })
    }
    fn reads(&self, input: usize) -> bool {
        input != 1
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None, None, None, None])
    }
}

impl Graph {
    /// Slices of `x` at the indices (int32 or int64) along an axis.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where there is no such axis; a run fails where an index lies outside.
    pub fn gather(&mut self, x: Value, indices: Value, axis: i64) -> Result<Value> {
        self.gather_batched(x, indices, axis, 0)
    }

    /// As [`Graph::gather`], with leading axes that `x` and the indices share.
    ///
    /// # Errors
    /// As [`Graph::gather`].
    pub fn gather_batched(&mut self, x: Value, indices: Value, axis: i64, batch_dims: i64) -> Result<Value> {
        let axis = self.axis_constant(axis)?;
        self.add_single(Gather { batch_dims }, &[x, indices, axis])
    }

    /// Slices of `x` at positions along its first axes; the last axis of `indices` holds a position.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where positions are longer than `x` has axes.
    pub fn gather_nd(&mut self, x: Value, indices: Value) -> Result<Value> {
        self.add_single(GatherNd, &[x, indices])
    }

    /// A new axis of length `depth` that holds 1 at the index and 0 elsewhere.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the indices are no integers or there is no such axis.
    pub fn one_hot(&mut self, indices: Value, depth: usize, axis: i64, dtype: DType) -> Result<Value> {
        let depth = self.axis_constant(depth as i64)?;
        let (on, off) = (self.number(1.0, dtype)?, self.number(0.0, dtype)?);
        self.add_single(OneHot { axis }, &[indices, depth, on, off])
    }
}
