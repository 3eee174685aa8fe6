//! Arithmetic of two values, element by element with numpy broadcasting.

use std::sync::Arc;

use kerox_tensor::kernels::Number;
use kerox_tensor::kernels::binary::{self, Binary as Kernel};
use kerox_tensor::kernels::broadcast::Broadcast;
use kerox_tensor::parallel::{GRAIN, split_rows};
use kerox_tensor::{DType, vectorised};

use super::complex::{Wide, arithmetic, for_complex, real_of};
use super::declaration::Declaration;
use super::dispatch::{for_number, unsupported};
use crate::{Attr, Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

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
    /// `DivNoNan`: 0 where the divisor is 0.
    DivNoNan,
    /// `TruncateDiv`: rounded towards zero.
    TruncateDiv,
    /// `FloorDiv`: rounded towards negative infinity.
    FloorDiv,
    /// `FloorMod`: what `FloorDiv` leaves.
    FloorMod,
    /// `TruncateMod`: what `TruncateDiv` leaves.
    TruncateMod,
    /// `Pow`
    Pow,
    /// `Maximum`
    Maximum,
    /// `Minimum`
    Minimum,
    /// `SquaredDifference`
    SquaredDifference,
}

/// `AddV2`, `Sub`, `Mul`, ...: two values combined element by element, with numpy broadcasting.
#[derive(Clone, Copy, Debug)]
pub struct Binary(pub BinaryKind);

impl Op for Binary {
    fn name(&self) -> &'static str {
        match self.0 {
            BinaryKind::Add => "AddV2",
            BinaryKind::Sub => "Sub",
            BinaryKind::Mul => "Mul",
            BinaryKind::Div => "RealDiv",
            BinaryKind::DivNoNan => "DivNoNan",
            BinaryKind::TruncateDiv => "TruncateDiv",
            BinaryKind::FloorDiv => "FloorDiv",
            BinaryKind::FloorMod => "FloorMod",
            BinaryKind::TruncateMod => "TruncateMod",
            BinaryKind::Pow => "Pow",
            BinaryKind::Maximum => "Maximum",
            BinaryKind::Minimum => "Minimum",
            BinaryKind::SquaredDifference => "SquaredDifference",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let dtype = cx.same_dtype()?;
        let is_complex = real_of(dtype).is_some() && arithmetic(self.0).is_some();
        if !dtype.is_float() && !dtype.is_integer() && !is_complex {
            return Err(cx.wrong("input 0", "numbers", dtype.to_string()));
        }
        let dims = broadcast_dims(cx)?;
        if let (Some(a), Some(b)) = (cx.input(0)?.ints(), cx.input(1)?.ints())
            && let Some(ints) = combine(self.0, &a, &b)
        {
            return Ok(vec![ValueInfo::of_ints(dtype, dims, ints)]);
        }
        Ok(vec![ValueInfo::new(dtype, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let dtype = run.dtype();
        if real_of(dtype).is_some() {
            let of = arithmetic(self.0).ok_or_else(|| unsupported(self.name(), dtype))?;
            let (a, b) = (run.input(0), run.input(1));
            let plan = Broadcast::new([&a.shape[..], &b.shape[..]])?;
            return for_complex!(dtype, self.name(), T => {
                let out = run.outputs[0].slice::<T>()?;
                let (a, b) = (a.get::<T>()?, b.get::<T>()?);
                let held = if a.is_some() && b.is_some() { Vec::new() } else { out.to_vec() };
                let narrow = |a: T, b: T| T::narrow(of(a.wide(), b.wide()));
                plan.map2(a.unwrap_or(&held), b.unwrap_or(&held), out, narrow);
                Ok(())
            });
        }
        if dtype.is_integer() && self.0.divides() {
            for_number!(dtype, self.name(), T => {
                if run.input(1).get::<T>()?.is_some_and(|b| b.contains(&T::ZERO)) {
                    return Err(super::dispatch::argument(self.name(), "", "input 1", "divisors other than 0", "0"));
                }
                Ok(())
            })?;
        }
        if self.0 == BinaryKind::TruncateDiv && dtype.is_float() {
            return Err(unsupported(self.name(), dtype));
        }
        for_number!(dtype, self.name(), T => binary::<T>(self.0.kernel(), run))
    }
    fn in_place(&self) -> &'static [(usize, usize)] {
        // A divisor of integers has to be seen as a whole first.
        if self.0.divides() && self.0 != BinaryKind::Div { &[(0, 0)] } else { &[(0, 0), (1, 0)] }
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (a, b) = (cx.inputs[0], cx.inputs[1]);
        let y = cx.outputs[0];
        let dy = cx.upstream(0)?;
        let g = &mut *cx.g;
        let dtype = g.dtype(a);
        let (da, db) = match self.0 {
            BinaryKind::Add => (dy, dy),
            BinaryKind::Sub => (dy, g.negate(dy)?),
            BinaryKind::Mul => {
                let (a, b) = (g.conjugate(a)?, g.conjugate(b)?);
                (g.multiply(dy, b)?, g.multiply(dy, a)?)
            }
            BinaryKind::Div => {
                let (b, y) = (g.conjugate(b)?, g.conjugate(y)?);
                let da = g.divide(dy, b)?;
                let product = g.multiply(da, y)?;
                (da, g.negate(product)?)
            }
            BinaryKind::DivNoNan => {
                let da = g.div_no_nan(dy, b)?;
                let product = g.multiply(da, y)?;
                (da, g.negate(product)?)
            }
            BinaryKind::TruncateDiv | BinaryKind::FloorDiv => return Ok(vec![None, None]),
            BinaryKind::FloorMod => {
                let quotient = g.floor_div(a, b)?;
                let product = g.multiply(dy, quotient)?;
                (dy, g.negate(product)?)
            }
            BinaryKind::TruncateMod => {
                let rest = g.subtract(a, y)?;
                let quotient = g.divide(rest, b)?;
                let product = g.multiply(dy, quotient)?;
                (dy, g.negate(product)?)
            }
            BinaryKind::Pow => {
                let one = g.number(1.0, dtype)?;
                let less = g.subtract(b, one)?;
                let power = g.pow(a, less)?;
                let slope = g.multiply(b, power)?;
                let da = g.multiply(dy, slope)?;
                // The logarithm of what is not positive is taken as 0, as TensorFlow does.
                let zero = g.number(0.0, dtype)?;
                let positive = g.greater(a, zero)?;
                let safe = g.select(positive, a, one)?;
                let log = g.log(safe)?;
                let slope = g.multiply(y, log)?;
                (da, g.multiply(dy, slope)?)
            }
            BinaryKind::Maximum | BinaryKind::Minimum => {
                let first = if self.0 == BinaryKind::Maximum { g.greater_equal(a, b)? } else { g.less_equal(a, b)? };
                let zero = g.number(0.0, dtype)?;
                (g.select(first, dy, zero)?, g.select(first, zero, dy)?)
            }
            BinaryKind::SquaredDifference => {
                let difference = g.subtract(a, b)?;
                let two = g.number(2.0, dtype)?;
                let double = g.multiply(two, difference)?;
                let da = g.multiply(dy, double)?;
                (da, g.negate(da)?)
            }
        };
        Ok(vec![Some(g.sum_to_like(da, a)?), Some(g.sum_to_like(db, b)?)])
    }
}

impl BinaryKind {
    fn kernel(self) -> Kernel {
        match self {
            BinaryKind::Add => Kernel::Add,
            BinaryKind::Sub => Kernel::Sub,
            BinaryKind::Mul => Kernel::Mul,
            BinaryKind::Div | BinaryKind::TruncateDiv => Kernel::Div,
            BinaryKind::DivNoNan => Kernel::DivNoNan,
            BinaryKind::FloorDiv => Kernel::FloorDiv,
            BinaryKind::FloorMod => Kernel::FloorMod,
            BinaryKind::TruncateMod => Kernel::TruncateMod,
            BinaryKind::Pow => Kernel::Pow,
            BinaryKind::Maximum => Kernel::Maximum,
            BinaryKind::Minimum => Kernel::Minimum,
            BinaryKind::SquaredDifference => Kernel::SquaredDifference,
        }
    }

    fn divides(self) -> bool {
        use BinaryKind::*;
        matches!(self, Div | TruncateDiv | FloorDiv | FloorMod | TruncateMod)
    }
}

/// The shape that the first two inputs broadcast to.
pub(super) fn broadcast_dims(cx: &Infer<'_>) -> Result<Dims> {
    let (a, b) = (cx.dims(0)?, cx.dims(1)?);
    a.broadcast(b).ok_or_else(|| cx.wrong("inputs", format!("a shape that goes with {a}"), b.to_string()))
}

/// The operation on the known elements of small integer vectors.
fn combine(kind: BinaryKind, a: &[Option<i64>], b: &[Option<i64>]) -> Option<Vec<Option<i64>>> {
    let n = if a.len() == 1 { b.len() } else { a.len() };
    let at = |v: &[Option<i64>], i: usize| if v.len() == 1 { v[0] } else { v[i] };
    if a.len() != n && a.len() != 1 || b.len() != n && b.len() != 1 {
        return None;
    }
    let apply = |a: i64, b: i64| match kind {
        BinaryKind::Add => a.checked_add(b),
        BinaryKind::Sub => a.checked_sub(b),
        BinaryKind::Mul => a.checked_mul(b),
        BinaryKind::Div | BinaryKind::TruncateDiv => a.checked_div(b),
        BinaryKind::FloorDiv if b != 0 => Some(a.floor_over(b)),
        BinaryKind::FloorMod if b != 0 => Some(a.floor_rest(b)),
        BinaryKind::Maximum => Some(a.max(b)),
        BinaryKind::Minimum => Some(a.min(b)),
        _ => None,
    };
    Some((0..n).map(|i| apply(at(a, i)?, at(b, i)?)).collect())
}

fn binary<T: Number>(kernel: Kernel, run: &mut Run<'_, '_>) -> Result<()> {
    let (a, b) = (run.input(0), run.input(1));
    let output = &mut run.outputs[0];
    let shape = output.shape;
    let (a_data, b_data) = (a.get::<T>()?, b.get::<T>()?);
    let out = output.slice::<T>()?;
    match (a_data, b_data) {
        (Some(a_data), Some(b_data)) => {
            let plan = Broadcast::new([&a.shape[..], &b.shape[..]])?;
            binary::apply(kernel, &plan, a_data, b_data, out);
        }
        (None, Some(b_data)) => in_place::<T>(kernel, out, &Broadcast::new([&shape[..], &b.shape[..]])?, b_data, false),
        (Some(a_data), None) => in_place::<T>(kernel, out, &Broadcast::new([&shape[..], &a.shape[..]])?, a_data, true),
        (None, None) => {}
    }
    Ok(())
}

macro_rules! each_kernel {
    ($kernel:expr, $f:ident => $body:expr) => {
        match $kernel {
            Kernel::Add => {
                let $f = T::plus;
                $body
            }
            Kernel::Sub => {
                let $f = T::minus;
                $body
            }
            Kernel::Mul => {
                let $f = T::times;
                $body
            }
            Kernel::Div => {
                let $f = T::over;
                $body
            }
            Kernel::Maximum => {
                let $f = T::larger;
                $body
            }
            Kernel::Minimum => {
                let $f = T::smaller;
                $body
            }
            other => {
                let $f = |a: T, b: T| scalar(other, a, b);
                $body
            }
        }
    };
}

fn scalar<T: Number>(kernel: Kernel, a: T, b: T) -> T {
    match kernel {
        Kernel::DivNoNan => {
            if b == T::ZERO {
                T::ZERO
            } else {
                a.over(b)
            }
        }
        Kernel::FloorDiv => a.floor_over(b),
        Kernel::FloorMod => a.floor_rest(b),
        Kernel::TruncateMod => a.rest(b),
        Kernel::Pow => a.power(b),
        _ => {
            let d = a.minus(b);
            d.times(d)
        }
    }
}

/// `out = out op other`, or `other op out` where `swapped`.
fn in_place<T: Number>(kernel: Kernel, out: &mut [T], plan: &Broadcast<2>, other: &[T], swapped: bool) {
    // Expands to one loop a frequent operation, so that each is vectorised.
    each_kernel!(kernel, f => {
        if swapped {
            plan.map2_in_place(out, other, |o, x| f(x, o));
        } else {
            plan.map2_in_place(out, other, f);
        }
    });
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
        if real_of(run.dtype()).is_some() {
            return for_complex!(run.dtype(), "AddN", T => {
                let out = run.outputs[0].slice::<T>()?;
                for (at, input) in run.inputs.iter().enumerate() {
                    // An input that is in place is in the output already.
                    let Some(x) = input.get::<T>()? else { continue };
                    if at == 0 {
                        out.copy_from_slice(x);
                    } else {
                        out.iter_mut().zip(x).for_each(|(o, x)| *o = [o[0] + x[0], o[1] + x[1]]);
                    }
                }
                Ok(())
            });
        }
        for_number!(run.dtype(), "AddN", T => {
            let inputs = run.inputs;
            let out = run.outputs[0].slice::<T>()?;
            let mut rest = &inputs[1..];
            // Where the first input is in place the output holds it already.
            if let Some(first) = inputs[0].get::<T>()? {
                if let [second, others @ ..] = rest {
                    let second = second.slice::<T>()?;
                    split_rows(out, 1, GRAIN, |at, out| {
                        let pairs = first[at..].iter().zip(&second[at..]);
                        vectorised(|| out.iter_mut().zip(pairs).for_each(|(o, (&a, &b))| *o = a.plus(b)));
                    });
                    rest = others;
                } else {
                    out.copy_from_slice(first);
                }
            }
            for input in rest {
                let input = input.slice::<T>()?;
                split_rows(out, 1, GRAIN, |at, out| {
                    vectorised(|| out.iter_mut().zip(&input[at..]).for_each(|(o, &b)| *o = o.plus(b)));
                });
            }
            Ok(())
        })
    }
    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        Ok(vec![cx.upstream[0]; cx.inputs.len()])
    }
}

macro_rules! binaries {
    ($($name:literal $kind:ident;)*) => {
        /// The table's entries of this family.
        pub(super) const OPS: &[Declaration] = &[
            $(Declaration { name: $name, signature: "x, y -> z", build: |_| Ok(Arc::new(Binary(BinaryKind::$kind))) },)*
            Declaration { name: "Div", signature: "x, y -> z", build: |attrs| {
                let real = attrs.dtype_or("T", DType::F32)?.is_float();
                Ok(Arc::new(Binary(if real { BinaryKind::Div } else { BinaryKind::TruncateDiv })))
            } },
            Declaration { name: "AddN", signature: "inputs[N] -> sum", build: |_| Ok(Arc::new(AddN)) },
        ];
    };
}
// A line expands to an entry of the table; `Add` and `Mod` are the older names.
binaries! {
    "AddV2" Add; "Add" Add; "Sub" Sub; "Mul" Mul; "RealDiv" Div; "DivNoNan" DivNoNan; "TruncateDiv" TruncateDiv;
    "FloorDiv" FloorDiv; "FloorMod" FloorMod; "Mod" TruncateMod; "TruncateMod" TruncateMod; "Pow" Pow;
    "Maximum" Maximum; "Minimum" Minimum; "SquaredDifference" SquaredDifference;
}

macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident $kind:ident;)*) => {
        impl Graph {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// [`crate::Error::Argument`] where types differ or shapes do not go together.
                pub fn $method(&mut self, a: Value, b: Value) -> Result<Value> {
                    self.add_single(Binary(BinaryKind::$kind), &[a, b])
                }
            )*
        }
    };
}
// A line expands to one method of `Graph`: name, kind.
methods! {
    /// `a + b`, with broadcasting.
    add Add;
    /// `a - b`, with broadcasting.
    subtract Sub;
    /// `a * b`, with broadcasting.
    multiply Mul;
    /// `a / b`, with broadcasting.
    divide Div;
    /// `a / b`, 0 where `b` is 0, with broadcasting.
    div_no_nan DivNoNan;
    /// `a / b` rounded towards negative infinity, with broadcasting.
    floor_div FloorDiv;
    /// What [`Graph::floor_div`] leaves; it has the sign of `b`.
    floor_mod FloorMod;
    /// `a` to the power `b`, with broadcasting.
    pow Pow;
    /// The larger one, with broadcasting.
    maximum Maximum;
    /// The smaller one, with broadcasting.
    minimum Minimum;
    /// `(a - b)²`, with broadcasting.
    squared_difference SquaredDifference;
}

impl Graph {
    /// The sum of values of one shape.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where there is none or they differ in type or shape.
    pub fn add_n(&mut self, values: &[Value]) -> Result<Value> {
        self.add_single(AddN, values)
    }

    /// A scalar constant of that type.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the type is no number.
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
