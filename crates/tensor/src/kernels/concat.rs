//! Joining arrays along an axis.

/// Joins arrays along the middle axis.
///
/// # Shapes
/// Part `i` is `[outer, lengths_i, inner]` with the product `widths[i]` of the last two; `out` is `[outer, sum of
/// widths]`. For axis `i` of a shape, `outer` is the product of the lengths before it.
///
/// # Panics
/// When a length differs from its shape.
///
/// # Example
/// ```
/// let mut out = [0; 6];
/// kerox_tensor::kernels::concat::concat(2, &[&[1, 2], &[3, 4, 5, 6]], &[1, 2], &mut out);
/// assert_eq!(out, [1, 3, 4, 2, 5, 6]);
/// ```
pub fn concat<T: Copy>(outer: usize, parts: &[&[T]], widths: &[usize], out: &mut [T]) {
    let row: usize = widths.iter().sum();
    assert_eq!(parts.len(), widths.len(), "concat: parts and widths differ in number");
    assert_eq!(out.len(), outer * row, "concat: the output has another length than its shape");
    let mut begin = 0;
    for (part, &width) in parts.iter().zip(widths) {
        assert_eq!(part.len(), outer * width, "concat: a part has another length than its shape");
        if width > 0 {
            for (out, part) in out.chunks_exact_mut(row).zip(part.chunks_exact(width)) {
                out[begin..begin + width].copy_from_slice(part);
            }
        }
        begin += width;
    }
}

/// Takes one part out of what [`concat()`] has joined: `width` elements of each row from `begin` on. It is also the
/// gradient of [`concat()`] with respect to that part.
///
/// # Shapes
/// `x` is `[outer, row]`, `out` is `[outer, width]`.
///
/// # Panics
/// When a length differs from its shape.
pub fn split_part<T: Copy>(row: usize, begin: usize, width: usize, x: &[T], out: &mut [T]) {
    if out.is_empty() {
        return;
    }
    assert!(begin + width <= row, "split: elements {begin}..{} of a row of {row}", begin + width);
    assert_eq!(x.len() / row, out.len() / width, "split: input and output differ in rows");
    for (out, x) in out.chunks_exact_mut(width).zip(x.chunks_exact(row)) {
        out.copy_from_slice(&x[begin..begin + width]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back() {
        let parts: [&[i32]; 3] = [&[1, 2, 3, 4], &[], &[5, 6]];
        let mut out = [0; 6];
        concat(2, &parts, &[2, 0, 1], &mut out);
        assert_eq!(out, [1, 2, 5, 3, 4, 6]);
        let mut part = [0; 4];
        split_part(3, 0, 2, &out, &mut part);
        assert_eq!(part, [1, 2, 3, 4]);
        let mut part = [0; 2];
        split_part(3, 2, 1, &out, &mut part);
        assert_eq!(part, [5, 6]);
        split_part::<i32>(3, 2, 0, &out, &mut []);
    }
}
