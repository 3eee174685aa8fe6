//! Layer normalisation over the last axis.

use crate::kernels::Float;
use crate::kernels::column_sums::{STRIP, column_sums};
use crate::kernels::softmax::row_sum;
use crate::kernels::wide::wide;
use crate::parallel::{GRAIN, split_rows};

wide! {
    fn statistics[T: Float](n: usize, x: &[T], epsilon: T, mean: &mut [T], inverse: &mut [T]) {
        let count = T::from_count(n);
        for ((x, mean), inverse) in x.chunks_exact(n).zip(mean).zip(inverse) {
            let m = row_sum(x, |v| v) / count;
            let variance = row_sum(x, |v| (v - m) * (v - m)) / count;
            *mean = m;
            *inverse = T::ONE / (variance + epsilon).sqrt();
        }
    }
}

wide! {
    fn normalize[T: Float](n: usize, x: &[T], mean: &[T], inverse: &[T], gamma: &[T], beta: &[T], y: &mut [T]) {
        let rows = x.chunks_exact(n).zip(y.chunks_exact_mut(n)).zip(mean).zip(inverse);
        for (((x, y), &mean), &inverse) in rows {
            y.iter_mut().zip(x).for_each(|(y, &x)| *y = (x - mean) * inverse);
            if !gamma.is_empty() {
                y.iter_mut().zip(gamma).for_each(|(y, &g)| *y *= g);
            }
            if !beta.is_empty() {
                y.iter_mut().zip(beta).for_each(|(y, &b)| *y += b);
            }
        }
    }
}

wide! {
    fn gradient[T: Float](n: usize, x: &[T], mean: &[T], inverse: &[T], gamma: &[T], dy: &[T], dx: &mut [T]) {
        let count = T::from_count(n);
        let rows = x.chunks_exact(n).zip(dy.chunks_exact(n)).zip(dx.chunks_exact_mut(n)).zip(mean).zip(inverse);
        for ((((x, dy), dx), &mean), &inverse) in rows {
            dx.copy_from_slice(dy);
            if !gamma.is_empty() {
                dx.iter_mut().zip(gamma).for_each(|(dx, &g)| *dx *= g);
            }
            let shift = row_sum(dx, |v| v) / count;
            let mut lanes = [T::ZERO; 16];
            for (x, dx) in x.chunks(16).zip(dx.chunks(16)) {
                lanes.iter_mut().zip(x).zip(dx).for_each(|((lane, &x), &dx)| *lane += dx * (x - mean));
            }
            let pull = lanes.iter().fold(T::ZERO, |a, &b| a + b) * inverse * inverse / count;
            dx.iter_mut().zip(x).for_each(|(dx, &x)| *dx = inverse * (*dx - shift - (x - mean) * pull));
        }
    }
}

wide! {
    fn parameter_gradients[T: Float](x: &[T], mean: &[T], inverse: &[T], dy: &[T], dgamma: &mut [T], dbeta: &mut [T]) {
        let n = dgamma.len();
        for (s, (dgamma, dbeta)) in dgamma.chunks_mut(STRIP).zip(dbeta.chunks_mut(STRIP)).enumerate() {
            let (begin, width) = (s * STRIP, dgamma.len());
            let [a, b] = column_sums(mean.len(), |row, [a, b]: &mut [[T; STRIP]; 2]| {
                let (x, dy) = (&x[row * n + begin..][..width], &dy[row * n + begin..][..width]);
                let (mean, inverse) = (mean[row], inverse[row]);
                for (((a, b), &x), &dy) in a.iter_mut().zip(b).zip(x).zip(dy) {
                    *a += dy * (x - mean) * inverse;
                    *b += dy;
                }
            });
            dgamma.copy_from_slice(&a[..width]);
            dbeta.copy_from_slice(&b[..width]);
        }
    }
}

fn check<T>(n: usize, x: &[T], rows: &[&[T]], optional: &[&[T]]) {
    assert!(n > 0 && x.len().is_multiple_of(n), "layer norm: rows of {n} do not divide {}", x.len());
    assert!(rows.iter().all(|r| r.len() == x.len() / n), "layer norm: a statistic has not one element a row");
    assert!(optional.iter().all(|o| o.is_empty() || o.len() == n), "layer norm: gamma or beta has not {n} elements");
}

/// `y = (x - mean) / sqrt(variance + epsilon) * gamma + beta` with the mean and biased variance of each row.
///
/// # Arguments
/// `gamma` and `beta` may be empty, which means 1 and 0. `mean` and `inverse` (1 / sqrt(variance + epsilon)) are
/// written for [`backward`].
///
/// # Shapes
/// `x` and `y` are `[rows, n]`, `gamma` and `beta` `[n]`, `mean` and `inverse` `[rows]`.
///
/// # Panics
/// When a length differs from its shape.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::layer_norm;
/// let (mut y, mut mean, mut inverse) = ([0f32; 2], [0f32], [0f32]);
/// layer_norm::forward(2, &[1., 5.], &[], &[1., 1.], 0.0, &mut y, &mut mean, &mut inverse);
/// assert_eq!((y, mean, inverse), ([0., 2.], [3.], [0.5]));
/// ```
pub fn forward<T: Float>(
    n: usize,
    x: &[T],
    gamma: &[T],
    beta: &[T],
    epsilon: T,
    y: &mut [T],
    mean: &mut [T],
    inverse: &mut [T],
) {
    check(n, x, &[&*mean, &*inverse], &[gamma, beta]);
    assert_eq!(x.len(), y.len(), "layer norm: input and output differ in length");
    statistics(n, x, epsilon, mean, inverse);
    let (mean, inverse) = (&*mean, &*inverse);
    split_rows(y, n, GRAIN, |first, y| {
        let rows = first..first + y.len() / n;
        normalize(n, &x[first * n..][..y.len()], &mean[rows.clone()], &inverse[rows], gamma, beta, y);
    });
}

/// The gradients of [`forward`], which are overwritten. `dgamma` and `dbeta` may both be empty: then they are left out.
///
/// # Shapes
/// As [`forward`].
///
/// # Panics
/// When a length differs from its shape.
pub fn backward<T: Float>(
    n: usize,
    x: &[T],
    gamma: &[T],
    mean: &[T],
    inverse: &[T],
    dy: &[T],
    dx: &mut [T],
    dgamma: &mut [T],
    dbeta: &mut [T],
) {
    check(n, x, &[mean, inverse], &[gamma, &*dgamma, &*dbeta]);
    assert!(dx.len() == x.len() && dy.len() == x.len(), "layer norm: gradients and input differ in length");
    assert_eq!(dgamma.len(), dbeta.len(), "layer norm: dgamma and dbeta differ in length");
    parameter_gradients(x, mean, inverse, dy, dgamma, dbeta);
    split_rows(dx, n, GRAIN, |first, dx| {
        let rows = first..first + dx.len() / n;
        let part = first * n..first * n + dx.len();
        gradient(n, &x[part.clone()], &mean[rows.clone()], &inverse[rows], gamma, &dy[part], dx);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_differences() {
        let value = |i: usize, seed: usize| (((i + seed * 31) * 7919 % 1009) as f64 / 504.5) - 1.0;
        for (rows, n) in [(3, 5), (2, 1), (1, 70), (150, 3)] {
            let mut x: Vec<f64> = (0..rows * n).map(|i| value(i, 1)).collect();
            let dy: Vec<f64> = (0..rows * n).map(|i| value(i, 2)).collect();
            let mut gamma: Vec<f64> = (0..n).map(|i| value(i, 3)).collect();
            let beta: Vec<f64> = (0..n).map(|i| value(i, 4)).collect();
            let loss = |x: &[f64], gamma: &[f64]| {
                let (mut y, mut m, mut v) = (vec![0.0; x.len()], vec![0.0; rows], vec![0.0; rows]);
                forward(n, x, gamma, &beta, 1e-3, &mut y, &mut m, &mut v);
                let sum: f64 = y.iter().zip(&dy).map(|(y, dy)| y * dy).sum();
                (sum, m, v)
            };
            let (_, m, v) = loss(&x, &gamma);
            let (mut dx, mut dg, mut db) = (vec![9.0; x.len()], vec![9.0; n], vec![9.0; n]);
            backward(n, &x, &gamma, &m, &v, &dy, &mut dx, &mut dg, &mut db);
            let h = 1e-5;
            for i in 0..x.len().min(30) {
                let old = x[i];
                x[i] = old + h;
                let up = loss(&x, &gamma).0;
                x[i] = old - h;
                let down = loss(&x, &gamma).0;
                x[i] = old;
                assert!((dx[i] - (up - down) / (2.0 * h)).abs() < 1e-6, "{} {}", dx[i], (up - down) / (2.0 * h));
            }
            for j in 0..n.min(5) {
                let old = gamma[j];
                gamma[j] = old + h;
                let up = loss(&x, &gamma).0;
                gamma[j] = old - h;
                let down = loss(&x, &gamma).0;
                gamma[j] = old;
                assert!((dg[j] - (up - down) / (2.0 * h)).abs() < 1e-6);
                let expected: f64 = (0..rows).map(|r| dy[r * n + j]).sum();
                assert!((db[j] - expected).abs() < 1e-10);
            }
        }
    }

    #[test]
    fn empty_batch() {
        let (mut dgamma, mut dbeta) = ([9f32; 3], [9f32; 3]);
        backward(3, &[], &[], &[], &[], &[], &mut [], &mut dgamma, &mut dbeta);
        assert_eq!((dgamma, dbeta), ([0.0; 3], [0.0; 3]));
    }
}
