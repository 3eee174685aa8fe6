//! Joining and taking apart along an axis.

use std::sync::Arc;

use kerox_tensor::DType;

use super::declaration::Declaration;
use super::dispatch::for_any;
use super::reduce::{axis_index, with_axis};
use super::strided::around;
use crate::{Attr, Dim, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "ConcatV2", signature: "values[N], axis -> output", build: |_| Ok(Arc::new(Concat)) },
    Declaration {
        name: "Pack",
        signature: "values[N] -> output",
        build: |a| Ok(Arc::new(Pack { axis: a.int_or("axis", 0)? })),
    },
    Declaration {
        name: "Unpack",
        signature: "value -> output[num]",
        build: |a| Ok(Arc::new(Unpack { num: count(a, "num")?, axis: a.int_or("axis", 0)? })),
    },
    Declaration {
        name: "Split",
        signature: "split_dim, value -> output[num_split]",
        build: |a| Ok(Arc::new(Split { num_split: count(a, "num_split")? })),
    },
    Declaration {
        name: "SplitV",
        signature: "value, size_splits, split_dim -> output[num_split]",
        build: |a| Ok(Arc::new(SplitV { num_split: count(a, "num_split")? })),
    },
];

/// A number of outputs, within reason.
fn count(attrs: &crate::Attrs, name: &str) -> Result<usize> {
    let n = attrs.int(name)?;
    usize::try_from(n).ok().filter(|&n| n <= 1 << 16).ok_or_else(|| attrs.wrong(name, "0..65536", attrs.get(name)))
}

/// The one integer of a scalar input, if known.
pub(super) fn scalar(cx: &Infer<'_>, i: usize) -> Result<Option<i64>> {
    Ok(match cx.ints(i)?.as_deref() {
        Some(&[value]) => value,
        Some(other) => return Err(cx.wrong(&format!("input {i}"), "one number", format!("{} numbers", other.len()))),
        None => None,
    })
}

/// The axis in a scalar input, counted from the start.
fn axis_of(run: &Run<'_, '_>, i: usize, rank: usize) -> Result<usize> {
    let axis = super::movement::ints_of(&run.input(i))?[0];
    Ok((if axis < 0 { axis + rank as i64 } else { axis }) as usize)
}

/// `ConcatV2(values..., axis)`.
#[derive(Clone, Copy, Debug)]
pub struct Concat;

impl Op for Concat {
    fn name(&self) -> &'static str {
        "ConcatV2"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let n = inputs.len() - 1;
        vec![("N", Attr::Int(n as i64)), ("T", Attr::Type(inputs[0].dtype)), ("Tidx", Attr::Type(inputs[n].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let Some(n) = cx.inputs().len().checked_sub(1).filter(|&n| n > 0) else {
            return Err(cx.wrong("inputs", "at least one value and an axis", cx.inputs().len().to_string()));
        };
        let values = &cx.inputs()[..n];
        let dtype = values[0].dtype;
        for i in 0..n {
            cx.of_dtype(i, dtype)?;
        }
        let rank = values.iter().find_map(|v| v.dims.rank());
        let (Some(rank), Some(axis)) = (rank, scalar(cx, n)?) else {
            return Ok(vec![ValueInfo::new(dtype, rank.map_or(Dims::unknown(), Dims::of_rank))]);
        };
        let axis = axis_index(cx, "axis", axis, rank)?;
        let mut dims = Dims::of_rank(rank);
        let mut total: Dim = Some(0);
        for (i, value) in values.iter().enumerate() {
            let length = value.dims.axes().and_then(|axes| axes.get(axis).copied()).flatten();
            total = total.zip(length).and_then(|(a, b)| a.checked_add(b));
            let other = value.dims.axes().map_or(Dims::unknown(), |axes| {
                if axes.len() == rank { with_axis(axes, axis, None) } else { Dims::from(axes) }
            });
            dims = dims.merge(&other).ok_or_else(|| {
                cx.wrong(&format!("input {i}"), format!("{dims} but for axis {axis}"), value.dims.to_string())
            })?;
        }
        let dims = with_axis(dims.axes().unwrap_or(&[]), axis, total);
        let ints: Option<Vec<Vec<Option<i64>>>> =
            if rank == 1 { values.iter().map(|v| v.dims.shape().and_then(|_| v.ints())).collect() } else { None };
        Ok(vec![match ints {
            Some(ints) if dtype.is_integer() => ValueInfo::of_ints(dtype, dims, ints.concat()),
            _ => ValueInfo::new(dtype, dims),
        }])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let n = run.inputs.len() - 1;
        let axis = axis_of(run, n, run.outputs[0].shape.rank())?;
        join(run, n, |shape| around(shape, axis))
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let n = cx.inputs.len() - 1;
        let dy = cx.upstream(0)?;
        let mut inputs = vec![dy];
        inputs.extend_from_slice(cx.inputs);
        let parts = cx.g.add_op(ConcatGrad, &inputs)?;
        Ok(parts.into_iter().take(n).map(Some).chain([None]).collect())
    }
}

/// Copies the first `n` inputs beside each other.
fn join(run: &mut Run<'_, '_>, n: usize, around: impl Fn(&[usize]) -> (usize, usize, usize)) -> Result<()> {
    let inputs = run.inputs;
    let output = &mut run.outputs[0];
    let (outer, total, inner) = around(output.shape);
    for_any!(output.dtype(), "ConcatV2", T => {
        let out = output.slice::<T>()?;
        if out.is_empty() {
            return Ok(());
        }
        let mut at = 0;
        for input in &inputs[..n] {
            let row = input.shape.elements() / outer.max(1);
            let x = input.slice::<T>()?;
            for o in 0..outer {
                out[o * total * inner + at..][..row].clone_from_slice(&x[o * row..(o + 1) * row]);
            }
            at += row;
        }
        Ok(())
    })
}

/// Copies parts of an input, which lie beside each other, to the outputs.
fn part(run: &mut Run<'_, '_>, input: usize, outer: usize) -> Result<()> {
    let x = run.inputs[input];
    let row = x.shape.elements() / outer.max(1);
    for_any!(x.dtype().unwrap_or(DType::Variant), "Split", T => {
        let x = x.slice::<T>()?;
        let mut at = 0;
        for output in run.outputs.iter_mut() {
            let n = output.shape.elements() / outer.max(1);
            let out = output.slice::<T>()?;
            for o in 0..outer {
                out[o * n..(o + 1) * n].clone_from_slice(&x[o * row + at..][..n]);
            }
            at += n;
        }
        Ok(())
    })
}

/// `_ConcatGrad(dy, values..., axis)`: the parts of `dy` that belong to the values.
#[derive(Clone, Copy, Debug)]
pub struct ConcatGrad;

impl Op for ConcatGrad {
    fn name(&self) -> &'static str {
        "_ConcatGrad"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let values = cx.inputs().get(1..cx.inputs().len() - 1).unwrap_or(&[]);
        Ok(values.iter().map(|v| ValueInfo::new(v.dtype, v.dims.clone())).collect())
    }
    fn reads(&self, input: usize) -> bool {
        // The axis is the last input and is read through its elements; values are not. Only `dy` has position 0.
        input == 0
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        // The axis is where the parts differ from the whole.
        let whole = run.input(0).shape;
        let axis = (0..whole.rank()).find(|&i| run.outputs.iter().any(|o| o.shape[i] != whole[i])).unwrap_or(0);
        part(run, 0, whole[..axis].iter().product())
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let axis = *cx.inputs.last().unwrap_or(&cx.inputs[0]);
        let mut parts: Vec<Value> = (0..cx.outputs.len()).map(|i| cx.upstream(i)).collect::<Result<_>>()?;
        parts.push(axis);
        let dy = cx.g.add_single(Concat, &parts)?;
        let mut gradients = vec![None; cx.inputs.len()];
        gradients[0] = Some(dy);
        Ok(gradients)
    }
}

/// `Pack(values...)`: values of one shape along a new axis.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pack {
    /// Position of the new axis.
    pub axis: i64,
}

impl Op for Pack {
    fn name(&self) -> &'static str {
        "Pack"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("N", Attr::Int(inputs.len() as i64)), ("T", Attr::Type(inputs[0].dtype)), ("axis", Attr::Int(self.axis))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let dtype = cx.same_dtype()?;
        let mut dims = Dims::unknown();
        for (i, input) in cx.inputs().iter().enumerate() {
            dims = dims
                .merge(&input.dims)
                .ok_or_else(|| cx.wrong(&format!("input {i}"), dims.to_string(), input.dims.to_string()))?;
        }
        let Some(axes) = dims.axes() else { return Ok(vec![ValueInfo::new(dtype, Dims::unknown())]) };
        let at = axis_index(cx, "axis", self.axis, axes.len() + 1)?;
        let n = cx.inputs().len();
        if axes.is_empty() && dtype.is_integer() {
            let ints: Option<Vec<Option<i64>>> =
                cx.inputs().iter().map(|v| v.ints().and_then(|i| i.first().copied())).collect();
            if let Some(ints) = ints {
                return Ok(vec![ValueInfo::of_ints(dtype, Dims::from([Some(n)]), ints)]);
            }
        }
        let mut axes = axes.to_vec();
        axes.insert(at, Some(n));
        Ok(vec![ValueInfo::new(dtype, axes.into_iter().collect::<Dims>())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let rank = run.outputs[0].shape.rank() as i64;
        let axis = (if self.axis < 0 { self.axis + rank } else { self.axis }) as usize;
        join(run, run.inputs.len(), |shape| around(shape, axis))
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let parts = cx.g.add_op(Unpack { num: cx.inputs.len(), axis: self.axis }, &[dy])?;
        Ok(parts.into_iter().map(Some).collect())
    }
}

/// `Unpack(value)`: the slices along an axis, which goes.
#[derive(Clone, Copy, Debug)]
pub struct Unpack {
    /// The length of the axis.
    pub num: usize,
    /// The axis.
    pub axis: i64,
}

impl Op for Unpack {
    fn name(&self) -> &'static str {
        "Unpack"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("axis", Attr::Int(self.axis)), ("num", Attr::Int(self.num as i64))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let input = cx.input(0)?;
        let Some(axes) = input.dims.axes() else {
            return Ok(vec![ValueInfo::new(input.dtype, Dims::unknown()); self.num]);
        };
        let at = axis_index(cx, "axis", self.axis, axes.len())?;
        if axes[at].is_some_and(|length| length != self.num) {
            return Err(cx.wrong(
                "input 0",
                format!("length {} along axis {}", self.num, self.axis),
                input.dims.to_string(),
            ));
        }
        let dims: Dims = axes.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, &a)| a).collect();
        if let (Some(ints), 1) = (input.ints(), axes.len())
            && ints.len() == self.num
        {
            let each = ints.into_iter().map(|i| ValueInfo::of_ints(input.dtype, Dims::scalar(), vec![i]));
            return Ok(each.collect());
        }
        Ok(vec![ValueInfo::new(input.dtype, dims); self.num])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let shape = run.input(0).shape;
        let axis = (if self.axis < 0 { self.axis + shape.rank() as i64 } else { self.axis }) as usize;
        part(run, 0, shape[..axis].iter().product())
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let parts: Vec<Value> = (0..cx.outputs.len()).map(|i| cx.upstream(i)).collect::<Result<_>>()?;
        if parts.is_empty() {
            return Ok(vec![None]);
        }
        Ok(vec![Some(cx.g.add_single(Pack { axis: self.axis }, &parts)?)])
    }
}

/// `Split(axis, value)`: parts of one length.
#[derive(Clone, Copy, Debug)]
pub struct Split {
    /// The number of parts.
    pub num_split: usize,
}

impl Op for Split {
    fn name(&self) -> &'static str {
        "Split"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[1].dtype)), ("num_split", Attr::Int(self.num_split as i64))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let input = cx.input(1)?;
        let dims = match (input.dims.axes(), scalar(cx, 0)?) {
            (Some(axes), Some(axis)) => {
                let at = axis_index(cx, "axis", axis, axes.len())?;
                let n = self.num_split.max(1);
                if axes[at].is_some_and(|length| length % n != 0) {
                    return Err(cx.wrong(
                        "value",
                        format!("a multiple of {n} along axis {axis}"),
                        input.dims.to_string(),
                    ));
                }
                with_axis(axes, at, axes[at].map(|length| length / n))
            }
            (Some(axes), None) => Dims::of_rank(axes.len()),
            (None, _) => Dims::unknown(),
        };
        Ok(vec![ValueInfo::new(input.dtype, dims); self.num_split])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let shape = run.input(1).shape;
        let axis = axis_of(run, 0, shape.rank())?;
        part(run, 1, shape[..axis].iter().product())
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let mut parts: Vec<Value> = (0..cx.outputs.len()).map(|i| cx.upstream(i)).collect::<Result<_>>()?;
        parts.push(cx.inputs[0]);
        Ok(vec![None, Some(cx.g.add_single(Concat, &parts)?)])
    }
}

/// `SplitV(value, sizes, axis)`: parts of given lengths, one of which may be -1.
#[derive(Clone, Copy, Debug)]
pub struct SplitV {
    /// The number of parts.
    pub num_split: usize,
}

impl Op for SplitV {
    fn name(&self) -> &'static str {
        "SplitV"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("T", Attr::Type(inputs[0].dtype)),
            ("Tlen", Attr::Type(inputs[1].dtype)),
            ("num_split", Attr::Int(self.num_split as i64)),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        let input = cx.input(0)?;
        let sizes = cx.ints(1)?;
        let Some(axes) = input.dims.axes() else {
            return Ok(vec![ValueInfo::new(input.dtype, Dims::unknown()); self.num_split]);
        };
        let (Some(axis), Some(sizes)) = (scalar(cx, 2)?, sizes) else {
            return Ok(vec![ValueInfo::new(input.dtype, Dims::of_rank(axes.len())); self.num_split]);
        };
        let at = axis_index(cx, "axis", axis, axes.len())?;
        let fail = || {
            cx.wrong(
                "size_splits",
                format!("{} lengths that add up to axis {axis} of {}", self.num_split, input.dims),
                format!("{sizes:?}"),
            )
        };
        if sizes.len() != self.num_split {
            return Err(fail());
        }
        let known: Option<i64> = sizes.iter().try_fold(0i64, |sum, s| match s {
            Some(-1) => Some(sum),
            Some(s) if *s >= 0 => sum.checked_add(*s),
            _ => None,
        });
        let open = sizes.iter().filter(|s| **s == Some(-1)).count();
        let mut lengths: Vec<Dim> = Vec::new();
        for size in &sizes {
            lengths.push(match *size {
                Some(-1) => match (axes[at], known) {
                    (Some(total), Some(known)) if open == 1 && known <= total as i64 => Some(total - known as usize),
                    (None, _) | (_, None) if open == 1 => None,
                    _ => return Err(fail()),
                },
                Some(size) => Some(usize::try_from(size).map_err(|_| fail())?),
                None => None,
            });
        }
        if let (Some(total), Some(sum)) = (axes[at], lengths.iter().copied().sum::<Option<usize>>())
            && total != sum
        {
            return Err(fail());
        }
        Ok(lengths.into_iter().map(|length| ValueInfo::new(input.dtype, with_axis(axes, at, length))).collect())
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let shape = run.input(0).shape;
        let axis = axis_of(run, 2, shape.rank())?;
        part(run, 0, shape[..axis].iter().product())
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let mut parts: Vec<Value> = (0..cx.outputs.len()).map(|i| cx.upstream(i)).collect::<Result<_>>()?;
        parts.push(cx.inputs[2]);
        Ok(vec![Some(cx.g.add_single(Concat, &parts)?), None, None])
    }
}

impl Graph {
    /// Values joined along an axis.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where their other axes differ.
    pub fn concat(&mut self, values: &[Value], axis: i64) -> Result<Value> {
        if let [one] = values {
            return Ok(*one);
        }
        let axis = self.axis_constant(axis)?;
        let inputs: Vec<Value> = values.iter().copied().chain([axis]).collect();
        self.add_single(Concat, &inputs)
    }

    /// Values of one shape along a new axis.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where their shapes differ.
    pub fn stack(&mut self, values: &[Value], axis: i64) -> Result<Value> {
        self.add_single(Pack { axis }, values)
    }

    /// The slices along an axis of known length, which goes.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where there is no such axis or its length is not known.
    pub fn unstack(&mut self, x: Value, axis: i64) -> Result<Vec<Value>> {
        let axes = self.dims(x).axes().unwrap_or(&[]);
        let at = if axis < 0 { axis + axes.len() as i64 } else { axis };
        let num = usize::try_from(at).ok().and_then(|i| axes.get(i).copied().flatten());
        let found = self.dims(x).to_string();
        let num =
            num.ok_or_else(|| super::dispatch::argument("Unpack", "", "axis", "an axis of known length", found))?;
        self.add_op(Unpack { num, axis }, &[x])
    }

    /// Parts of one length along an axis.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the length is no multiple of their number.
    pub fn split(&mut self, x: Value, parts: usize, axis: i64) -> Result<Vec<Value>> {
        let axis = self.axis_constant(axis)?;
        self.add_op(Split { num_split: parts }, &[axis, x])
    }

    /// Parts of these lengths along an axis.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where they do not add up to it.
    pub fn split_sizes(&mut self, x: Value, sizes: &[i64], axis: i64) -> Result<Vec<Value>> {
        let sizes_value = self.axes_constant(sizes)?;
        let axis = self.axis_constant(axis)?;
        self.add_op(SplitV { num_split: sizes.len() }, &[x, sizes_value, axis])
    }
}
