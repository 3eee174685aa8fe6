//! Eigenvalues of symmetric matrices by a tridiagonal form.

use super::reflection::{Reflection, of_column};
use crate::DType;
use crate::kernels::Float;

/// Steps for each eigenvalue, at most.
const STEPS: usize = 30;

/// The eigenvalues of a symmetric matrix from the least on, and the eigenvectors as columns, computed in the type of the
/// elements. Of the matrix the lower triangle alone is looked at.
///
/// Each step is that of Eigen's `SelfAdjointEigenSolver`, which TensorFlow uses: so the vectors point the same way.
///
/// # Panics
/// Where there are fewer than `n²` elements.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::matrices::eigen;
/// let (values, vectors) = eigen(&[2.0f64, 0.0, 1.0, 2.0], 2);
/// assert!((values[0] - 1.0).abs() < 1e-12 && (values[1] - 3.0).abs() < 1e-12);
/// assert!(vectors[0] < 0.0 && vectors[1] > 0.0);
/// ```
///
/// # Source
/// G. Golub, C. Van Loan, Matrix Computations: the symmetric QR algorithm with implicit shifts.
pub fn eigen<T: Float>(a: &[T], n: usize) -> (Vec<T>, Vec<T>) {
    if n < 2 {
        return (a[..n].to_vec(), vec![T::ONE; n]);
    }
    let mut lower: Vec<T> = (0..n * n).map(|at| a[(at / n).max(at % n) * n + (at / n).min(at % n)]).collect();
    let most = lower.iter().fold(T::ZERO, |most, x| most.larger(x.abs()));
    let scale = if most == T::ZERO { T::ONE } else { most };
    lower.iter_mut().for_each(|x| *x = x.over(scale));
    let reflections = tridiagonal(&mut lower, n);
    let mut diagonal: Vec<T> = (0..n).map(|at| lower[at * n + at]).collect();
    let mut beside: Vec<T> = (0..n - 1).map(|at| lower[(at + 1) * n + at]).collect();
    let mut vectors = super::identity(n);
    for (at, reflection) in reflections.iter().enumerate().rev() {
        reflection.apply_to_rows(&mut vectors, n, at + 1, at + 1);
    }
    diagonalise(&mut diagonal, &mut beside, &mut vectors);
    for at in 0..n - 1 {
        let least = (at + 1..n).fold(at, |least, other| if diagonal[other] < diagonal[least] { other } else { least });
        if least != at {
            diagonal.swap(at, least);
            (0..n).for_each(|row| vectors.swap(row * n + at, row * n + least));
        }
    }
    (diagonal.into_iter().map(|x| x.times(scale)).collect(), vectors)
}

/// Leaves a matrix with nothing but the diagonal and those beside it, by reflections of both sides.
fn tridiagonal<T: Float>(a: &mut [T], n: usize) -> Vec<Reflection<T>> {
    let half = T::from_f64(0.5);
    let mut reflections = Vec::with_capacity(n - 1);
    for at in 0..n - 1 {
        let (reflection, image) = of_column(a, n, at + 1..n, at);
        let (v, factor) = (&reflection.direction, reflection.factor);
        let size = v.len();
        let place = |row: usize, column: usize| (at + 1 + row) * n + at + 1 + column;
        let mut w: Vec<T> = (0..size)
            .map(|row| (0..size).fold(T::ZERO, |sum, k| sum + a[place(row.max(k), row.min(k))] * (factor * v[k])))
            .collect();
        let product = w.iter().zip(v).fold(T::ZERO, |sum, (&w, &v)| sum + w * v);
        let share = -(half * factor * product);
        w.iter_mut().zip(v).for_each(|(w, &v)| *w += share * v);
        for row in 0..size {
            for column in 0..=row {
                a[place(row, column)] -= v[row] * w[column] + w[row] * v[column];
            }
        }
        a[(at + 1) * n + at] = image;
        reflections.push(reflection);
    }
    reflections
}

/// Turns until nothing is left beside the diagonal.
fn diagonalise<T: Float>(diagonal: &mut [T], beside: &mut [T], vectors: &mut [T]) {
    let (n, unit) = (diagonal.len(), T::ONE.over(epsilon()));
    let (mut start, mut end) = (0, n - 1);
    for _ in 0..=STEPS * n {
        for at in start..end {
            let scaled = unit * beside[at];
            if beside[at].abs() < super::least() || scaled * scaled <= diagonal[at].abs() + diagonal[at + 1].abs() {
                beside[at] = T::ZERO;
            }
        }
        while end > 0 && beside[end - 1] == T::ZERO {
            end -= 1;
        }
        if end == 0 {
            return;
        }
        start = end - 1;
        while start > 0 && beside[start - 1] != T::ZERO {
            start -= 1;
        }
        step(diagonal, beside, start, end, vectors);
    }
}

/// One step from the shift of the last two by two.
fn step<T: Float>(diagonal: &mut [T], beside: &mut [T], start: usize, end: usize, vectors: &mut [T]) {
    let n = diagonal.len();
    let (apart, e) = ((diagonal[end - 1] - diagonal[end]) * T::from_f64(0.5), beside[end - 1]);
    let mut shift = diagonal[end];
    if apart == T::ZERO {
        shift -= e.abs();
    } else if e != T::ZERO {
        let square = e * e;
        let h = hypot(apart, e);
        let sum = apart + if apart > T::ZERO { h } else { -h };
        shift -= if square == T::ZERO { e.over(sum.over(e)) } else { square.over(sum) };
    }
    let (mut x, mut z) = (diagonal[start] - shift, beside[start]);
    for k in start..end {
        if z == T::ZERO {
            break;
        }
        let (c, s) = givens(x, z);
        let along = s * diagonal[k] + c * beside[k];
        let next = s * beside[k] + c * diagonal[k + 1];
        diagonal[k] = c * (c * diagonal[k] - s * beside[k]) - s * (c * beside[k] - s * diagonal[k + 1]);
        diagonal[k + 1] = s * along + c * next;
        beside[k] = c * along - s * next;
        if k > start {
            beside[k - 1] = c * beside[k - 1] - s * z;
        }
        x = beside[k];
        if k + 1 < end {
            z = -(s * beside[k + 1]);
            beside[k + 1] = c * beside[k + 1];
        }
        (0..n).for_each(|row| super::rotate(vectors, (row * n + k, row * n + k + 1), (c, s)));
    }
}

/// The smallest step behind 1.
fn epsilon<T: Float>() -> T {
    T::from_f64(if T::DTYPE == DType::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON })
}

fn hypot<T: Float>(x: T, y: T) -> T {
    let (x, y) = (x.abs(), y.abs());
    let (most, least) = if x > y { (x, y) } else { (y, x) };
    if most == T::ZERO {
        return T::ZERO;
    }
    let ratio = least.over(most);
    most * (T::ONE + ratio * ratio).sqrt()
}

/// The cosine and sine of the turn after which the second of two numbers is 0.
fn givens<T: Float>(p: T, q: T) -> (T, T) {
    let signed = |length: T, by: T| if by < T::ZERO { -length } else { length };
    if q == T::ZERO {
        (signed(T::ONE, p), T::ZERO)
    } else if p == T::ZERO {
        (T::ZERO, -signed(T::ONE, q))
    } else if p.abs() > q.abs() {
        let ratio = q.over(p);
        let c = T::ONE.over(signed((T::ONE + ratio * ratio).sqrt(), p));
        (c, -(ratio * c))
    } else {
        let ratio = p.over(q);
        let s = -T::ONE.over(signed((T::ONE + ratio * ratio).sqrt(), q));
        (-(ratio * s), s)
    }
}
