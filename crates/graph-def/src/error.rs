//! What can go wrong while importing and running TensorFlow's graphs.

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model's messages contradict themselves or cannot be read.
    #[error(transparent)]
    Format(#[from] kerox_format_savedmodel::Error),
    /// The model's checkpoint is missing or damaged.
    #[error(transparent)]
    Checkpoint(#[from] kerox_format_ckpt::Error),
    /// An operation cannot take its inputs or attributes.
    #[error(transparent)]
    Graph(#[from] kerox_graph::Error),
    /// A tensor cannot be made.
    #[error(transparent)]
    Tensor(#[from] kerox_tensor::Error),
    /// Operations that this library does not have.
    #[error("import {what}: expected operations this library knows, found also {}", .operations.join(", "))]
    UnknownOperations {
        /// The signature, function or part of the model.
        what: String,
        /// Each operation with the number of its nodes and the name of one of them.
        operations: Vec<String>,
    },
    /// A graph that contradicts itself.
    #[error("import {what} `{place}`: expected {expected}, found {found}")]
    Invalid {
        /// The thing: "node", "function", "variable".
        what: &'static str,
        /// Its name.
        place: String,
        /// What is allowed.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A graph that TensorFlow has no operations for.
    #[error("export {what} `{place}`: expected {expected}, found {found}")]
    Export {
        /// The thing: "node", "function".
        what: &'static str,
        /// Its name.
        place: String,
        /// What TensorFlow has.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A signature, input or function asked for that the model does not have.
    #[error("{operation} `{name}`: expected {expected}, found {found}")]
    Argument {
        /// What was asked for: `call signature`.
        operation: &'static str,
        /// Its name.
        name: String,
        /// What there is.
        expected: String,
        /// What was given.
        found: String,
    },
}

impl Error {
    pub(crate) fn export(
        what: &'static str,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Error {
        Error::Export { what, place: place.into(), expected: expected.into(), found: found.into() }
    }

    pub(crate) fn invalid(
        what: &'static str,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Error {
        Error::Invalid { what, place: place.into(), expected: expected.into(), found: found.into() }
    }
}
