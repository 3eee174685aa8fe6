//! Tensors as text, in numpy's manner.

use std::fmt;

use crate::{Buffer, Tensor};

/// Above so many elements only the first and last of each axis are shown.
const THRESHOLD: usize = 1000;
/// Elements that are shown at either end of an axis then.
const EDGE: usize = 3;

/// Nested lists, one row a line; of more than 1000 elements only the first and last three of each axis.
///
/// # Example
/// ```
/// let x = kerox_tensor::Tensor::from_vec(vec![1f32, 2.5, -3.0, 4.0], [2, 2])?;
/// assert_eq!(x.to_string(), "[[1.0, 2.5],\n [-3.0, 4.0]]");
/// # Ok::<(), kerox_tensor::Error>(())
/// ```
impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_cut = self.len() > THRESHOLD;
        level(self, f, 0, 0, is_cut)
    }
}

fn level(tensor: &Tensor, f: &mut fmt::Formatter<'_>, axis: usize, at: usize, is_cut: bool) -> fmt::Result {
    let Some(&length) = tensor.shape().get(axis) else { return element(tensor.buffer(), f, at) };
    let stride: usize = tensor.shape().iter().skip(axis + 1).product();
    let is_last = axis + 1 == tensor.rank();
    // Blank lines part matrices, as in numpy.
    let separator = match is_last {
        true => ", ".to_owned(),
        false => format!(",{}{}", "\n".repeat(tensor.rank() - axis - 1), " ".repeat(axis + 1)),
    };
    f.write_str("[")?;
    let skips = is_cut && length > 2 * EDGE;
    let shown = (0..length).filter(|&i| !skips || i <= EDGE || i >= length - EDGE);
    for (n, i) in shown.enumerate() {
        if n > 0 {
            f.write_str(&separator)?;
        }
        match skips && i == EDGE {
            true => f.write_str("...")?,
            false => level(tensor, f, axis + 1, at + i * stride, is_cut)?,
        }
    }
    f.write_str("]")
}

fn element(buffer: &Buffer, f: &mut fmt::Formatter<'_>, at: usize) -> fmt::Result {
    match buffer {
        Buffer::F16(v) => write!(f, "{:?}", v[at].to_f32()),
        Buffer::BF16(v) => write!(f, "{:?}", v[at].to_f32()),
        Buffer::F32(v) => write!(f, "{:?}", v[at]),
        Buffer::F64(v) => write!(f, "{:?}", v[at]),
        Buffer::I8(v) => write!(f, "{}", v[at]),
        Buffer::I16(v) => write!(f, "{}", v[at]),
        Buffer::I32(v) => write!(f, "{}", v[at]),
        Buffer::I64(v) => write!(f, "{}", v[at]),
        Buffer::U8(v) => write!(f, "{}", v[at]),
        Buffer::U16(v) => write!(f, "{}", v[at]),
        Buffer::U32(v) => write!(f, "{}", v[at]),
        Buffer::U64(v) => write!(f, "{}", v[at]),
        Buffer::Bool(v) => write!(f, "{}", v[at]),
        Buffer::String(v) => write!(f, "\"{}\"", v[at].escape_ascii()),
        Buffer::Complex64(v) => write!(f, "{:?}{:+?}i", v[at][0], v[at][1]),
        Buffer::Complex128(v) => write!(f, "{:?}{:+?}i", v[at][0], v[at][1]),
    }
}

#[cfg(test)]
mod tests {
    use crate::Tensor;

    #[test]
    fn nested_cut_and_empty() {
        let counts = |n: i64, shape: &[usize]| Tensor::from_vec((0..n).collect(), shape).unwrap().to_string();
        assert_eq!(counts(1, &[]), "0");
        assert_eq!(counts(0, &[2, 0]), "[[],\n []]");
        assert_eq!(counts(4, &[2, 1, 2]), "[[[0, 1]],\n\n [[2, 3]]]");
        assert_eq!(counts(2000, &[2000]), "[0, 1, 2, ..., 1997, 1998, 1999]");
        assert_eq!(Tensor::from_strings(["a\"\n"], []).unwrap().to_string(), "\"a\\\"\\n\"");
    }
}
