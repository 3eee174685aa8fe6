//! What can go wrong with safetensors files.

use std::io;

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system could not read or write.
    #[error("{operation} `{file}`")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file.
        file: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The header is damaged, or the file is none of safetensors.
    #[error(
        "open safetensors file `{file}`: expected {expected}, found {found}; check that this is the file you meant, or copy it again"
    )]
    Header {
        /// The file.
        file: String,
        /// What the format wants.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The entry of a tensor is damaged.
    #[error("read tensor `{name}` of `{file}`: expected {expected}, found {found}; the file is damaged, copy it again")]
    Entry {
        /// The file.
        file: String,
        /// The tensor.
        name: String,
        /// What the format wants.
        expected: String,
        /// What is there.
        found: String,
    },
    /// An element type that no tensor here has.
    #[error("read tensor `{name}` of `{file}`: expected a type from {known}, found {found}", known = crate::element::KNOWN)]
    Type {
        /// The file.
        file: String,
        /// The tensor.
        name: String,
        /// The type's name.
        found: String,
    },
    /// No tensor of that name.
    #[error("read tensor `{name}` of `{file}`: expected one of its {count} tensors, found no such name")]
    Missing {
        /// The file.
        file: String,
        /// The tensor asked for.
        name: String,
        /// How many tensors the file has.
        count: usize,
    },
    /// A tensor cannot be made of the data.
    #[error("read tensor `{name}` of `{file}`")]
    Tensor {
        /// The file.
        file: String,
        /// The tensor.
        name: String,
        /// The reason.
        source: kerox_tensor::Error,
    },
    /// Two tensors of one name.
    #[error(
        "write tensor `{name}`: expected a new name, found a second tensor of that name; give the weights distinct names"
    )]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A type safetensors has no form for.
    #[error("write tensor `{name}`: expected numbers or bools, found {found}; keep such a tensor in another file")]
    Unwritable {
        /// The tensor.
        name: String,
        /// Its type.
        found: String,
    },
}
