//! Transposing, reversing, repeating and padding.

use std::sync::Arc;

use kerox_tensor::{DType, Shape, Tensor};

use super::declaration::Declaration;
use super::dispatch::{argument, for_any, for_number};
use super::reduce::{axes_of, axis_index};
use super::strided::{Signed, Steps, copy, repeat, walk};
use crate::{Attr, Dim, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo, View};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "Transpose", signature: "x, perm -> y", build: |_| Ok(Arc::new(Transpose)) },
    Declaration { name: "ReverseV2", signature: "tensor, axis -> output", build: |_| Ok(Arc::new(Reverse)) },
    Declaration { name: "Tile", signature: "input, multiples -> output", build: |_| Ok(Arc::new(Tile)) },
    Declaration { name: "BroadcastTo", signature: "input, shape -> output", build: |_| Ok(Arc::new(BroadcastTo)) },
    Declaration {
        name: "Pad",
        signature: "input, paddings -> output",
        build: |_| Ok(Arc::new(Pad { mode: PadMode::Constant })),
    },
    Declaration {
        name: "PadV2",
        signature: "input, paddings, constant_values -> output",
        build: |_| Ok(Arc::new(Pad { mode: PadMode::Value })),
    },
    Declaration {
        name: "MirrorPad",
        signature: "input, paddings -> output",
        build: |a| {
            let mode =
                if a.string_or("mode", "REFLECT")? == "SYMMETRIC" { PadMode::Symmetric } else { PadMode::Reflect };
            Ok(Arc::new(Pad { mode }))
        },
    },
];

/// All elements of an integer input, which the graph must know.
fn all_ints(cx: &Infer<'_>, i: usize) -> Result<Option<Vec<i64>>> {
    Ok(cx.ints(i)?.and_then(|ints| ints.into_iter().collect()))
}

/// The integers of a small vector.
pub(super) fn ints_of(view: &View<'_>) -> Result<smallvec::SmallVec<[i64; 12]>> {
    Ok(match view.dtype() {
        Some(DType::I64) => view.slice::<i64>()?.iter().copied().collect(),
        _ => view.slice::<i32>()?.iter().map(|&a| i64::from(a)).collect(),
    })
}

/// `Transpose(x, perm)`: axis `i` of the result is axis `perm[i]` of `x`.
#[derive(Clone, Copy, Debug)]
pub struct Transpose;

impl Op for Transpose {
    fn name(&self) -> &'static str {
        "Transpose"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("Tperm", Attr::Type(inputs[1].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let input = cx.input(0)?;
        let rank = input.dims.rank().or(cx.dims(1)?.axes().and_then(|a| a.first().copied().flatten()));
        let Some(perm) = all_ints(cx, 1)? else {
            return Ok(vec![ValueInfo::new(input.dtype, rank.map_or(Dims::unknown(), Dims::of_rank))]);
        };
        let Some(axes) = input.dims.axes() else {
            return Ok(vec![ValueInfo::new(input.dtype, Dims::of_rank(perm.len()))]);
        };
        let mut seen = vec![false; axes.len()];
        let fail = || cx.wrong("perm", format!("each axis of {} once", input.dims), format!("{perm:?}"));
        if perm.len() != axes.len() {
            return Err(fail());
        }
        let mut dims: Vec<Dim> = Vec::new();
        for &p in &perm {
            let at = axis_index(cx, "perm", p, axes.len())?;
            if std::mem::replace(&mut seen[at], true) {
                return Err(fail());
            }
            dims.push(axes[at]);
        }
        Ok(vec![ValueInfo::new(input.dtype, dims.into_iter().collect::<Dims>())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let perm = ints_of(&run.input(1))?;
        let strides = x.shape.strides_signed();
        let rank = x.shape.rank() as i64;
        let steps: Steps = perm.iter().map(|&p| strides[(if p < 0 { p + rank } else { p }) as usize]).collect();
        let output = &mut run.outputs[0];
        let shape = output.shape;
        for_any!(output.dtype(), "Transpose", T => {
            transpose(shape, x.slice::<T>()?, steps, output.slice::<T>()?);
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let perm = cx.inputs[1];
        if let Some(known) = cx.g.info(perm).ints().and_then(|p| p.into_iter().collect::<Option<Vec<i64>>>()) {
            let rank = known.len() as i64;
            let mut inverse = vec![0i64; known.len()];
            for (i, &p) in known.iter().enumerate() {
                inverse[(if p < 0 { p + rank } else { p }) as usize] = i as i64;
            }
            return Ok(vec![Some(cx.g.transpose(dy, &inverse)?), None]);
        }
        let inverse = cx.g.add_single(super::index::InvertPermutation, &[perm])?;
        Ok(vec![Some(cx.g.add_single(Transpose, &[dy, inverse])?), None])
    }
}

/// Copies in the order of the output; exchanged inner axes go tile by tile, so that both sides use whole cache lines.
fn transpose<T: kerox_tensor::Element>(shape: &Shape, from: &[T], steps: Steps, to: &mut [T]) {
    const TILE: usize = 16;
    let rank = shape.rank();
    let inner = rank.checked_sub(2).filter(|&i| steps[i] == 1 && steps[i + 1] > 1);
    let Some(row_axis) = inner else {
        return copy(shape, (from, 0, steps), (to, 0, shape.strides_signed()));
    };
    let (rows, columns, step) = (shape[row_axis], shape[row_axis + 1], steps[row_axis + 1] as usize);
    let outer: Steps = steps[..row_axis].iter().copied().collect();
    let outer_to: Steps = shape.strides_signed()[..row_axis].iter().copied().collect();
    walk(&shape[..row_axis], &[outer, outer_to], [0; 2], |[mut a, mut b], n, s| {
        for _ in 0..n {
            for row in (0..rows).step_by(TILE) {
                for column in (0..columns).step_by(TILE) {
                    for r in row..(row + TILE).min(rows) {
                        for c in column..(column + TILE).min(columns) {
                            to[b as usize + r * columns + c].clone_from(&from[a as usize + r + c * step]);
                        }
                    }
                }
            }
            a += s[0];
            b += s[1];
        }
    });
}

/// `ReverseV2(tensor, axes)`.
#[derive(Clone, Copy, Debug)]
pub struct Reverse;

impl Op for Reverse {
    fn name(&self) -> &'static str {
        "ReverseV2"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("Tidx", Attr::Type(inputs[1].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        if let (Some(rank), Some(axes)) = (cx.dims(0)?.rank(), all_ints(cx, 1)?) {
            for axis in axes {
                axis_index(cx, "axis", axis, rank)?;
            }
        }
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let axes = axes_of(&run.input(1), x.shape.rank())?;
        let mut steps = x.shape.strides_signed();
        let mut start = 0;
        for &axis in &axes {
            let axis = axis as usize;
            start += steps[axis] * (x.shape[axis] as isize - 1);
            steps[axis] = -steps[axis];
        }
        let output = &mut run.outputs[0];
        let shape = output.shape;
        for_any!(output.dtype(), "ReverseV2", T => {
            copy(shape, (x.slice::<T>()?, start, steps), (output.slice::<T>()?, 0, shape.strides_signed()));
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        Ok(vec![Some(cx.g.add_single(Reverse, &[dy, cx.inputs[1]])?), None])
    }
}

/// `Tile(input, multiples)`: the input repeated along each axis.
#[derive(Clone, Copy, Debug)]
pub struct Tile;

/// The axes of a repeated array, each split into repetition and length, and the steps within the input.
fn tiled(shape: &Shape, multiples: &[i64]) -> (Shape, Steps) {
    let strides = shape.strides_signed();
    let (mut split, mut steps) = (Shape::scalar(), Steps::new());
    for (i, &length) in shape.iter().enumerate() {
        split.push(multiples[i] as usize);
        steps.push(0);
        split.push(length);
        steps.push(strides[i]);
    }
    (split, steps)
}

impl Op for Tile {
    fn name(&self) -> &'static str {
        "Tile"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("Tmultiples", Attr::Type(inputs[1].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let input = cx.input(0)?;
        let Some(axes) = input.dims.axes() else { return Ok(vec![ValueInfo::new(input.dtype, Dims::unknown())]) };
        let Some(multiples) = cx.ints(1)? else {
            return Ok(vec![ValueInfo::new(input.dtype, Dims::of_rank(axes.len()))]);
        };
        if multiples.len() != axes.len() || multiples.iter().flatten().any(|&m| m < 0) {
            return Err(cx.wrong(
                "multiples",
                format!("a number of at least 0 for each axis of {}", input.dims),
                format!("{multiples:?}"),
            ));
        }
        let dims = axes.iter().zip(&multiples).map(|(&a, &m)| match (a, m) {
            (Some(0), _) | (_, Some(0)) => Ok(Some(0)),
            (Some(a), Some(m)) => {
                let length = a.checked_mul(m as usize).filter(|&l| l <= isize::MAX as usize);
                length.map(Some).ok_or_else(|| cx.wrong("multiples", "lengths that fit memory", m.to_string()))
            }
            _ => Ok(None),
        });
        Ok(vec![ValueInfo::new(input.dtype, dims.collect::<Result<Dims>>()?)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let (split, steps) = tiled(x.shape, &ints_of(&run.input(1))?);
        let output = &mut run.outputs[0];
        for_any!(output.dtype(), "Tile", T => {
            copy(&split, (x.slice::<T>()?, 0, steps), (output.slice::<T>()?, 0, split.strides_signed()));
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        Ok(vec![Some(cx.g.add_single(TileGrad, &[dy, cx.inputs[0], cx.inputs[1]])?), None])
    }
}

/// `_TileGrad(dy, x, multiples)`: sums over the repetitions.
#[derive(Clone, Copy, Debug)]
pub struct TileGrad;

impl Op for TileGrad {
    fn name(&self) -> &'static str {
        "_TileGrad"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(1)?.clone())])
    }
    fn reads(&self, input: usize) -> bool {
        input != 1
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let dy = run.input(0);
        let (split, steps) = tiled(run.input(1).shape, &ints_of(&run.input(2))?);
        let from = split.strides_signed();
        for_number!(run.dtype(), "_TileGrad", T => {
            use kerox_tensor::kernels::Number;
            let (dy, dx) = (dy.slice::<T>()?, run.outputs[0].slice::<T>()?);
            dx.fill(T::ZERO);
            walk(&split, &[from, steps], [0; 2], |[mut a, mut b], n, s| {
                for _ in 0..n {
                    dx[b as usize] = dx[b as usize].plus(dy[a as usize]);
                    a += s[0];
                    b += s[1];
                }
            });
            Ok(())
        })
    }
}

/// `BroadcastTo(input, shape)`: the input repeated to fill a shape, by numpy's rules.
#[derive(Clone, Copy, Debug)]
pub struct BroadcastTo;

impl Op for BroadcastTo {
    fn name(&self) -> &'static str {
        "BroadcastTo"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("Tidx", Attr::Type(inputs[1].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let input = cx.input(0)?;
        let Some(target) = dims_of(cx, 1)? else { return Ok(vec![ValueInfo::new(input.dtype, Dims::unknown())]) };
        let fits = match (input.dims.axes(), target.axes()) {
            (Some(from), Some(to)) => {
                from.len() <= to.len()
                    && from
                        .iter()
                        .rev()
                        .zip(to.iter().rev())
                        .all(|(f, t)| *f == Some(1) || f.is_none() || t.is_none() || f == t)
            }
            _ => true,
        };
        if !fits {
            return Err(cx.wrong("shape", format!("one that {} broadcasts to", input.dims), target.to_string()));
        }
        Ok(vec![ValueInfo::new(input.dtype, target)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let output = &mut run.outputs[0];
        let shape = output.shape;
        let steps = repeat(x.shape, shape);
        for_any!(output.dtype(), "BroadcastTo", T => {
            copy(shape, (x.slice::<T>()?, 0, steps), (output.slice::<T>()?, 0, shape.strides_signed()));
            Ok(())
        })
    }
    fn reads(&self, input: usize) -> bool {
        input == 0
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        Ok(vec![Some(cx.g.add_single(super::like::SumToLike, &[dy, cx.inputs[0]])?), None])
    }
}

/// The shape an integer vector stands for, as far as known.
pub(super) fn dims_of(cx: &Infer<'_>, i: usize) -> Result<Option<Dims>> {
    let Some(lengths) = cx.ints(i)? else {
        let rank = cx.dims(i)?.axes().and_then(|axes| axes.first().copied().flatten());
        return Ok(rank.map(Dims::of_rank));
    };
    let dims = lengths.iter().map(|length| match length {
        Some(length) => usize::try_from(*length)
            .map(Some)
            .map_err(|_| cx.wrong(&format!("input {i}"), "lengths of at least 0", length.to_string())),
        None => Ok(None),
    });
    let dims = dims.collect::<Result<Dims>>()?;
    if let Some(shape) = dims.shape() {
        shape.checked_elements()?;
    }
    Ok(Some(dims))
}

/// What padding is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadMode {
    /// 0 (`Pad`).
    Constant,
    /// The third input (`PadV2`).
    Value,
    /// The elements mirrored at the outermost one (`MirrorPad`).
    Reflect,
    /// The elements mirrored at the edge.
    Symmetric,
}

impl PadMode {
    fn is_mirror(self) -> bool {
        matches!(self, PadMode::Reflect | PadMode::Symmetric)
    }
}

/// `Pad(input, paddings)`, `PadV2(input, paddings, value)`, `MirrorPad(input, paddings)`: elements before and after
/// along each axis.
#[derive(Clone, Copy, Debug)]
pub struct Pad {
    /// What padding is filled with.
    pub mode: PadMode,
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        match self.mode {
            PadMode::Constant => "Pad",
            PadMode::Value => "PadV2",
            PadMode::Reflect | PadMode::Symmetric => "MirrorPad",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let mut attrs = vec![("T", Attr::Type(inputs[0].dtype)), ("Tpaddings", Attr::Type(inputs[1].dtype))];
        match self.mode {
            PadMode::Constant | PadMode::Value => {}
            PadMode::Reflect => attrs.push(("mode", Attr::String(b"REFLECT".to_vec()))),
            PadMode::Symmetric => attrs.push(("mode", Attr::String(b"SYMMETRIC".to_vec()))),
        }
        attrs
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let input = cx.input(0)?;
        cx.arity(if self.mode == PadMode::Value { 3 } else { 2 })?;
        if self.mode == PadMode::Value {
            cx.of_dtype(2, input.dtype)?;
        }
        let rank = input.dims.rank().or(cx.dims(1)?.axes().and_then(|a| a.first().copied().flatten()));
        let (Some(axes), Some(paddings)) = (input.dims.axes(), all_ints(cx, 1)?) else {
            return Ok(vec![ValueInfo::new(input.dtype, rank.map_or(Dims::unknown(), Dims::of_rank))]);
        };
        let fail = |found: String| {
            cx.wrong("paddings", format!("two numbers of at least 0 for each axis of {}", input.dims), found)
        };
        if paddings.len() != 2 * axes.len() {
            return Err(fail(format!("{} numbers", paddings.len())));
        }
        let mut dims: Vec<Dim> = Vec::new();
        for (i, &axis) in axes.iter().enumerate() {
            let (before, after) = (paddings[2 * i], paddings[2 * i + 1]);
            let limit = axis.map(|a| match self.mode {
                PadMode::Constant | PadMode::Value => i64::MAX,
                PadMode::Reflect => a as i64 - 1,
                PadMode::Symmetric => a as i64,
            });
            // Nothing is mirrored where nothing is added: an empty batch stays one.
            if before < 0 || after < 0 || limit.is_some_and(|l| before.max(after) > l.max(0)) {
                return Err(fail(format!("{before} and {after} for axis {i}")));
            }
            let sum = axis.map(|a| (a as u128 + before as u128 + after as u128).min(u128::from(u64::MAX)));
            dims.push(match sum {
                Some(length) if length > isize::MAX as u128 => return Err(fail(format!("{before} and {after}"))),
                Some(length) => Some(length as usize),
                None => None,
            });
        }
        Ok(vec![ValueInfo::new(input.dtype, dims.into_iter().collect::<Dims>())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let paddings = ints_of(&run.input(1))?;
        let value = if self.mode == PadMode::Value { Some(run.input(2)) } else { None };
        let output = &mut run.outputs[0];
        let shape = output.shape;
        let steps = shape.strides_signed();
        let start: isize = (0..shape.rank()).map(|i| paddings[2 * i] as isize * steps[i]).sum();
        for_any!(output.dtype(), self.name(), T => {
            let out = output.slice::<T>()?;
            if !self.mode.is_mirror() {
                let value = match value {
                    Some(value) => value.slice::<T>()?.first().cloned().unwrap_or_default(),
                    None => T::default(),
                };
                if out.len() != x.shape.elements() {
                    out.fill(value);
                }
                copy(x.shape, (x.slice::<T>()?, 0, x.shape.strides_signed()), (out, start, steps));
                return Ok(());
            }
            let x_data = x.slice::<T>()?;
            for (i, o) in out.iter_mut().enumerate() {
                o.clone_from(&x_data[self.mirrored(i, x.shape, shape, &paddings)]);
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let (x, paddings) = (cx.inputs[0], cx.inputs[1]);
        let dx = cx.g.add_single(Unpad { mode: self.mode }, &[dy, x, paddings])?;
        let mut gradients = vec![Some(dx), None];
        if cx.inputs.len() == 3 {
            let axes = cx.g.all_axes(dy)?;
            let total = cx.g.reduce_sum(dy, &axes, false)?;
            let inside = cx.g.reduce_sum(dx, &axes, false)?;
            gradients.push(Some(cx.g.subtract(total, inside)?));
        }
        Ok(gradients)
    }
}

impl Pad {
    /// Where element `i` of the padded array comes from.
    fn mirrored(&self, mut i: usize, from: &Shape, to: &Shape, paddings: &[i64]) -> usize {
        let edge = i64::from(self.mode == PadMode::Symmetric);
        let (mut at, mut stride) = (0, 1);
        for axis in (0..to.rank()).rev() {
            let length = from[axis] as i64;
            let mut position = (i % to[axis]) as i64 - paddings[2 * axis];
            i /= to[axis];
            if position < 0 {
                position = -position - edge;
            } else if position >= length {
                position = 2 * length - 2 + edge - position;
            }
            at += position as usize * stride;
            stride *= from[axis];
        }
        at
    }
}

/// `_Unpad(dy, x, paddings)`: the gradient of padding.
#[derive(Clone, Copy, Debug)]
pub struct Unpad {
    /// What padding was filled with.
    pub mode: PadMode,
}

impl Op for Unpad {
    fn name(&self) -> &'static str {
        "_Unpad"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(1)?.clone())])
    }
    fn reads(&self, input: usize) -> bool {
        input != 1
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let dy = run.input(0);
        let paddings = ints_of(&run.input(2))?;
        let output = &mut run.outputs[0];
        let shape = output.shape;
        let steps = dy.shape.strides_signed();
        let start: isize = (0..shape.rank()).map(|i| paddings[2 * i] as isize * steps[i]).sum();
        for_number!(output.dtype(), self.name(), T => {
            use kerox_tensor::kernels::Number;
            let (from, out) = (dy.slice::<T>()?, output.slice::<T>()?);
            if !self.mode.is_mirror() {
                copy(shape, (from, start, steps), (out, 0, shape.strides_signed()));
                return Ok(());
            }
            out.fill(T::ZERO);
            let pad = Pad { mode: self.mode };
            for (i, &d) in from.iter().enumerate() {
                let at = pad.mirrored(i, shape, dy.shape, &paddings);
                out[at] = out[at].plus(d);
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let upstream = cx.upstream(0)?;
        if self.mode.is_mirror() {
            return Err(crate::Error::NoGradient { op: self.name().into(), node: cx.node_name().into() });
        }
        let padded = cx.g.add_single(Pad { mode: PadMode::Constant }, &[upstream, cx.inputs[2]])?;
        Ok(vec![Some(padded), None, None])
    }
}

impl Graph {
    /// Axis `i` of the result is axis `perm[i]` of `x`.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where `perm` does not name each axis once.
    pub fn transpose(&mut self, x: Value, perm: &[i64]) -> Result<Value> {
        let perm = self.axes_constant(perm)?;
        self.add_single(Transpose, &[x, perm])
    }

    /// Reversed along these axes.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where there is no such axis.
    pub fn reverse(&mut self, x: Value, axes: &[i64]) -> Result<Value> {
        let axes = self.axes_constant(axes)?;
        self.add_single(Reverse, &[x, axes])
    }

    /// Repeated along each axis.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where there is not a number for each axis.
    pub fn tile(&mut self, x: Value, multiples: &[i64]) -> Result<Value> {
        let multiples = self.axes_constant(multiples)?;
        self.add_single(Tile, &[x, multiples])
    }

    /// Repeated to fill a shape, by numpy's rules.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where `x` does not broadcast to it.
    pub fn broadcast_to(&mut self, x: Value, shape: Value) -> Result<Value> {
        self.add_single(BroadcastTo, &[x, shape])
    }

    /// Zeros before and after along each axis.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where there is not a pair for each axis.
    pub fn pad(&mut self, x: Value, paddings: &[(i64, i64)]) -> Result<Value> {
        let paddings = self.paddings(paddings)?;
        self.add_single(Pad { mode: PadMode::Constant }, &[x, paddings])
    }

    /// Mirrored elements before and after along each axis.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where there is not a pair for each axis, or it is longer than the axis.
    pub fn mirror_pad(&mut self, x: Value, paddings: &[(i64, i64)], mode: PadMode) -> Result<Value> {
        let paddings = self.paddings(paddings)?;
        self.add_single(Pad { mode }, &[x, paddings])
    }

    fn paddings(&mut self, paddings: &[(i64, i64)]) -> Result<Value> {
        let flat: Option<Vec<i32>> =
            paddings.iter().flat_map(|&(a, b)| [a, b]).map(|p| i32::try_from(p).ok()).collect();
        let flat = flat.ok_or_else(|| argument("Pad", "", "paddings", "int32", format!("{paddings:?}")))?;
        self.constant(Tensor::from_vec(flat, [paddings.len(), 2])?)
    }
}
