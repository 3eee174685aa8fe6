//! Functions of one value, element by element; activations are among them.

use std::sync::Arc;

pub use kerox_tensor::kernels::unary::Unary as Function;
use kerox_tensor::kernels::unary::{self, Needs};
use kerox_tensor::{DType, Element};

use super::complex::{Part, for_complex, real_of};
use super::declaration::Declaration;
use super::dispatch::{for_float, unsupported};
use crate::{Attr, Attrs, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// `Relu`, `Exp`, `Neg`, ...: a function applied to each element.
#[derive(Clone, Copy, Debug)]
pub struct Unary(pub Function);

impl Op for Unary {
    fn name(&self) -> &'static str {
        name(self.0)
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        let mut attrs = vec![("T", Attr::Type(inputs[0].dtype))];
        if let Function::LeakyRelu(alpha) = self.0 {
            attrs.push(("alpha", Attr::Float(alpha as f32)));
        }
        attrs
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let input = cx.input(0)?;
        let is_complex = self.0 == Function::Neg && real_of(input.dtype).is_some();
        if !(input.dtype.is_float() || input.dtype.is_integer() && takes_integers(self.0) || is_complex) {
            return Err(cx.wrong("input 0", "a floating-point type", input.dtype.to_string()));
        }
        if let (Function::Neg, Some(ints)) = (self.0, input.ints()) {
            let negated = ints.into_iter().map(|i| i?.checked_neg()).collect();
            return Ok(vec![ValueInfo::of_ints(input.dtype, input.dims.clone(), negated)]);
        }
        Ok(vec![ValueInfo::new(input.dtype, input.dims.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        match run.dtype() {
            DType::I32 => integers::<i32>(self.0, run),
            DType::I64 => integers::<i64>(self.0, run),
            dtype @ (DType::Complex64 | DType::Complex128) => for_complex!(dtype, self.name(), T => {
                let x = run.input(0).get::<T>()?;
                let y = run.outputs[0].slice::<T>()?;
                match x {
                    Some(x) => y.iter_mut().zip(x).for_each(|(y, x)| *y = x.map(|part| -part)),
                    None => y.iter_mut().for_each(|y| *y = y.map(|part| -part)),
                }
                Ok(())
            }),
            dtype => for_float!(dtype, self.name(), T => {
                let x = run.input(0).get::<T>()?;
                let y = run.outputs[0].slice::<T>()?;
                match x {
                    Some(x) => unary::forward(self.0, x, y),
                    None => unary::forward_in_place(self.0, y),
                }
                Ok(())
            }),
        }
    }
    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        if matches!(self.0, Function::Sign | Function::Floor | Function::Ceil | Function::Round) {
            return Ok(vec![None]);
        }
        let dy = cx.upstream(0)?;
        let (x, y) = (cx.inputs[0], cx.outputs[0]);
        if real_of(cx.g.dtype(x)).is_some() {
            return Ok(vec![Some(cx.g.unary(Function::Neg, dy)?)]);
        }
        let inputs = match self.0.needs() {
            Needs::Nothing => vec![dy],
            Needs::Argument => vec![dy, x],
            Needs::Value => vec![dy, y],
            Needs::Both => vec![dy, x, y],
        };
        Ok(vec![Some(cx.g.add_single(UnaryGrad(self.0), &inputs)?)])
    }
    fn lower(&self, g: &mut Graph, inputs: &[Value]) -> Result<Option<Vec<Value>>> {
        let x = inputs[0];
        let dtype = g.dtype(x);
        let y = match self.0 {
            Function::Identity => x,
            Function::Swish => {
                let s = g.sigmoid(x)?;
                g.multiply(x, s)?
            }
            Function::Gelu => {
                let root = g.number(std::f64::consts::SQRT_2, dtype)?;
                let ratio = g.divide(x, root)?;
                let erf = g.erf(ratio)?;
                half_of_one_plus(g, x, erf)?
            }
            Function::GeluTanh => {
                let three = g.number(3.0, dtype)?;
                let cube = g.pow(x, three)?;
                let factor = g.number(0.044715, dtype)?;
                let small = g.multiply(factor, cube)?;
                let sum = g.add(x, small)?;
                let factor = g.number((2.0 / std::f64::consts::PI).sqrt(), dtype)?;
                let inner = g.multiply(factor, sum)?;
                let tanh = g.tanh(inner)?;
                half_of_one_plus(g, x, tanh)?
            }
            Function::Mish => {
                let s = g.softplus(x)?;
                let t = g.tanh(s)?;
                g.multiply(x, t)?
            }
            Function::HardSigmoid => {
                let (factor, half) = (g.number(0.2, dtype)?, g.number(0.5, dtype)?);
                let scaled = g.multiply(x, factor)?;
                let shifted = g.add(scaled, half)?;
                g.clip_by_value(shifted, 0.0, 1.0)?
            }
            Function::HardSigmoid3 => relu6_sixth(g, x)?,
            Function::HardSwish => {
                let gate = relu6_sixth(g, x)?;
                g.multiply(x, gate)?
            }
            Function::LogSigmoid => {
                let minus = g.negate(x)?;
                let s = g.softplus(minus)?;
                g.negate(s)?
            }
            Function::Elu(alpha) if alpha != 1.0 => {
                let elu = g.elu(x)?;
                let alpha = g.number(alpha, dtype)?;
                let scaled = g.multiply(alpha, elu)?;
                let zero = g.number(0.0, dtype)?;
                let positive = g.greater(x, zero)?;
                g.select(positive, elu, scaled)?
            }
            _ => return Ok(None),
        };
        Ok(Some(vec![y]))
    }
}

fn half_of_one_plus(g: &mut Graph, x: Value, inner: Value) -> Result<Value> {
    let dtype = g.dtype(x);
    let (half, one) = (g.number(0.5, dtype)?, g.number(1.0, dtype)?);
    let scaled = g.multiply(half, x)?;
    let sum = g.add(one, inner)?;
    g.multiply(scaled, sum)
}

fn relu6_sixth(g: &mut Graph, x: Value) -> Result<Value> {
    let dtype = g.dtype(x);
    let (three, sixth) = (g.number(3.0, dtype)?, g.number(1.0 / 6.0, dtype)?);
    let shifted = g.add(x, three)?;
    let cut = g.relu6(shifted)?;
    g.multiply(cut, sixth)
}

/// `_UnaryGrad(dy, x?, y?)`: `dy` times the slope of the function; of argument and value it takes what it needs.
#[derive(Clone, Copy, Debug)]
pub struct UnaryGrad(pub Function);

impl Op for UnaryGrad {
    fn name(&self) -> &'static str {
        "_UnaryGrad"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let dtype = cx.same_dtype()?;
        let mut dims = cx.dims(0)?.clone();
        for input in cx.inputs() {
            dims =
                dims.merge(&input.dims).ok_or_else(|| cx.wrong("inputs", dims.to_string(), input.dims.to_string()))?;
        }
        Ok(vec![ValueInfo::new(dtype, dims)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        for_float!(run.dtype(), self.name(), T => {
            let dy = run.input(0).get::<T>()?;
            let second = if run.inputs.len() > 1 { run.input(1).slice::<T>()? } else { &[] };
            let third = if run.inputs.len() > 2 { run.input(2).slice::<T>()? } else { second };
            let dx = run.outputs[0].slice::<T>()?;
            match dy {
                Some(dy) => unary::backward(self.0, second, third, dy, dx),
                None => unary::backward_in_place(self.0, second, third, dx),
            }
            Ok(())
        })
    }
    fn in_place(&self) -> &'static [(usize, usize)] {
        &[(0, 0)]
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        // Second derivatives are rare: those that need them are spelled out by `lower`ing first.
        Err(crate::Error::NoGradient { op: self.name().into(), node: cx.node_name().into() })
    }
}

fn takes_integers(f: Function) -> bool {
    use Function::*;
    matches!(f, Neg | Abs | Sign | Square | Relu | Relu6 | Floor | Ceil | Round | Identity)
}

trait Integer: Element + Copy + Ord {
    fn apply(self, f: Function) -> Option<Self>;
}
macro_rules! integer {
    ($($type:ty),*) => {$( impl Integer for $type {
        #[inline(always)]
        fn apply(self, f: Function) -> Option<Self> {
            Some(match f {
                Function::Neg => self.wrapping_neg(),
                Function::Abs => self.wrapping_abs(),
                Function::Sign => self.signum(),
                Function::Square => self.wrapping_mul(self),
                Function::Relu => self.max(0),
                Function::Relu6 => self.clamp(0, 6),
                Function::Floor | Function::Ceil | Function::Round | Function::Identity => self,
                _ => return None,
            })
        }
    } )*};
}
// One `impl Integer` a type.
integer!(i32, i64);

fn integers<T: Integer>(f: Function, run: &mut Run<'_, '_>) -> Result<()> {
    let x = run.input(0).get::<T>()?;
    let y = run.outputs[0].slice::<T>()?;
    if let Some(x) = x {
        y.copy_from_slice(x);
    }
    for y in y {
        *y = y.apply(f).ok_or_else(|| unsupported(name(f), T::DTYPE))?;
    }
    Ok(())
}

macro_rules! functions {
    ($($name:literal $function:pat, $build:expr;)*) => {
        fn name(f: Function) -> &'static str {
            match f {
                $($function => $name,)*
                _ => "_Unary",
            }
        }
        /// The table's entries of this family.
        pub(super) const OPS: &[Declaration] = &[$(
            Declaration { name: $name, signature: "x -> y", build: |a| build(a, $build) },
        )*];
    };
}
fn build(attrs: &Attrs, function: impl Fn(&Attrs) -> Result<Function>) -> Result<Arc<dyn Op>> {
    Ok(Arc::new(Unary(function(attrs)?)))
}
// A line a function expands to its name and to its entry in the table.
functions! {
    "_Identity" Function::Identity, |_| Ok(Function::Identity);
    "Relu" Function::Relu, |_| Ok(Function::Relu);
    "Relu6" Function::Relu6, |_| Ok(Function::Relu6);
    "LeakyRelu" Function::LeakyRelu(_), |a| Ok(Function::LeakyRelu(f64::from(a.float_or("alpha", 0.2)?)));
    "Elu" Function::Elu(1.0), |_| Ok(Function::Elu(1.0));
    "_Elu" Function::Elu(_), |a| Ok(Function::Elu(f64::from(a.float_or("alpha", 1.0)?)));
    "Selu" Function::Selu, |_| Ok(Function::Selu);
    "Sigmoid" Function::Sigmoid, |_| Ok(Function::Sigmoid);
    "_HardSigmoid" Function::HardSigmoid, |_| Ok(Function::HardSigmoid);
    "_HardSigmoid3" Function::HardSigmoid3, |_| Ok(Function::HardSigmoid3);
    "_HardSwish" Function::HardSwish, |_| Ok(Function::HardSwish);
    "Tanh" Function::Tanh, |_| Ok(Function::Tanh);
    "Softplus" Function::Softplus, |_| Ok(Function::Softplus);
    "Softsign" Function::Softsign, |_| Ok(Function::Softsign);
    "_Silu" Function::Swish, |_| Ok(Function::Swish);
    "_Gelu" Function::Gelu, |_| Ok(Function::Gelu);
    "_GeluTanh" Function::GeluTanh, |_| Ok(Function::GeluTanh);
    "_Mish" Function::Mish, |_| Ok(Function::Mish);
    "Exp" Function::Exp, |_| Ok(Function::Exp);
    "Expm1" Function::Expm1, |_| Ok(Function::Expm1);
    "Log" Function::Log, |_| Ok(Function::Log);
    "Log1p" Function::Log1p, |_| Ok(Function::Log1p);
    "_LogSigmoid" Function::LogSigmoid, |_| Ok(Function::LogSigmoid);
    "Sqrt" Function::Sqrt, |_| Ok(Function::Sqrt);
    "Rsqrt" Function::Rsqrt, |_| Ok(Function::Rsqrt);
    "Square" Function::Square, |_| Ok(Function::Square);
    "Reciprocal" Function::Reciprocal, |_| Ok(Function::Reciprocal);
    "Neg" Function::Neg, |_| Ok(Function::Neg);
    "Abs" Function::Abs, |_| Ok(Function::Abs);
    "Sign" Function::Sign, |_| Ok(Function::Sign);
    "Floor" Function::Floor, |_| Ok(Function::Floor);
    "Ceil" Function::Ceil, |_| Ok(Function::Ceil);
    "Round" Function::Round, |_| Ok(Function::Round);
    "Erf" Function::Erf, |_| Ok(Function::Erf);
    "Erfc" Function::Erfc, |_| Ok(Function::Erfc);
    "Sin" Function::Sin, |_| Ok(Function::Sin);
    "Cos" Function::Cos, |_| Ok(Function::Cos);
    "Tan" Function::Tan, |_| Ok(Function::Tan);
    "Asin" Function::Asin, |_| Ok(Function::Asin);
    "Acos" Function::Acos, |_| Ok(Function::Acos);
    "Atan" Function::Atan, |_| Ok(Function::Atan);
    "Sinh" Function::Sinh, |_| Ok(Function::Sinh);
    "Cosh" Function::Cosh, |_| Ok(Function::Cosh);
    "Asinh" Function::Asinh, |_| Ok(Function::Asinh);
    "Acosh" Function::Acosh, |_| Ok(Function::Acosh);
    "Atanh" Function::Atanh, |_| Ok(Function::Atanh);
    "Lgamma" Function::Lgamma, |_| Ok(Function::Lgamma);
    "Digamma" Function::Digamma, |_| Ok(Function::Digamma);
    "BesselI0" Function::BesselI0, |_| Ok(Function::BesselI0);
    "BesselI0e" Function::BesselI0e, |_| Ok(Function::BesselI0e);
    "BesselI1" Function::BesselI1, |_| Ok(Function::BesselI1);
    "BesselI1e" Function::BesselI1e, |_| Ok(Function::BesselI1e);
    "Erfinv" Function::Erfinv, |_| Ok(Function::Erfinv);
    "Ndtri" Function::Ndtri, |_| Ok(Function::Ndtri);
}

macro_rules! methods {
    ($($(#[$doc:meta])* $method:ident $function:expr;)*) => {
        impl Graph {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// [`crate::Error::Argument`] where the elements are of a type the function is not defined for.
                pub fn $method(&mut self, x: Value) -> Result<Value> {
                    self.unary($function, x)
                }
            )*
        }
    };
}
// A line expands to one method of `Graph`: name, function.
methods! {
    /// max(x, 0).
    relu Function::Relu;
    /// min(max(x, 0), 6).
    relu6 Function::Relu6;
    /// x, below 0 e^x - 1.
    elu Function::Elu(1.0);
    /// Scaled ELU.
    selu Function::Selu;
    /// 1 / (1 + e^-x).
    sigmoid Function::Sigmoid;
    /// Keras 2's: 0.2 x + 0.5 cut at 0 and 1.
    hard_sigmoid Function::HardSigmoid;
    /// Hyperbolic tangent.
    tanh Function::Tanh;
    /// log(1 + e^x).
    softplus Function::Softplus;
    /// x / (1 + |x|).
    softsign Function::Softsign;
    /// x sigmoid(x), also called swish.
    silu Function::Swish;
    /// x tanh(softplus(x)).
    mish Function::Mish;
    /// e^x.
    exp Function::Exp;
    /// e^x - 1.
    expm1 Function::Expm1;
    /// Natural logarithm.
    log Function::Log;
    /// log(1 + x).
    log1p Function::Log1p;
    /// log(sigmoid(x)).
    log_sigmoid Function::LogSigmoid;
    /// Square root.
    sqrt Function::Sqrt;
    /// 1 / sqrt(x).
    rsqrt Function::Rsqrt;
    /// x².
    square Function::Square;
    /// 1 / x.
    reciprocal Function::Reciprocal;
    /// -x.
    negate Function::Neg;
    /// |x|.
    abs Function::Abs;
    /// -1, 0 or 1.
    sign Function::Sign;
    /// Rounded down.
    floor Function::Floor;
    /// Rounded up.
    ceil Function::Ceil;
    /// Rounded to the nearest integer, halves to the even one.
    round Function::Round;
    /// Error function.
    erf Function::Erf;
    /// 1 - erf(x).
    erfc Function::Erfc;
    /// Sine.
    sin Function::Sin;
    /// Cosine.
    cos Function::Cos;
    /// Tangent.
    tan Function::Tan;
}

impl Graph {
    /// A function applied to each element; the size of complex numbers is a real one.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the elements are of a type the function is not defined for.
    pub fn unary(&mut self, function: Function, x: Value) -> Result<Value> {
        if function == Function::Abs && real_of(self.dtype(x)).is_some() {
            return self.add_single(Part::Size, &[x]);
        }
        self.add_single(Unary(function), &[x])
    }

    /// x, below 0 `alpha` x.
    ///
    /// # Errors
    /// As [`Graph::relu`].
    pub fn leaky_relu(&mut self, x: Value, alpha: f64) -> Result<Value> {
        self.unary(Function::LeakyRelu(alpha), x)
    }

    /// x Φ(x), by the error function or, where `approximate`, by tanh.
    ///
    /// # Errors
    /// As [`Graph::relu`].
    pub fn gelu(&mut self, x: Value, approximate: bool) -> Result<Value> {
        self.unary(if approximate { Function::GeluTanh } else { Function::Gelu }, x)
    }
}
