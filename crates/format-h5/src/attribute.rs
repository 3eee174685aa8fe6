//! Attribute values.

use kerox_tensor::{Shape, Tensor};

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// Strings of fixed or variable length, padding removed.
    Strings {
        /// The shape; a scalar has one string.
        shape: Shape,
        /// The strings' bytes in row-major order. Keras's are ASCII or UTF-8.
        values: Vec<Vec<u8>>,
    },
    /// Numbers or bools.
    Numbers(Tensor),
    /// No value at all (a null dataspace, h5py's `Empty`).
    Empty,
}

impl Attribute {
    /// What this is, in words.
    pub(crate) fn describe(&self) -> String {
        match self {
            Attribute::Strings { shape, .. } if shape.rank() == 0 => "a string".into(),
            Attribute::Strings { shape, .. } => format!("strings of shape {shape}"),
            Attribute::Numbers(tensor) => format!("{} of shape {}", tensor.dtype(), tensor.shape()),
            Attribute::Empty => "no value".into(),
        }
    }
}
