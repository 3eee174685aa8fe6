//! What can go wrong with tensors.

use crate::{DType, Shape};

/// The result of tensor operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate; every message says what was expected and what was found.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The element type is not the one asked for.
    #[error("read tensor as {expected}: expected {expected}, found {found}; convert it with `cast`")]
    DType {
        /// What the caller asked for.
        expected: DType,
        /// What the tensor holds.
        found: DType,
    },
    /// The number of elements contradicts the shape.
    #[error("make tensor of shape {shape}: expected {expected} elements, found {found}")]
    Length {
        /// The shape asked for.
        shape: Shape,
        /// Elements that shape has.
        expected: usize,
        /// Elements given.
        found: usize,
    },
    /// Shapes that had to be equal or compatible are not.
    #[error("{operation}: expected shape {expected}, found {found}")]
    Shape {
        /// The operation that was tried, in words.
        operation: String,
        /// The shape needed.
        expected: Shape,
        /// The shape given.
        found: Shape,
    },
    /// A shape whose number of bytes does not fit the address space.
    #[error("make tensor of shape {shape}: expected at most {max} elements; the shape overflows", max = isize::MAX)]
    TooLarge {
        /// The shape asked for.
        shape: Shape,
    },
    /// A byte count that is no multiple of the element's size.
    #[error("read {dtype} elements from bytes: expected {expected} bytes, found {found}")]
    ByteLength {
        /// The element type.
        dtype: DType,
        /// The nearest lower length that fits.
        expected: usize,
        /// Bytes given.
        found: usize,
    },
    /// A byte that is no bool.
    #[error("read bool elements from bytes at byte {at}: expected 0 or 1, found {found}")]
    NotBool {
        /// Offset of the byte.
        at: usize,
        /// Its value.
        found: u8,
    },
    /// The type cannot be held by a tensor or has no fixed size.
    #[error("store {dtype} elements: expected a type of fixed size, found {dtype}")]
    NoStorage {
        /// The type asked for.
        dtype: DType,
    },
    /// An argument of a kernel or constructor that is out of its range.
    #[error("{operation} argument `{argument}`: expected {expected}, found {found}")]
    Argument {
        /// The operation, in words.
        operation: String,
        /// The argument's name.
        argument: String,
        /// What is allowed.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A file that is no array, or one that cannot be represented.
    #[error("read array {what}: expected {expected}, found {found}")]
    ArrayFile {
        /// File or member.
        what: String,
        /// What is allowed.
        expected: String,
        /// What is there.
        found: String,
    },
}
