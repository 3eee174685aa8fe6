//! Special functions in double precision.

use std::f64::consts::{PI, SQRT_2};

fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

/// The logarithm of the size of the gamma function.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::special::lgamma;
/// assert!((lgamma(5.0) - 24f64.ln()).abs() < 1e-14);
/// ```
pub fn lgamma(x: f64) -> f64 {
    if x.is_infinite() { f64::INFINITY } else { libm::lgamma(x) }
}

/// The slope of the logarithm of the gamma function.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::special::digamma;
/// assert!((digamma(1.0) + 0.577_215_664_901_532_9).abs() < 1e-14);
/// ```
pub fn digamma(x: f64) -> f64 {
    if x <= 0.0 {
        if x == x.floor() {
            return f64::NAN;
        }
        return digamma(1.0 - x) - PI / (PI * x).tan();
    }
    let (mut x, mut sum) = (x, 0.0);
    while x < 10.0 {
        sum -= 1.0 / x;
        x += 1.0;
    }
    const TERMS: [f64; 8] =
        [0.0, 1.0 / 12.0, -1.0 / 120.0, 1.0 / 252.0, -1.0 / 240.0, 5.0 / 660.0, -691.0 / 32760.0, 1.0 / 12.0];
    sum + x.ln() - 0.5 / x - polynomial(&TERMS, 1.0 / (x * x))
}

/// The slope of [`digamma`].
///
/// # Example
/// ```
/// use kerox_tensor::kernels::special::trigamma;
/// assert!((trigamma(1.0) - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-13);
/// ```
pub fn trigamma(x: f64) -> f64 {
    if x <= 0.0 {
        if x == x.floor() {
            return f64::INFINITY;
        }
        return (PI / (PI * x).sin()).powi(2) - trigamma(1.0 - x);
    }
    let (mut x, mut sum) = (x, 0.0);
    while x < 10.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    const TERMS: [f64; 8] =
        [1.0, 1.0 / 6.0, -1.0 / 30.0, 1.0 / 42.0, -1.0 / 30.0, 5.0 / 66.0, -691.0 / 2730.0, 7.0 / 6.0];
    let square = 1.0 / (x * x);
    sum + 0.5 * square + polynomial(&TERMS, square) / x
}

/// From which argument on the expansion for large ones is better than the sum of powers.
const LARGE: f64 = 30.0;

/// `e^-|x|` times a modified Bessel function of the first kind, of order 0 or 1, of the size of `x`.
fn bessel_scaled(order: u32, x: f64) -> f64 {
    let (x, order) = (x.abs(), f64::from(order));
    if x.is_infinite() {
        return 0.0;
    }
    if x > LARGE {
        // 1 - (m - 1) / (8x) + (m - 1)(m - 9) / (2! (8x)²) - ..., m = 4 order².
        let (mut term, mut sum) = (1.0, 1.0);
        for k in 1..20 {
            let k = f64::from(k);
            term *= -(4.0 * order * order - (2.0 * k - 1.0).powi(2)) / (k * 8.0 * x);
            sum += term;
        }
        return sum / (2.0 * PI * x).sqrt();
    }
    let quarter = x * x / 4.0;
    let mut term = if order == 0.0 { 1.0 } else { x / 2.0 };
    let mut sum = term;
    for k in 1..200 {
        let k = f64::from(k);
        term *= quarter / (k * (k + order));
        sum += term;
        if term <= sum * 1e-18 {
            break;
        }
    }
    sum * (-x).exp()
}

/// The modified Bessel function of the first kind of order 0, times `e^-|x|`.
pub fn bessel_i0e(x: f64) -> f64 {
    bessel_scaled(0, x)
}

/// The modified Bessel function of the first kind of order 1, times `e^-|x|`.
pub fn bessel_i1e(x: f64) -> f64 {
    bessel_scaled(1, x) * x.signum()
}

/// The modified Bessel function of the first kind of order 0.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::special::bessel_i0;
/// assert!((bessel_i0(1.0) - 1.266_065_877_752_008_4).abs() < 1e-14);
/// ```
pub fn bessel_i0(x: f64) -> f64 {
    bessel_i0e(x) * x.abs().exp()
}

/// The modified Bessel function of the first kind of order 1.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::special::bessel_i1;
/// assert!((bessel_i1(1.0) - 0.565_159_103_992_485).abs() < 1e-14);
/// ```
pub fn bessel_i1(x: f64) -> f64 {
    bessel_i1e(x) * x.abs().exp()
}

/// A value over `x`, and what that comes to at 0.
fn over(value: f64, x: f64, at_zero: f64) -> f64 {
    if x == 0.0 { at_zero } else { value / x }
}

/// The slope of [`bessel_i1`] at `x`, where it is `y`.
pub fn bessel_i1_slope(x: f64, y: f64) -> f64 {
    bessel_i0(x) - over(y, x, 0.5)
}

/// The slope of [`bessel_i1e`] at `x`, where it is `y`.
pub fn bessel_i1e_slope(x: f64, y: f64) -> f64 {
    bessel_i0e(x) - y * sign(x) - over(y, x, 0.5)
}

/// The slope of [`bessel_i0e`] at `x`, where it is `y`.
pub fn bessel_i0e_slope(x: f64, y: f64) -> f64 {
    bessel_i1e(x) - y * sign(x)
}

fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

/// The normal deviate below which lies a half plus this share.
///
/// # Source
/// M. Wichura, algorithm AS 241: the percentage points of the normal distribution, 1988.
fn deviate(beyond_half: f64, outside: f64) -> f64 {
    const NEAR: [[f64; 8]; 2] = [
        [
            3.387_132_872_796_366_5,
            133.141_667_891_784_38,
            1_971.590_950_306_551_3,
            13_731.693_765_509_46,
            45_921.953_931_549_87,
            67_265.770_927_008_7,
            33_430.575_583_588_13,
            2_509.080_928_730_122_7,
        ],
        [
            1.0,
            42.313_330_701_600_91,
            687.187_007_492_057_9,
            5_394.196_021_424_751,
            21_213.794_301_586_597,
            39_307.895_800_092_71,
            28_729.085_735_721_943,
            5_226.495_278_852_854,
        ],
    ];
    const FAR: [[f64; 8]; 2] = [
        [
            1.423_437_110_749_683_5,
            4.630_337_846_156_546,
            5.769_497_221_460_691,
            3.647_848_324_763_204_5,
            1.270_458_252_452_368_4,
            0.241_780_725_177_450_6,
            0.022_723_844_989_269_184,
            7.745_450_142_783_414e-4,
        ],
        [
            1.0,
            2.053_191_626_637_759,
            1.676_384_830_183_803_8,
            0.689_767_334_985_1,
            0.148_103_976_427_480_08,
            0.015_198_666_563_616_457,
            5.475_938_084_995_345e-4,
            1.050_750_071_644_416_9e-9,
        ],
    ];
    const FARTHEST: [[f64; 8]; 2] = [
        [
            6.657_904_643_501_103,
            5.463_784_911_164_114,
            1.784_826_539_917_291_3,
            0.296_560_571_828_504_87,
            0.026_532_189_526_576_124,
            0.001_242_660_947_388_078_4,
            2.711_555_568_743_487_6e-5,
            2.010_334_399_292_288_1e-7,
        ],
        [
            1.0,
            0.599_832_206_555_888,
            0.136_929_880_922_735_8,
            0.014_875_361_290_850_615,
            7.868_691_311_456_133e-4,
            1.846_318_317_510_054_7e-5,
            1.421_511_758_316_446e-7,
            2.044_263_103_389_939_8e-15,
        ],
    ];
    let ratio = |of: &[[f64; 8]; 2], x: f64| polynomial(&of[0], x) / polynomial(&of[1], x);
    if beyond_half.abs() <= 0.425 {
        return beyond_half * ratio(&NEAR, 0.180625 - beyond_half * beyond_half);
    }
    if outside == 0.0 {
        return f64::INFINITY * beyond_half.signum();
    }
    let root = (-outside.ln()).sqrt();
    let size = if root <= 5.0 { ratio(&FAR, root - 1.6) } else { ratio(&FARTHEST, root - 5.0) };
    size * beyond_half.signum()
}

/// The number below which a normal deviate lies with probability `p`.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::special::ndtri;
/// assert!((ndtri(0.975) - 1.959_963_984_540_054).abs() < 1e-14);
/// ```
pub fn ndtri(p: f64) -> f64 {
    if (0.0..=1.0).contains(&p) { deviate(p - 0.5, p.min(1.0 - p)) } else { f64::NAN }
}

/// The number whose error function is `x`.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::special::erfinv;
/// assert!((erfinv(0.5) - 0.476_936_276_204_469_87).abs() < 1e-14);
/// ```
pub fn erfinv(x: f64) -> f64 {
    if x.abs() <= 1.0 { deviate(x / 2.0, (1.0 - x.abs()) / 2.0) / SQRT_2 } else { f64::NAN }
}

/// The number behind `x` on the way to `to`.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::special::next_after;
/// assert_eq!(next_after(1.0, 2.0), 1.0 + f64::EPSILON);
/// ```
pub fn next_after(x: f64, to: f64) -> f64 {
    if x.is_nan() || to.is_nan() {
        return f64::NAN;
    }
    match to.partial_cmp(&x) {
        Some(std::cmp::Ordering::Greater) => x.next_up(),
        Some(std::cmp::Ordering::Less) => x.next_down(),
        _ => to,
    }
}
