//! Comparisons, logic and choices, element by element with numpy broadcasting.

use std::sync::Arc;

use kerox_tensor::kernels::Float;
use kerox_tensor::kernels::binary::{Comparison, compare};
use kerox_tensor::kernels::broadcast::Broadcast;
use kerox_tensor::{DType, Element, Shape};

use super::binary::broadcast_dims;
use super::declaration::Declaration;
use super::dispatch::{for_any, for_float, for_number};
use super::strided::{Signed, repeat, walk};
use crate::{Attr, Data, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// `Equal`, `Less`, ...: two values compared element by element.
#[derive(Clone, Copy, Debug)]
pub struct Compare(pub Comparison);

impl Op for Compare {
    fn name(&self) -> &'static str {
        match self.0 {
            Comparison::Equal => "Equal",
            Comparison::NotEqual => "NotEqual",
            Comparison::Less => "Less",
            Comparison::LessEqual => "LessEqual",
            Comparison::Greater => "Greater",
            Comparison::GreaterEqual => "GreaterEqual",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        cx.same_dtype()?;
        Ok(vec![ValueInfo::new(DType::Bool, broadcast_dims(cx)?)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (a, b) = (run.input(0), run.input(1));
        let dtype = a.dtype().unwrap_or(DType::Variant);
        let plan = Broadcast::new([&a.shape[..], &b.shape[..]])?;
        let out = run.outputs[0].slice::<bool>()?;
        match dtype {
            DType::Bool => compare(self.0, &plan, a.slice::<bool>()?, b.slice::<bool>()?, out),
            DType::String => {
                let (a, b) = (refs(a.slice::<Vec<u8>>()?), refs(b.slice::<Vec<u8>>()?));
                compare(self.0, &plan, &a, &b, out);
            }
            _ => for_number!(dtype, self.name(), T => {
                compare(self.0, &plan, a.slice::<T>()?, b.slice::<T>()?, out);
                Ok::<(), crate::Error>(())
            })?,
        }
        Ok(())
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None, None])
    }
}

fn refs(strings: &[Vec<u8>]) -> Vec<&[u8]> {
    strings.iter().map(Vec::as_slice).collect()
}

/// Which logical operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogicalKind {
    /// `LogicalAnd`
    And,
    /// `LogicalOr`
    Or,
}

/// `LogicalAnd`, `LogicalOr`.
#[derive(Clone, Copy, Debug)]
pub struct Logical(pub LogicalKind);

impl Op for Logical {
    fn name(&self) -> &'static str {
        if self.0 == LogicalKind::And { "LogicalAnd" } else { "LogicalOr" }
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        cx.of_dtype(0, DType::Bool)?;
        cx.of_dtype(1, DType::Bool)?;
        Ok(vec![ValueInfo::new(DType::Bool, broadcast_dims(cx)?)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (a, b) = (run.input(0), run.input(1));
        let plan = Broadcast::new([&a.shape[..], &b.shape[..]])?;
        let (a, b, out) = (a.slice::<bool>()?, b.slice::<bool>()?, run.outputs[0].slice::<bool>()?);
        match self.0 {
            LogicalKind::And => plan.map2(a, b, out, |a, b| a & b),
            LogicalKind::Or => plan.map2(a, b, out, |a, b| a | b),
        }
        Ok(())
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None, None])
    }
}

/// `LogicalNot`.
#[derive(Clone, Copy, Debug)]
pub struct LogicalNot;

impl Op for LogicalNot {
    fn name(&self) -> &'static str {
        "LogicalNot"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        cx.of_dtype(0, DType::Bool)?;
        Ok(vec![ValueInfo::new(DType::Bool, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0).slice::<bool>()?;
        run.outputs[0].slice::<bool>()?.iter_mut().zip(x).for_each(|(o, &x)| *o = !x);
        Ok(())
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }
}

/// What kind of number is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberKind {
    /// `IsNan`
    Nan,
    /// `IsInf`
    Inf,
    /// `IsFinite`
    Finite,
}

/// `IsNan`, `IsInf`, `IsFinite`.
#[derive(Clone, Copy, Debug)]
pub struct IsNumber(pub NumberKind);

impl Op for IsNumber {
    fn name(&self) -> &'static str {
        match self.0 {
            NumberKind::Nan => "IsNan",
            NumberKind::Inf => "IsInf",
            NumberKind::Finite => "IsFinite",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        cx.float(0)?;
        Ok(vec![ValueInfo::new(DType::Bool, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let out = run.outputs[0].slice::<bool>()?;
        for_float!(x.dtype().unwrap_or(DType::Variant), self.name(), T => {
            for (o, &x) in out.iter_mut().zip(x.slice::<T>()?) {
                let x = x.to_f64();
                *o = match self.0 {
                    NumberKind::Nan => x.is_nan(),
                    NumberKind::Inf => x.is_infinite(),
                    NumberKind::Finite => x.is_finite(),
                };
            }
            Ok(())
        })
    }
    fn gradient(&self, _: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![None])
    }
}

/// `SelectV2(condition, t, e)`: `t` where the condition holds, `e` elsewhere, all broadcast. `Select`, the older
/// form, takes a vector for the condition that chooses whole rows.
#[derive(Clone, Copy, Debug)]
pub struct Select {
    /// Whether a vector as condition chooses rows (`Select`) instead of being broadcast (`SelectV2`).
    pub rows: bool,
}

impl Op for Select {
    fn name(&self) -> &'static str {
        if self.rows { "Select" } else { "SelectV2" }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[1].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(3)?;
        cx.of_dtype(0, DType::Bool)?;
        let dtype = cx.dtype(1)?;
        cx.of_dtype(2, dtype)?;
        let (c, t, e) = (cx.dims(0)?, cx.dims(1)?, cx.dims(2)?);
        let fail = || cx.wrong("inputs", "shapes that go together", format!("{c}, {t} and {e}"));
        if self.rows {
            return Ok(vec![ValueInfo::new(dtype, t.merge(e).ok_or_else(fail)?)]);
        }
        let dims = t.broadcast(e).and_then(|d| d.broadcast(c)).ok_or_else(fail)?;
        if let (Some(&[Some(c)]), Some(t), Some(e)) = (
            cx.input(0)?.tensor().and_then(|c| c.as_slice::<bool>().ok()).map(|c| [c.first().copied()]).as_ref(),
            cx.input(1)?.ints(),
            cx.input(2)?.ints(),
        ) && cx.dims(0)?.rank() == Some(0)
            && t.len() == e.len()
        {
            return Ok(vec![ValueInfo::of_ints(dtype, dims, if c { t } else { e })]);
        }
        Ok(vec![ValueInfo::new(dtype, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (c, t, e) = (run.input(0), run.input(1), run.input(2));
        let condition = c.slice::<bool>()?;
        let output = &mut run.outputs[0];
        let shape = output.shape;
        if matches!(t.data, Data::ShapeOnly) || matches!(e.data, Data::ShapeOnly) {
            return Err(super::dispatch::unsupported(self.name(), DType::Variant));
        }
        for_any!(output.dtype(), self.name(), T => {
            let (t_data, e_data) = (t.slice::<T>()?, e.slice::<T>()?);
            let out = output.slice::<T>()?;
            if self.rows && c.shape.rank() == 1 && shape.rank() > 1 {
                let row = out.len() / condition.len().max(1);
                for (i, &c) in condition.iter().enumerate() {
                    let range = i * row..(i + 1) * row;
                    out[range.clone()].clone_from_slice(if c { &t_data[range] } else { &e_data[range] });
                }
                return Ok(());
            }
            select(condition, t_data, e_data, out, shape, [c.shape, t.shape, e.shape]);
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (c, t, e) = (cx.inputs[0], cx.inputs[1], cx.inputs[2]);
        let dy = cx.upstream(0)?;
        let g = &mut *cx.g;
        let zero = if self.rows { g.zeros_like(dy)? } else { g.number(0.0, g.dtype(t))? };
        let dt = g.add_single(Select { rows: self.rows }, &[c, dy, zero])?;
        let de = g.add_single(Select { rows: self.rows }, &[c, zero, dy])?;
        Ok(vec![None, Some(g.sum_to_like(dt, t)?), Some(g.sum_to_like(de, e)?)])
    }
}

fn select<T: Element>(
    condition: &[bool],
    t: &[T],
    e: &[T],
    out: &mut [T],
    shape: &Shape,
    [c_shape, t_shape, e_shape]: [&Shape; 3],
) {
    // A choice that lies on the condition alone reads two equal shapes side by side.
    if condition.len() == out.len() && t.len() == out.len() && e.len() == out.len() {
        for (((o, &c), t), e) in out.iter_mut().zip(condition).zip(t).zip(e) {
            o.clone_from(if c { t } else { e });
        }
        return;
    }
    let steps = [shape.strides_signed(), repeat(c_shape, shape), repeat(t_shape, shape), repeat(e_shape, shape)];
    walk(shape, &steps, [0; 4], |[mut o, mut c, mut t_at, mut e_at], n, steps| {
        for _ in 0..n {
            let source = if condition[c as usize] { &t[t_at as usize] } else { &e[e_at as usize] };
            out[o as usize].clone_from(source);
            o += steps[0];
            c += steps[1];
            t_at += steps[2];
            e_at += steps[3];
        }
    });
}

macro_rules! entries {
    ($($name:literal $signature:literal $op:expr;)*) => {
        /// The table's entries of this family.
        pub(super) const OPS: &[Declaration] =
            &[$(Declaration { name: $name, signature: $signature, build: |_| Ok(Arc::new($op)) },)*];
    };
}
// A line expands to an entry of the table.
entries! {
    "Equal" "x, y -> z" Compare(Comparison::Equal);
    "NotEqual" "x, y -> z" Compare(Comparison::NotEqual);
    "Less" "x, y -> z" Compare(Comparison::Less);
    "LessEqual" "x, y -> z" Compare(Comparison::LessEqual);
    "Greater" "x, y -> z" Compare(Comparison::Greater);
    "GreaterEqual" "x, y -> z" Compare(Comparison::GreaterEqual);
    "LogicalAnd" "x, y -> z" Logical(LogicalKind::And);
    "LogicalOr" "x, y -> z" Logical(LogicalKind::Or);
    "LogicalNot" "x -> y" LogicalNot;
    "IsNan" "x -> y" IsNumber(NumberKind::Nan);
    "IsInf" "x -> y" IsNumber(NumberKind::Inf);
    "IsFinite" "x -> y" IsNumber(NumberKind::Finite);
    "SelectV2" "condition, t, e -> output" Select { rows: false };
    "Select" "condition, t, e -> output" Select { rows: true };
}

macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident($($arg:ident),*) $op:expr;)*) => {
        impl Graph {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// [`crate::Error::Argument`] where types differ or shapes do not go together.
                pub fn $method(&mut self, $($arg: Value),*) -> Result<Value> {
                    self.add_single($op, &[$($arg),*])
                }
            )*
        }
    };
}
// A line expands to one method of `Graph`.
methods! {
    /// `a = b`, with broadcasting.
    equal(a, b) Compare(Comparison::Equal);
    /// `a ≠ b`, with broadcasting.
    not_equal(a, b) Compare(Comparison::NotEqual);
    /// `a < b`, with broadcasting.
    less(a, b) Compare(Comparison::Less);
    /// `a ≤ b`, with broadcasting.
    less_equal(a, b) Compare(Comparison::LessEqual);
    /// `a > b`, with broadcasting.
    greater(a, b) Compare(Comparison::Greater);
    /// `a ≥ b`, with broadcasting.
    greater_equal(a, b) Compare(Comparison::GreaterEqual);
    /// Whether both hold, with broadcasting.
    logical_and(a, b) Logical(LogicalKind::And);
    /// Whether one of them holds, with broadcasting.
    logical_or(a, b) Logical(LogicalKind::Or);
    /// Whether it does not hold.
    logical_not(x) LogicalNot;
    /// Whether each element is not a number.
    is_nan(x) IsNumber(NumberKind::Nan);
    /// Whether each element is infinite.
    is_inf(x) IsNumber(NumberKind::Inf);
    /// Whether each element is neither infinite nor no number.
    is_finite(x) IsNumber(NumberKind::Finite);
    /// `t` where the condition holds, `e` elsewhere, all broadcast (`tf.where` with three arguments).
    select(condition, t, e) Select { rows: false };
}
