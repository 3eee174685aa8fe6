//! What can go wrong while saving.

use std::io;
use std::path::{Path, PathBuf};

/// The result of file operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate. After each of them the target holds what it held before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The target exists and may not be replaced.
    #[error("save `{path}`: expected no file of that name, found one; pass `overwrite(true)` or choose another path")]
    Exists {
        /// The target.
        path: PathBuf,
    },
    /// The target is something else than what would be put in its place.
    #[error("save `{path}`: expected {expected}, found {found}; choose another path")]
    Kind {
        /// The target.
        path: PathBuf,
        /// What can be replaced.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// The target may not be written by this user.
    #[error("save `{path}`: expected a writable {what}, found it read-only; change its permissions")]
    ReadOnly {
        /// The target.
        path: PathBuf,
        /// File or directory.
        what: &'static str,
    },
    /// A name that is no single component of a path.
    #[error("save into `{dir}`: expected a plain file name, found `{name}`")]
    Name {
        /// The directory.
        dir: PathBuf,
        /// The name given.
        name: String,
    },
    /// Another saver holds the directory.
    #[error("save into `{dir}`: expected the directory's lock within {seconds} s, found it held; another saver hangs")]
    Busy {
        /// The directory.
        dir: PathBuf,
        /// How long was waited.
        seconds: u64,
    },
    /// The operating system refused.
    #[error("{operation} `{path}`")]
    Io {
        /// What was tried, in words.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl Error {
    /// Turns a system's error into this crate's.
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
        let path = path.to_path_buf();
        move |source| Error::Io { operation, path, source }
    }
}

impl From<Error> for io::Error {
    /// For callers that speak `io::Result`: keeps the kind of the system's error.
    fn from(error: Error) -> io::Error {
        let kind = match &error {
            Error::Exists { .. } => io::ErrorKind::AlreadyExists,
            Error::Kind { .. } | Error::Name { .. } => io::ErrorKind::InvalidInput,
            Error::ReadOnly { .. } => io::ErrorKind::PermissionDenied,
            Error::Busy { .. } => io::ErrorKind::TimedOut,
            Error::Io { source, .. } => source.kind(),
        };
        io::Error::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_name_the_path_and_the_way_out() {
        let check = |error: Error, text: &str| assert_eq!(error.to_string(), text);
        let path = PathBuf::from("a.h5");
        check(
            Error::Exists { path: path.clone() },
            "save `a.h5`: expected no file of that name, found one; pass `overwrite(true)` or choose another path",
        );
        check(
            Error::Kind { path: path.clone(), expected: "a file", found: "a directory" },
            "save `a.h5`: expected a file, found a directory; choose another path",
        );
        check(
            Error::ReadOnly { path: path.clone(), what: "file" },
            "save `a.h5`: expected a writable file, found it read-only; change its permissions",
        );
        check(
            Error::Name { dir: path.clone(), name: "../x".into() },
            "save into `a.h5`: expected a plain file name, found `../x`",
        );
        check(
            Error::Busy { dir: path.clone(), seconds: 3 },
            "save into `a.h5`: expected the directory's lock within 3 s, found it held; another saver hangs",
        );
        check(Error::io("rename", &path)(io::Error::other("no")), "rename `a.h5`");
    }
}
