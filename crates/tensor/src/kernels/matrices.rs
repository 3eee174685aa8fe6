//! Decompositions of small dense matrices, row by row in double precision.

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
fn identity(n: usize) -> Vec<f64> {
    let mut identity = vec![0.0; n * n];
    (0..n).for_each(|at| identity[at * n + at] = 1.0);
    identity
}

/// Rounds over all pairs of columns, at most: each makes the rest's square of what it was.
const ROUNDS: usize = 60;

/// The eigenvalues of a symmetric matrix from the least on, and the eigenvectors as columns. Of the matrix the lower
/// triangle alone is looked at.
///
/// # Panics
/// Where there are fewer than `n²` elements.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::matrices::eigen;
/// let (values, _) = eigen(&[2.0, 0.0, 1.0, 2.0], 2);
/// assert!((values[0] - 1.0).abs() < 1e-12 && (values[1] - 3.0).abs() < 1e-12);
/// ```
pub fn eigen(a: &[f64], n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut a: Vec<f64> = (0..n * n).map(|at| a[(at / n).max(at % n) * n + (at / n).min(at % n)]).collect();
    let mut vectors = identity(n);
    for _ in 0..ROUNDS {
        let mut is_done = true;
        for p in 0..n {
            for q in p + 1..n {
                let beside = a[p * n + q];
                if beside.abs() <= 1e-17 * (a[p * n + p].abs() + a[q * n + q].abs()) {
                    continue;
                }
                is_done = false;
                let (c, s) = turn(a[p * n + p], a[q * n + q], beside);
                for k in 0..n {
                    rotate(&mut a, (k * n + p, k * n + q), (c, s));
                    rotate(&mut vectors, (k * n + p, k * n + q), (c, s));
                }
                (0..n).for_each(|k| rotate(&mut a, (p * n + k, q * n + k), (c, s)));
            }
        }
        if is_done {
            break;
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&x, &y| a[x * n + x].total_cmp(&a[y * n + y]));
    let values = order.iter().map(|&at| a[at * n + at]).collect();
    let columns = (0..n * n).map(|at| vectors[at / n * n + order[at % n]]).collect();
    (values, columns)
}

/// The cosine and sine of the turn after which nothing is left beside the diagonal of `[[a, beside], [beside, b]]`.
fn turn(a: f64, b: f64, beside: f64) -> (f64, f64) {
    let ratio = (b - a) / (2.0 * beside);
    let tangent = ratio.signum() / (ratio.abs() + (1.0 + ratio * ratio).sqrt());
    let c = 1.0 / (1.0 + tangent * tangent).sqrt();
    (c, tangent * c)
}

fn rotate(a: &mut [f64], (p, q): (usize, usize), (c, s): (f64, f64)) {
    (a[p], a[q]) = (c * a[p] - s * a[q], s * a[p] + c * a[q]);
}

/// The singular values of a matrix `[m, n]`, the largest first, with the left `[m, k]` and right `[n, k]` vectors as
/// columns, where `k` is the smaller length.
///
/// # Panics
/// Where there are fewer than `m n` elements.
pub fn singular(a: &[f64], m: usize, n: usize) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    if m < n {
        let turned: Vec<f64> = (0..m * n).map(|at| a[at % m * n + at / m]).collect();
        let (values, right, left) = singular(&turned, n, m);
        return (values, left, right);
    }
    let mut left = a[..m * n].to_vec();
    let mut right = identity(n);
    for _ in 0..ROUNDS {
        let mut is_done = true;
        for p in 0..n {
            for q in p + 1..n {
                let product = |x: usize, y: usize| (0..m).map(|k| left[k * n + x] * left[k * n + y]).sum::<f64>();
                let (a, b, beside) = (product(p, p), product(q, q), product(p, q));
                if beside == 0.0 || beside.abs() <= 1e-16 * (a * b).sqrt() {
                    continue;
                }
                is_done = false;
                let turn = turn(a, b, beside);
                (0..m).for_each(|k| rotate(&mut left, (k * n + p, k * n + q), turn));
                (0..n).for_each(|k| rotate(&mut right, (k * n + p, k * n + q), turn));
            }
        }
        if is_done {
            break;
        }
    }
    let length = |column: usize| (0..m).map(|k| left[k * n + column].powi(2)).sum::<f64>().sqrt();
    let lengths: Vec<f64> = (0..n).map(length).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&x, &y| lengths[y].total_cmp(&lengths[x]));
    let over = |x: f64, length: f64| if length == 0.0 { 0.0 } else { x / length };
    let u = (0..m * n).map(|at| over(left[at / n * n + order[at % n]], lengths[order[at % n]])).collect();
    let v = (0..n * n).map(|at| right[at / n * n + order[at % n]]).collect();
    (order.iter().map(|&at| lengths[at]).collect(), u, v)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [f64; 6] = [1.0, 2.0, -1.0, 0.5, 3.0, -2.0];

    fn product(a: &[f64], b: &[f64], (m, k, n): (usize, usize, usize)) -> Vec<f64> {
        let at = |row: usize, column: usize| (0..k).map(|i| a[row * k + i] * b[i * n + column]).sum();
        (0..m * n).map(|i| at(i / n, i % n)).collect()
    }

    fn turned(a: &[f64], m: usize, n: usize) -> Vec<f64> {
        (0..m * n).map(|at| a[at % m * n + at / m]).collect()
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
        let (values, u, v) = singular(&A, 3, 2);
        let scaled: Vec<f64> = (0..6).map(|at| u[at] * values[at % 2]).collect();
        close(&product(&scaled, &turned(&v, 2, 2), (3, 2, 2)), &A);
        let wide = turned(&A, 3, 2);
        close(&singular(&wide, 2, 3).0, &values);
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
