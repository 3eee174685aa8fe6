//! Arithmetic that every numeric element type has.

use crate::Plain;

/// A numeric element type: the integers, `f32` and `f64`.
///
/// Integers wrap around as TensorFlow's do. Division of an integer by zero gives 0 (TensorFlow raises an error: a
/// caller that wants one looks at the divisors first).
pub trait Number: Plain + PartialOrd {
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The smallest value (negative infinity for floats), where a search for the largest begins.
    const LOWEST: Self;
    /// The largest value (infinity for floats).
    const HIGHEST: Self;
    /// The smallest value that is not infinite.
    const LEAST: Self;
    /// The largest value that is not infinite.
    const MOST: Self;
    /// Sum.
    fn plus(self, other: Self) -> Self;
    /// Difference.
    fn minus(self, other: Self) -> Self;
    /// Product.
    fn times(self, other: Self) -> Self;
    /// Quotient; integers round toward zero.
    fn over(self, other: Self) -> Self;
    /// Quotient rounded toward negative infinity.
    fn floor_over(self, other: Self) -> Self;
    /// What [`Number::floor_over`] leaves: it has the sign of the divisor.
    fn floor_rest(self, other: Self) -> Self;
    /// What [`Number::over`] leaves after rounding toward zero: it has the sign of the dividend.
    fn rest(self, other: Self) -> Self;
    /// Power; a negative exponent of an integer gives 0 (1 and -1 excepted).
    fn power(self, exponent: Self) -> Self;
    /// The element count as a number, for means.
    fn from_count(n: usize) -> Self;
    /// The larger one; NaN when either is NaN.
    #[inline(always)]
    #[allow(clippy::eq_op, reason = "only a NaN is unequal to itself")]
    fn larger(self, other: Self) -> Self {
        if other > self || other != other { other } else { self }
    }
    /// The smaller one; NaN when either is NaN.
    #[inline(always)]
    #[allow(clippy::eq_op, reason = "only a NaN is unequal to itself")]
    fn smaller(self, other: Self) -> Self {
        if other < self || other != other { other } else { self }
    }
}

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Number for $type {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            const LOWEST: Self = <$type>::MIN;
            const HIGHEST: Self = <$type>::MAX;
            const LEAST: Self = <$type>::MIN;
            const MOST: Self = <$type>::MAX;
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self.wrapping_add(other) }
            #[inline(always)]
            fn minus(self, other: Self) -> Self { self.wrapping_sub(other) }
            #[inline(always)]
            fn times(self, other: Self) -> Self { self.wrapping_mul(other) }
            #[inline(always)]
            fn over(self, other: Self) -> Self { if other == 0 { 0 } else { self.wrapping_div(other) } }
            #[inline(always)]
            fn floor_over(self, other: Self) -> Self {
                if other == 0 { return 0; }
                let quotient = self.wrapping_div(other);
                #[allow(unused_comparisons, reason = "unsigned types share this code")]
                if self.wrapping_rem(other) != 0 && (self < 0) != (other < 0) { quotient.wrapping_sub(1) } else { quotient }
            }
            #[inline(always)]
            fn floor_rest(self, other: Self) -> Self { self.wrapping_sub(self.floor_over(other).wrapping_mul(other)) }
            #[inline(always)]
            fn rest(self, other: Self) -> Self { if other == 0 { 0 } else { self.wrapping_rem(other) } }
            fn power(self, exponent: Self) -> Self {
                #[allow(unused_comparisons, reason = "unsigned types share this code")]
                if exponent < 0 {
                    return if self == 1 { 1 } else if self.wrapping_add(1) == 0 {
                        if exponent & 1 == 0 { 1 } else { self }
                    } else { 0 };
                }
                let (mut base, mut left, mut result) = (self, exponent, 1 as $type);
                while left > 0 {
                    if left & 1 == 1 { result = result.wrapping_mul(base); }
                    base = base.wrapping_mul(base);
                    left >>= 1;
                }
                result
            }
            #[inline(always)]
            fn from_count(n: usize) -> Self { n as $type }
        }
    )*};
}
// Expands to one `impl Number` a type.
integers!(i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! floats {
    ($($type:ty),*) => {$(
        impl Number for $type {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const LOWEST: Self = <$type>::NEG_INFINITY;
            const HIGHEST: Self = <$type>::INFINITY;
            const LEAST: Self = <$type>::MIN;
            const MOST: Self = <$type>::MAX;
            #[inline(always)]
            fn plus(self, other: Self) -> Self { self + other }
            #[inline(always)]
            fn minus(self, other: Self) -> Self { self - other }
            #[inline(always)]
            fn times(self, other: Self) -> Self { self * other }
            #[inline(always)]
            fn over(self, other: Self) -> Self { self / other }
            #[inline(always)]
            fn floor_over(self, other: Self) -> Self { (self / other).floor() }
            #[inline(always)]
            fn floor_rest(self, other: Self) -> Self {
                let rest = self % other;
                if rest != 0.0 && (rest < 0.0) != (other < 0.0) { rest + other } else { rest }
            }
            #[inline(always)]
            fn rest(self, other: Self) -> Self { self % other }
            #[inline(always)]
            fn power(self, exponent: Self) -> Self { self.powf(exponent) }
            #[inline(always)]
            fn from_count(n: usize) -> Self { n as $type }
        }
    )*};
}
// Expands to one `impl Number` a type.
floats!(f32, f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integer_division_follows_python() {
        assert_eq!((-7i32).floor_over(2), -4);
        assert_eq!((-7i32).floor_rest(2), 1);
        assert_eq!(7i32.floor_rest(-2), -1);
        assert_eq!((-7i32).rest(2), -1);
        assert_eq!(7u8.floor_over(2), 3);
        assert_eq!(5i64.over(0), 0);
        assert_eq!(i32::MIN.over(-1), i32::MIN);
    }

    #[test]
    fn integer_powers() {
        assert_eq!(3i64.power(13), 1_594_323);
        assert_eq!((-1i32).power(-3), -1);
        assert_eq!(2i32.power(-1), 0);
        assert_eq!(255u8.power(2), 1);
        assert_eq!(0i32.power(0), 1);
    }

    #[test]
    fn float_rest_has_the_divisors_sign() {
        assert_eq!((-7.5f64).floor_rest(2.0), 0.5);
        assert_eq!(7.5f64.floor_rest(-2.0), -0.5);
    }
}
