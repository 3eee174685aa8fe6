//! What can go wrong with SavedModels.

use std::path::PathBuf;

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate; every message says where, what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes that are no message: cut off, too long a length, nested too deep, text that is not UTF-8.
    #[error("read {}{} at byte {offset}: expected {expected}, found {found}", named(.file), at_path(.path))]
    Malformed {
        /// The file; empty for bytes from memory.
        file: String,
        /// Fields from the outermost message on: `meta_graphs[0].graph_def.node[3].attr["T"]`.
        path: String,
        /// Offset in bytes.
        offset: usize,
        /// What is allowed there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Protobuf's text format with a mistake.
    #[error("read {} line {line} column {column}: expected {expected}, found {found}", named(.file))]
    Text {
        /// The file; empty for text from memory.
        file: String,
        /// Line, from 1.
        line: u32,
        /// Column in bytes, from 1.
        column: u32,
        /// What is allowed there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A file or directory that cannot be read or written.
    #[error("{operation} `{}`", path.display())]
    Io {
        /// What was tried: `read`, `write`, `create directory`.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A directory that holds no SavedModel, or one in a form that is not read.
    #[error("open SavedModel `{}`: expected {expected}, found {found}", dir.display())]
    NotSavedModel {
        /// The directory.
        dir: PathBuf,
        /// What is needed.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Content that contradicts itself: a node that does not exist, a tensor with too few values, a wrong kind.
    #[error("read {what} {place}: expected {expected}, found {found}")]
    Invalid {
        /// The thing: "tensor", "node input", "function".
        what: &'static str,
        /// Its name or path, in backticks where it is a name.
        place: String,
        /// What is allowed.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Content that is understood but not supported.
    #[error("read {what} {place}: {reason}")]
    Unsupported {
        /// The thing.
        what: &'static str,
        /// Its name or path.
        place: String,
        /// Why, and what to do.
        reason: String,
    },
    /// Plain data from which no SavedModel can be written.
    #[error("build SavedModel, {what} {place}: expected {expected}, found {found}")]
    Build {
        /// The thing: "function", "variable", "signature".
        what: &'static str,
        /// Its name.
        place: String,
        /// What is allowed.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A tensor that cannot be made.
    #[error(transparent)]
    Tensor(#[from] kerox_tensor::Error),
}

fn named(file: &str) -> String {
    match file {
        "" => "protobuf message".into(),
        file => format!("`{file}`"),
    }
}

fn at_path(path: &str) -> String {
    match path {
        "" => String::new(),
        path => format!(" at {path}"),
    }
}

impl Error {
    pub(crate) fn malformed(offset: usize, expected: impl Into<String>, found: impl Into<String>) -> Error {
        let (expected, found) = (expected.into(), found.into());
        Error::Malformed { file: String::new(), path: String::new(), offset, expected, found }
    }

    pub(crate) fn invalid(
        what: &'static str,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Error {
        Error::Invalid { what, place: place.into(), expected: expected.into(), found: found.into() }
    }

    pub(crate) fn build(
        what: &'static str,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Error {
        Error::Build { what, place: place.into(), expected: expected.into(), found: found.into() }
    }

    /// The same error, one message further out.
    pub(crate) fn within(mut self, step: &str) -> Error {
        if let Error::Malformed { path, .. } = &mut self {
            // Index steps such as `["T"]` follow their field without a dot.
            let dot = if path.is_empty() || path.starts_with('[') || step.is_empty() { "" } else { "." };
            *path = format!("{step}{dot}{path}");
        }
        self
    }

    /// The same error, with the file's name.
    pub(crate) fn in_file(mut self, name: &str) -> Error {
        if let Error::Malformed { file, .. } | Error::Text { file, .. } = &mut self {
            *file = name.to_owned();
        }
        self
    }
}
