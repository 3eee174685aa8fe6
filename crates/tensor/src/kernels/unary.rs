//! Elementwise functions of one argument and their gradients; activations are among them.

use crate::kernels::wide::wide;
use crate::kernels::{Float, special};
use crate::parallel::{self, GRAIN, split_rows};

/// A function at work: its value, and its derivative from the argument `x` and the value `y`. `p` is the parameter.
trait Function<T> {
    fn value(p: T, x: T) -> T;
    fn slope(p: T, x: T, y: T) -> T;
}

wide! {
    fn run[T: Float, F: Function<T>](p: T, x: &[T], y: &mut [T], _f: F) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = F::value(p, x);
        }
    }
}

wide! {
    fn run_in_place[T: Float, F: Function<T>](p: T, y: &mut [T], _f: F) {
        for y in y.iter_mut() {
            *y = F::value(p, *y);
        }
    }
}

wide! {
    fn run_biased[T: Float, F: Function<T>](p: T, bias: &[T], y: &mut [T], _f: F) {
        for row in y.chunks_exact_mut(bias.len()) {
            for (y, &b) in row.iter_mut().zip(bias) {
                *y = F::value(p, *y + b);
            }
        }
    }
}

wide! {
    fn run_scaled[T: Float, F: Function<T>](p: T, scale: &[T], offset: &[T], y: &mut [T], _f: F) {
        for row in y.chunks_exact_mut(scale.len()) {
            for ((y, &s), &o) in row.iter_mut().zip(scale).zip(offset) {
                *y = F::value(p, *y * s + o);
            }
        }
    }
}

wide! {
    // A missing x or y is given as dy: the slope does not look at it.
    fn run_slope[T: Float, F: Function<T>](p: T, x: &[T], y: &[T], dy: &[T], dx: &mut [T], _f: F) {
        for (((dx, &x), &y), &dy) in dx.iter_mut().zip(x).zip(y).zip(dy) {
            *dx = dy * F::slope(p, x, y);
        }
    }
}

wide! {
    // `d` holds dy and becomes dx.
    fn run_slope_in_place[T: Float, F: Function<T>](p: T, x: &[T], y: &[T], d: &mut [T], _f: F) {
        for ((d, &x), &y) in d.iter_mut().zip(x).zip(y) {
            *d *= F::slope(p, x, y);
        }
    }
}

macro_rules! functions {
    ($( $(#[$meta:meta])* $name:ident $(($param:ident))? $needs:ident
        |$vp:pat_param, $vx:pat_param| $value:expr, |$sp:pat_param, $sx:pat_param, $sy:pat_param| $slope:expr; )*) => {
        /// An elementwise function of one argument.
        ///
        /// Parameters are those of Keras and TensorFlow: the slope of [`Unary::LeakyRelu`], the scale of
        /// [`Unary::Elu`].
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Unary { $( $(#[$meta])* $name $(($param))? ),* }

        $(
            struct $name;
            impl<T: Float> Function<T> for $name {
                #[inline(always)]
                fn value($vp: T, $vx: T) -> T { $value }
                #[inline(always)]
                fn slope($sp: T, $sx: T, $sy: T) -> T { $slope }
            }
        )*

        impl Unary {
            /// What [`backward`] looks at: the argument, the value, both or neither.
            pub fn needs(self) -> Needs {
                match self { $( functions!(@pattern $name $(($param))?) => Needs::$needs ),* }
            }
        }

        fn forward_any<T: Float>(f: Unary, x: &[T], y: &mut [T]) {
            match f { $( functions!(@bind $name p $(($param))?) => run(T::from_f64(functions!(@param p $(($param))?)), x, y, $name) ),* }
        }
        fn in_place_any<T: Float>(f: Unary, y: &mut [T]) {
            match f { $( functions!(@bind $name p $(($param))?) => run_in_place(T::from_f64(functions!(@param p $(($param))?)), y, $name) ),* }
        }
        fn biased_any<T: Float>(f: Unary, bias: &[T], y: &mut [T]) {
            match f { $( functions!(@bind $name p $(($param))?) => run_biased(T::from_f64(functions!(@param p $(($param))?)), bias, y, $name) ),* }
        }
        fn scaled_any<T: Float>(f: Unary, scale: &[T], offset: &[T], y: &mut [T]) {
            match f { $( functions!(@bind $name p $(($param))?) => run_scaled(T::from_f64(functions!(@param p $(($param))?)), scale, offset, y, $name) ),* }
        }
        fn backward_any<T: Float>(f: Unary, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
            match f { $( functions!(@bind $name p $(($param))?) => run_slope(T::from_f64(functions!(@param p $(($param))?)), x, y, dy, dx, $name) ),* }
        }
        fn backward_in_place_any<T: Float>(f: Unary, x: &[T], y: &[T], d: &mut [T]) {
            match f { $( functions!(@bind $name p $(($param))?) => run_slope_in_place(T::from_f64(functions!(@param p $(($param))?)), x, y, d, $name) ),* }
        }
        /// Every function, parameters at Keras's defaults, for tests over the table.
        #[cfg(test)]
        const ALL: &[Unary] = &[ $( functions!(@default $name $(($param))?) ),* ];
    };
    (@pattern $name:ident) => { Unary::$name };
    (@pattern $name:ident ($param:ident)) => { Unary::$name(_) };
    (@bind $name:ident $p:ident) => { Unary::$name };
    (@bind $name:ident $p:ident ($param:ident)) => { Unary::$name($p) };
    (@param $p:ident) => { 0.0 };
    (@param $p:ident ($param:ident)) => { $p };
    (@default $name:ident) => { Unary::$name };
    (@default $name:ident ($param:ident)) => { Unary::$name(0.3) };
}

/// What a gradient is computed from, besides the gradient that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// The function's argument.
    Argument,
    /// The function's value.
    Value,
    /// Argument and value.
    Both,
}

#[inline(always)]
fn pick<T: Float>(condition: bool, yes: T, no: T) -> T {
    if condition { yes } else { no }
}

/// The value between 0 and a bound; a NaN stays one.
#[inline(always)]
fn cut<T: Float>(x: T, most: T) -> T {
    pick(x <= T::ZERO, T::ZERO, pick(x > most, most, x))
}

#[inline(always)]
fn c<T: Float>(value: f64) -> T {
    T::from_f64(value)
}

#[inline(always)]
fn softplus<T: Float>(x: T) -> T {
    // max(x, 0) + log(1 + e^-|x|) neither overflows nor cancels.
    pick(x > T::ZERO, x, T::ZERO) + (-x.abs()).exp().ln_1p()
}

const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
/// sqrt(2 / pi).
const GELU_TANH: f64 = 0.797_884_560_802_865_4;
/// 2 / sqrt(pi).
const TWO_OVER_ROOT_PI: f64 = std::f64::consts::FRAC_2_SQRT_PI;
/// sqrt(pi).
const ROOT_PI: f64 = 1.772_453_850_905_516;
/// sqrt(2 pi).
const ROOT_TWO_PI: f64 = 2.506_628_274_631_000_7;

// Each line expands to a variant of `Unary`, a type with the value and the slope as inlined functions, and an arm in
// each of the functions that run over slices: name, parameter, what the slope needs, value(p, x), slope(p, x, y).
functions! {
    /// The argument itself (`linear`).
    Identity Nothing |_, x| x, |_, _, _| T::ONE;
    /// max(x, 0). A NaN stays one, here and below.
    Relu Value |_, x| pick(x <= T::ZERO, T::ZERO, x), |_, _, y| pick(y > T::ZERO, T::ONE, T::ZERO);
    /// min(max(x, 0), 6).
    Relu6 Argument |_, x| cut(x, c(6.0)),
        |_, x, _| pick(x > T::ZERO && x < c(6.0), T::ONE, T::ZERO);
    /// x, below 0 times this slope.
    LeakyRelu(f64) Argument |p, x| pick(x > T::ZERO, x, p * x), |p, x, _| pick(x > T::ZERO, T::ONE, p);
    /// x, below 0 this scale times (e^x - 1).
    Elu(f64) Both |p, x| pick(x > T::ZERO, x, p * x.expm1()), |p, x, y| pick(x > T::ZERO, T::ONE, pick(x <= T::ZERO, y + p, p));
    /// Scaled ELU: 1.0507 x, below 0 1.0507 * 1.6733 (e^x - 1).
    Selu Both |_, x| c::<T>(SELU_SCALE) * pick(x > T::ZERO, x, c::<T>(SELU_ALPHA) * x.expm1()),
        |_, x, y| pick(x < T::ZERO, y + c(SELU_SCALE * SELU_ALPHA), c(SELU_SCALE));
    /// 1 / (1 + e^-x).
    Sigmoid Value |_, x| x.sigmoid(), |_, _, y| y * (T::ONE - y);
    /// Keras 2: 0.2 x + 0.5 cut at 0 and 1.
    HardSigmoid Argument |_, x| cut(c::<T>(0.2) * x + c(0.5), T::ONE),
        |_, x, _| pick(x >= c(-2.5) && x <= c(2.5), c(0.2), T::ZERO);
    /// Keras 3: x / 6 + 0.5 cut at 0 and 1 (relu6(x + 3) / 6).
    HardSigmoid3 Argument |_, x| cut(x * c(1.0 / 6.0) + c(0.5), T::ONE),
        |_, x, _| pick(x > c(-3.0) && x < c(3.0), c(1.0 / 6.0), T::ZERO);
    /// x times [`Unary::HardSigmoid3`].
    HardSwish Argument |_, x| x * cut(x * c(1.0 / 6.0) + c(0.5), T::ONE),
        |_, x, _| pick(x > c(-3.0), pick(x < c(3.0), x * c(1.0 / 3.0) + c(0.5), T::ONE), T::ZERO) + x * T::ZERO;
    /// Hyperbolic tangent.
    Tanh Value |_, x| x.tanh(), |_, _, y| T::ONE - y * y;
    /// log(1 + e^x).
    Softplus Argument |_, x| softplus(x), |_, x, _| x.sigmoid();
    /// x / (1 + |x|).
    Softsign Argument |_, x| x / (T::ONE + x.abs()), |_, x, _| { let d = T::ONE + x.abs(); T::ONE / (d * d) };
    /// x sigmoid(x) (`swish`, `silu`).
    Swish Argument |_, x| x * x.sigmoid(), |_, x, _| { let s = x.sigmoid(); s * (T::ONE + x * (T::ONE - s)) };
    /// x Φ(x), with the error function.
    Gelu Argument |_, x| c::<T>(0.5) * x * (T::ONE + (x * c(std::f64::consts::FRAC_1_SQRT_2)).erf()),
        |_, x, _| c::<T>(0.5) * (T::ONE + (x * c(std::f64::consts::FRAC_1_SQRT_2)).erf())
            + x * (c::<T>(-0.5) * x * x).exp() * c(0.5 * GELU_TANH);
    /// The approximation of [`Unary::Gelu`] by tanh.
    GeluTanh Argument |_, x| c::<T>(0.5) * x * (T::ONE + (c::<T>(GELU_TANH) * (x + c::<T>(0.044715) * x * x * x)).tanh()),
        |_, x, _| {
            let t = (c::<T>(GELU_TANH) * (x + c::<T>(0.044715) * x * x * x)).tanh();
            let inner = c::<T>(GELU_TANH) * (T::ONE + c::<T>(3.0 * 0.044715) * x * x);
            c::<T>(0.5) * (T::ONE + t + x * (T::ONE - t * t) * inner)
        };
    /// x tanh(softplus(x)).
    Mish Argument |_, x| x * softplus(x).tanh(),
        |_, x, _| { let t = softplus(x).tanh(); t + x * (T::ONE - t * t) * x.sigmoid() };
    /// e^x.
    Exp Value |_, x| x.exp(), |_, _, y| y;
    /// e^x - 1.
    Expm1 Value |_, x| x.expm1(), |_, _, y| y + T::ONE;
    /// Natural logarithm.
    Log Argument |_, x| x.ln(), |_, x, _| T::ONE / x;
    /// Natural logarithm of 1 + x.
    Log1p Argument |_, x| x.ln_1p(), |_, x, _| T::ONE / (T::ONE + x);
    /// log(sigmoid(x)).
    LogSigmoid Argument |_, x| -softplus(-x), |_, x, _| (-x).sigmoid();
    /// Square root.
    Sqrt Value |_, x| x.sqrt(), |_, _, y| c::<T>(0.5) / y;
    /// 1 / sqrt(x).
    Rsqrt Value |_, x| T::ONE / x.sqrt(), |_, _, y| c::<T>(-0.5) * y * y * y;
    /// x².
    Square Argument |_, x| x * x, |_, x, _| x + x;
    /// 1 / x.
    Reciprocal Value |_, x| T::ONE / x, |_, _, y| -(y * y);
    /// -x.
    Neg Nothing |_, x| -x, |_, _, _| -T::ONE;
    /// |x|.
    Abs Argument |_, x| x.abs(), |_, x, _| pick(x > T::ZERO, T::ONE, pick(x < T::ZERO, -T::ONE, x));
    /// -1, 0 or 1.
    Sign Nothing |_, x| pick(x > T::ZERO, T::ONE, pick(x < T::ZERO, -T::ONE, x)), |_, _, _| T::ZERO;
    /// Rounded down.
    Floor Nothing |_, x| x.via(f64::floor), |_, _, _| T::ZERO;
    /// Rounded up.
    Ceil Nothing |_, x| x.via(f64::ceil), |_, _, _| T::ZERO;
    /// Rounded to the nearest integer, halves to the even one.
    Round Nothing |_, x| x.via(f64::round_ties_even), |_, _, _| T::ZERO;
    /// Error function.
    Erf Argument |_, x| x.erf(), |_, x, _| c::<T>(TWO_OVER_ROOT_PI) * (-(x * x)).exp();
    /// 1 - erf(x).
    Erfc Argument |_, x| x.erfc(), |_, x, _| c::<T>(-TWO_OVER_ROOT_PI) * (-(x * x)).exp();
    /// Sine.
    Sin Argument |_, x| x.via(f64::sin), |_, x, _| x.via(f64::cos);
    /// Cosine.
    Cos Argument |_, x| x.via(f64::cos), |_, x, _| -x.via(f64::sin);
    /// Tangent.
    Tan Value |_, x| x.via(f64::tan), |_, _, y| T::ONE + y * y;
    /// Inverse sine.
    Asin Argument |_, x| x.via(f64::asin), |_, x, _| T::ONE / (T::ONE - x * x).sqrt();
    /// Inverse cosine.
    Acos Argument |_, x| x.via(f64::acos), |_, x, _| -T::ONE / (T::ONE - x * x).sqrt();
    /// Inverse tangent.
    Atan Argument |_, x| x.via(f64::atan), |_, x, _| T::ONE / (T::ONE + x * x);
    /// Hyperbolic sine.
    Sinh Argument |_, x| x.via(f64::sinh), |_, x, _| x.via(f64::cosh);
    /// Hyperbolic cosine.
    Cosh Argument |_, x| x.via(f64::cosh), |_, x, _| x.via(f64::sinh);
    /// Inverse hyperbolic sine.
    Asinh Argument |_, x| x.via(f64::asinh), |_, x, _| T::ONE / (x * x + T::ONE).sqrt();
    /// Inverse hyperbolic cosine.
    Acosh Argument |_, x| x.via(f64::acosh), |_, x, _| T::ONE / (x * x - T::ONE).sqrt();
    /// Inverse hyperbolic tangent.
    Atanh Argument |_, x| x.via(f64::atanh), |_, x, _| T::ONE / (T::ONE - x * x);
    /// The logarithm of the size of the gamma function.
    Lgamma Argument |_, x| x.via(special::lgamma), |_, x, _| x.via(special::digamma);
    /// The slope of [`Unary::Lgamma`].
    Digamma Argument |_, x| x.via(special::digamma), |_, x, _| x.via(special::trigamma);
    /// Modified Bessel function of the first kind of order 0.
    BesselI0 Argument |_, x| x.via(special::bessel_i0), |_, x, _| x.via(special::bessel_i1);
    /// [`Unary::BesselI0`] times e^-|x|.
    BesselI0e Both |_, x| x.via(special::bessel_i0e),
        |_, x, y| x.via(|x| special::bessel_i0e_slope(x, y.to_f64()));
    /// Modified Bessel function of the first kind of order 1.
    BesselI1 Both |_, x| x.via(special::bessel_i1), |_, x, y| x.via(|x| special::bessel_i1_slope(x, y.to_f64()));
    /// [`Unary::BesselI1`] times e^-|x|.
    BesselI1e Both |_, x| x.via(special::bessel_i1e),
        |_, x, y| x.via(|x| special::bessel_i1e_slope(x, y.to_f64()));
    /// Inverse error function.
    Erfinv Value |_, x| x.via(special::erfinv), |_, _, y| c::<T>(0.5 * ROOT_PI) * (y * y).exp();
    /// Inverse of the normal distribution.
    Ndtri Value |_, x| x.via(special::ndtri), |_, _, y| c::<T>(ROOT_TWO_PI) * (c::<T>(0.5) * y * y).exp();
}

/// Elements from which a second thread pays, for functions that cost some nanoseconds an element.
const GRAIN_FUNCTION: usize = GRAIN / 4;

/// `y = f(x)`.
///
/// # Panics
/// When the lengths differ.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::unary::{self, Unary};
/// let mut y = [0f32; 3];
/// unary::forward(Unary::Relu, &[-1.0, 0.0, 2.5], &mut y);
/// assert_eq!(y, [0.0, 0.0, 2.5]);
/// ```
pub fn forward<T: Float>(f: Unary, x: &[T], y: &mut [T]) {
    assert_eq!(x.len(), y.len(), "unary forward: x and y differ in length");
    split_rows(y, 1, GRAIN_FUNCTION, |first, y| forward_any(f, &x[first..first + y.len()], y));
}

/// `x = f(x)`.
pub fn forward_in_place<T: Float>(f: Unary, x: &mut [T]) {
    if f != Unary::Identity {
        split_rows(x, 1, GRAIN_FUNCTION, |_, x| in_place_any(f, x));
    }
}

/// `y = f(y + bias)` with the bias added to every row: what follows the matrix product of a dense or convolution
/// layer, in one pass.
///
/// # Shapes
/// `y` is `[rows, channels]`, `bias` is `[channels]`.
///
/// # Panics
/// When the length of `y` is no multiple of that of `bias`.
pub fn bias_forward_in_place<T: Float>(f: Unary, bias: &[T], y: &mut [T]) {
    if y.is_empty() {
        return;
    }
    assert!(
        !bias.is_empty() && y.len().is_multiple_of(bias.len()),
        "bias: {} elements do not divide {}",
        bias.len(),
        y.len()
    );
    split_rows(y, bias.len(), GRAIN_FUNCTION, |_, y| biased_any(f, bias, y));
}

/// `y = f(y * scale + offset)`, each column by its own scale and offset: what follows a convolution whose result is
/// normalised, in one pass.
///
/// # Shapes
/// `y` is `[rows, channels]`, `scale` and `offset` are `[channels]`.
///
/// # Panics
/// When `scale` and `offset` differ in length, or the length of `y` is no multiple of it.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::unary::{self, Unary};
/// let mut y = [1f32, 2.0, -3.0, 4.0];
/// unary::scale_forward_in_place(Unary::Relu, &[1.0, 0.5], &[1.0, 0.0], &mut y);
/// assert_eq!(y, [2.0, 1.0, 0.0, 2.0]);
/// ```
pub fn scale_forward_in_place<T: Float>(f: Unary, scale: &[T], offset: &[T], y: &mut [T]) {
    if y.is_empty() {
        return;
    }
    assert!(
        !scale.is_empty() && scale.len() == offset.len() && y.len().is_multiple_of(scale.len()),
        "scale: {} and {} elements for {}",
        scale.len(),
        offset.len(),
        y.len()
    );
    split_rows(y, scale.len(), GRAIN_FUNCTION, |_, y| scaled_any(f, scale, offset, y));
}

/// `dx = dy f'(x)`.
///
/// Of `x` and `y = f(x)` only those that [`Unary::needs`] names are looked at; the other may be empty.
///
/// # Panics
/// When lengths differ.
pub fn backward<T: Float>(f: Unary, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) {
    let n = dx.len();
    assert_eq!(dy.len(), n, "unary backward: dy and dx differ in length");
    let (x_used, y_used) = match f.needs() {
        Needs::Nothing => (false, false),
        Needs::Argument => (true, false),
        Needs::Value => (false, true),
        Needs::Both => (true, true),
    };
    let (x, y) = (if x_used { x } else { dy }, if y_used { y } else { dy });
    assert!(x.len() == n && y.len() == n, "unary backward: {f:?} needs {:?}, of {n} elements", f.needs());
    split_rows(dx, 1, GRAIN_FUNCTION, |first, dx| {
        let part = first..first + dx.len();
        backward_any(f, &x[part.clone()], &y[part.clone()], &dy[part], dx);
    });
}

/// `d = d f'(x)`: as [`backward`], in the memory of the gradient that comes in.
///
/// # Panics
/// When lengths differ.
pub fn backward_in_place<T: Float>(f: Unary, x: &[T], y: &[T], d: &mut [T]) {
    let n = d.len();
    let needs = f.needs();
    let (x, y) = match needs {
        Needs::Nothing if f == Unary::Identity => return,
        Needs::Nothing | Needs::Both => (x, y),
        Needs::Argument => (x, x),
        Needs::Value => (y, y),
    };
    // A function without needs has one slope everywhere.
    if needs == Needs::Nothing {
        let slope = {
            let (mut slope, one) = ([T::ZERO], [T::ONE]);
            backward_any(f, &one, &one, &one, &mut slope);
            slope[0]
        };
        return d.iter_mut().for_each(|d| *d *= slope);
    }
    assert!(x.len() == n && y.len() == n, "unary backward: {f:?} needs {needs:?}, of {n} elements");
    split_rows(d, 1, GRAIN_FUNCTION, |first, d| {
        let part = first..first + d.len();
        backward_in_place_any(f, &x[part.clone()], &y[part], d);
    });
}

/// Sum over rows: the gradient of a bias. `db` is overwritten.
///
/// # Shapes
/// `dy` is `[rows, channels]`, `db` is `[channels]`.
///
/// # Panics
/// When the length of `dy` is no multiple of that of `db`.
pub fn bias_backward<T: Float>(dy: &[T], db: &mut [T]) {
    let channels = db.len();
    assert!(dy.is_empty() || dy.len().is_multiple_of(channels), "bias: {channels} elements do not divide {}", dy.len());
    if dy.is_empty() {
        return db.fill(T::ZERO);
    }
    let rows = dy.len() / channels;
    let parts = parallel::parts_for(dy.len(), GRAIN).min(MOST_SUMS);
    if parts == 1 {
        return crate::kernels::reduce::sum_rows(dy, channels, db);
    }
    if channels > STRIP {
        let each = channels.div_ceil(parts).next_multiple_of(LINE);
        return parallel::split_each(channels.div_ceil(each), [(db, each)], |part, [db]| {
            crate::kernels::reduce::sum_columns(dy, channels, part * each, db);
        });
    }
    // Few columns: threads take rows.
    let mut sums = [T::ZERO; MOST_SUMS * STRIP];
    let each = rows.div_ceil(parts);
    let parts = rows.div_ceil(each);
    parallel::split_each(parts, [(&mut sums, STRIP)], |part, [sum]| {
        let dy = &dy[part * each * channels..((part + 1) * each).min(rows) * channels];
        crate::kernels::reduce::sum_rows(dy, channels, sum);
    });
    for (column, db) in db.iter_mut().enumerate() {
        *db = (0..parts).map(|part| sums[part * STRIP + column]).fold(T::ZERO, |a, b| a + b);
    }
}

/// Columns up to which [`bias_backward`] shares out rows.
const STRIP: usize = 64;
/// Columns that [`bias_backward`] keeps together, so that no two threads write to one line of a cache.
const LINE: usize = 16;
/// Threads among which they are shared at most.
const MOST_SUMS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn value(f: Unary, x: f64) -> f64 {
        let mut y = [0.0];
        forward(f, &[x], &mut y);
        y[0]
    }

    /// Points where every function is defined and smooth, inside its domain.
    fn points(f: Unary) -> Vec<f64> {
        match f {
            Unary::Acosh => vec![1.5, 2.0, 7.0],
            Unary::Asin | Unary::Acos | Unary::Atanh | Unary::Erfinv => vec![-0.9, -0.1, 0.4],
            Unary::Ndtri => vec![0.02, 0.3, 0.9],
            Unary::Log | Unary::Sqrt | Unary::Rsqrt | Unary::Log1p => vec![0.1, 0.7, 3.0, 20.0],
            _ => vec![-7.3, -2.6, -1.1, -0.3, 0.2, 0.9, 2.4, 5.1, 8.2],
        }
    }

    #[test]
    fn slopes_are_those_of_the_values() {
        for &f in ALL {
            for x in points(f) {
                let h = 1e-6;
                let expected = (value(f, x + h) - value(f, x - h)) / (2.0 * h);
                let (y, mut dx) = ([value(f, x)], [0.0]);
                let (needs, none) = (f.needs(), []);
                let given_x: &[f64] = if matches!(needs, Needs::Argument | Needs::Both) { &[x] } else { &none };
                let given_y: &[f64] = if matches!(needs, Needs::Value | Needs::Both) { &y } else { &none };
                backward(f, given_x, given_y, &[1.5], &mut dx);
                let (found, scale) = (dx[0] / 1.5, expected.abs().max(1.0));
                assert!((found - expected).abs() < 2e-8 * scale, "{f:?} at {x}: {expected}, found {found}");
            }
        }
    }

    #[test]
    fn single_precision_follows_double() {
        for &f in ALL {
            for x in points(f) {
                let expected = value(f, f64::from(x as f32));
                let mut y = [0f32];
                forward(f, &[x as f32], &mut y);
                let tolerance = 1e-6 * expected.abs().max(1.0);
                assert!((f64::from(y[0]) - expected).abs() < tolerance, "{f:?} at {x}: {expected}, found {}", y[0]);
                forward_in_place(f, &mut y);
            }
        }
    }

    #[test]
    fn known_values() {
        let near = |f, x, expected: f64| assert!((value(f, x) - expected).abs() < 1e-9, "{f:?}({x}) {}", value(f, x));
        near(Unary::Selu, -1.0, -1.111_330_737_812_562_5);
        near(Unary::Gelu, 1.0, 0.841_344_746_068_542_9);
        near(Unary::GeluTanh, 1.0, 0.841_191_990_608_276_8);
        near(Unary::Mish, 1.0, 0.865_098_388_267_310_6);
        near(Unary::Swish, 1.0, 0.731_058_578_630_004_9);
        near(Unary::HardSigmoid, 1.0, 0.7);
        near(Unary::Softplus, 800.0, 800.0);
        near(Unary::Softplus, -800.0, 0.0);
        near(Unary::LogSigmoid, -800.0, -800.0);
        near(Unary::Round, 2.5, 2.0);
        near(Unary::Erfc, 3.0, 2.209_049_699_858_544e-5);
    }

    #[test]
    fn bias_and_its_gradient() {
        let mut y = vec![1f32, -2., 3., 4., -5., 6.];
        bias_forward_in_place(Unary::Relu, &[1., 1., -4.], &mut y);
        assert_eq!(y, [2., 0., 0., 5., 0., 2.]);
        let mut db = [9f32; 3];
        bias_backward(&y, &mut db);
        assert_eq!(db, [7., 0., 2.]);
        bias_forward_in_place::<f32>(Unary::Relu, &[], &mut []);
    }

    #[test]
    fn gradients_in_place_and_of_biases() {
        for &f in ALL {
            let x = points(f);
            let (mut y, dy) = (vec![0.0; x.len()], vec![0.7; x.len()]);
            forward(f, &x, &mut y);
            let (mut dx, mut d) = (vec![0.0; x.len()], dy.clone());
            backward(f, &x, &y, &dy, &mut dx);
            backward_in_place(f, &x, &y, &mut d);
            assert_eq!(dx, d, "{f:?}");
        }
        for (rows, channels) in [(10_000, 7), (3, 5), (4000, 64), (3000, 65), (0, 3)] {
            let dy: Vec<f64> = (0..rows * channels).map(|i| (i % 17) as f64).collect();
            let mut db = vec![f64::NAN; channels];
            bias_backward(&dy, &mut db);
            let expected = |c: usize| (0..rows).map(|r| dy[r * channels + c]).sum::<f64>();
            assert!(db.iter().enumerate().all(|(c, &sum)| sum == expected(c)), "{rows} {channels}");
        }
    }

    #[test]
    fn many_elements_on_several_threads() {
        let x: Vec<f32> = (0..200_001).map(|i| (i as f32 - 1e5) * 1e-4).collect();
        let mut y = vec![0f32; x.len()];
        forward(Unary::Tanh, &x, &mut y);
        assert!(x.iter().zip(&y).all(|(x, y)| (x.tanh() - y).abs() < 1e-6));
    }
}
