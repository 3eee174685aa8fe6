//! Positions of extremes along an axis.

use crate::kernels::Number;
use crate::parallel::{GRAIN, split_rows};

/// Which extreme is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extreme {
    /// The largest element.
    Max,
    /// The smallest element.
    Min,
}

/// The position of the largest or smallest element along the middle axis; the first one of equals.
///
/// # Shapes
/// `x` is `[outer, length, inner]`, `out` is `[outer, inner]`: for axis `i` of a shape, `outer` is the product of the
/// lengths before it and `inner` that of those after it.
///
/// # Panics
/// When a length differs from its shape, or `length` is 0 while `out` is not empty.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::arg_reduce::{Extreme, arg_reduce};
/// let mut at = [0i64; 2];
/// arg_reduce(Extreme::Max, (2, 3, 1), &[1f32, 5., 5., 9., 2., 3.], &mut at);
/// assert_eq!(at, [1, 0]);
/// ```
pub fn arg_reduce<T: Number>(
    extreme: Extreme,
    (outer, length, inner): (usize, usize, usize),
    x: &[T],
    out: &mut [i64],
) {
    assert_eq!(x.len(), outer * length * inner, "arg reduce: the input has another length than its shape");
    assert_eq!(out.len(), outer * inner, "arg reduce: the output has another length than its shape");
    if out.is_empty() {
        return;
    }
    assert!(length > 0, "arg reduce: nothing has no extreme");
    let better = move |a: T, b: T| match extreme {
        Extreme::Max => a > b,
        Extreme::Min => a < b,
    };
    split_rows(out, inner, (GRAIN / length).max(1), |first, out| {
        for (i, out) in out.chunks_exact_mut(inner).enumerate() {
            let x = &x[(first + i) * length * inner..][..length * inner];
            for (j, out) in out.iter_mut().enumerate() {
                let (mut best, mut at) = (x[j], 0);
                for k in 1..length {
                    let v = x[k * inner + j];
                    if better(v, best) {
                        (best, at) = (v, k);
                    }
                }
                *out = at as i64;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_of_equals_along_each_axis() {
        let x = [3, 1, 2, 3, 3, 0];
        let mut out = [7; 3];
        arg_reduce(Extreme::Max, (1, 2, 3), &x, &mut out);
        assert_eq!(out, [0, 1, 0]);
        arg_reduce(Extreme::Min, (1, 2, 3), &x, &mut out);
        assert_eq!(out, [0, 0, 1]);
        let mut out = [7; 2];
        arg_reduce(Extreme::Max, (2, 3, 1), &x, &mut out);
        assert_eq!(out, [0, 0]);
        arg_reduce::<f32>(Extreme::Max, (0, 0, 1), &[], &mut []);
    }
}
