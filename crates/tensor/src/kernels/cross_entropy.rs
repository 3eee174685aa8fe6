//! Softmax cross-entropy on logits, value and gradient in one pass.

use crate::kernels::Float;
use crate::kernels::softmax::{GRAIN_ROWS, row_max, row_sum};
use crate::kernels::wide::wide;
use crate::parallel::{parts_for, split_each};

/// Writes exp(x - max) / sum to the gradient where there is one, and log(sum(exp(x))) to `log_sums`.
fn rows<T: Float>(n: usize, logits: &[T], log_sums: &mut [T], gradient: &mut [T]) {
    let each = log_sums.len().div_ceil(parts_for(logits.len(), GRAIN_ROWS)).max(1);
    split_each(
        log_sums.len().div_ceil(each),
        [(log_sums, each), (gradient, each * n)],
        |part, [log_sums, gradient]| {
            rows_of(n, &logits[part * each * n..][..log_sums.len() * n], log_sums, gradient);
        },
    );
}

wide! {
    fn rows_of[T: Float](n: usize, logits: &[T], log_sums: &mut [T], gradient: &mut [T]) {
        let with_gradient = !gradient.is_empty();
        for (r, (x, log_sum)) in logits.chunks_exact(n).zip(log_sums).enumerate() {
            let max = row_max(x);
            if with_gradient {
                let g = &mut gradient[r * n..][..n];
                g.iter_mut().zip(x).for_each(|(g, &x)| *g = (x - max).exp());
                let sum = row_sum(g, |v| v);
                let scale = T::ONE / sum;
                g.iter_mut().for_each(|g| *g *= scale);
                *log_sum = max + sum.ln();
            } else {
                *log_sum = max + row_sum(x, |v| (v - max).exp()).ln();
            }
        }
    }
}

fn check<T>(classes: usize, logits: &[T], loss: &[T], gradient: &[T]) {
    assert_eq!(logits.len(), classes * loss.len(), "cross entropy: logits have another length than loss x classes");
    assert!(
        gradient.is_empty() || gradient.len() == logits.len(),
        "cross entropy: gradient and logits differ in length"
    );
}

/// Cross-entropy with one class a row: `loss = log(sum(exp(logits))) - logits[label]`.
///
/// The gradient is that of each row's loss with respect to its logits: `softmax(logits) - one_hot(label)`; it is not
/// computed when the slice is empty. A label that is no class makes the loss and the gradient of its row NaN
/// (TensorFlow raises an error: a caller that wants one looks at the labels first).
///
/// # Shapes
/// `logits` and `gradient` are `[rows, classes]`, `labels` and `loss` are `[rows]`.
///
/// # Panics
/// When a length differs from its shape.
///
/// # Example
/// ```
/// let mut loss = [0f64];
/// kerox_tensor::kernels::cross_entropy::sparse(2, &[100.0, -100.0], &[1i64], &mut loss, &mut []);
/// assert_eq!(loss, [200.0]);
/// ```
///
/// # Source
/// tf.nn.sparse_softmax_cross_entropy_with_logits.
pub fn sparse<T: Float, L: Copy + Into<i64>>(
    classes: usize,
    logits: &[T],
    labels: &[L],
    loss: &mut [T],
    gradient: &mut [T],
) {
    check(classes, logits, loss, gradient);
    assert_eq!(labels.len(), loss.len(), "cross entropy: labels and loss differ in length");
    if loss.is_empty() || classes == 0 {
        return loss.fill(T::ZERO);
    }
    rows(classes, logits, loss, gradient);
    for (r, &label) in labels.iter().enumerate() {
        match usize::try_from(label.into()).ok().filter(|&l| l < classes) {
            Some(label) => {
                loss[r] -= logits[r * classes + label];
                if let Some(g) = gradient.get_mut(r * classes + label) {
                    *g -= T::ONE;
                }
            }
            None => {
                loss[r] = T::from_f64(f64::NAN);
                if !gradient.is_empty() {
                    gradient[r * classes..][..classes].fill(T::from_f64(f64::NAN));
                }
            }
        }
    }
}

/// Cross-entropy with a distribution a row: `loss = sum(labels * (log(sum(exp(logits))) - logits))`.
///
/// The gradient is `softmax(logits) - labels`, as TensorFlow's, which is exact where a row of labels sums to 1; it is
/// not computed when the slice is empty.
///
/// # Shapes
/// `logits`, `labels` and `gradient` are `[rows, classes]`, `loss` is `[rows]`.
///
/// # Panics
/// When a length differs from its shape.
///
/// # Source
/// tf.nn.softmax_cross_entropy_with_logits.
pub fn dense<T: Float>(classes: usize, logits: &[T], labels: &[T], loss: &mut [T], gradient: &mut [T]) {
    check(classes, logits, loss, gradient);
    assert_eq!(labels.len(), logits.len(), "cross entropy: labels and logits differ in length");
    if loss.is_empty() || classes == 0 {
        return loss.fill(T::ZERO);
    }
    rows(classes, logits, loss, gradient);
    for ((loss, x), labels) in loss.iter_mut().zip(logits.chunks_exact(classes)).zip(labels.chunks_exact(classes)) {
        let log_sum = *loss;
        *loss = T::ZERO;
        for (&x, &label) in x.iter().zip(labels) {
            // A logit of negative infinity is harmless where its label is 0.
            *loss += if label == T::ZERO { T::ZERO } else { label * (log_sum - x) };
        }
    }
    gradient.iter_mut().zip(labels).for_each(|(g, &label)| *g -= label);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparse_and_dense_agree_and_gradients_are_differences() {
        let n = 19;
        let mut x: Vec<f64> = (0..2 * n).map(|i| (i * 7 % 11) as f64 / 3.0 - 2.0).collect();
        let labels = [3i32, 18];
        let mut one_hot = vec![0.0; 2 * n];
        one_hot[3] = 1.0;
        one_hot[n + 18] = 1.0;
        let (mut a, mut b, mut ga, mut gb) = ([0.0; 2], [0.0; 2], vec![0.0; 2 * n], vec![0.0; 2 * n]);
        sparse(n, &x, &labels, &mut a, &mut ga);
        dense(n, &x, &one_hot, &mut b, &mut gb);
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-12));
        assert!(ga.iter().zip(&gb).all(|(a, b)| (a - b).abs() < 1e-12));
        for i in 0..2 * n {
            let old = x[i];
            let mut value = |v: f64| {
                x[i] = v;
                sparse(n, &x, &labels, &mut a, &mut []);
                a[0] + a[1]
            };
            let expected = (value(old + 1e-6) - value(old - 1e-6)) / 2e-6;
            x[i] = old;
            assert!((ga[i] - expected).abs() < 1e-8);
        }
    }

    #[test]
    fn labels_that_are_no_class_give_nan() {
        let (mut loss, mut gradient) = ([0f32; 3], [0f32; 6]);
        sparse(2, &[1.0; 6], &[-1i64, 2, 0], &mut loss, &mut gradient);
        assert!(loss[0].is_nan() && loss[1].is_nan() && (loss[2] - 2f32.ln()).abs() < 1e-6);
        assert!(gradient[..4].iter().all(|g| g.is_nan()) && gradient[4] == -0.5);
        sparse::<f32, i64>(2, &[], &[], &mut [], &mut []);
    }
}
