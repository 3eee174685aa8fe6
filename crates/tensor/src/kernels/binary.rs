//! Elementwise operations of two arguments with broadcasting.

use crate::kernels::Number;
use crate::kernels::broadcast::Broadcast;

/// An elementwise operation of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Binary {
    /// a + b.
    Add,
    /// a - b.
    Sub,
    /// a b.
    Mul,
    /// a / b; integers round toward zero.
    Div,
    /// a / b, or 0 where b is 0.
    DivNoNan,
    /// a / b rounded toward negative infinity.
    FloorDiv,
    /// What [`Binary::FloorDiv`] leaves; the sign is b's.
    FloorMod,
    /// What division with rounding toward zero leaves; the sign is a's.
    TruncateMod,
    /// a to the power b.
    Pow,
    /// The larger one.
    Maximum,
    /// The smaller one.
    Minimum,
    /// (a - b)².
    SquaredDifference,
}

/// A comparison of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// a = b.
    Equal,
    /// a ≠ b.
    NotEqual,
    /// a < b.
    Less,
    /// a ≤ b.
    LessEqual,
    /// a > b.
    Greater,
    /// a ≥ b.
    GreaterEqual,
}

/// `out = a op b` with broadcasting.
///
/// # Panics
/// When a length is not the planned one.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::{binary::{self, Binary}, broadcast::Broadcast};
/// let plan = Broadcast::new([&[2], &[]])?;
/// let mut out = [0i32; 2];
/// binary::apply(Binary::FloorMod, &plan, &[-3, 8], &[5], &mut out);
/// assert_eq!(out, [2, 3]);
/// # Ok::<(), kerox_tensor::Error>(())
/// ```
pub fn apply<T: Number>(op: Binary, plan: &Broadcast<2>, a: &[T], b: &[T], out: &mut [T]) {
    match op {
        Binary::Add => plan.map2(a, b, out, T::plus),
        Binary::Sub => plan.map2(a, b, out, T::minus),
        Binary::Mul => plan.map2(a, b, out, T::times),
        Binary::Div => plan.map2(a, b, out, T::over),
        Binary::DivNoNan => plan.map2(a, b, out, |a, b| if b == T::ZERO { T::ZERO } else { a.over(b) }),
        Binary::FloorDiv => plan.map2(a, b, out, T::floor_over),
        Binary::FloorMod => plan.map2(a, b, out, T::floor_rest),
        Binary::TruncateMod => plan.map2(a, b, out, T::rest),
        Binary::Pow => plan.map2(a, b, out, T::power),
        Binary::Maximum => plan.map2(a, b, out, T::larger),
        Binary::Minimum => plan.map2(a, b, out, T::smaller),
        Binary::SquaredDifference => plan.map2(a, b, out, |a, b| {
            let d = a.minus(b);
            d.times(d)
        }),
    }
}

/// `out = a op b` with broadcasting, for any ordered elements (bool included).
///
/// # Panics
/// When a length is not the planned one.
pub fn compare<T: PartialOrd + Copy + Sync>(op: Comparison, plan: &Broadcast<2>, a: &[T], b: &[T], out: &mut [bool]) {
    match op {
        Comparison::Equal => plan.map2(a, b, out, |a, b| a == b),
        Comparison::NotEqual => plan.map2(a, b, out, |a, b| a != b),
        Comparison::Less => plan.map2(a, b, out, |a, b| a < b),
        Comparison::LessEqual => plan.map2(a, b, out, |a, b| a <= b),
        Comparison::Greater => plan.map2(a, b, out, |a, b| a > b),
        Comparison::GreaterEqual => plan.map2(a, b, out, |a, b| a >= b),
    }
}

/// `out = if condition { a } else { b }` with broadcasting, as `tf.where`.
///
/// # Panics
/// When a length is not the planned one.
pub fn select<T: Copy + Send + Sync>(plan: &Broadcast<3>, condition: &[bool], a: &[T], b: &[T], out: &mut [T]) {
    plan.map3(condition, a, b, out, |condition, a, b| if condition { a } else { b });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<T: Number>(op: Binary, a: T, b: T, expected: T) {
        let plan = Broadcast::new([&[3], &[]]).unwrap();
        let mut out = [T::ZERO; 3];
        apply(op, &plan, &[a; 3], &[b], &mut out);
        assert_eq!(out, [expected; 3], "{op:?}");
    }

    #[test]
    fn a_nan_stays() {
        let plan = Broadcast::new([&[2], &[2]]).unwrap();
        for op in [Binary::Maximum, Binary::Minimum] {
            let mut out = [0f32; 2];
            apply(op, &plan, &[f32::NAN, 1.0], &[1.0, f32::NAN], &mut out);
            assert!(out.iter().all(|v| v.is_nan()), "{op:?} {out:?}");
        }
    }

    #[test]
    fn each_operation() {
        check(Binary::Add, 250u8, 10, 4);
        check(Binary::Sub, 2.5f32, 1.0, 1.5);
        check(Binary::Mul, 3i64, -4, -12);
        check(Binary::Div, -7i32, 2, -3);
        check(Binary::DivNoNan, 5.0f64, 0.0, 0.0);
        check(Binary::FloorDiv, -7i32, 2, -4);
        check(Binary::FloorMod, -7.0f32, 2.0, 1.0);
        check(Binary::TruncateMod, -7i32, 2, -1);
        check(Binary::Pow, 2.0f64, 0.5, std::f64::consts::SQRT_2);
        check(Binary::Maximum, -1i8, 3, 3);
        check(Binary::Minimum, -1i8, 3, -1);
        check(Binary::SquaredDifference, 2.0f32, 5.0, 9.0);
    }

    #[test]
    fn comparisons_and_choices() {
        let plan = Broadcast::new([&[3], &[1]]).unwrap();
        let mut out = [false; 3];
        for (op, expected) in [
            (Comparison::Equal, [false, true, false]),
            (Comparison::NotEqual, [true, false, true]),
            (Comparison::Less, [true, false, false]),
            (Comparison::LessEqual, [true, true, false]),
            (Comparison::Greater, [false, false, true]),
            (Comparison::GreaterEqual, [false, true, true]),
        ] {
            compare(op, &plan, &[1, 2, 3], &[2], &mut out);
            assert_eq!(out, expected, "{op:?}");
        }
        let plan = Broadcast::new([&[2, 1], &[], &[2]]).unwrap();
        let mut out = [0; 4];
        select(&plan, &[true, false], &[7], &[1, 2], &mut out);
        assert_eq!(out, [7, 7, 1, 2]);
    }
}
