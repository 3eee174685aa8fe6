//! Running sums and products along an axis.

use crate::kernels::Number;

/// What is accumulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cumulative {
    /// Sums.
    Sum,
    /// Products.
    Prod,
}

/// Accumulates along the middle axis.
///
/// # Arguments
/// `exclusive` leaves each element out of its own result; `reverse` begins at the end of the axis. The gradient of a
/// running sum is the running sum of the gradient with `reverse` turned round.
///
/// # Shapes
/// `x` and `out` are `[outer, length, inner]`.
///
/// # Panics
/// When a length differs from its shape.
///
/// # Example
/// ```
/// use kerox_tensor::kernels::cumulative::{Cumulative, cumulative};
/// let mut out = [0; 3];
/// cumulative(Cumulative::Sum, (1, 3, 1), true, true, &[1, 2, 3], &mut out);
/// assert_eq!(out, [5, 3, 0]);
/// ```
pub fn cumulative<T: Number>(
    what: Cumulative,
    (outer, length, inner): (usize, usize, usize),
    exclusive: bool,
    reverse: bool,
    x: &[T],
    out: &mut [T],
) {
    assert_eq!(x.len(), outer * length * inner, "cumulative: the input has another length than its shape");
    assert_eq!(out.len(), x.len(), "cumulative: the output has another length than its shape");
    let (start, join): (T, fn(T, T) -> T) = match what {
        Cumulative::Sum => (T::ZERO, T::plus),
        Cumulative::Prod => (T::ONE, T::times),
    };
    for o in 0..outer {
        for step in 0..length {
            let at = |step: usize| (o * length + if reverse { length - 1 - step } else { step }) * inner;
            let here = at(step);
            if step == 0 {
                if exclusive {
                    out[here..here + inner].fill(start);
                } else {
                    out[here..here + inner].copy_from_slice(&x[here..here + inner]);
                }
                continue;
            }
            let before = at(step - 1);
            let from = if exclusive { before } else { here };
            for j in 0..inner {
                out[here + j] = join(out[before + j], x[from + j]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(what: Cumulative, exclusive: bool, reverse: bool, expected: [i32; 3]) {
        let mut out = [9; 6];
        cumulative(what, (1, 3, 2), exclusive, reverse, &[1, 1, 2, 2, 3, 3], &mut out);
        assert_eq!([out[0], out[2], out[4]], expected);
        assert_eq!([out[1], out[3], out[5]], expected);
    }

    #[test]
    fn all_directions() {
        check(Cumulative::Sum, false, false, [1, 3, 6]);
        check(Cumulative::Sum, true, false, [0, 1, 3]);
        check(Cumulative::Sum, false, true, [6, 5, 3]);
        check(Cumulative::Sum, true, true, [5, 3, 0]);
        check(Cumulative::Prod, false, false, [1, 2, 6]);
        check(Cumulative::Prod, true, true, [6, 3, 1]);
        cumulative::<f32>(Cumulative::Sum, (2, 0, 3), false, false, &[], &mut []);
    }
}
