//! Singular values by turns of both sides.

use super::reflection::of_column;
use super::{identity, rotate, turned};

/// Rounds over all pairs of rows and columns, at most: each makes the rest's square of what it was.
const ROUNDS: usize = 60;

/// A matrix as the product of an orthogonal one, a diagonal of singular values and another orthogonal one.
#[derive(Clone, Debug)]
pub struct Singular {
    /// The singular values, the largest first.
    pub values: Vec<f64>,
    /// The left vectors as columns.
    pub left: Vec<f64>,
    /// The right vectors as columns.
    pub right: Vec<f64>,
}

/// The singular values of a matrix `[m, n]` with the left `[m, k]` and right `[n, k]` vectors as columns, where `k` is the
/// smaller length; with `full` the left are `[m, m]` and the right `[n, n]`.
///
/// Each step is that of Eigen's `JacobiSVD`, which TensorFlow uses for matrices of fewer than 16 columns: so the vectors
/// point the same way.
///
/// # Panics
/// Where there are fewer than `m n` elements.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::matrices::singular;
/// let found = singular(&[3.0, 0.0, 0.0, -2.0], (2, 2), false);
/// assert_eq!(found.values, [3.0, 2.0]);
/// assert_eq!(found.left, [1.0, 0.0, 0.0, -1.0]);
/// ```
pub fn singular(a: &[f64], (m, n): (usize, usize), full: bool) -> Singular {
    let most = a[..m * n].iter().fold(0.0, |most: f64, x| if x.abs() > most || x.is_nan() { x.abs() } else { most });
    let scale = if most == 0.0 { 1.0 } else { most };
    let scaled: Vec<f64> = a[..m * n].iter().map(|x| x / scale).collect();
    let k = m.min(n);
    let (mut work, mut left, mut right) = if m == n {
        (scaled, identity(n), identity(n))
    } else if m > n {
        let (r, q, order) = pivoted(scaled, m, n, full);
        (r, q, order)
    } else {
        let (r, q, order) = pivoted(turned(&scaled, m, n), n, m, full);
        (turned(&r, k, k), order, q)
    };
    let (u, v) = (left.len().checked_div(m).unwrap_or(0), right.len().checked_div(n).unwrap_or(0));
    diagonalise(&mut work, k, (&mut left, u), (&mut right, v));
    let mut values: Vec<f64> = (0..k).map(|at| work[at * k + at]).collect();
    for (at, value) in values.iter_mut().enumerate() {
        if *value < 0.0 {
            (0..m).for_each(|row| left[row * u + at] = -left[row * u + at]);
        }
        *value = value.abs() * scale;
    }
    for at in 0..k {
        let most = (at + 1..k).fold(at, |most, other| if values[other] > values[most] { other } else { most });
        if most != at {
            values.swap(at, most);
            (0..m).for_each(|row| left.swap(row * u + at, row * u + most));
            (0..n).for_each(|row| right.swap(row * v + at, row * v + most));
        }
    }
    Singular { values, left, right }
}

/// A high matrix `[m, n]` as an orthogonal one (`[m, m]` where `full`, else `[m, n]`) times an upper triangle `[n, n]`, with
/// its columns in the order of what is left of their lengths: the triangle, the orthogonal one, and the order as a matrix.
fn pivoted(mut a: Vec<f64>, m: usize, n: usize, full: bool) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let mut order: Vec<usize> = (0..n).collect();
    let length =
        |a: &[f64], column: usize, row: usize| (row..m).map(|row| a[row * n + column].powi(2)).sum::<f64>().sqrt();
    let mut known: Vec<f64> = (0..n).map(|column| length(&a, column, 0)).collect();
    let mut lengths = known.clone();
    let mut reflections = Vec::with_capacity(n);
    for at in 0..n {
        let longest = (at + 1..n).fold(at, |most, other| if lengths[other] > lengths[most] { other } else { most });
        if longest != at {
            (0..m).for_each(|row| a.swap(row * n + at, row * n + longest));
            order.swap(at, longest);
            lengths.swap(at, longest);
            known.swap(at, longest);
        }
        let (reflection, image) = of_column(&a, n, at..m, at);
        reflection.apply_to_rows(&mut a, n, at, at + 1);
        a[at * n + at] = image;
        (at + 1..m).for_each(|row| a[row * n + at] = 0.0);
        for column in at + 1..n {
            if lengths[column] == 0.0 {
                continue;
            }
            let part = a[at * n + column].abs() / lengths[column];
            let rest = ((1.0 + part) * (1.0 - part)).max(0.0);
            if rest * (lengths[column] / known[column]).powi(2) <= f64::EPSILON.sqrt() {
                known[column] = length(&a, column, at + 1);
                lengths[column] = known[column];
            } else {
                lengths[column] *= rest.sqrt();
            }
        }
        reflections.push(reflection);
    }
    let width = if full { m } else { n };
    let mut q: Vec<f64> = (0..m * width).map(|at| f64::from(u8::from(at / width == at % width))).collect();
    for (at, reflection) in reflections.iter().enumerate().rev() {
        reflection.apply_to_rows(&mut q, width, at, at);
    }
    let mut columns = vec![0.0; n * n];
    order.iter().enumerate().for_each(|(at, &column)| columns[column * n + at] = 1.0);
    a.truncate(n * n);
    (a, q, columns)
}

/// A matrix, and how many columns it has.
type Columns<'a> = (&'a mut [f64], usize);

/// Turns pairs of rows and of columns until nothing is left beside the diagonal of `work`.
fn diagonalise(work: &mut [f64], k: usize, left: Columns<'_>, right: Columns<'_>) {
    let mut most = (0..k).fold(0.0, |most: f64, at| most.max(work[at * k + at].abs()));
    for _ in 0..ROUNDS {
        let mut is_done = true;
        for p in 1..k {
            for q in 0..p {
                let limit = (2.0 * f64::EPSILON * most).max(f64::MIN_POSITIVE);
                if !(work[p * k + q].abs() > limit || work[q * k + p].abs() > limit) {
                    continue;
                }
                is_done = false;
                let block = [work[p * k + p], work[p * k + q], work[q * k + p], work[q * k + q]];
                let (of_left, of_right) = turns(block);
                // A turn of rows is one of columns the other way round.
                let rows = (of_left.0, -of_left.1);
                (0..k).for_each(|at| rotate(work, (p * k + at, q * k + at), rows));
                (0..left.0.len() / left.1).for_each(|at| rotate(left.0, (at * left.1 + p, at * left.1 + q), rows));
                (0..k).for_each(|at| rotate(work, (at * k + p, at * k + q), of_right));
                (0..right.0.len() / right.1).for_each(|at| {
                    rotate(right.0, (at * right.1 + p, at * right.1 + q), of_right);
                });
                most = most.max(work[p * k + p].abs()).max(work[q * k + q].abs());
            }
        }
        if is_done {
            break;
        }
    }
}

/// The cosines and sines of the turns of rows and columns after which a block `[[a, b], [c, d]]` is diagonal.
fn turns([a, b, c, d]: [f64; 4]) -> ((f64, f64), (f64, f64)) {
    let (sum, apart) = (a + d, c - b);
    let first = if apart.abs() < f64::MIN_POSITIVE {
        (1.0, 0.0)
    } else {
        let ratio = sum / apart;
        let length = (1.0 + ratio * ratio).sqrt();
        (ratio / length, 1.0 / length)
    };
    // The block is symmetric after the first turn of its rows.
    let (x, y, z) = (first.0 * a + first.1 * c, first.0 * b + first.1 * d, first.0 * d - first.1 * b);
    let right = symmetric_turn(x, y, z);
    // The first turn, then the right one backwards.
    let left = (first.0 * right.0 + first.1 * right.1, first.1 * right.0 - first.0 * right.1);
    (left, right)
}

/// The cosine and sine of the turn after which a block `[[x, y], [y, z]]` is diagonal, by less than half a right angle.
fn symmetric_turn(x: f64, y: f64, z: f64) -> (f64, f64) {
    let double = 2.0 * y.abs();
    if double < f64::MIN_POSITIVE {
        return (1.0, 0.0);
    }
    let ratio = (x - z) / double;
    let length = (ratio * ratio + 1.0).sqrt();
    let tangent = 1.0 / if ratio > 0.0 { ratio + length } else { ratio - length };
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    (cosine, -tangent.signum() * y.signum() * tangent.abs() * cosine)
}
