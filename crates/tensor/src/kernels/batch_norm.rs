//! Batch normalisation over all axes but the last.

use crate::kernels::Float;
use crate::kernels::column_sums::{STRIP, column_sums};
use crate::kernels::wide::wide;
use crate::parallel::{GRAIN, split_alike, split_rows};

wide! {
    // Means and biased variances of the channels from `first` on.
    fn statistics[T: Float](rows: usize, channels: usize, first: usize, x: &[T], mean: &mut [T], variance: &mut [T]) {
        let count = T::from_count(rows);
        for (s, (mean, variance)) in mean.chunks_mut(STRIP).zip(variance.chunks_mut(STRIP)).enumerate() {
            let (begin, width) = (first + s * STRIP, mean.len());
            let [sum] = column_sums(rows, |row, [sum]: &mut [[T; STRIP]; 1]| {
                let x = &x[row * channels + begin..][..width];
                sum.iter_mut().zip(x).for_each(|(sum, &x)| *sum += x);
            });
            mean.iter_mut().zip(&sum).for_each(|(mean, &sum)| *mean = sum / count);
            let [squares] = column_sums(rows, |row, [squares]: &mut [[T; STRIP]; 1]| {
                let x = &x[row * channels + begin..][..width];
                squares.iter_mut().zip(x).zip(&*mean).for_each(|((sum, &x), &mean)| *sum += (x - mean) * (x - mean));
            });
            variance.iter_mut().zip(&squares).for_each(|(variance, &sum)| *variance = sum / count);
        }
    }
}

wide! {
    // y = x * scale + offset.
    fn affine[T: Float](scale: &[T], offset: &[T], x: &[T], y: &mut [T]) {
        let n = scale.len();
        for (x, y) in x.chunks_exact(n).zip(y.chunks_exact_mut(n)) {
            y.iter_mut().zip(x).zip(scale).zip(offset).for_each(|(((y, &x), &s), &o)| *y = x * s + o);
        }
    }
}

wide! {
    // Sums of dy and of dy (x - mean) for the channels from `first` on.
    fn gradient_sums[T: Float](
        shape: (usize, usize, usize), x: &[T], dy: &[T], mean: &[T], sums: &mut [T], products: &mut [T],
    ) {
        let (rows, channels, first) = shape;
        for (s, (sums, products)) in sums.chunks_mut(STRIP).zip(products.chunks_mut(STRIP)).enumerate() {
            let (begin, width) = (first + s * STRIP, sums.len());
            let mean = &mean[begin..][..width];
            let [a, b] = column_sums(rows, |row, [a, b]: &mut [[T; STRIP]; 2]| {
                let (x, dy) = (&x[row * channels + begin..][..width], &dy[row * channels + begin..][..width]);
                for ((((a, b), &x), &dy), &mean) in a.iter_mut().zip(b).zip(x).zip(dy).zip(mean) {
                    *a += dy;
                    *b += dy * (x - mean);
                }
            });
            sums.copy_from_slice(&a[..width]);
            products.copy_from_slice(&b[..width]);
        }
    }
}

wide! {
    // dx = scale * (dy - shift - (x - mean) * pull).
    fn gradient_rows[T: Float](scale: &[T], shift: &[T], pull: &[T], mean: &[T], x: &[T], dy: &[T], dx: &mut [T]) {
        let n = scale.len();
        for ((x, dy), dx) in x.chunks_exact(n).zip(dy.chunks_exact(n)).zip(dx.chunks_exact_mut(n)) {
            for j in 0..n {
                dx[j] = scale[j] * (dy[j] - shift[j] - (x[j] - mean[j]) * pull[j]);
            }
        }
    }
}

fn check<T>(channels: usize, x: &[T], others: &[&[T]], optional: &[&[T]]) -> usize {
    assert!(
        channels > 0 && x.len().is_multiple_of(channels),
        "batch norm: {channels} channels do not divide {}",
        x.len()
    );
    assert!(others.iter().all(|o| o.len() == channels), "batch norm: a vector has not one element a channel");
    let fits = |o: &&[T]| o.is_empty() || o.len() == channels;
    assert!(optional.iter().all(fits), "batch norm: gamma or beta has not one element a channel");
    x.len() / channels
}

/// Mean and biased variance of each channel: what training normalises with. Without rows both are NaN.
///
/// # Shapes
/// `x` is `[rows, channels]`, the others `[channels]`.
///
/// # Panics
/// When a length differs from its shape.
pub fn moments<T: Float>(x: &[T], mean: &mut [T], variance: &mut [T]) {
    let channels = mean.len();
    let rows = check(channels, x, &[&*mean, &*variance], &[]);
    // Threads take channels; each has to be worth it.
    let grain = if x.len() < 2 * GRAIN { usize::MAX / 2 } else { STRIP };
    split_alike([mean, variance], grain, |first, [mean, variance]| {
        statistics(rows, channels, first, x, mean, variance);
    });
}

/// `y = (x - mean) / sqrt(variance + epsilon) * gamma + beta`, in training with [`moments`], else with the moving ones.
///
/// # Arguments
/// `gamma` and `beta` may be empty, which means 1 and 0. `scratch` is room for `2 * channels` elements.
///
/// # Shapes
/// `x` and `y` are `[rows, channels]`, the others `[channels]`.
///
/// # Panics
/// When a length differs from its shape.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::batch_norm;
/// let (mut y, mut scratch) = ([0f32; 4], [0f32; 4]);
/// batch_norm::forward(&[1., 2., 3., 4.], &[2., 2.], &[1., 4.], &[], &[1., 1.], 0.0, &mut y, &mut scratch);
/// assert_eq!(y, [0., 1., 2., 2.]);
/// ```
pub fn forward<T: Float>(
    x: &[T],
    mean: &[T],
    variance: &[T],
    gamma: &[T],
    beta: &[T],
    epsilon: T,
    y: &mut [T],
    scratch: &mut [T],
) {
    let channels = mean.len();
    check(channels, x, &[variance], &[gamma, beta]);
    assert_eq!(x.len(), y.len(), "batch norm: input and output differ in length");
    let (scale, rest) = scratch.split_at_mut(channels);
    let offset = &mut rest[..channels];
    for j in 0..channels {
        scale[j] = gamma.get(j).copied().unwrap_or(T::ONE) / (variance[j] + epsilon).sqrt();
        offset[j] = beta.get(j).copied().unwrap_or(T::ZERO) - mean[j] * scale[j];
    }
    let (scale, offset) = (&*scale, &*offset);
    split_rows(y, channels, GRAIN, |first, y| affine(scale, offset, &x[first * channels..][..y.len()], y));
}

/// Where the statistics that [`backward`] gets come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// From the batch itself: they have a part in the gradient.
    Batch,
    /// From elsewhere (the moving ones): they are constants.
    Constant,
}

/// The gradients of [`forward`] with respect to `x`, `gamma` and `beta`, which are overwritten.
///
/// # Arguments
/// `gamma` may be empty, which means 1; `dgamma` and `dbeta` are computed in any case. `scratch` is room for
/// `3 * channels` elements.
///
/// # Shapes
/// `x`, `dy` and `dx` are `[rows, channels]`, the others `[channels]`.
///
/// # Panics
/// When a length differs from its shape.
pub fn backward<T: Float>(
    statistics: Statistics,
    x: &[T],
    mean: &[T],
    variance: &[T],
    gamma: &[T],
    epsilon: T,
    dy: &[T],
    dx: &mut [T],
    dgamma: &mut [T],
    dbeta: &mut [T],
    scratch: &mut [T],
) {
    let channels = mean.len();
    let rows = check(channels, x, &[variance, &*dgamma, &*dbeta], &[gamma]);
    assert!(dx.len() == x.len() && dy.len() == x.len(), "batch norm: gradients and input differ in length");
    let grain = if x.len() < 2 * GRAIN { usize::MAX / 2 } else { STRIP };
    split_alike([&mut *dbeta, &mut *dgamma], grain, |first, [sums, products]| {
        gradient_sums((rows, channels, first), x, dy, mean, sums, products);
    });
    let (scale, rest) = scratch.split_at_mut(channels);
    let (shift, rest) = rest.split_at_mut(channels);
    let pull = &mut rest[..channels];
    let count = T::from_count(rows);
    for j in 0..channels {
        let inverse = T::ONE / (variance[j] + epsilon).sqrt();
        scale[j] = gamma.get(j).copied().unwrap_or(T::ONE) * inverse;
        let batch = statistics == Statistics::Batch;
        shift[j] = if batch { dbeta[j] / count } else { T::ZERO };
        pull[j] = if batch { dgamma[j] * inverse * inverse / count } else { T::ZERO };
        dgamma[j] *= inverse;
    }
    let (scale, shift, pull) = (&*scale, &*shift, &*pull);
    split_rows(dx, channels, GRAIN, |first, dx| {
        let part = first * channels..first * channels + dx.len();
        gradient_rows(scale, shift, pull, mean, &x[part.clone()], &dy[part], dx);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(n: usize, seed: usize) -> Vec<f64> {
        (0..n).map(|i| (((i + seed * 31) * 7919 % 1009) as f64 / 504.5) - 1.0).collect()
    }

    fn loss(training: bool, x: &[f64], stats: (&[f64], &[f64]), gamma: &[f64], beta: &[f64], dy: &[f64]) -> f64 {
        let c = stats.0.len();
        let (mut mean, mut variance) = (stats.0.to_vec(), stats.1.to_vec());
        if training {
            moments(x, &mut mean, &mut variance);
        }
        let (mut y, mut scratch) = (vec![0.0; x.len()], vec![0.0; 2 * c]);
        forward(x, &mean, &variance, gamma, beta, 1e-3, &mut y, &mut scratch);
        y.iter().zip(dy).map(|(y, dy)| y * dy).sum()
    }

    #[test]
    fn gradients_are_differences() {
        for (rows, c, training, with_gamma) in
            [(7, 3, true, true), (1, 2, true, true), (5, 70, true, false), (6, 4, false, true), (300, 2, true, true)]
        {
            let (mut x, dy) = (values(rows * c, 1), values(rows * c, 2));
            let mut gamma = if with_gamma { values(c, 3) } else { vec![] };
            let mut beta = values(c, 4);
            let (mut mean, mut variance) = (values(c, 5), vec![0.7; c]);
            if training {
                moments(&x, &mut mean, &mut variance);
            }
            let (m, v) = (mean.clone(), variance.clone());
            let (mut dx, mut dg, mut db) = (vec![9.0; x.len()], vec![9.0; c], vec![9.0; c]);
            let statistics = if training { Statistics::Batch } else { Statistics::Constant };
            let mut scratch = vec![0.0; 3 * c];
            backward(statistics, &x, &m, &v, &gamma, 1e-3, &dy, &mut dx, &mut dg, &mut db, &mut scratch);
            let h = 1e-5;
            for i in 0..x.len().min(40) {
                let old = x[i];
                x[i] = old + h;
                let up = loss(training, &x, (&m, &v), &gamma, &beta, &dy);
                x[i] = old - h;
                let down = loss(training, &x, (&m, &v), &gamma, &beta, &dy);
                x[i] = old;
                assert!((dx[i] - (up - down) / (2.0 * h)).abs() < 2e-6, "dx {} {}", dx[i], (up - down) / (2.0 * h));
            }
            for j in 0..c.min(5) {
                let old = beta[j];
                beta[j] = old + h;
                let up = loss(training, &x, (&m, &v), &gamma, &beta, &dy);
                beta[j] = old - h;
                let down = loss(training, &x, (&m, &v), &gamma, &beta, &dy);
                beta[j] = old;
                assert!((db[j] - (up - down) / (2.0 * h)).abs() < 1e-6);
                if with_gamma {
                    let old = gamma[j];
                    gamma[j] = old + h;
                    let up = loss(training, &x, (&m, &v), &gamma, &beta, &dy);
                    gamma[j] = old - h;
                    let down = loss(training, &x, (&m, &v), &gamma, &beta, &dy);
                    gamma[j] = old;
                    assert!((dg[j] - (up - down) / (2.0 * h)).abs() < 1e-6);
                }
            }
        }
    }

    #[test]
    fn moments_of_many_rows_stay_accurate() {
        let x: Vec<f32> = (0..200_000 * 3).map(|i| 1000.0 + (i / 3 % 2) as f32).collect();
        let (mut mean, mut variance) = ([0f32; 3], [0f32; 3]);
        moments(&x, &mut mean, &mut variance);
        assert!(mean.iter().all(|m| (m - 1000.5).abs() < 1e-3) && variance.iter().all(|v| (v - 0.25).abs() < 1e-4));
        let mut mean = vec![0f64; 200];
        let mut variance = vec![0f64; 200];
        let x: Vec<f64> = (0..2000 * 200).map(|i| (i % 200) as f64 + (i / 200 % 2) as f64).collect();
        moments(&x, &mut mean, &mut variance);
        assert!(mean.iter().enumerate().all(|(j, m)| (m - j as f64 - 0.5).abs() < 1e-12));
        assert!(variance.iter().all(|v| (v - 0.25).abs() < 1e-12));
    }

    #[test]
    fn empty_batch() {
        let (mut mean, mut variance) = ([0f32; 2], [0f32; 2]);
        moments(&[], &mut mean, &mut variance);
        assert!(mean[0].is_nan());
        forward(&[], &[0f32], &[1.0], &[], &[], 0.1, &mut [], &mut [0.0; 2]);
    }
}
