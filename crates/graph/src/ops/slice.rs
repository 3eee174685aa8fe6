//! Taking parts of a value.

use std::sync::Arc;

use kerox_tensor::Shape;
use smallvec::SmallVec;

use super::declaration::Declaration;
use super::dispatch::{for_any, for_number};
use super::movement::ints_of;
use super::strided::{Signed, Steps, copy};
use crate::{Attr, Dim, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "Slice", signature: "input, begin, size -> output", build: |_| Ok(Arc::new(Slice)) },
    Declaration {
        name: "StridedSlice",
        signature: "input, begin, end, strides -> output",
        build: |a| {
            Ok(Arc::new(StridedSlice {
                begin_mask: a.int_or("begin_mask", 0)?,
                end_mask: a.int_or("end_mask", 0)?,
                ellipsis_mask: a.int_or("ellipsis_mask", 0)?,
                new_axis_mask: a.int_or("new_axis_mask", 0)?,
                shrink_axis_mask: a.int_or("shrink_axis_mask", 0)?,
            }))
        },
    },
];

/// `Slice(input, begin, size)`: `size` elements from `begin` on along each axis; -1 takes all that are left.
#[derive(Clone, Copy, Debug)]
pub struct Slice;

impl Op for Slice {
    fn name(&self) -> &'static str {
        "Slice"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("Index", Attr::Type(inputs[1].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        let input = cx.input(0)?;
        let (begin, size) = (cx.ints(1)?, cx.ints(2)?);
        let Some(axes) = input.dims.axes() else { return Ok(vec![ValueInfo::new(input.dtype, Dims::unknown())]) };
        let (Some(begin), Some(size)) = (begin, size) else {
            return Ok(vec![ValueInfo::new(input.dtype, Dims::of_rank(axes.len()))]);
        };
        let fail =
            || cx.wrong("begin and size", format!("a part of {}", input.dims), format!("{begin:?} and {size:?}"));
        if begin.len() != axes.len() || size.len() != axes.len() {
            return Err(fail());
        }
        let mut dims: Vec<Dim> = Vec::new();
        for i in 0..axes.len() {
            let length = axes[i].map(|a| a as i64);
            dims.push(match (begin[i], size[i], length) {
                (Some(b), _, Some(n)) if b < 0 || b > n => return Err(fail()),
                (_, Some(s), _) if s < -1 => return Err(fail()),
                (Some(b), Some(-1), Some(n)) => Some((n - b) as usize),
                (Some(b), Some(s), Some(n)) if s > n - b => return Err(fail()),
                (_, Some(-1), _) | (_, None, _) => None,
                (_, Some(s), _) => Some(s as usize),
            });
        }
        let dims: Dims = dims.into_iter().collect();
        if let (Some(ints), [_], Some(b), Some(shape)) = (input.ints(), axes, begin[0], dims.shape())
            && let Some(part) = ints.get(b as usize..b as usize + shape[0])
        {
            return Ok(vec![ValueInfo::of_ints(input.dtype, dims, part.to_vec())]);
        }
        Ok(vec![ValueInfo::new(input.dtype, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let begin = ints_of(&run.input(1))?;
        let output = &mut run.outputs[0];
        let shape = output.shape;
        let (start, steps) = (start_of(self.name(), &begin, shape, x.shape)?, x.shape.strides_signed());
        for_any!(output.dtype(), "Slice", T => {
            copy(shape, (x.slice::<T>()?, start, steps), (output.slice::<T>()?, 0, shape.strides_signed()));
            Ok(())
        })
    }
    fn reads(&self, input: usize) -> bool {
        input != 2
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let dx = cx.g.add_single(SliceGrad, &[dy, cx.inputs[0], cx.inputs[1]])?;
        Ok(vec![Some(dx), None, None])
    }
}

/// The first element of a part, whose place may be known only now.
fn start_of(op: &str, begin: &[i64], part: &Shape, whole: &Shape) -> Result<isize> {
    let fits = |((&begin, &part), &whole): ((&i64, &usize), &usize)| {
        usize::try_from(begin).is_ok_and(|begin| part.checked_add(begin).is_some_and(|end| end <= whole))
    };
    if begin.len() != whole.len() || part.len() != whole.len() || !begin.iter().zip(&part[..]).zip(&whole[..]).all(fits)
    {
        let [part, whole] = [part, whole].map(|shape| shape.iter().map(|&n| Some(n)).collect::<Dims>());
        let (expected, found) = (format!("a part of {whole}"), format!("{part} from {begin:?} on"));
        return Err(super::dispatch::argument(op, "", "begin and size", expected, found));
    }
    Ok(begin.iter().zip(&whole.strides_signed()).map(|(&begin, &step)| begin as isize * step).sum())
}

/// `_SliceGrad(dy, x, begin)`: `dy` at its place in zeros of the shape of `x`.
#[derive(Clone, Copy, Debug)]
pub struct SliceGrad;

impl Op for SliceGrad {
    fn name(&self) -> &'static str {
        "_SliceGrad"
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
        let begin = ints_of(&run.input(2))?;
        let output = &mut run.outputs[0];
        let (start, steps) = (start_of(self.name(), &begin, dy.shape, output.shape)?, output.shape.strides_signed());
        for_any!(output.dtype(), "_SliceGrad", T => {
            let out = output.slice::<T>()?;
            out.fill(T::default());
            copy(dy.shape, (dy.slice::<T>()?, 0, dy.shape.strides_signed()), (out, start, steps));
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let upstream = cx.upstream(0)?;
        let size = cx.g.shape_of(cx.inputs[0])?;
        Ok(vec![Some(cx.g.add_single(Slice, &[upstream, cx.inputs[2], size])?), None, None])
    }
}

/// `StridedSlice(input, begin, end, strides)`: Python's `x[a:b:c, ..., None, i]`. Bit `i` of a mask speaks of entry
/// `i` of the vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StridedSlice {
    /// Entries whose begin is left open.
    pub begin_mask: i64,
    /// Entries whose end is left open.
    pub end_mask: i64,
    /// The entry that stands for as many axes as are left.
    pub ellipsis_mask: i64,
    /// Entries that are a new axis of length 1.
    pub new_axis_mask: i64,
    /// Entries that are a single index, whose axis goes.
    pub shrink_axis_mask: i64,
}

/// One axis of the input, as a slice takes it: where it begins, its step, how many; and whether the axis stays.
struct Taken {
    begin: Option<i64>,
    step: i64,
    count: Dim,
}

/// What becomes of the axes: `Some(i)` is axis `i` of the input, `None` a new one.
type Layout = SmallVec<[Option<usize>; 8]>;

impl StridedSlice {
    /// Resolves the entries against a shape.
    fn resolve(
        &self,
        axes: &[Dim],
        begin: &[Option<i64>],
        end: &[Option<i64>],
        strides: &[i64],
    ) -> Result<(SmallVec<[Taken; 8]>, Layout), String> {
        let n = strides.len();
        let bit = |mask: i64, i: usize| i < 63 && mask >> i & 1 == 1;
        let named = (0..n).filter(|&i| !bit(self.new_axis_mask, i) && !bit(self.ellipsis_mask, i)).count();
        if named > axes.len() {
            return Err(format!("{named} entries"));
        }
        let mut taken: SmallVec<[Taken; 8]> = SmallVec::new();
        let mut layout = Layout::new();
        let mut seen_ellipsis = false;
        let whole = |taken: &mut SmallVec<[Taken; 8]>, layout: &mut Layout| {
            layout.push(Some(taken.len()));
            taken.push(Taken { begin: Some(0), step: 1, count: axes[taken.len()] });
        };
        for i in 0..n {
            if bit(self.ellipsis_mask, i) {
                if seen_ellipsis {
                    return Err("two ellipses".into());
                }
                seen_ellipsis = true;
                for _ in 0..axes.len() - named {
                    whole(&mut taken, &mut layout);
                }
                continue;
            }
            if bit(self.new_axis_mask, i) {
                layout.push(None);
                continue;
            }
            let length = axes[taken.len()].map(|a| a as i64);
            let step = strides[i];
            if step == 0 {
                return Err("a stride of 0".into());
            }
            if bit(self.shrink_axis_mask, i) {
                let index = match (begin[i], length) {
                    (Some(b), Some(n)) => {
                        let index = if b < 0 { b + n } else { b };
                        if index < 0 || index >= n {
                            return Err(format!("index {b} for length {n}"));
                        }
                        Some(index)
                    }
                    _ => None,
                };
                taken.push(Taken { begin: index, step: 1, count: Some(1) });
                continue;
            }
            layout.push(Some(taken.len()));
            taken.push(range((begin[i], bit(self.begin_mask, i)), (end[i], bit(self.end_mask, i)), step, length));
        }
        while taken.len() < axes.len() {
            whole(&mut taken, &mut layout);
        }
        Ok((taken, layout))
    }
}

/// Python's `begin:end:step` of an axis; a mask stands for an open side.
fn range(begin: (Option<i64>, bool), end: (Option<i64>, bool), step: i64, length: Option<i64>) -> Taken {
    let Some(n) = length else {
        // What is taken whole keeps its unknown length; what begins and ends at known places from the start may
        // still be cut short by the end of the axis.
        let open = begin.1 || begin.0 == Some(0);
        let begin = if open && step > 0 { Some(0) } else { None };
        return Taken { begin, step, count: None };
    };
    let limits = if step > 0 { (0, n) } else { (-1, n - 1) };
    let place = |(value, open): (Option<i64>, bool), default: i64| match value {
        _ if open => Some(default),
        Some(v) => Some((if v < 0 { v.saturating_add(n) } else { v }).clamp(limits.0, limits.1)),
        None => None,
    };
    let begin = place(begin, if step > 0 { 0 } else { n - 1 });
    let end = place(end, if step > 0 { n } else { -1 });
    let count = begin.zip(end).map(|(b, e)| {
        let span = if step > 0 { e - b } else { b - e };
        if span <= 0 { 0 } else { ((span - 1) / step.saturating_abs() + 1) as usize }
    });
    Taken { begin, step, count }
}

impl StridedSlice {
    fn of_run(&self, shape: &Shape, run: &Run<'_, '_>, first: usize) -> Result<(isize, Shape, Steps)> {
        let known = |i: usize| -> Result<SmallVec<[Option<i64>; 8]>> {
            Ok(ints_of(&run.input(i))?.into_iter().map(Some).collect())
        };
        let (begin, end, strides) = (known(first)?, known(first + 1)?, ints_of(&run.input(first + 2))?);
        let axes: SmallVec<[Dim; 8]> = shape.iter().map(|&a| Some(a)).collect();
        let (taken, _) = self.resolve(&axes, &begin, &end, &strides).map_err(|found| {
            super::dispatch::argument("StridedSlice", "", "slice", format!("a part of {shape}"), found)
        })?;
        let strides = shape.strides_signed();
        let start = taken.iter().zip(&strides).map(|(t, &s)| t.begin.unwrap_or(0) as isize * s).sum();
        let part = taken.iter().map(|t| t.count.unwrap_or(0)).collect();
        let steps = taken.iter().zip(&strides).map(|(t, &s)| t.step as isize * s).collect();
        Ok((start, part, steps))
    }
}

impl Op for StridedSlice {
    fn name(&self) -> &'static str {
        "StridedSlice"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("T", Attr::Type(inputs[0].dtype)),
            ("Index", Attr::Type(inputs[1].dtype)),
            ("begin_mask", Attr::Int(self.begin_mask)),
            ("end_mask", Attr::Int(self.end_mask)),
            ("ellipsis_mask", Attr::Int(self.ellipsis_mask)),
            ("new_axis_mask", Attr::Int(self.new_axis_mask)),
            ("shrink_axis_mask", Attr::Int(self.shrink_axis_mask)),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(4)?;
        let input = cx.input(0)?;
        let (begin, end, strides) = (cx.ints(1)?, cx.ints(2)?, cx.ints(3)?);
        let unknown = Ok(vec![ValueInfo::new(input.dtype, Dims::unknown())]);
        let Some(strides) = strides.and_then(|s| s.into_iter().collect::<Option<Vec<i64>>>()) else { return unknown };
        let n = strides.len();
        let (begin, end) = (begin.unwrap_or(vec![None; n]), end.unwrap_or(vec![None; n]));
        if begin.len() != n || end.len() != n {
            return Err(cx.wrong(
                "begin, end, strides",
                "vectors of one length",
                format!("{begin:?}, {end:?}, {strides:?}"),
            ));
        }
        let Some(axes) = input.dims.axes() else { return unknown };
        let (taken, layout) = self
            .resolve(axes, &begin, &end, &strides)
            .map_err(|found| cx.wrong("slice", format!("a part of {}", input.dims), found))?;
        let dims: Dims = layout.iter().map(|l| l.map_or(Some(1), |at| taken[at].count)).collect();
        if let (Some(ints), [t]) = (input.ints(), &taken[..])
            && let (Some(begin), Some(count)) = (t.begin, t.count)
        {
            let part = (0..count as i64).map(|i| ints.get((begin + i * t.step) as usize).copied().flatten());
            return Ok(vec![ValueInfo::of_ints(input.dtype, dims, part.collect())]);
        }
        Ok(vec![ValueInfo::new(input.dtype, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let (start, part, steps) = self.of_run(x.shape, run, 1)?;
        let output = &mut run.outputs[0];
        for_any!(output.dtype(), "StridedSlice", T => {
            copy(&part, (x.slice::<T>()?, start, steps), (output.slice::<T>()?, 0, part.strides_signed()));
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let mut inputs = vec![dy];
        inputs.extend_from_slice(cx.inputs);
        let dx = cx.g.add_single(StridedSliceGrad(*self), &inputs)?;
        Ok(vec![Some(dx), None, None, None])
    }
}

/// `_StridedSliceGrad(dy, x, begin, end, strides)`: `dy` at its place in zeros of the shape of `x`.
#[derive(Clone, Copy, Debug)]
pub struct StridedSliceGrad(
    /// The slice.
    pub StridedSlice,
);

impl Op for StridedSliceGrad {
    fn name(&self) -> &'static str {
        "_StridedSliceGrad"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(5)?;
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(1)?.clone())])
    }
    fn reads(&self, input: usize) -> bool {
        input != 1
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let dy = run.input(0);
        let (start, part, steps) = self.0.of_run(run.input(1).shape, run, 2)?;
        let output = &mut run.outputs[0];
        for_number!(output.dtype(), "_StridedSliceGrad", T => {
            use kerox_tensor::kernels::Number;
            let out = output.slice::<T>()?;
            out.fill(T::ZERO);
            copy(&part, (dy.slice::<T>()?, 0, part.strides_signed()), (out, start, steps));
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let upstream = cx.upstream(0)?;
        let part = cx.g.add_single(self.0, &[upstream, cx.inputs[2], cx.inputs[3], cx.inputs[4]])?;
        Ok(vec![Some(part), None, None, None, None])
    }
}

/// One entry of a Python slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// `begin:end:step`, each of which may be left open.
    Range(Option<i64>, Option<i64>, i64),
    /// A single index; the axis goes.
    At(i64),
    /// `None`: a new axis.
    New,
    /// `...`: as many axes as are left.
    Rest,
}

impl Index {
    /// `:`
    pub const ALL: Index = Index::Range(None, None, 1);
}

impl Graph {
    /// `size` elements from `begin` on along each axis; -1 takes all that are left.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the part lies outside.
    pub fn slice(&mut self, x: Value, begin: &[i64], size: &[i64]) -> Result<Value> {
        let (begin, size) = (self.axes_constant(begin)?, self.axes_constant(size)?);
        self.add_single(Slice, &[x, begin, size])
    }

    /// Python's `x[a:b:c, ..., None, i]`.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where an index lies outside or there are more entries than axes.
    ///
    /// # Example
    /// ```
    /// use kerox_graph::{Dims, Graph, ops::Index};
    /// use kerox_tensor::DType;
    /// let mut g = Graph::new();
    /// let x = g.placeholder("x", DType::F32, Dims::from([None, Some(7), Some(3)]))?;
    /// let last = g.strided_slice(x, &[Index::ALL, Index::At(-1)])?;
    /// assert_eq!(g.dims(last).to_string(), "(None, 3)");
    /// # Ok::<(), kerox_graph::Error>(())
    /// ```
    pub fn strided_slice(&mut self, x: Value, entries: &[Index]) -> Result<Value> {
        let mut op = StridedSlice::default();
        let (mut begin, mut end, mut strides) = (Vec::new(), Vec::new(), Vec::new());
        for (i, entry) in entries.iter().enumerate() {
            let bit = 1i64 << i.min(62);
            let (b, e, s) = match *entry {
                Index::Range(b, e, s) => {
                    op.begin_mask |= if b.is_none() { bit } else { 0 };
                    op.end_mask |= if e.is_none() { bit } else { 0 };
                    (b.unwrap_or(0), e.unwrap_or(0), s)
                }
                Index::At(i) => {
                    op.shrink_axis_mask |= bit;
                    (i, i.wrapping_add(1), 1)
                }
                Index::New => {
                    op.new_axis_mask |= bit;
                    (0, 0, 1)
                }
                Index::Rest => {
                    op.ellipsis_mask |= bit;
                    (0, 0, 1)
                }
            };
            begin.push(b);
            end.push(e);
            strides.push(s);
        }
        let (begin, end) = (self.axes_constant(&begin)?, self.axes_constant(&end)?);
        let strides = self.axes_constant(&strides)?;
        self.add_single(op, &[x, begin, end, strides])
    }
}
