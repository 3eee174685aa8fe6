//! Decompositions of small dense matrices, row by row in double precision.
//!
//! | file | what it holds |
//! |---|---|
//! | `symmetric.rs` | eigenvalues of symmetric matrices |
//! | `singular.rs` | singular values |
//! | `reflection.rs` | reflections that leave one element of a column |

mod reflection;
mod singular;
mod symmetric;

pub use singular::{Singular, singular};
pub use symmetric::eigen;

use crate::DType;
use crate::kernels::Float;

/// A triangle with `n` rows whose product with its transpose is the matrix; nothing where that is not positive definite.
/// Of the matrix the lower triangle alone is looked at.
///
/// # Panics
/// Where there are fewer than `n²` elements.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::matrices::cholesky;
/// assert_eq!(cholesky(&[4.0, 0.0, 2.0, 5.0], 2), Some(vec![2.0, 0.0, 1.0, 2.0]));
/// ```
pub fn cholesky(a: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut l = vec![0.0; n * n];
    for row in 0..n {
        for column in 0..=row {
            let product: f64 = (0..column).map(|k| l[row * n + k] * l[column * n + k]).sum();
            let rest = a[row * n + column] - product;
            if row == column {
                if rest.is_nan() || rest <= 0.0 {
                    return None;
                }
                l[row * n + row] = rest.sqrt();
            } else {
                l[row * n + column] = rest / l[column * n + column];
            }
        }
    }
    Some(l)
}

/// A matrix as the product of two triangles after its rows have changed places.
#[derive(Clone, Debug)]
pub struct Lu {
    /// Both triangles; the diagonal of the lower one is 1 and not stored.
    pub both: Vec<f64>,
    /// Row `i` of the product is this row of the matrix.
    pub rows: Vec<usize>,
    /// Whether an odd number of rows has changed places.
    pub is_odd: bool,
}

impl Lu {
    /// Decomposes a matrix of `n` rows and columns.
    ///
    /// # Panics
    /// Where there are fewer than `n²` elements.
    ///
    /// # Example
    /// ```
    /// use kerox_tensor::kernels::matrices::Lu;
    /// let lu = Lu::of(&[0.0, 2.0, 1.0, 3.0], 2);
    /// assert_eq!((lu.determinant(), lu.rows), (-2.0, vec![1, 0]));
    /// ```
    pub fn of(a: &[f64], n: usize) -> Lu {
        let mut both = a[..n * n].to_vec();
        let mut rows: Vec<usize> = (0..n).collect();
        let mut is_odd = false;
        for k in 0..n {
            let size = |row: usize| both[row * n + k].abs();
            let pivot = (k + 1..n).fold(k, |most, row| if size(row) > size(most) { row } else { most });
            if pivot != k {
                (0..n).for_each(|column| both.swap(k * n + column, pivot * n + column));
                rows.swap(k, pivot);
                is_odd = !is_odd;
            }
            let divisor = both[k * n + k];
            if divisor == 0.0 {
                continue;
            }
            for row in k + 1..n {
                let factor = both[row * n + k] / divisor;
                both[row * n + k] = factor;
                (k + 1..n).for_each(|column| both[row * n + column] -= factor * both[k * n + column]);
            }
        }
        Lu { both, rows, is_odd }
    }

    fn diagonal(&self) -> impl Iterator<Item = f64> + '_ {
        let n = self.rows.len();
        (0..n).map(move |at| self.both[at * n + at])
    }

    /// Whether no other matrix undoes this one.
    pub fn is_singular(&self) -> bool {
        self.diagonal().any(|x| x == 0.0)
    }

    /// The determinant.
    pub fn determinant(&self) -> f64 {
        self.diagonal().product::<f64>() * if self.is_odd { -1.0 } else { 1.0 }
    }

    /// The determinant's sign, and the logarithm of its size.
    pub fn sign_and_log(&self) -> (f64, f64) {
        let start = (if self.is_odd { -1.0 } else { 1.0 }, 0.0);
        self.diagonal()
            .fold(start, |(sign, log), x| (if x == 0.0 { 0.0 } else { sign * x.signum() }, log + x.abs().ln()))
    }

    /// What times the matrix is `b`, which has that many columns.
    ///
    /// # Panics
    /// Where `b` has fewer rows than the matrix.
    pub fn solve(&self, b: &[f64], columns: usize) -> Vec<f64> {
        let n = self.rows.len();
        let mut x = Vec::with_capacity(n * columns);
        self.rows.iter().for_each(|&row| x.extend_from_slice(&b[row * columns..(row + 1) * columns]));
        substitute(&self.both, n, &mut x, columns, Triangle { is_lower: true, has_ones: true });
        substitute(&self.both, n, &mut x, columns, Triangle { is_lower: false, has_ones: false });
        x
    }
}

/// Which triangle of a matrix is meant.
#[derive(Clone, Copy, Debug)]
pub struct Triangle {
    /// Whether that below the diagonal.
    pub is_lower: bool,
    /// Whether the diagonal is 1 whatever stands there.
    pub has_ones: bool,
}

/// Replaces `x` by what times the triangle of `a` is `x`.
///
/// # Panics
/// Where `a` has fewer than `n²` elements or `x` fewer than `n` rows.
pub fn substitute(a: &[f64], n: usize, x: &mut [f64], columns: usize, triangle: Triangle) {
    for step in 0..n {
        let row = if triangle.is_lower { step } else { n - 1 - step };
        let known = if triangle.is_lower { 0..row } else { row + 1..n };
        for k in known {
            let factor = a[row * n + k];
            (0..columns).for_each(|column| x[row * columns + column] -= factor * x[k * columns + column]);
        }
        if !triangle.has_ones {
            let divisor = a[row * n + row];
            x[row * columns..(row + 1) * columns].iter_mut().for_each(|x| *x /= divisor);
        }
    }
}

/// A matrix `[m, n]` as the product of an orthogonal one `[m, m]` and an upper triangle `[m, n]`, by reflections.
///
/// # Panics
/// Where there are fewer than `m n` elements.
pub fn qr(a: &[f64], m: usize, n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut r = a[..m * n].to_vec();
    let mut q = identity(m);
    let mut reflection = vec![0.0; m];
    for k in 0..m.min(n) {
        let tail: f64 = (k + 1..m).map(|row| r[row * n + k].powi(2)).sum();
        let first = r[k * n + k];
        if tail == 0.0 {
            continue;
        }
        let length = (first * first + tail).sqrt();
        let image = if first >= 0.0 { -length } else { length };
        reflection[k] = 1.0;
        (k + 1..m).for_each(|row| reflection[row] = r[row * n + k] / (first - image));
        let factor = (image - first) / image;
        for column in 0..n {
            let sum: f64 = (k..m).map(|row| reflection[row] * r[row * n + column]).sum();
            (k..m).for_each(|row| r[row * n + column] -= factor * reflection[row] * sum);
        }
        for row in 0..m {
            let sum: f64 = (k..m).map(|column| q[row * m + column] * reflection[column]).sum();
            (k..m).for_each(|column| q[row * m + column] -= factor * sum * reflection[column]);
        }
        (k + 1..m).for_each(|row| r[row * n + k] = 0.0);
    }
    (q, r)
}

/// A square matrix of zeros with a diagonal of ones.
fn identity<T: Float>(n: usize) -> Vec<T> {
    let mut identity = vec![T::ZERO; n * n];
    (0..n).for_each(|at| identity[at * n + at] = T::ONE);
    identity
}

/// A matrix `[m, n]` with rows and columns exchanged.
fn turned(a: &[f64], m: usize, n: usize) -> Vec<f64> {
    (0..m * n).map(|at| a[at % m * n + at / m]).collect()
}

/// The least positive number that is as exact as others.
fn least<T: Float>() -> T {
    T::from_f64(if T::DTYPE == DType::F32 { f64::from(f32::MIN_POSITIVE) } else { f64::MIN_POSITIVE })
}

fn rotate<T: Float>(a: &mut [T], (p, q): (usize, usize), (c, s): (T, T)) {
    (a[p], a[q]) = (c * a[p] - s * a[q], s * a[p] + c * a[q]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [f64; 6] = [1.0, 2.0, -1.0, 0.5, 3.0, -2.0];

    fn product(a: &[f64], b: &[f64], (m, k, n): (usize, usize, usize)) -> Vec<f64> {
        let at = |row: usize, column: usize| (0..k).map(|i| a[row * k + i] * b[i * n + column]).sum();
        (0..m * n).map(|i| at(i / n, i % n)).collect()
    }

    fn close(a: &[f64], b: &[f64]) {
        assert_eq!(a.len(), b.len());
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-10), "{a:?} {b:?}");
    }

    #[test]
    fn factors_multiply_to_the_matrix() {
        let (q, r) = qr(&A, 3, 2);
        close(&product(&q, &r, (3, 3, 2)), &A);
        close(&product(&turned(&q, 3, 3), &q, (3, 3, 3)), &identity(3));
        let Singular { values, left, right } = singular(&A, (3, 2), false);
        let scaled: Vec<f64> = (0..6).map(|at| left[at] * values[at % 2]).collect();
        close(&product(&scaled, &turned(&right, 2, 2), (3, 2, 2)), &A);
        let wide = singular(&turned(&A, 3, 2), (2, 3), true);
        close(&wide.values, &values);
        close(&product(&turned(&wide.right, 3, 3), &wide.right, (3, 3, 3)), &identity(3));
    }

    #[test]
    fn eigenvectors_keep_their_direction() {
        let a = product(&A, &turned(&A, 3, 2), (3, 2, 3));
        let (values, vectors) = eigen(&a, 3);
        let moved = product(&a, &vectors, (3, 3, 3));
        let scaled: Vec<f64> = (0..9).map(|at| vectors[at] * values[at % 3]).collect();
        close(&moved, &scaled);
    }

    #[test]
    fn solutions_fit() {
        let a = [0.0, 2.0, 1.0, 1.0, -1.0, 3.0, 2.0, 0.5, 1.0];
        let lu = Lu::of(&a, 3);
        let x = lu.solve(&A, 2);
        close(&product(&a, &x, (3, 3, 2)), &A);
        let (sign, log) = lu.sign_and_log();
        close(&[sign * log.exp()], &[lu.determinant()]);
    }

    #[test]
    fn what_is_singular_is_said_to_be() {
        assert!(Lu::of(&[1.0, 2.0, 2.0, 4.0], 2).is_singular());
        assert!(cholesky(&[1.0, 2.0, 2.0, 1.0], 2).is_none());
        assert!(cholesky(&[f64::NAN], 1).is_none());
    }
}
