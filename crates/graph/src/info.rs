//! What is known of a value before it is computed.

use std::fmt;

use kerox_tensor::{DType, Shape, Tensor};
use smallvec::SmallVec;

/// The length of an axis; `None` where it is known only at run time (the batch, usually).
pub type Dim = Option<usize>;

/// A shape of which axes, or even their number, may be unknown.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Dims(Option<SmallVec<[Dim; 6]>>);

impl Dims {
    /// Not even the rank is known.
    pub fn unknown() -> Dims {
        Dims(None)
    }

    /// A scalar's.
    pub fn scalar() -> Dims {
        Dims(Some(SmallVec::new()))
    }

    /// `rank` axes of unknown length.
    pub fn of_rank(rank: usize) -> Dims {
        Dims(Some(SmallVec::from_elem(None, rank)))
    }

    /// The axes, if their number is known.
    pub fn axes(&self) -> Option<&[Dim]> {
        self.0.as_deref()
    }

    /// Number of axes, if known.
    pub fn rank(&self) -> Option<usize> {
        self.axes().map(<[Dim]>::len)
    }

    /// The shape, if every axis is known.
    pub fn shape(&self) -> Option<Shape> {
        self.axes()?.iter().copied().collect()
    }

    /// What both know together; `None` where they contradict each other.
    pub fn merge(&self, other: &Dims) -> Option<Dims> {
        match (self.axes(), other.axes()) {
            (None, _) => Some(other.clone()),
            (_, None) => Some(self.clone()),
            (Some(a), Some(b)) if a.len() == b.len() => a
                .iter()
                .zip(b)
                .map(|(&a, &b)| match (a, b) {
                    (Some(a), Some(b)) if a != b => None,
                    (a, b) => Some(a.or(b)),
                })
                .collect(),
            _ => None,
        }
    }

    /// Whether a tensor of that shape can be such a value.
    pub fn admits(&self, shape: &[usize]) -> bool {
        self.axes().is_none_or(|axes| {
            axes.len() == shape.len() && axes.iter().zip(shape).all(|(a, &s)| a.is_none_or(|a| a == s))
        })
    }

    /// The shape numpy broadcasting gives; `None` where it is impossible.
    pub fn broadcast(&self, other: &Dims) -> Option<Dims> {
        let (Some(a), Some(b)) = (self.axes(), other.axes()) else { return Some(Dims::unknown()) };
        let rank = a.len().max(b.len());
        let at = |dims: &[Dim], i: usize| (i + dims.len()).checked_sub(rank).map_or(Some(1), |i| dims[i]);
        (0..rank)
            .map(|i| match (at(a, i), at(b, i)) {
                (Some(1), d) | (d, Some(1)) => Some(d),
                (Some(a), Some(b)) => (a == b).then_some(Some(a)),
                (None, d) | (d, None) => Some(d),
            })
            .collect()
    }
}

impl FromIterator<Dim> for Dims {
    fn from_iter<I: IntoIterator<Item = Dim>>(axes: I) -> Dims {
        Dims(Some(axes.into_iter().collect()))
    }
}

impl<const N: usize> From<[Dim; N]> for Dims {
    fn from(axes: [Dim; N]) -> Dims {
        axes.into_iter().collect()
    }
}

impl From<&[Dim]> for Dims {
    fn from(axes: &[Dim]) -> Dims {
        axes.iter().copied().collect()
    }
}

impl From<&Shape> for Dims {
    fn from(shape: &Shape) -> Dims {
        shape.iter().map(|&d| Some(d)).collect()
    }
}

/// As Python prints TensorFlow's: `(None, 784)`.
impl fmt::Display for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(axes) = self.axes() else { return f.write_str("<unknown>") };
        f.write_str("(")?;
        for (i, axis) in axes.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            match axis {
                Some(length) => write!(f, "{comma}{length}")?,
                None => write!(f, "{comma}None")?,
            }
        }
        f.write_str(if axes.len() == 1 { ",)" } else { ")" })
    }
}

impl fmt::Debug for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What is known of a value's elements before running.
#[derive(Clone, Debug, PartialEq)]
pub enum Known {
    /// Everything: the value is a constant.
    Tensor(Tensor),
    /// Some elements of a small integer vector or scalar, such as a shape whose batch is unknown.
    Ints(Vec<Option<i64>>),
}

/// The longest integer vector whose elements are followed through the graph.
const MAX_INTS: usize = 256;

/// Type, shape and what is known of the elements of a value.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueInfo {
    /// The type of the elements.
    pub dtype: DType,
    /// The shape.
    pub dims: Dims,
    /// The elements, as far as known.
    pub known: Option<Known>,
}

impl ValueInfo {
    /// A value of whose elements nothing is known.
    pub fn new(dtype: DType, dims: impl Into<Dims>) -> ValueInfo {
        ValueInfo { dtype, dims: dims.into(), known: None }
    }

    /// A constant.
    pub fn constant(tensor: Tensor) -> ValueInfo {
        ValueInfo { dtype: tensor.dtype(), dims: Dims::from(tensor.shape()), known: Some(Known::Tensor(tensor)) }
    }

    /// An integer scalar or vector of which some elements are known; a constant where all are.
    pub fn of_ints(dtype: DType, dims: Dims, ints: Vec<Option<i64>>) -> ValueInfo {
        let all: Option<Vec<i64>> = ints.iter().copied().collect();
        if let (Some(all), Some(shape)) = (all, dims.shape()) {
            let tensor = match dtype {
                DType::I32 => {
                    let narrow: Option<Vec<i32>> = all.iter().map(|&i| i32::try_from(i).ok()).collect();
                    narrow.and_then(|v| Tensor::from_vec(v, shape).ok())
                }
                DType::I64 => Tensor::from_vec(all, shape).ok(),
                _ => None,
            };
            if let Some(tensor) = tensor {
                return ValueInfo::constant(tensor);
            }
        }
        let known = ints.iter().any(Option::is_some).then_some(Known::Ints(ints));
        ValueInfo { dtype, dims, known }
    }

    /// The constant this is known to be.
    pub fn tensor(&self) -> Option<&Tensor> {
        match &self.known {
            Some(Known::Tensor(tensor)) => Some(tensor),
            _ => None,
        }
    }

    /// The elements of an integer scalar or vector as far as known; `None` where not even their number is.
    pub fn ints(&self) -> Option<Vec<Option<i64>>> {
        match &self.known {
            Some(Known::Ints(ints)) => Some(ints.clone()),
            // A vector longer than any rank is no shape.
            Some(Known::Tensor(tensor)) if tensor.len() > MAX_INTS => None,
            Some(Known::Tensor(tensor)) => match tensor.dtype() {
                DType::I32 => Some(tensor.as_slice::<i32>().ok()?.iter().map(|&i| Some(i64::from(i))).collect()),
                DType::I64 => Some(tensor.as_slice::<i64>().ok()?.iter().map(|&i| Some(i)).collect()),
                _ => None,
            },
            None if matches!(self.dtype, DType::I32 | DType::I64) => match self.dims.axes()? {
                [] => Some(vec![None]),
                [Some(n)] if *n <= MAX_INTS => Some(vec![None; *n]),
                _ => None,
            },
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &[Dim], b: &[Dim], expected: Option<&[Dim]>) {
        assert_eq!(Dims::from(a).broadcast(&Dims::from(b)), expected.map(Dims::from));
        assert_eq!(Dims::from(b).broadcast(&Dims::from(a)), expected.map(Dims::from));
    }

    #[test]
    fn broadcasting_keeps_what_is_known() {
        check(&[None, Some(3)], &[Some(3)], Some(&[None, Some(3)]));
        check(&[None, Some(3)], &[Some(2), Some(1)], Some(&[Some(2), Some(3)]));
        check(&[Some(4)], &[], Some(&[Some(4)]));
        check(&[Some(4)], &[Some(3)], None);
        check(&[None], &[Some(1)], Some(&[None]));
    }

    #[test]
    fn shapes_print_as_python_tuples() {
        assert_eq!(Dims::from([None, Some(784)]).to_string(), "(None, 784)");
        assert_eq!(Dims::from([None]).to_string(), "(None,)");
        assert_eq!(Dims::scalar().to_string(), "()");
    }
}
