//! Operations that work element by element.

use kerox_tensor::{Buffer, DType, Element, each_buffer};

use crate::{Attr, Data, Error, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// Which binary operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryKind {
    /// `AddV2`
    Add,
    /// `Sub`
    Sub,
    /// `Mul`
    Mul,
    /// `RealDiv`
    Div,
}

/// `AddV2`, `Sub`, `Mul`, `RealDiv`: two values combined element by element, with numpy broadcasting.
#[derive(Clone, Copy, Debug)]
pub struct Binary(pub BinaryKind);

impl Op for Binary {
    fn name(&self) -> &'static str {
        match self.0 {
            BinaryKind::Add => "AddV2",
            BinaryKind::Sub => "Sub",
            BinaryKind::Mul => "Mul",
            BinaryKind::Div => "RealDiv",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let dtype = cx.same_dtype()?;
        let (a, b) = (cx.dims(0)?, cx.dims(1)?);
        let dims =
            a.broadcast(b).ok_or_else(|| cx.wrong("inputs", format!("a shape that goes with {a}"), b.to_string()))?;
        Ok(vec![ValueInfo::new(dtype, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        match run.dtype() {
            DType::F32 => binary::<f32>(self.0, run),
            DType::F64 => binary::<f64>(self.0, run),
            DType::I32 => binary::<i32>(self.0, run),
            DType::I64 => binary::<i64>(self.0, run),
            found => Err(unsupported(self.name(), found)),
        }
    }
    fn as_dyn(&self) -> &dyn Op {
        self
    }
    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0), (1, 0)]
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (a, b) = (cx.inputs[0], cx.inputs[1]);
        let dy = cx.upstream(0)?;
        let g = &mut *cx.g;
        let (da, db) = match self.0 {
            BinaryKind::Add => (dy, dy),
            BinaryKind::Sub => (dy, g.negate(dy)?),
            BinaryKind::Mul => (g.multiply(dy, b)?, g.multiply(dy, a)?),
            BinaryKind::Div => {
                let da = g.divide(dy, b)?;
                let ratio = g.divide(cx.outputs[0], b)?;
                let db = g.multiply(dy, ratio)?;
                (da, g.negate(db)?)
            }
        };
        Ok(vec![Some(g.sum_to_like(da, a)?), Some(g.sum_to_like(db, b)?)])
    }
}

/// The error of a kernel that does not exist for a type.
pub(crate) fn unsupported(op: &str, found: DType) -> Error {
    Error::Argument {
        op: op.into(),
        node: String::new(),
        argument: "type".into(),
        expected: "a type this operation computes with".into(),
        found: found.to_string(),
    }
}

trait Number: Element + Copy {
    fn apply(kind: BinaryKind, a: Self, b: Self) -> Self;
}
macro_rules! numbers {
    ($($type:ty: $add:path, $sub:path, $mul:path, $div:expr);*) => {$(
        impl Number for $type {
            #[inline(always)]
            fn apply(kind: BinaryKind, a: Self, b: Self) -> Self {
                match kind {
                    BinaryKind::Add => $add(a, b),
                    BinaryKind::Sub => $sub(a, b),
                    BinaryKind::Mul => $mul(a, b),
                    BinaryKind::Div => $div(a, b),
                }
            }
        }
    )*};
}
use std::ops::{Add, Div, Mul, Sub};
// A line a type: how it adds, subtracts, multiplies and divides. Integers wrap as TensorFlow's do.
numbers!(
    f32: f32::add, f32::sub, f32::mul, f32::div;
    f64: f64::add, f64::sub, f64::mul, f64::div;
    i32: i32::wrapping_add, i32::wrapping_sub, i32::wrapping_mul, |a: i32, b: i32| a.checked_div(b).unwrap_or(0);
    i64: i64::wrapping_add, i64::wrapping_sub, i64::wrapping_mul, |a: i64, b: i64| a.checked_div(b).unwrap_or(0)
);

fn binary<T: Number>(kind: BinaryKind, run: &mut Run<'_, '_>) -> Result<()> {
    let (a, b) = (run.input(0), run.input(1));
    let output = &mut run.outputs[0];
    let shape = output.shape;
    let (a_data, b_data) = (a.get::<T>()?, b.get::<T>()?);
    let (a_strides, b_strides) = (broadcast_strides(a.shape, shape), broadcast_strides(b.shape, shape));
    let out = output.slice::<T>()?;
    let same = a.shape.elements() == out.len() && b.shape.elements() == out.len();
    match (a_data, b_data) {
        (Some(a), Some(b)) if same => out.iter_mut().zip(a).zip(b).for_each(|((o, &a), &b)| *o = T::apply(kind, a, b)),
        (None, Some(b)) if same => out.iter_mut().zip(b).for_each(|(o, &b)| *o = T::apply(kind, *o, b)),
        (Some(a), None) if same => out.iter_mut().zip(a).for_each(|(o, &a)| *o = T::apply(kind, a, *o)),
        (a, b) => {
            for (i, o) in out.iter_mut().enumerate() {
                let (ai, bi) = (offset(i, shape, &a_strides), offset(i, shape, &b_strides));
                let a = a.map_or(*o, |a| a[ai]);
                let b = b.map_or(*o, |b| b[bi]);
                *o = T::apply(kind, a, b);
            }
        }
    }
    Ok(())
}

fn broadcast_strides(from: &kerox_tensor::Shape, to: &kerox_tensor::Shape) -> kerox_tensor::Shape {
    let strides = from.strides();
    let lead = to.rank() - from.rank();
    (0..to.rank()).map(|i| if i < lead || from[i - lead] == 1 { 0 } else { strides[i - lead] }).collect()
}

fn offset(mut i: usize, shape: &[usize], strides: &[usize]) -> usize {
    let mut at = 0;
    for (&length, &stride) in shape.iter().zip(strides).rev() {
        at += i % length * stride;
        i /= length;
    }
    at
}

/// `AddN`: the sum of values of one shape.
#[derive(Clone, Copy, Debug)]
pub struct AddN;

impl Op for AddN {
    fn name(&self) -> &'static str {
        "AddN"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("N", Attr::Int(inputs.len() as i64)), ("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let dtype = cx.same_dtype()?;
        let mut dims = cx.dims(0)?.clone();
        for (i, input) in cx.inputs().iter().enumerate() {
            dims = dims
                .merge(&input.dims)
                .ok_or_else(|| cx.wrong(&format!("input {i}"), format!("shape {dims}"), input.dims.to_string()))?;
        }
        Ok(vec![ValueInfo::new(dtype, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        fn add<T: Number>(run: &mut Run<'_, '_>) -> Result<()> {
            let inputs = run.inputs;
            let out = run.outputs[0].slice::<T>()?;
            // Where the first input is in place, the output holds it already.
            if let Some(first) = inputs[0].get::<T>()? {
                out.copy_from_slice(first);
            }
            for input in &inputs[1..] {
                for (o, &x) in out.iter_mut().zip(input.slice::<T>()?) {
                    *o = T::apply(BinaryKind::Add, *o, x);
                }
            }
            Ok(())
        }
        match run.dtype() {
            DType::F32 => add::<f32>(run),
            DType::F64 => add::<f64>(run),
            DType::I32 => add::<i32>(run),
            DType::I64 => add::<i64>(run),
            found => Err(unsupported("AddN", found)),
        }
    }
    fn as_dyn(&self) -> &dyn Op {
        self
    }
    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![cx.upstream[0]; cx.inputs.len()])
    }
}

pub(super) fn cast(run: &mut Run<'_, '_>) -> Result<()> {
    let input = run.input(0);
    let Data::Elements(from) = input.data else { return Err(unsupported("Cast", DType::Variant)) };
    let n = input.shape.elements();
    fn f64s(buffer: &Buffer, i: usize) -> Option<f64> {
        match buffer {
            Buffer::F32(v) => Some(f64::from(v[i])),
            Buffer::F64(v) => Some(v[i]),
            _ => None,
        }
    }
    let to = &mut *run.outputs[0].buffer;
    match to {
        Buffer::F32(out) => (0..n).for_each(|i| out[i] = f64s(from, i).unwrap_or_default() as f32),
        Buffer::F64(out) => (0..n).for_each(|i| out[i] = f64s(from, i).unwrap_or_default()),
        other => return Err(unsupported("Cast", each_buffer!(other, v => dtype_of(v)))),
    }
    fn dtype_of<T: Element>(_: &[T]) -> DType {
        T::DTYPE
    }
    Ok(())
}

impl Graph {
    /// `a + b`, with broadcasting.
    ///
    /// # Errors
    /// [`Error::Argument`] where types differ or shapes do not go together.
    pub fn add(&mut self, a: Value, b: Value) -> Result<Value> {
        self.add_single(Binary(BinaryKind::Add), &[a, b])
    }

    /// `a - b`, with broadcasting.
    ///
    /// # Errors
    /// As [`Graph::add`].
    pub fn subtract(&mut self, a: Value, b: Value) -> Result<Value> {
        self.add_single(Binary(BinaryKind::Sub), &[a, b])
    }

    /// `a * b`, with broadcasting.
    ///
    /// # Errors
    /// As [`Graph::add`].
    pub fn multiply(&mut self, a: Value, b: Value) -> Result<Value> {
        self.add_single(Binary(BinaryKind::Mul), &[a, b])
    }

    /// `a / b`, with broadcasting.
    ///
    /// # Errors
    /// As [`Graph::add`].
    pub fn divide(&mut self, a: Value, b: Value) -> Result<Value> {
        self.add_single(Binary(BinaryKind::Div), &[a, b])
    }

    /// `-x`.
    ///
    /// # Errors
    /// As [`Graph::add`].
    pub fn negate(&mut self, x: Value) -> Result<Value> {
        let zero = self.number(0.0, self.dtype(x))?;
        self.subtract(zero, x)
    }

    /// The sum of values of one shape.
    ///
    /// # Errors
    /// [`Error::Argument`] where there is none or they differ in type or shape.
    pub fn add_n(&mut self, values: &[Value]) -> Result<Value> {
        self.add_single(AddN, values)
    }

    /// A scalar constant of that type.
    ///
    /// # Errors
    /// [`Error::Argument`] where the type is no number.
    pub fn number(&mut self, value: f64, dtype: DType) -> Result<Value> {
        use kerox_tensor::{Tensor, bf16, f16};
        let tensor = match dtype {
            DType::F16 => Tensor::scalar(f16::from_f64(value)),
            DType::BF16 => Tensor::scalar(bf16::from_f64(value)),
            DType::F32 => Tensor::scalar(value as f32),
            DType::F64 => Tensor::scalar(value),
            DType::I8 => Tensor::scalar(value as i8),
            DType::I16 => Tensor::scalar(value as i16),
            DType::I32 => Tensor::scalar(value as i32),
            DType::I64 => Tensor::scalar(value as i64),
            DType::U8 => Tensor::scalar(value as u8),
            DType::U16 => Tensor::scalar(value as u16),
            DType::U32 => Tensor::scalar(value as u32),
            DType::U64 => Tensor::scalar(value as u64),
            DType::Bool => Tensor::scalar(value != 0.0),
            found => return Err(unsupported("Const", found)),
        };
        self.constant(tensor)
    }
}
