//! What can go wrong with the architectures.

/// The result of building an architecture.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with the architectures.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument that the architecture cannot have.
    #[error("build {architecture} argument `{argument}`: expected {expected}, found {found}")]
    Argument {
        /// The architecture.
        architecture: String,
        /// Keras's name of the argument.
        argument: String,
        /// What it can have.
        expected: String,
        /// What it was given.
        found: String,
    },
    /// Images that cannot be prepared.
    #[error("prepare images: expected {expected}, found {found}")]
    Images {
        /// What can be prepared.
        expected: String,
        /// What was given.
        found: String,
    },
    /// Predictions or a class index that do not go together.
    #[error("decode predictions {place}: expected {expected}, found {found}")]
    Predictions {
        /// Where.
        place: String,
        /// What belongs there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A file that cannot be read.
    #[error("read {file}")]
    Io {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A layer that cannot be made.
    #[error(transparent)]
    Layers(#[from] kerox_layers::Error),
    /// A model that cannot be made.
    #[error(transparent)]
    Train(#[from] kerox_train::Error),
    /// Weights that cannot be loaded.
    #[error(transparent)]
    Saving(#[from] crate::saving::Error),
    /// Numbers that cannot be used.
    #[error(transparent)]
    Tensor(#[from] kerox_tensor::Error),
}
