//! What can go wrong with `.keras` files.

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
    /// The file is no zip archive, or its directory is damaged.
    #[error(
        "open archive `{file}` at byte {at}: expected {expected}, found {found}; check that this is the file you meant, or copy it again"
    )]
    Archive {
        /// The file.
        file: String,
        /// Offset in bytes.
        at: u64,
        /// What the format wants.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A member that is damaged or that no sound archive has.
    #[error("read member `{member}` of `{file}`: expected {expected}, found {found}; {advice}")]
    Member {
        /// The file.
        file: String,
        /// The member's name.
        member: String,
        /// What the format wants.
        expected: String,
        /// What is there.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// A member that is not there.
    #[error("read member `{member}` of `{file}`: expected a Keras v3 file with it, found only {found}")]
    Missing {
        /// The file.
        file: String,
        /// The member's name.
        member: String,
        /// The members that are there.
        found: String,
    },
    /// A text that is not the JSON it should be.
    #[error("read `{member}` of `{file}`: expected {expected}, found {found}")]
    Text {
        /// The file.
        file: String,
        /// The member's name.
        member: String,
        /// What Keras writes.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The weights.
    #[error(transparent)]
    H5(#[from] kerox_format_h5::Error),
    /// Something that cannot be written.
    #[error("write member `{member}`: expected {expected}, found {found}")]
    Unwritable {
        /// The member's name.
        member: String,
        /// What can be written.
        expected: &'static str,
        /// What was given.
        found: String,
    },
}
