//! Reductions: sums, means, extremes over axes.

use std::sync::Arc;

use kerox_tensor::kernels::reduce::{Reduce as Plan, Reduction};
use kerox_tensor::kernels::{Float, Number};
use kerox_tensor::{DType, Shape, Tensor};
use smallvec::SmallVec;

use super::declaration::Declaration;
use super::dispatch::{for_float, for_number};
use super::strided::{Signed, Steps, walk};
use crate::{Attr, Attrs, Dim, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo, View};

/// Which reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReduceKind {
    /// `Sum`
    Sum,
    /// `Mean`
    Mean,
    /// `Prod`
    Prod,
    /// `Max`
    Max,
    /// `Min`
    Min,
    /// `All`
    All,
    /// `Any`
    Any,
}

/// `Sum(input, axes)`, `Mean`, ...: reduces the elements along the axes; no axes reduce nothing.
#[derive(Clone, Copy, Debug)]
pub struct Reduce {
    /// Which reduction.
    pub kind: ReduceKind,
    /// Whether reduced axes stay with length 1.
    pub keep_dims: bool,
}

/// The axes to reduce as far as known: which axes of `rank` go.
fn gone(cx: &Infer<'_>, rank: usize) -> Result<Option<SmallVec<[bool; 8]>>> {
    let Some(axes) = cx.ints(1)? else { return Ok(None) };
    let mut gone: SmallVec<[bool; 8]> = SmallVec::from_elem(false, rank);
    for axis in axes {
        let Some(axis) = axis else { return Ok(None) };
        let index = if axis < 0 { axis + rank as i64 } else { axis };
        match usize::try_from(index).ok().and_then(|i| gone.get_mut(i)) {
            Some(g) => *g = true,
            None => return Err(cx.wrong("axes", format!("-{rank}..{rank}"), axis.to_string())),
        }
    }
    Ok(Some(gone))
}

/// The shape of the result.
pub(super) fn reduced_dims(cx: &Infer<'_>, keep_dims: bool) -> Result<Dims> {
    let Some(axes) = cx.dims(0)?.axes() else { return Ok(Dims::unknown()) };
    let Some(gone) = gone(cx, axes.len())? else {
        return Ok(if keep_dims { Dims::of_rank(axes.len()) } else { Dims::unknown() });
    };
    let kept = axes.iter().zip(&gone).filter(|&(_, &gone)| keep_dims || !gone);
    Ok(kept.map(|(&length, &gone)| if gone { Some(1) } else { length }).collect::<Dims>())
}

/// The axes given by an input, each once and counted from the start.
pub(super) fn axes_of(view: &View<'_>, rank: usize) -> Result<SmallVec<[i64; 8]>> {
    let mut axes: SmallVec<[i64; 8]> = match view.dtype() {
        Some(DType::I64) => view.slice::<i64>()?.iter().copied().collect(),
        _ => view.slice::<i32>()?.iter().map(|&a| i64::from(a)).collect(),
    };
    for axis in &mut axes {
        if *axis < 0 {
            *axis += rank as i64;
        }
    }
    axes.sort_unstable();
    axes.dedup();
    Ok(axes)
}

impl Op for Reduce {
    fn name(&self) -> &'static str {
        match self.kind {
            ReduceKind::Sum => "Sum",
            ReduceKind::Mean => "Mean",
            ReduceKind::Prod => "Prod",
            ReduceKind::Max => "Max",
            ReduceKind::Min => "Min",
            ReduceKind::All => "All",
            ReduceKind::Any => "Any",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let mut attrs = vec![("Tidx", Attr::Type(inputs[1].dtype)), ("keep_dims", Attr::Bool(self.keep_dims))];
        if !matches!(self.kind, ReduceKind::All | ReduceKind::Any) {
            attrs.push(("T", Attr::Type(inputs[0].dtype)));
        }
        attrs
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let input = cx.input(0)?;
        if matches!(self.kind, ReduceKind::All | ReduceKind::Any) {
            cx.of_dtype(0, DType::Bool)?;
        }
        let dims = reduced_dims(cx, self.keep_dims)?;
        if let (Some(ints), Some(1), true) =
            (input.ints(), input.dims.rank(), dims.shape().is_some_and(|s| s.elements() == 1))
        {
            let fold = |f: fn(i64, i64) -> Option<i64>, start: i64| ints.iter().try_fold(start, |a, &b| f(a, b?));
            let value = match self.kind {
                ReduceKind::Sum => fold(i64::checked_add, 0),
                ReduceKind::Prod => fold(i64::checked_mul, 1),
                ReduceKind::Max => fold(|a, b| Some(a.max(b)), i64::MIN),
                ReduceKind::Min => fold(|a, b| Some(a.min(b)), i64::MAX),
                _ => None,
            };
            if ints.len() != 1 || value.is_some() {
                return Ok(vec![ValueInfo::of_ints(input.dtype, dims, vec![value])]);
            }
        }
        Ok(vec![ValueInfo::new(input.dtype, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (x, axes) = (run.input(0), run.input(1));
        let axes = axes_of(&axes, x.shape.rank())?;
        let plan = Plan::new(x.shape, &axes)?;
        let output = &mut run.outputs[0];
        let reduction = match self.kind {
            ReduceKind::Sum => Reduction::Sum,
            ReduceKind::Mean => Reduction::Mean,
            ReduceKind::Prod => Reduction::Prod,
            ReduceKind::Max => Reduction::Max,
            ReduceKind::Min => Reduction::Min,
            ReduceKind::All => {
                plan.fold(x.slice::<bool>()?, output.slice::<bool>()?, true, |a, b| a & b);
                return Ok(());
            }
            ReduceKind::Any => {
                plan.fold(x.slice::<bool>()?, output.slice::<bool>()?, false, |a, b| a | b);
                return Ok(());
            }
        };
        for_number!(output.dtype(), self.name(), T => {
            plan.run(reduction, x.slice::<T>()?, output.slice::<T>()?);
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (x, axes, y) = (cx.inputs[0], cx.inputs[1], cx.outputs[0]);
        if !cx.g.dtype(x).is_float() {
            return Ok(vec![None, None]);
        }
        let dy = cx.upstream(0)?;
        let g = &mut *cx.g;
        let dx = match self.kind {
            ReduceKind::Sum | ReduceKind::Mean => {
                g.add_single(Spread { mean: self.kind == ReduceKind::Mean }, &[dy, x, axes])?
            }
            ReduceKind::Max | ReduceKind::Min | ReduceKind::Prod => {
                g.add_single(ReduceGrad { kind: self.kind }, &[dy, x, axes, y])?
            }
            ReduceKind::All | ReduceKind::Any => return Ok(vec![None, None]),
        };
        Ok(vec![Some(dx), None])
    }
}

/// Steps of a reduced array along the axes of the array it came from: 0 along those that went.
fn reduced_steps(shape: &Shape, axes: &[i64]) -> (Shape, Steps) {
    let kept: Shape = shape.iter().enumerate().map(|(i, &d)| if axes.contains(&(i as i64)) { 1 } else { d }).collect();
    let mut steps = kept.strides_signed();
    for &axis in axes {
        steps[axis as usize] = 0;
    }
    (kept, steps)
}

/// `_Spread(dy, x, axes)`: undoes a sum over axes by repeating, or a mean by also dividing.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// Whether to divide by the number of repetitions.
    pub mean: bool,
}

impl Op for Spread {
    fn name(&self) -> &'static str {
        "_Spread"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(1)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (dy, axes) = (run.input(0), run.input(2));
        let output = &mut run.outputs[0];
        let shape = output.shape;
        let axes = axes_of(&axes, shape.rank())?;
        let (_, steps) = reduced_steps(shape, &axes);
        let count: usize = axes.iter().map(|&a| shape[a as usize]).product();
        for_float!(output.dtype(), self.name(), T => {
            let dy = dy.slice::<T>()?;
            let out = output.slice::<T>()?;
            let scale = T::from_f64(if self.mean { 1.0 / count.max(1) as f64 } else { 1.0 });
            walk(shape, &[steps, shape.strides_signed()], [0; 2], |[from, to], n, step| {
                let out = &mut out[to as usize..to as usize + n];
                if step[0] == 0 {
                    out.fill(dy[from as usize] * scale);
                } else {
                    out.iter_mut().zip(&dy[from as usize..]).for_each(|(o, &d)| *o = d * scale);
                }
            });
            Ok(())
        })
    }
    fn reads(&self, input: usize) -> bool {
        input != 1
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (dy, axes) = (cx.inputs[0], cx.inputs[2]);
        let upstream = cx.upstream(0)?;
        let kind = if self.mean { ReduceKind::Mean } else { ReduceKind::Sum };
        let sum = cx.g.add_single(Reduce { kind, keep_dims: true }, &[upstream, axes])?;
        Ok(vec![Some(cx.g.reshape_like(sum, dy)?), None, None])
    }
}

/// `_ReduceGrad(dy, x, axes, y)`: the gradient of `Max`, `Min` (shared evenly among equals) and `Prod`.
#[derive(Clone, Copy, Debug)]
pub struct ReduceGrad {
    /// Which reduction.
    pub kind: ReduceKind,
}

impl Op for ReduceGrad {
    fn name(&self) -> &'static str {
        "_ReduceGrad"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(4)?;
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(1)?.clone())])
    }
    fn scratch(&self, _: &[&Shape], outputs: &[&Shape]) -> usize {
        // At most one number for each element of the reduced array, and as many zeros counted.
        2 * outputs[0].elements()
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (dy, x, axes, y) = (run.input(0), run.input(1), run.input(2), run.input(3));
        let output = &mut run.outputs[0];
        let shape = output.shape;
        let axes = axes_of(&axes, shape.rank())?;
        let (kept, steps) = reduced_steps(shape, &axes);
        let groups = kept.elements();
        let both = [steps, shape.strides_signed()];
        for_float!(output.dtype(), self.name(), T => {
            let (dy, x, y) = (dy.slice::<T>()?, x.slice::<T>()?, y.slice::<T>()?);
            let out = output.slice::<T>()?;
            if out.is_empty() {
                return Ok(());
            }
            let scratch = <T as kerox_tensor::Element>::slice_mut(run.scratch).map_or(&mut [][..], |v| &mut v[..]);
            let (counts, products) = scratch.split_at_mut(groups);
            counts.fill(T::ZERO);
            products[..groups].fill(T::ONE);
            let prod = self.kind == ReduceKind::Prod;
            walk(shape, &both, [0; 2], |[mut group, mut at], n, step| {
                for _ in 0..n {
                    let (g, value) = (group as usize, x[at as usize]);
                    if prod {
                        if value == T::ZERO { counts[g] += T::ONE } else { products[g] *= value }
                    } else if value == y[g] {
                        counts[g] += T::ONE;
                    }
                    group += step[0];
                    at += step[1];
                }
            });
            walk(shape, &both, [0; 2], |[mut group, mut at], n, step| {
                for _ in 0..n {
                    let (g, value) = (group as usize, x[at as usize]);
                    out[at as usize] = if prod {
                        // The product of all others: it is 0 where another one is.
                        let others = if counts[g] == T::ZERO {
                            products[g] / value
                        } else if counts[g] == T::ONE && value == T::ZERO {
                            products[g]
                        } else {
                            T::ZERO
                        };
                        dy[g] * others
                    } else if value == y[g] {
                        dy[g] / counts[g]
                    } else {
                        T::ZERO
                    };
                    group += step[0];
                    at += step[1];
                }
            });
            Ok(())
        })
    }
}

/// `ArgMax(input, axis)`, `ArgMin`: the position of the extreme along an axis, the first of equals.
#[derive(Clone, Copy, Debug)]
pub struct ArgExtreme {
    /// Whether the smallest is looked for.
    pub min: bool,
    /// Type of the positions: int32 or int64.
    pub output_type: DType,
}

impl Op for ArgExtreme {
    fn name(&self) -> &'static str {
        if self.min { "ArgMin" } else { "ArgMax" }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("T", Attr::Type(inputs[0].dtype)),
            ("Tidx", Attr::Type(inputs[1].dtype)),
            ("output_type", Attr::Type(self.output_type)),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let dims = reduced_dims(cx, false)?;
        if let (Some(axes), Some(kept)) = (cx.dims(0)?.axes(), dims.axes())
            && kept.len() + 1 != axes.len()
        {
            return Err(cx.wrong("axis", "one axis", format!("{} of shape {}", cx.dims(1)?, cx.dims(0)?)));
        }
        Ok(vec![ValueInfo::new(self.output_type, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let axis = axes_of(&run.input(1), x.shape.rank())?;
        let (outer, length, inner) = super::strided::around(x.shape, axis[0] as usize);
        let output = &mut run.outputs[0];
        if length == 0 && output.shape.elements() > 0 {
            return Err(super::dispatch::argument(self.name(), "", "input 0", "a non-empty axis", x.shape.to_string()));
        }
        let to_i32 = output.dtype() == DType::I32;
        for_number!(x.dtype().unwrap_or(DType::Variant), self.name(), T => {
            let x = x.slice::<T>()?;
            for o in 0..outer {
                for i in 0..inner {
                    let at = |k: usize| x[(o * length + k) * inner + i];
                    let mut best = 0;
                    for k in 1..length {
                        let better = if self.min { at(k) < at(best) } else { at(k) > at(best) };
                        if better {
                            best = k;
                        }
                    }
                    if to_i32 {
                        output.slice::<i32>()?[o * inner + i] = best as i32;
                    } else {
                        output.slice::<i64>()?[o * inner + i] = best as i64;
                    }
                }
            }
            Ok(())
        })
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None, None])
    }
}

/// `Cumsum(x, axis)` and `Cumprod`: running sums or products along an axis.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cumulative {
    /// Whether products are made.
    pub product: bool,
    /// Whether an element is left out of its own sum.
    pub exclusive: bool,
    /// Whether to run from the end.
    pub reverse: bool,
}

impl Op for Cumulative {
    fn name(&self) -> &'static str {
        if self.product { "Cumprod" } else { "Cumsum" }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![
            ("T", Attr::Type(inputs[0].dtype)),
            ("Tidx", Attr::Type(inputs[1].dtype)),
            ("exclusive", Attr::Bool(self.exclusive)),
            ("reverse", Attr::Bool(self.reverse)),
        ]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        if let Some(rank) = cx.dims(0)?.rank() {
            gone(cx, rank)?;
        }
        Ok(vec![ValueInfo::new(cx.dtype(0)?, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let axis = axes_of(&run.input(1), x.shape.rank())?;
        let (outer, length, inner) = super::strided::around(x.shape, axis[0] as usize);
        for_number!(run.dtype(), self.name(), T => {
            let (x, out) = (x.slice::<T>()?, run.outputs[0].slice::<T>()?);
            for o in 0..outer {
                for i in 0..inner {
                    let mut sum = if self.product { T::ONE } else { T::ZERO };
                    for k in 0..length {
                        let at = (o * length + if self.reverse { length - 1 - k } else { k }) * inner + i;
                        let next = if self.product { sum.times(x[at]) } else { sum.plus(x[at]) };
                        out[at] = if self.exclusive { sum } else { next };
                        sum = next;
                    }
                }
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let axis = cx.inputs[1];
        let (x, y) = (cx.inputs[0], cx.outputs[0]);
        let dy = cx.upstream(0)?;
        let sum = Cumulative { product: false, exclusive: self.exclusive, reverse: !self.reverse };
        let dx = if self.product {
            let product = cx.g.multiply(dy, y)?;
            let total = cx.g.add_single(sum, &[product, axis])?;
            cx.g.divide(total, x)?
        } else {
            cx.g.add_single(sum, &[dy, axis])?
        };
        Ok(vec![Some(dx), None])
    }
}

fn build(attrs: &Attrs, kind: ReduceKind) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Reduce { kind, keep_dims: attrs.bool_or("keep_dims", false)? }))
}

fn extreme(attrs: &Attrs, min: bool) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(ArgExtreme { min, output_type: attrs.dtype_or("output_type", DType::I64)? }))
}

fn cumulative(attrs: &Attrs, product: bool) -> Result<Arc<dyn Op>> {
    let (exclusive, reverse) = (attrs.bool_or("exclusive", false)?, attrs.bool_or("reverse", false)?);
    Ok(Arc::new(Cumulative { product, exclusive, reverse }))
}

macro_rules! entries {
    ($($name:literal $signature:literal $build:expr;)*) => {
        /// The table's entries of this family.
        pub(super) const OPS: &[Declaration] =
            &[$(Declaration { name: $name, signature: $signature, build: $build },)*];
    };
}
// A line expands to an entry of the table.
entries! {
    "Sum" "input, reduction_indices -> output" |a| build(a, ReduceKind::Sum);
    "Mean" "input, reduction_indices -> output" |a| build(a, ReduceKind::Mean);
    "Prod" "input, reduction_indices -> output" |a| build(a, ReduceKind::Prod);
    "Max" "input, reduction_indices -> output" |a| build(a, ReduceKind::Max);
    "Min" "input, reduction_indices -> output" |a| build(a, ReduceKind::Min);
    "All" "input, reduction_indices -> output" |a| build(a, ReduceKind::All);
    "Any" "input, reduction_indices -> output" |a| build(a, ReduceKind::Any);
    "ArgMax" "input, dimension -> output" |a| extreme(a, false);
    "ArgMin" "input, dimension -> output" |a| extreme(a, true);
    "Cumsum" "x, axis -> out" |a| cumulative(a, false);
    "Cumprod" "x, axis -> out" |a| cumulative(a, true);
}

macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident $kind:ident;)*) => {
        impl Graph {
            $(
                $(#[$doc])*
                /// Negative axes count from the end; no axes reduce nothing (see [`Graph::all_axes`]).
                ///
                /// # Errors
                /// [`crate::Error::Argument`] where there is no such axis.
                pub fn $method(&mut self, x: Value, axes: &[i64], keep_dims: bool) -> Result<Value> {
                    let axes = self.axes_constant(axes)?;
                    self.add_single(Reduce { kind: ReduceKind::$kind, keep_dims }, &[x, axes])
                }
            )*
        }
    };
}
// A line expands to one method of `Graph`: name, kind.
methods! {
    /// The sum over axes.
    reduce_sum Sum;
    /// The mean over axes.
    reduce_mean Mean;
    /// The product over axes.
    reduce_prod Prod;
    /// The largest along axes.
    reduce_max Max;
    /// The smallest along axes.
    reduce_min Min;
    /// Whether all along axes hold.
    reduce_all All;
    /// Whether any along axes holds.
    reduce_any Any;
}

impl Graph {
    /// All axes of a value, to reduce it to a scalar.
    ///
    /// # Errors
    /// [`crate::Error::UnknownShape`] where their number is not known.
    pub fn all_axes(&self, x: Value) -> Result<Vec<i64>> {
        let rank = self.dims(x).rank().ok_or_else(|| crate::Error::UnknownShape {
            op: "Sum".into(),
            node: self.node(x.node).name.clone(),
            found: self.dims(x).to_string(),
        })?;
        Ok((0..rank as i64).collect())
    }

    /// A vector of int32 for axes, shapes and the like.
    pub(crate) fn axes_constant(&mut self, axes: &[i64]) -> Result<Value> {
        let axes: Vec<i32> = axes.iter().map(|&a| i32::try_from(a).unwrap_or(i32::MAX)).collect();
        let n = axes.len();
        self.constant(Tensor::from_vec(axes, [n])?)
    }

    /// A scalar of int32 for an axis.
    pub(crate) fn axis_constant(&mut self, axis: i64) -> Result<Value> {
        self.constant(Tensor::scalar(i32::try_from(axis).unwrap_or(i32::MAX)))
    }

    /// Positions (int64) of the largest along an axis.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where there is no such axis.
    pub fn argmax(&mut self, x: Value, axis: i64) -> Result<Value> {
        let axis = self.axis_constant(axis)?;
        self.add_single(ArgExtreme { min: false, output_type: DType::I64 }, &[x, axis])
    }

    /// Positions (int64) of the smallest along an axis.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where there is no such axis.
    pub fn argmin(&mut self, x: Value, axis: i64) -> Result<Value> {
        let axis = self.axis_constant(axis)?;
        self.add_single(ArgExtreme { min: true, output_type: DType::I64 }, &[x, axis])
    }

    /// Running sums along an axis.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where there is no such axis.
    pub fn cumsum(&mut self, x: Value, axis: i64, exclusive: bool, reverse: bool) -> Result<Value> {
        let axis = self.axis_constant(axis)?;
        self.add_single(Cumulative { product: false, exclusive, reverse }, &[x, axis])
    }
}

/// The number of axes an axis argument may count from.
pub(super) fn axis_index(cx: &Infer<'_>, what: &str, axis: i64, rank: usize) -> Result<usize> {
    let index = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(index)
        .ok()
        .filter(|&i| i < rank)
        .ok_or_else(|| cx.wrong(what, format!("-{rank}..{rank}"), axis.to_string()))
}

/// Lengths with one axis replaced.
pub(super) fn with_axis(axes: &[Dim], axis: usize, length: Dim) -> Dims {
    axes.iter().enumerate().map(|(i, &a)| if i == axis { length } else { a }).collect()
}
