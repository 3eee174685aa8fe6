//! Shapes: the lengths of a tensor's axes.

use std::fmt;
use std::ops::Deref;

use smallvec::SmallVec;

use crate::{Error, Result};

/// The lengths of a tensor's axes; the empty shape is a scalar's. Up to six axes need no allocation.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Shape(SmallVec<[usize; 6]>);

impl Shape {
    /// The shape of a scalar.
    pub fn scalar() -> Shape {
        Shape::default()
    }

    /// Number of elements: the product of the lengths, 1 for a scalar.
    ///
    /// # Panics
    /// When the product overflows; [`Shape::checked_elements`] is for shapes that come from outside.
    pub fn elements(&self) -> usize {
        self.iter().product()
    }

    /// Number of elements.
    ///
    /// # Errors
    /// [`Error::TooLarge`] when it exceeds `isize::MAX`.
    pub fn checked_elements(&self) -> Result<usize> {
        // A zero anywhere makes the tensor empty however large the other axes are.
        if self.contains(&0) {
            return Ok(0);
        }
        let product = self.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= isize::MAX as usize / 16);
        product.ok_or_else(|| Error::TooLarge { shape: self.clone() })
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.len()
    }

    /// Elements to step over for one step along each axis, in row-major order.
    pub fn strides(&self) -> Shape {
        let mut strides = self.clone();
        let mut step = 1;
        for (stride, &length) in strides.0.iter_mut().zip(self.iter()).rev() {
            *stride = step;
            step *= length.max(1);
        }
        strides
    }

    /// Appends an axis.
    pub fn push(&mut self, length: usize) {
        self.0.push(length);
    }

    /// The lengths, writable.
    pub fn dims_mut(&mut self) -> &mut [usize] {
        &mut self.0
    }
}

impl Deref for Shape {
    type Target = [usize];
    fn deref(&self) -> &[usize] {
        &self.0
    }
}

impl<T: AsRef<[usize]>> From<T> for Shape {
    fn from(dims: T) -> Shape {
        Shape(SmallVec::from_slice(dims.as_ref()))
    }
}

impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(dims: I) -> Shape {
        Shape(dims.into_iter().collect())
    }
}

/// As Rust and numpy list it: `[784, 512]`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self[..])
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_shapes_do_not_overflow() {
        assert!(Shape::from([usize::MAX, 2]).checked_elements().is_err());
        assert_eq!(Shape::from([usize::MAX, 0, 7]).checked_elements(), Ok(0));
        assert_eq!(Shape::scalar().checked_elements(), Ok(1));
    }

    #[test]
    fn strides_are_row_major() {
        assert_eq!(&Shape::from([2, 3, 4]).strides()[..], [12, 4, 1]);
    }
}
