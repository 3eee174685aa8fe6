//! Single-precision functions without branches, so that loops over them become vector code.
//!
//! The polynomials are least-squares fits at Chebyshev nodes.

#![allow(clippy::excessive_precision, reason = "coefficients as they were fitted")]

/// e^x: `x = n ln 2 + r` with `|r| <= ln 2 / 2`, then `2^n (1 + r + r² p(r))`. Overflows to infinity above 88.72,
/// underflows through the subnormal numbers to 0 below -103.97.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Beyond these the result is infinity or 0 anyhow; comparisons keep NaN.
    let x = if x < -104.0 { -104.0 } else { x };
    let x = if x > 89.0 { 89.0 } else { x };
    // Adding 1.5 * 2^23 rounds to an integer, which then lies in the low bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, the first with few enough bits that its product with n is exact.
    let r = (x - n * 0.693_359_4) + n * 2.121_944_4e-4;
    let p = 0.500_000_001_43
        + r * (0.166_666_667_22
            + r * (4.166_645_687e-2 + r * (8.333_297_08e-3 + r * (1.393_453_4e-3 + r * 1.990_043e-4))));
    let power = 1.0 + (r + r * r * p);
    // Two factors, because 2^n alone may not be representable where the product is.
    let n = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    let half = n >> 1;
    let scale = |n: i32| f32::from_bits((n.wrapping_add(127) as u32) << 23);
    power * scale(half) * scale(n.wrapping_sub(half))
}

/// e^x - 1: near 0 by the polynomial of [`exp`] without its 1.
#[inline(always)]
pub(crate) fn expm1(x: f32) -> f32 {
    let r = if x.abs() < 0.34 { x } else { 0.0 };
    let p = 0.500_000_001_43
        + r * (0.166_666_667_22
            + r * (4.166_645_687e-2 + r * (8.333_297_08e-3 + r * (1.393_453_4e-3 + r * 1.990_043e-4))));
    let near = r + r * r * p;
    let far = exp(x) - 1.0;
    if x.abs() < 0.34 { near } else { far }
}

/// tanh x: an odd polynomial near 0, else `1 - 2 / (e^2|x| + 1)` with the sign of x.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let a = x.abs();
    let u = x * x;
    let p = -0.333_333_331_56
        + u * (0.133_333_01 + u * (-5.395_862_4e-2 + u * (2.176_363_4e-2 + u * (-8.326_402e-3 + u * 2.272_705e-3))));
    let near = (x + x * u * p).copysign(x);
    let far = (1.0 - 2.0 / (exp(2.0 * a) + 1.0)).copysign(x);
    // Written so that NaN goes to `far`, which keeps it.
    if a < 0.625 { near } else { far }
}

/// The error function: an odd polynomial up to 1, else `1 - e^q(|x|)` with the sign of x.
#[inline(always)]
pub(crate) fn erf(x: f32) -> f32 {
    let a = x.abs();
    let u = x * x;
    let near = x
        * (std::f32::consts::FRAC_2_SQRT_PI
            + u * (-0.376_126_384_76
                + u * (0.112_837_826_22
                    + u * (-2.686_543_831e-2
                        + u * (5.221_053_41e-3 + u * (-8.484_396_5e-4 + u * (1.126_825_36e-4 + u * -9.673_59e-6)))))));
    // From 4 on erf is 1 in single precision.
    let t = if a > 4.0 { 4.0 } else { a };
    let q = -7.569_686_177_4e-4
        + t * (-1.125_925_949_3
            + t * (-0.639_093_319_47
                + t * (-0.103_318_980_06
                    + t * (2.262_198_593_5e-2
                        + t * (-3.436_867_6e-3 + t * (3.175_720_35e-4 + t * -1.330_939_04e-5))))));
    let far = (1.0 - exp(q)).copysign(x);
    if a < 1.0 { near } else { far }
}

#[cfg(test)]
mod tests {
    /// The largest distance in units in the last place of the true value over a grid, subnormals counted absolutely.
    fn worst(f: impl Fn(f32) -> f32, truth: impl Fn(f64) -> f64, from: f32, to: f32) -> f64 {
        let n = 200_001;
        let mut worst = 0.0f64;
        for i in 0..n {
            let x = from + (to - from) * (i as f32 / (n - 1) as f32);
            let expected = truth(f64::from(x));
            let nearest = (expected.abs() as f32).max(f32::MIN_POSITIVE);
            let unit = f64::from(f32::from_bits(nearest.to_bits() + 1)) - f64::from(nearest);
            worst = worst.max((f64::from(f(x)) - expected).abs() / unit);
        }
        worst
    }

    #[test]
    fn accurate_to_two_units() {
        let exp = worst(super::exp, f64::exp, -103.0, 88.7);
        let expm1 = worst(super::expm1, f64::exp_m1, -20.0, 20.0);
        let tanh = worst(super::tanh, f64::tanh, -10.0, 10.0);
        let erf = worst(super::erf, libm::erf, -5.0, 5.0);
        assert!(exp <= 2.0, "exp {exp}");
        assert!(expm1 <= 3.5, "expm1 {expm1}");
        assert!(tanh <= 2.5, "tanh {tanh}");
        assert!(erf <= 3.0, "erf {erf}");
    }

    #[test]
    fn ends_of_the_range() {
        assert_eq!(super::exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(super::exp(f32::NEG_INFINITY), 0.0);
        assert_eq!(super::exp(89.0), f32::INFINITY);
        assert_eq!(super::exp(0.0), 1.0);
        assert!(super::exp(f32::NAN).is_nan() && super::tanh(f32::NAN).is_nan() && super::erf(f32::NAN).is_nan());
        assert_eq!(super::tanh(f32::NEG_INFINITY), -1.0);
        assert_eq!(super::tanh(40.0), 1.0);
        assert_eq!(super::erf(f32::INFINITY), 1.0);
        assert_eq!(super::expm1(1e-10), 1e-10);
        assert!(super::tanh(-0.0).is_sign_negative());
    }
}
