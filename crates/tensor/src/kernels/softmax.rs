//! Softmax and its logarithm over the last axis.

use crate::kernels::Float;
use crate::kernels::wide::wide;
use crate::parallel::{GRAIN, split_rows};

/// The largest element of a row.
#[inline(always)]
pub(crate) fn row_max<T: Float>(row: &[T]) -> T {
    let mut lanes = [T::LOWEST; 16];
    let chunks = row.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &v)| *lane = v.larger(*lane));
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, &v)| *lane = v.larger(*lane));
    lanes.iter().fold(T::LOWEST, |a, &b| b.larger(a))
}

/// The sum of `f` over a row, in 16 lanes.
#[inline(always)]
pub(crate) fn row_sum<T: Float>(row: &[T], f: impl Fn(T) -> T) -> T {
    let mut lanes = [T::ZERO; 16];
    let chunks = row.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, &v)| *lane += f(v));
    }
    lanes.iter_mut().zip(rest).for_each(|(lane, &v)| *lane += f(v));
    lanes.iter().fold(T::ZERO, |a, &b| a + b)
}

/// The sum of products of two rows, in 16 lanes.
#[inline(always)]
pub(crate) fn row_dot<T: Float>(a: &[T], b: &[T]) -> T {
    let mut lanes = [T::ZERO; 16];
    for (a, b) in a.chunks(16).zip(b.chunks(16)) {
        lanes.iter_mut().zip(a).zip(b).for_each(|((lane, &a), &b)| *lane += a * b);
    }
    lanes.iter().fold(T::ZERO, |a, &b| a + b)
}

wide! {
    fn softmax_rows[T: Float](n: usize, x: &[T], y: &mut [T]) {
        for (x, y) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)) {
            let max = row_max(x);
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = (x - max).exp());
            let scale = T::ONE / row_sum(y, |v| v);
            y.iter_mut().for_each(|y| *y *= scale);
        }
    }
}

wide! {
    fn log_softmax_rows[T: Float](n: usize, x: &[T], y: &mut [T]) {
        for (x, y) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)) {
            let max = row_max(x);
            let log_sum = row_sum(x, |v| (v - max).exp()).ln();
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = (x - max) - log_sum);
        }
    }
}

wide! {
    fn softmax_slope[T: Float](n: usize, y: &[T], dy: &[T], dx: &mut [T]) {
        for ((y, dy), dx) in y.chunks_exact(n).zip(dy.chunks_exact(n)).zip(dx.chunks_exact_mut(n)) {
            let dot = row_dot(y, dy);
            dx.iter_mut().zip(y).zip(dy).for_each(|((dx, &y), &dy)| *dx = y * (dy - dot));
        }
    }
}

wide! {
    fn log_softmax_slope[T: Float](n: usize, y: &[T], dy: &[T], dx: &mut [T]) {
        for ((y, dy), dx) in y.chunks_exact(n).zip(dy.chunks_exact(n)).zip(dx.chunks_exact_mut(n)) {
            let sum = row_sum(dy, |v| v);
            dx.iter_mut().zip(y).zip(dy).for_each(|((dx, &y), &dy)| *dx = dy - y.exp() * sum);
        }
    }
}

fn check(n: usize, lengths: &[usize]) {
    let len = lengths[0];
    assert!(lengths.iter().all(|&l| l == len), "softmax: lengths differ: {lengths:?}");
    assert!(len == 0 || (n > 0 && len.is_multiple_of(n)), "softmax: rows of {n} do not divide {len} elements");
}

/// Rows are shared among threads from this many elements on.
pub(crate) const GRAIN_ROWS: usize = GRAIN / 8;

/// `y = exp(x) / sum(exp(x))` for each row of `n` elements.
///
/// # Panics
/// When lengths differ or are no multiple of `n`.
///
/// # Example
/// ```
/// let mut y = [0f32; 2];
/// kerox_tensor::kernels::softmax::softmax(2, &[1000.0, 1000.0], &mut y);
/// assert_eq!(y, [0.5, 0.5]);
/// ```
pub fn softmax<T: Float>(n: usize, x: &[T], y: &mut [T]) {
    check(n, &[x.len(), y.len()]);
    split_rows(y, n, GRAIN_ROWS, |first, y| softmax_rows(n, &x[first * n..][..y.len()], y));
}

/// `y = x - log(sum(exp(x)))` for each row of `n` elements.
///
/// # Panics
/// As [`softmax`].
pub fn log_softmax<T: Float>(n: usize, x: &[T], y: &mut [T]) {
    check(n, &[x.len(), y.len()]);
    split_rows(y, n, GRAIN_ROWS, |first, y| log_softmax_rows(n, &x[first * n..][..y.len()], y));
}

/// The gradient of [`softmax`] from its value `y`.
///
/// # Panics
/// As [`softmax`].
pub fn softmax_backward<T: Float>(n: usize, y: &[T], dy: &[T], dx: &mut [T]) {
    check(n, &[dx.len(), y.len(), dy.len()]);
    split_rows(dx, n, GRAIN_ROWS, |first, dx| {
        let part = first * n..first * n + dx.len();
        softmax_slope(n, &y[part.clone()], &dy[part], dx);
    });
}

/// The gradient of [`log_softmax`] from its value `y`.
///
/// # Panics
/// As [`softmax`].
pub fn log_softmax_backward<T: Float>(n: usize, y: &[T], dy: &[T], dx: &mut [T]) {
    check(n, &[dx.len(), y.len(), dy.len()]);
    split_rows(dx, n, GRAIN_ROWS, |first, dx| {
        let part = first * n..first * n + dx.len();
        log_softmax_slope(n, &y[part.clone()], &dy[part], dx);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    type Forward = fn(usize, &[f64], &mut [f64]);
    type Backward = fn(usize, &[f64], &[f64], &mut [f64]);

    #[test]
    fn gradients_are_differences() {
        for (forward, backward) in
            [(softmax as Forward, softmax_backward as Backward), (log_softmax as Forward, log_softmax_backward)]
        {
            for n in [1, 3, 16, 37] {
                let mut x: Vec<f64> = (0..2 * n).map(|i| (i * 7 % 11) as f64 / 3.0 - 2.0).collect();
                let dy: Vec<f64> = (0..2 * n).map(|i| (i % 5) as f64 - 2.0).collect();
                let (mut y, mut dx) = (vec![0.0; 2 * n], vec![0.0; 2 * n]);
                forward(n, &x, &mut y);
                backward(n, &y, &dy, &mut dx);
                for i in 0..2 * n {
                    let old = x[i];
                    let mut value = |v: f64| {
                        x[i] = v;
                        forward(n, &x, &mut y);
                        y.iter().zip(&dy).map(|(y, dy)| y * dy).sum::<f64>()
                    };
                    let expected = (value(old + 1e-6) - value(old - 1e-6)) / 2e-6;
                    x[i] = old;
                    assert!((dx[i] - expected).abs() < 1e-8, "{} {expected}", dx[i]);
                }
            }
        }
    }

    #[test]
    fn rows_sum_to_one_and_extremes_hold() {
        let x: Vec<f32> = (0..50 * 1001).map(|i| (i % 997) as f32).collect();
        let mut y = vec![0f32; x.len()];
        softmax(1001, &x, &mut y);
        assert!(y.chunks(1001).all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-5));
        let mut y = [0f32; 2];
        log_softmax(2, &[-1000.0, 1000.0], &mut y);
        assert_eq!(y, [-2000.0, 0.0]);
        softmax::<f32>(3, &[], &mut []);
    }
}
