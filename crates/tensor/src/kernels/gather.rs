//! Choosing rows by index, adding to rows by index, one-hot rows.

use crate::kernels::Number;
use crate::{Error, Result};

fn row(index: i64, n: usize, operation: &str) -> Result<usize> {
    usize::try_from(index).ok().filter(|&i| i < n).ok_or_else(|| Error::Argument {
        operation: operation.to_owned(),
        argument: "indices".to_owned(),
        expected: format!("0..{n}"),
        found: index.to_string(),
    })
}

/// Chooses along the middle axis: `out[o, i, :] = x[o, indices[i], :]`.
///
/// # Shapes
/// `x` is `[outer, n, inner]`, `out` is `[outer, number of indices, inner]`. For an embedding `outer` is 1.
///
/// # Errors
/// [`Error::Argument`] for an index outside `0..n`; `out` is then written in part.
///
/// # Panics
/// When a length differs from its shape.
///
/// # Example
/// ```
/// let mut out = [0; 4];
/// kerox_tensor::kernels::gather::gather((1, 3, 2), &[1, 2, 3, 4, 5, 6], &[2i64, 0], &mut out)?;
/// assert_eq!(out, [5, 6, 1, 2]);
/// # Ok::<(), kerox_tensor::Error>(())
/// ```
pub fn gather<T: Copy, I: Copy + Into<i64>>(
    (outer, n, inner): (usize, usize, usize),
    x: &[T],
    indices: &[I],
    out: &mut [T],
) -> Result<()> {
    assert_eq!(x.len(), outer * n * inner, "gather: the input has another length than its shape");
    assert_eq!(out.len(), outer * indices.len() * inner, "gather: the output has another length than its shape");
    for o in 0..outer {
        for (i, &index) in indices.iter().enumerate() {
            let from = (o * n + row(index.into(), n, "gather rows")?) * inner;
            out[(o * indices.len() + i) * inner..][..inner].copy_from_slice(&x[from..from + inner]);
        }
    }
    Ok(())
}

/// Adds along the middle axis: `x[o, indices[i], :] += updates[o, i, :]`, the gradient of [`gather`]. Rows named several
/// times get every update, in order.
///
/// # Shapes, Errors, Panics
/// As [`gather`], with `updates` in place of its output.
pub fn scatter_add<T: Number, I: Copy + Into<i64>>(
    (outer, n, inner): (usize, usize, usize),
    indices: &[I],
    updates: &[T],
    x: &mut [T],
) -> Result<()> {
    assert_eq!(x.len(), outer * n * inner, "scatter: the output has another length than its shape");
    assert_eq!(
        updates.len(),
        outer * indices.len() * inner,
        "scatter: the updates have another length than their shape"
    );
    for o in 0..outer {
        for (i, &index) in indices.iter().enumerate() {
            let to = (o * n + row(index.into(), n, "add to rows")?) * inner;
            let update = &updates[(o * indices.len() + i) * inner..][..inner];
            x[to..to + inner].iter_mut().zip(update).for_each(|(x, &v)| *x = x.plus(v));
        }
    }
    Ok(())
}

/// Rows of `depth` elements that are `off`, except for `on` at the index; an index outside gives a row of `off`.
///
/// # Shapes
/// `indices` is `[outer, inner]`, `out` is `[outer, depth, inner]`; with the new axis last `inner` is 1.
///
/// # Panics
/// When a length differs from its shape.
pub fn one_hot<T: Copy, I: Copy + Into<i64>>(
    (depth, inner): (usize, usize),
    indices: &[I],
    (on, off): (T, T),
    out: &mut [T],
) {
    assert_eq!(out.len(), indices.len() * depth, "one hot: the output has another length than its shape");
    out.fill(off);
    for (i, &index) in indices.iter().enumerate() {
        if let Ok(index) = row(index.into(), depth, "one hot") {
            out[(i / inner * depth + index) * inner + i % inner] = on;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicate_rows_are_all_added() {
        let mut x = [0f32; 6];
        scatter_add((1, 3, 2), &[1i32, 1, 0], &[1., 2., 3., 4., 5., 6.], &mut x).unwrap();
        assert_eq!(x, [5., 6., 4., 6., 0., 0.]);
    }

    #[test]
    fn along_a_middle_axis() {
        let x: Vec<i32> = (0..12).collect();
        let mut out = [0; 4];
        gather((2, 3, 2), &x, &[1i64], &mut out).unwrap();
        assert_eq!(out, [2, 3, 8, 9]);
    }

    #[test]
    fn indices_outside() {
        let error = gather((1, 3, 1), &[1, 2, 3], &[3i64], &mut [0]).unwrap_err();
        assert_eq!(error.to_string(), "gather rows argument `indices`: expected 0..3, found 3");
        assert!(scatter_add((1, 3, 1), &[-1i32], &[1], &mut [0, 0, 0]).is_err());
        let mut out = [9; 6];
        one_hot((3, 1), &[2i64, -1], (1, 0), &mut out);
        assert_eq!(out, [0, 0, 1, 0, 0, 0]);
        one_hot((3, 2), &[2i64, 0], (1, 0), &mut out);
        assert_eq!(out, [0, 1, 0, 0, 1, 0]);
    }
}
