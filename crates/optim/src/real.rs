//! The numbers update kernels compute with.

use std::ops::{Add, Div, Mul, Neg, Sub};

use kerox_tensor::Plain;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// `f32` or `f64`: what an [`crate::Algorithm`] is written for.
pub trait Real:
    Plain
    + ndarray::LinalgScalar
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + sealed::Sealed
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The nearest number of this type.
    fn of(value: f64) -> Self;
    /// The same number as `f64`.
    fn wide(self) -> f64;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// Power.
    fn pow(self, exponent: Self) -> Self;
    /// The larger one; NaN where either is (as `tf.maximum`).
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        // Ordered comparisons are false for NaN: then the operand that is NaN must come out.
        #[allow(clippy::eq_op)]
        if self > other || self != self { self } else { other }
    }
    /// The smaller one; NaN where either is.
    #[inline(always)]
    fn smaller(self, other: Self) -> Self {
        #[allow(clippy::eq_op)]
        if self < other || self != self { self } else { other }
    }
    /// -1, 0 or 1; NaN stays.
    #[inline(always)]
    fn signum_or_zero(self) -> Self {
        if self > Self::ZERO {
            Self::ONE
        } else if self < Self::ZERO {
            -Self::ONE
        } else {
            self
        }
    }
}

/// A number that Keras turns into a tensor before casting it to the variable's type: it passes through float32 on the
/// way, also where the variable is float64.
#[inline(always)]
pub(crate) fn via_f32<T: Real>(value: f64) -> T {
    T::of(value as f32 as f64)
}

macro_rules! real {
    ($($t:ident),*) => {$(
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            #[inline(always)]
            fn of(value: f64) -> Self { value as $t }
            #[inline(always)]
            fn wide(self) -> f64 { self as f64 }
            #[inline(always)]
            fn sqrt(self) -> Self { $t::sqrt(self) }
            #[inline(always)]
            fn abs(self) -> Self { $t::abs(self) }
            #[inline(always)]
            fn pow(self, exponent: Self) -> Self { $t::powf(self, exponent) }
        }
    )*};
}
// Expands to one `impl Real` a type, each method forwarding to the inherent one.
real!(f32, f64);
