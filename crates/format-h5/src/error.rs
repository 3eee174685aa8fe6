//! What can go wrong with HDF5 files.

use std::io;

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate. `file` is the name the caller gave, `path` the place inside the file (`/` is the root).
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
    /// The file has no HDF5 signature.
    #[error(
        "open HDF5 file `{file}`: expected the signature `\\x89HDF\\r\\n\\x1a\\n`, found {found}; check that this is the file you meant"
    )]
    NotHdf5 {
        /// The file.
        file: String,
        /// What its first bytes look like.
        found: String,
    },
    /// The bytes contradict the format.
    #[error(
        "read HDF5 object `{path}` from `{file}` at byte {at}: expected {expected}, found {found}; the file is damaged, copy it again"
    )]
    Corrupt {
        /// The file.
        file: String,
        /// The object.
        path: String,
        /// Offset in bytes from the start of the file.
        at: u64,
        /// What the format wants.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The file reaches outside itself or in circles.
    #[error("read HDF5 object `{path}` from `{file}`: expected data inside the file, found {found}; {advice}")]
    Refused {
        /// The file.
        file: String,
        /// The object.
        path: String,
        /// The construct.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// A part of HDF5 that this crate does not read.
    #[error(
        "read HDF5 object `{path}` from `{file}`: expected what Keras or h5py write, found {found}; rewrite the file with `h5repack` or h5py"
    )]
    Unsupported {
        /// The file.
        file: String,
        /// The object.
        path: String,
        /// The construct.
        found: String,
    },
    /// A claim far beyond what the file holds.
    #[error(
        "read HDF5 object `{path}` from `{file}`: expected at most {expected} {unit}, found {found}; raise the limit if the file is trusted"
    )]
    Limit {
        /// The file.
        file: String,
        /// The object.
        path: String,
        /// What is counted.
        unit: &'static str,
        /// The limit.
        expected: u64,
        /// The claim.
        found: u64,
    },
    /// No object or attribute of that name.
    #[error("read {kind} `{path}` from `{file}`: expected a {kind}, found {found}")]
    Missing {
        /// The file.
        file: String,
        /// The path asked for.
        path: String,
        /// What was asked for: group, dataset, attribute.
        kind: &'static str,
        /// What is there, and the nearest name.
        found: String,
    },
    /// An attribute of another type than Keras writes.
    #[error("read attribute `{name}` of `{path}` from `{file}`: expected {expected}, found {found}")]
    Attribute {
        /// The file.
        file: String,
        /// The object.
        path: String,
        /// The attribute.
        name: String,
        /// What Keras writes.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A tensor cannot be made of the data.
    #[error("read dataset `{path}` from `{file}`")]
    Tensor {
        /// The file.
        file: String,
        /// The dataset.
        path: String,
        /// The reason.
        source: kerox_tensor::Error,
    },
    /// Two objects of one name.
    #[error(
        "write `{path}` to HDF5: expected a new name, found a second object of that name; give the weights distinct names"
    )]
    Duplicate {
        /// The path.
        path: String,
    },
    /// Something that HDF5 cannot store.
    #[error("write `{path}` to HDF5: expected {expected}, found {found}")]
    Unwritable {
        /// The path.
        path: String,
        /// What can be stored.
        expected: String,
        /// What was given.
        found: String,
    },
}

/// An error inside the decoder, before file and path are known.
#[derive(Debug)]
pub(crate) enum Fault {
    Io(io::Error),
    Corrupt { at: u64, expected: String, found: String },
    Refused { found: String, advice: &'static str },
    Unsupported(String),
    Limit { unit: &'static str, expected: u64, found: u64 },
    Tensor(kerox_tensor::Error),
}

pub(crate) type Decoded<T> = std::result::Result<T, Fault>;

impl Fault {
    pub(crate) fn corrupt(at: u64, expected: impl Into<String>, found: impl Into<String>) -> Fault {
        Fault::Corrupt { at, expected: expected.into(), found: found.into() }
    }

    pub(crate) fn unsupported(found: impl Into<String>) -> Fault {
        Fault::Unsupported(found.into())
    }

    /// Adds where it happened.
    pub(crate) fn locate(self, file: &str, path: &str) -> Error {
        let file = file.to_string();
        let path = if path.is_empty() { "/".to_string() } else { path.to_string() };
        match self {
            Fault::Io(source) => Error::Io { operation: "read HDF5 file", file, source },
            Fault::Corrupt { at, expected, found } => Error::Corrupt { file, path, at, expected, found },
            Fault::Refused { found, advice } => Error::Refused { file, path, found, advice },
            Fault::Unsupported(found) => Error::Unsupported { file, path, found },
            Fault::Limit { unit, expected, found } => Error::Limit { file, path, unit, expected, found },
            Fault::Tensor(source) => Error::Tensor { file, path, source },
        }
    }
}

impl From<kerox_tensor::Error> for Fault {
    fn from(error: kerox_tensor::Error) -> Fault {
        Fault::Tensor(error)
    }
}
