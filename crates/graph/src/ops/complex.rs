//! Complex numbers, their parts, sizes and angles.

use std::sync::Arc;

use kerox_tensor::DType;
use kerox_tensor::kernels::fourier::Complex as Pair;

use super::declaration::Declaration;
use crate::{Attr, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[
    Declaration { name: "Complex", signature: "real, imag -> out", build: |_| Ok(Arc::new(Complex)) },
    Declaration { name: "Real", signature: "input -> output", build: |_| Ok(Arc::new(Part::Real)) },
    Declaration { name: "Imag", signature: "input -> output", build: |_| Ok(Arc::new(Part::Imag)) },
    Declaration { name: "ComplexAbs", signature: "x -> y", build: |_| Ok(Arc::new(Part::Size)) },
    Declaration { name: "Angle", signature: "input -> output", build: |_| Ok(Arc::new(Part::Angle)) },
    Declaration { name: "Conj", signature: "input -> output", build: |_| Ok(Arc::new(Conj)) },
];

/// A type of complex numbers as pairs in double precision.
pub(super) trait Wide: kerox_tensor::Element + Copy {
    /// The type of one part.
    type Real: kerox_tensor::Element + Copy;
    fn wide(self) -> Pair;
    fn narrow(pair: Pair) -> Self;
    fn real(number: f64) -> Self::Real;
    fn of_real(number: Self::Real) -> f64;
}

macro_rules! wide {
    ($($real:ty),*) => {$( impl Wide for [$real; 2] {
        type Real = $real;
        #[inline(always)]
        fn wide(self) -> Pair { self.map(f64::from) }
        #[inline(always)]
        fn narrow(pair: Pair) -> Self { pair.map(|part| part as $real) }
        #[inline(always)]
        fn real(number: f64) -> $real { number as $real }
        #[inline(always)]
        fn of_real(number: $real) -> f64 { f64::from(number) }
    } )*};
}
// One `impl Wide` a type of parts.
wide!(f32, f64);

/// Runs an expression with a type alias for either type of complex numbers; others are an error of the operation.
macro_rules! for_complex {
    ($dtype:expr, $op:expr, $t:ident => $body:expr) => {
        match $dtype {
            kerox_tensor::DType::Complex64 => {
                type $t = [f32; 2];
                $body
            }
            kerox_tensor::DType::Complex128 => {
                type $t = [f64; 2];
                $body
            }
            found => Err($crate::ops::dispatch::unsupported($op, found)),
        }
    };
}
pub(super) use for_complex;

/// The type of complex numbers whose parts are of a type.
pub(super) fn complex_of(dtype: DType) -> Option<DType> {
    match dtype {
        DType::F32 => Some(DType::Complex64),
        DType::F64 => Some(DType::Complex128),
        _ => None,
    }
}

/// The type of the parts of complex numbers.
pub(super) fn real_of(dtype: DType) -> Option<DType> {
    match dtype {
        DType::Complex64 => Some(DType::F32),
        DType::Complex128 => Some(DType::F64),
        _ => None,
    }
}

/// The types of a complex input and of its parts.
pub(super) fn complex_input(cx: &Infer<'_>, i: usize) -> Result<(DType, DType)> {
    let dtype = cx.dtype(i)?;
    let real = real_of(dtype);
    real.map(|real| (dtype, real)).ok_or_else(|| cx.wrong(&format!("input {i}"), "complex numbers", dtype.to_string()))
}

/// `Complex(real, imag)`: complex numbers of their parts, with numpy broadcasting.
#[derive(Clone, Copy, Debug)]
pub struct Complex;

impl Op for Complex {
    fn name(&self) -> &'static str {
        "Complex"
    }
    fn attrs(&self, inputs: &[ValueInfo], outputs: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("Tout", Attr::Type(outputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(2)?;
        let given = cx.same_dtype()?;
        let dtype = complex_of(given).ok_or_else(|| cx.wrong("input 0", "float32 or float64", given.to_string()))?;
        Ok(vec![ValueInfo::new(dtype, super::binary::broadcast_dims(cx)?)])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (a, b) = (run.input(0), run.input(1));
        let output = &mut run.outputs[0];
        let plan = kerox_tensor::kernels::broadcast::Broadcast::new([&a.shape[..], &b.shape[..]])?;
        for_complex!(output.dtype(), "Complex", T => {
            type Real = <T as Wide>::Real;
            plan.map2(a.slice::<Real>()?, b.slice::<Real>()?, output.slice::<T>()?, |re, im| [re, im]);
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        let (re, im) = (cx.g.add_single(Part::Real, &[dy])?, cx.g.add_single(Part::Imag, &[dy])?);
        let (a, b) = (cx.inputs[0], cx.inputs[1]);
        Ok(vec![Some(cx.g.sum_to_like(re, a)?), Some(cx.g.sum_to_like(im, b)?)])
    }
}

/// `Real`, `Imag`, `ComplexAbs`, `Angle`: one real number of each complex one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The real part.
    Real,
    /// The imaginary part.
    Imag,
    /// The distance from 0.
    Size,
    /// The angle to the positive real axis, in radians.
    Angle,
}

impl Op for Part {
    fn name(&self) -> &'static str {
        match self {
            Part::Real => "Real",
            Part::Imag => "Imag",
            Part::Size => "ComplexAbs",
            Part::Angle => "Angle",
        }
    }
    fn attrs(&self, inputs: &[ValueInfo], outputs: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype)), ("Tout", Attr::Type(outputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let (_, dtype) = complex_input(cx, 0)?;
        Ok(vec![ValueInfo::new(dtype, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let output = &mut run.outputs[0];
        for_complex!(x.dtype().unwrap_or(DType::Variant), self.name(), T => {
            let x = x.slice::<T>()?.iter();
            let y = output.slice::<<T as Wide>::Real>()?.iter_mut();
            let of = |[re, im]: Pair| match self {
                Part::Real => re,
                Part::Imag => im,
                Part::Size => re.hypot(im),
                Part::Angle => im.atan2(re),
            };
            y.zip(x).for_each(|(y, &x)| *y = T::real(of(x.wide())));
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let (x, y, dy) = (cx.inputs[0], cx.outputs[0], cx.upstream(0)?);
        let g = &mut *cx.g;
        let (re, im) = match self {
            Part::Real => (dy, g.zeros_like(dy)?),
            Part::Imag => (g.zeros_like(dy)?, dy),
            Part::Size => {
                let part = g.div_no_nan(dy, y)?;
                let (re, im) = (g.add_single(Part::Real, &[x])?, g.add_single(Part::Imag, &[x])?);
                (g.multiply(part, re)?, g.multiply(part, im)?)
            }
            Part::Angle => {
                let (re, im) = (g.add_single(Part::Real, &[x])?, g.add_single(Part::Imag, &[x])?);
                let (square_re, square_im) = (g.square(re)?, g.square(im)?);
                let square = g.add(square_re, square_im)?;
                let part = g.divide(dy, square)?;
                let along = g.multiply(part, im)?;
                (g.negate(along)?, g.multiply(part, re)?)
            }
        };
        Ok(vec![Some(g.add_single(Complex, &[re, im])?)])
    }
}

/// `Conj(input)`: complex numbers whose imaginary parts have the other sign.
#[derive(Clone, Copy, Debug)]
pub struct Conj;

impl Op for Conj {
    fn name(&self) -> &'static str {
        "Conj"
    }
    fn attrs(&self, inputs: &[ValueInfo], _: &[ValueInfo]) -> Vec<(&'static str, Attr)> {
        vec![("T", Attr::Type(inputs[0].dtype))]
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(1)?;
        let (dtype, _) = complex_input(cx, 0)?;
        Ok(vec![ValueInfo::new(dtype, cx.dims(0)?.clone())])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let x = run.input(0);
        let output = &mut run.outputs[0];
        for_complex!(output.dtype(), "Conj", T => {
            let pairs = output.slice::<T>()?.iter_mut().zip(x.slice::<T>()?);
            pairs.for_each(|(y, &[re, im])| *y = [re, -im]);
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let dy = cx.upstream(0)?;
        Ok(vec![Some(cx.g.add_single(Conj, &[dy])?)])
    }
}

impl Graph {
    /// Complex numbers of their parts.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where the parts are not both float32 or both float64, or of shapes that do not go
    /// together.
    pub fn complex(&mut self, real: Value, imag: Value) -> Result<Value> {
        self.add_single(Complex, &[real, imag])
    }

    /// The real and the imaginary parts of complex numbers.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where they are not complex.
    pub fn parts(&mut self, x: Value) -> Result<[Value; 2]> {
        Ok([self.add_single(Part::Real, &[x])?, self.add_single(Part::Imag, &[x])?])
    }

    /// Complex numbers whose imaginary parts have the other sign; real numbers as they are.
    ///
    /// # Errors
    /// None at present.
    pub fn conjugate(&mut self, x: Value) -> Result<Value> {
        if real_of(self.dtype(x)).is_some() { self.add_single(Conj, &[x]) } else { Ok(x) }
    }
}

/// A sum, difference, product or quotient of complex numbers; nothing for other operations.
pub(super) fn arithmetic(kind: super::BinaryKind) -> Option<fn(Pair, Pair) -> Pair> {
    use super::BinaryKind;
    Some(match kind {
        BinaryKind::Add => |[a, b], [c, d]| [a + c, b + d],
        BinaryKind::Sub => |[a, b], [c, d]| [a - c, b - d],
        BinaryKind::Mul => |[a, b], [c, d]| [a * c - b * d, a * d + b * c],
        BinaryKind::Div => |[a, b], [c, d]| {
            let square = c * c + d * d;
            [(a * c + b * d) / square, (b * c - a * d) / square]
        },
        _ => return None,
    })
}
