//! Operations that look at shapes or give the same elements another one.

use std::sync::Arc;

use kerox_tensor::{DType, Shape as TensorShape, Tensor};

use super::declaration::Declaration;
use super::dispatch::for_any;
use super::reduce::axis_index;
use crate::{Attr, Attrs, Dim, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration {
        name: "Shape",
        signature: "input -> output",
        build: |a| out_type(a).map(|t| Arc::new(Shape(t)) as _),
    },
    Declaration {
        name: "ShapeN",
        signature: "input[N] -> output[N]",
        build: |a| out_type(a).map(|t| Arc::new(ShapeN(t)) as _),
    },
    Declaration { name: "Size", signature: "input -> output", build: |a| out_type(a).map(|t| Arc::new(Size(t)) as _) },
    Declaration { name: "Rank", signature: "input -> output", build: |_| Ok(Arc::new(Rank)) },
    Declaration { name: "Reshape", signature: "tensor, shape -> output", build: |_| Ok(Arc::new(Reshape)) },
    Declaration { name: "ExpandDims", signature: "input, dim -> output", build: |_| Ok(Arc::new(ExpandDims)) },
    Declaration {
        name: "Squeeze",
        signature: "input -> output",
        build: |a| Ok(Arc::new(Squeeze { axes: a.ints_or("squeeze_dims", &[])? })),
    },
    Declaration {
        name: "EnsureShape",
        signature: "input -> output",
        build: |a| Ok(Arc::new(EnsureShape { dims: a.shape("shape")? })),
    },
];

fn out_type(attrs: &Attrs) -> Result<DType> {
    attrs.dtype_or("out_type", DType::I32)
}

/// Copies the elements; only interpreters and constant folding come here, plans share them.
pub(super) fn copy(run: &mut Run<'_, '_>) -> Result<()> {
    let x = run.input(0);
    for_any!(run.dtype(), "Reshape", T => {
        run.outputs[0].slice::<T>()?.clone_from_slice(x.slice::<T>()?);
        Ok(())
    })
}

fn write_ints(run: &mut Run<'_, '_>, output: usize, values: impl Iterator<Item = usize>) -> Result<()> {
    let out = &mut run.outputs[output];
    if out.dtype() == DType::I64 {
        out.slice::<i64>()?.iter_mut().zip(values).for_each(|(o, v)| *o = v as i64);
    } else {
        out.slice::<i32>()?.iter_mut().zip(values).for_each(|(o, v)| *o = v as i32);
    }
    Ok(())
}

fn shape_info(dims: &Dims, dtype: DType) -> ValueInfo {
    match dims.axes() {
        Some(axes) => {
            let ints = axes.iter().map(|a| a.map(|a| a as i64)).collect();
            ValueInfo::of_ints(dtype, Dims::from([Some(axes.len())]), ints)
        }
        None => ValueInfo::new(dtype, Dims::of_rank(1)),
    }
}

/// `Shape`: the lengths of the axes.
#[derive(Clone, Copy, Debug)]
pub struct Shape(
    /// Type of the lengths: int32 or int64.
    pub DType,
);

impl Op for Shape {
    fn name(&self) -> &'static str {
        "Shape"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("out_type", Attr::Type(self.0))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        Ok(vec![shape_info(cx.dims(0)?, self.0)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let shape = run.input(0).shape;
        write_ints(run, 0, shape.iter().copied())
    }
    fn reads(&self, _: usize) -> bool {
        false
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }
}

/// `ShapeN`: the lengths of the axes of several values.
#[derive(Clone, Copy, Debug)]
pub struct ShapeN(
    /// Type of the lengths: int32 or int64.
    pub DType,
);

impl Op for ShapeN {
    fn name(&self) -> &'static str {
        "ShapeN"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let dtype = inputs.first().map_or(DType::F32, |i| i.dtype);
        vec![("N", Attr::Int(inputs.len() as i64)), ("T", Attr::Type(dtype)), ("out_type", Attr::Type(self.0))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        Ok(cx.inputs().iter().map(|input| shape_info(&input.dims, self.0)).collect())
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        for i in 0..run.inputs.len() {
            let shape = run.input(i).shape;
            write_ints(run, i, shape.iter().copied())?;
        }
        Ok(())
    }
    fn reads(&self, _: usize) -> bool {
        false
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None; cx.inputs.len()])
    }
}

/// `Size`: the number of elements.
#[derive(Clone, Copy, Debug)]
pub struct Size(
    /// Type of the number: int32 or int64.
    pub DType,
);

impl Op for Size {
    fn name(&self) -> &'static str {
        "Size"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("out_type", Attr::Type(self.0))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let size = cx.dims(0)?.shape().and_then(|s| s.checked_elements().ok()).map(|n| n as i64);
        Ok(vec![ValueInfo::of_ints(self.0, Dims::scalar(), vec![size])])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let size = run.input(0).shape.elements();
        write_ints(run, 0, std::iter::once(size))
    }
    fn reads(&self, _: usize) -> bool {
        false
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }
}

/// `Rank`: the number of axes.
#[derive(Clone, Copy, Debug)]
pub struct Rank;

impl Op for Rank {
    fn name(&self) -> &'static str {
        "Rank"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let rank = cx.dims(0)?.rank().map(|r| r as i64);
        Ok(vec![ValueInfo::of_ints(DType::I32, Dims::scalar(), vec![rank])])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let rank = run.input(0).shape.rank();
        write_ints(run, 0, std::iter::once(rank))
    }
    fn reads(&self, _: usize) -> bool {
        false
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }
}

/// `Reshape(tensor, shape)`: the same elements in another shape; one length may be -1.
#[derive(Clone, Copy, Debug)]
pub struct Reshape;

impl Op for Reshape {
    fn name(&self) -> &'static str {
        "Reshape"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("Tshape", Attr::Type(inputs[1].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let input = cx.input(0)?;
        let Some(lengths) = cx.ints(1)? else {
            let rank = cx.dims(1)?.axes().and_then(|axes| axes.first().copied().flatten());
            return Ok(vec![ValueInfo::new(input.dtype, rank.map_or(Dims::unknown(), Dims::of_rank))]);
        };
        let text = || {
            let lengths: Vec<String> = lengths.iter().map(|l| l.map_or("?".into(), |l| l.to_string())).collect();
            format!("[{}]", lengths.join(", "))
        };
        let fail = || Err(cx.wrong("shape", format!("one that holds the elements of {}", input.dims), text()));
        let mut axes: Vec<Dim> = Vec::with_capacity(lengths.len());
        let mut open = None;
        for (i, length) in lengths.iter().enumerate() {
            axes.push(match *length {
                Some(-1) if open.is_some() => return fail(),
                Some(-1) => {
                    open = Some(i);
                    None
                }
                Some(length) => match usize::try_from(length) {
                    Ok(length) => Some(length),
                    Err(_) => return fail(),
                },
                None => None,
            });
        }
        if lengths.iter().all(Option::is_some) {
            let rest: TensorShape = axes.iter().flatten().copied().collect();
            let rest = rest.checked_elements()?;
            // A batch that is unknown in the input is the open length here, when all else is equal.
            match (input.dims.shape(), open) {
                (Some(shape), Some(at)) => {
                    let elements = shape.checked_elements()?;
                    match rest {
                        0 if elements == 0 => axes[at] = Some(0),
                        0 => return fail(),
                        rest if elements % rest == 0 => axes[at] = Some(elements / rest),
                        _ => return fail(),
                    }
                }
                (Some(shape), None) if shape.checked_elements()? != rest => return fail(),
                _ => {}
            }
        }
        let mut info = ValueInfo::new(input.dtype, axes.into_iter().collect::<Dims>());
        if let Some(ints) = input.ints() {
            info = ValueInfo::of_ints(input.dtype, info.dims, ints);
        }
        Ok(vec![info])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        copy(run)
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

/// `ExpandDims(input, axis)`: a new axis of length 1.
#[derive(Clone, Copy, Debug)]
pub struct ExpandDims;

impl Op for ExpandDims {
    fn name(&self) -> &'static str {
        "ExpandDims"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("Tdim", Attr::Type(inputs[1].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let input = cx.input(0)?;
        let Some(axes) = input.dims.axes() else { return Ok(vec![ValueInfo::new(input.dtype, Dims::unknown())]) };
        let dims = match cx.ints(1)?.as_deref() {
            Some(&[Some(axis)]) => {
                let at = axis_index(cx, "axis", axis, axes.len() + 1)?;
                let mut axes = axes.to_vec();
                axes.insert(at, Some(1));
                axes.into_iter().collect::<Dims>()
            }
            _ => Dims::of_rank(axes.len() + 1),
        };
        Ok(vec![match input.ints() {
            Some(ints) => ValueInfo::of_ints(input.dtype, dims, ints),
            None => ValueInfo::new(input.dtype, dims),
        }])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        copy(run)
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

/// `Squeeze(input)`: without some axes of length 1, or without all of them.
#[derive(Clone, Debug, Default)]
pub struct Squeeze {
    /// The axes to drop; all of length 1 where there are none.
    pub axes: Vec<i64>,
}

impl Op for Squeeze {
    fn name(&self) -> &'static str {
        "Squeeze"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let axes = self.axes.iter().map(|&a| Attr::Int(a)).collect();
        vec![("T", Attr::Type(inputs[0].dtype)), ("squeeze_dims", Attr::List(axes))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let input = cx.input(0)?;
        let Some(axes) = input.dims.axes() else { return Ok(vec![ValueInfo::new(input.dtype, Dims::unknown())]) };
        let dims = if self.axes.is_empty() {
            if axes.iter().any(Option::is_none) {
                Dims::unknown()
            } else {
                axes.iter().copied().filter(|&a| a != Some(1)).collect::<Dims>()
            }
        } else {
            let mut gone = vec![false; axes.len()];
            for &axis in &self.axes {
                let at = axis_index(cx, "axis", axis, axes.len())?;
                if axes[at].is_some_and(|length| length != 1) {
                    return Err(cx.wrong(&format!("axis {axis}"), "length 1", input.dims.to_string()));
                }
                gone[at] = true;
            }
            axes.iter().zip(&gone).filter(|(_, gone)| !**gone).map(|(&a, _)| a).collect::<Dims>()
        };
        Ok(vec![match input.ints() {
            Some(ints) => ValueInfo::of_ints(input.dtype, dims, ints),
            None => ValueInfo::new(input.dtype, dims),
        }])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        copy(run)
    }
    fn is_alias(&self) -> bool {
        true
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        Ok(vec![Some(cx.g.reshape_like(dy, cx.inputs[0])?)])
    }
}

/// `EnsureShape`: the value as it is, which has to have a shape like this.
#[derive(Clone, Debug)]
pub struct EnsureShape {
    /// What is known of the shape.
    pub dims: Dims,
}

impl Op for EnsureShape {
    fn name(&self) -> &'static str {
        "EnsureShape"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("shape", Attr::Shape(self.dims.clone()))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let input = cx.input(0)?;
        let dims = input.dims.merge(&self.dims);
        let dims = dims.ok_or_else(|| cx.wrong("input 0", self.dims.to_string(), input.dims.to_string()))?;
        Ok(vec![ValueInfo { dtype: input.dtype, dims, known: input.known.clone() }])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        copy(run)
    }
    fn is_alias(&self) -> bool {
        true
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![cx.upstream[0]])
    }
}

impl Graph {
    /// The same elements in another shape; one length may be -1.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the number of elements differs.
    pub fn reshape(&mut self, x: Value, lengths: &[i64]) -> Result<Value> {
        let shape = self.axes_constant(lengths)?;
        self.add_single(Reshape, &[x, shape])
    }

    /// The same elements in a shape given by an int32 or int64 vector.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the number of elements differs.
    pub fn reshape_to(&mut self, x: Value, shape: Value) -> Result<Value> {
        self.add_single(Reshape, &[x, shape])
    }

    /// The batch as it is, all other axes with these lengths (one of which may be -1).
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the number of elements differs.
    pub fn reshape_keeping_batch(&mut self, x: Value, lengths: &[i64]) -> Result<Value> {
        match self.dims(x).axes().and_then(|axes| axes.first().copied()) {
            Some(Some(batch)) => {
                let shape: Vec<i64> = std::iter::once(batch as i64).chain(lengths.iter().copied()).collect();
                self.reshape(x, &shape)
            }
            _ if !lengths.contains(&-1) => {
                let shape: Vec<i64> = std::iter::once(-1).chain(lengths.iter().copied()).collect();
                self.reshape(x, &shape)
            }
            _ => {
                let shape = self.shape_of(x)?;
                let batch = self.slice(shape, &[0], &[1])?;
                let rest = self.axes_constant(lengths)?;
                let shape = self.concat(&[batch, rest], 0)?;
                self.reshape_to(x, shape)
            }
        }
    }

    /// The lengths of the axes as an int32 vector.
    ///
    /// # Errors
    /// None at present.
    pub fn shape_of(&mut self, x: Value) -> Result<Value> {
        self.add_single(Shape(DType::I32), &[x])
    }

    /// The number of elements as an int32 scalar.
    ///
    /// # Errors
    /// None at present.
    pub fn size_of(&mut self, x: Value) -> Result<Value> {
        self.add_single(Size(DType::I32), &[x])
    }

    /// A new axis of length 1 before position `axis` (negative ones count from the end of the result).
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where there is no such position.
    pub fn expand_dims(&mut self, x: Value, axis: i64) -> Result<Value> {
        let axis = self.axis_constant(axis)?;
        self.add_single(ExpandDims, &[x, axis])
    }

    /// Without these axes of length 1, or without all of them where none is named.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where an axis has another length.
    pub fn squeeze(&mut self, x: Value, axes: &[i64]) -> Result<Value> {
        self.add_single(Squeeze { axes: axes.to_vec() }, &[x])
    }

    /// An int32 or int64 constant vector.
    ///
    /// # Errors
    /// None at present.
    pub fn ints(&mut self, values: &[i64]) -> Result<Value> {
        let shape = TensorShape::from([values.len()]);
        if values.iter().all(|&v| i32::try_from(v).is_ok()) {
            return self.constant(Tensor::from_vec(values.iter().map(|&v| v as i32).collect(), shape)?);
        }
        self.constant(Tensor::from_vec(values.to_vec(), shape)?)
    }
}
