//! What can go wrong with addresses.

use std::path::PathBuf;

/// The result of fetching and storing.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong while fetching and storing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be understood.
    #[error("open `{address}`: expected {expected}, found {found}")]
    Address {
        /// The address as given.
        address: String,
        /// The forms that would have been right.
        expected: &'static str,
        /// What is wrong with it.
        found: String,
    },
    /// Nothing is at the address.
    #[error("open `{address}`: expected a file, a directory or a checkpoint prefix, found nothing")]
    NotFound {
        /// The address as given.
        address: String,
    },
    /// Something is at the address, and it may not be replaced.
    #[error("save to `{address}`: expected nothing there, found an object; choose another name or allow overwriting")]
    Exists {
        /// The address as given.
        address: String,
    },
    /// The store cannot do what is needed.
    #[error("{operation} `{address}`: expected {expected}, found {found}; {help}")]
    Unsupported {
        /// What was tried.
        operation: &'static str,
        /// The address as given.
        address: String,
        /// What is needed.
        expected: &'static str,
        /// What the store can do instead.
        found: &'static str,
        /// What to do.
        help: &'static str,
    },
    /// The store has answered with an error, or not at all.
    #[error("{operation} `{address}`: {source}")]
    Store {
        /// What was tried.
        operation: &'static str,
        /// The address as given.
        address: String,
        /// The store's reason.
        source: Box<object_store::Error>,
    },
    /// The file system.
    #[error("{operation} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The local file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}
