//! What can go wrong with images.

/// The result of working with images.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong with images.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file that cannot be read.
    #[error("read image `{file}`")]
    Io {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file that is no image, or none that can be read or written.
    #[error("{operation} image `{file}`")]
    Image {
        /// What was tried.
        operation: &'static str,
        /// The file.
        file: String,
        /// What the decoder says.
        source: image::ImageError,
    },
    /// An argument that cannot be.
    #[error("{operation} argument `{argument}`: expected {expected}, found {found}")]
    Argument {
        /// The function.
        operation: &'static str,
        /// Keras's name of the argument.
        argument: String,
        /// What it can be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Numbers that make no tensor.
    #[error(transparent)]
    Tensor(#[from] kerox_tensor::Error),
    /// A file that cannot be written.
    #[error(transparent)]
    Fs(#[from] kerox_fs::Error),
}

pub(super) fn argument<T>(
    operation: &'static str,
    argument: &str,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> Result<T> {
    Err(Error::Argument { operation, argument: argument.into(), expected: expected.into(), found: found.into() })
}
