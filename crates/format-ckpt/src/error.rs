//! What can go wrong with checkpoints.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::{LoadOutcome, LoadReport};

/// The result of checkpoint operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate. Values of tensors are never part of a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no checkpoint of that name.
    #[error(
        "open checkpoint `{prefix}`: expected a file `{prefix}.index`, found none{}",
        Nearest("checkpoints in that directory", nearest)
    )]
    NotFound {
        /// The path given, without `.index`.
        prefix: PathBuf,
        /// Checkpoints that are there, nearest names first.
        nearest: Vec<String>,
    },
    /// A file with tensors is not where the index says.
    #[error(
        "read tensor `{key}` of checkpoint: expected the data file `{file}`, found no such file; copy all data files \
         beside the index"
    )]
    MissingShard {
        /// The tensor.
        key: String,
        /// The missing file.
        file: PathBuf,
    },
    /// A file that is damaged or no checkpoint.
    #[error("read `{file}` at byte {offset}: expected {expected}, found {found}; the file is damaged or no checkpoint")]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Byte offset in it.
        offset: u64,
        /// What the format prescribes.
        expected: String,
        /// What is there.
        found: String,
    },
    /// What the index says about a tensor makes no sense.
    #[error("read entry `{key}` of `{file}`: expected {expected}, found {found}; the index is damaged")]
    Entry {
        /// The index.
        file: PathBuf,
        /// The tensor.
        key: String,
        /// What the format prescribes.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The data file ends before the tensor does.
    #[error(
        "read tensor `{key}` from `{file}` at byte {offset}: expected {expected} bytes, found {found} left; copy the \
         file again"
    )]
    Short {
        /// The tensor.
        key: String,
        /// The data file.
        file: PathBuf,
        /// Where the tensor starts.
        offset: u64,
        /// The tensor's length in bytes.
        expected: u64,
        /// Bytes from there to the end of the file.
        found: u64,
    },
    /// The tensor's bytes are not those that were written.
    #[error(
        "read tensor `{key}` from `{file}` at byte {offset}: expected checksum {expected:08x}, found {found:08x}; the \
         file is damaged: copy it again"
    )]
    Checksum {
        /// The tensor.
        key: String,
        /// The data file.
        file: PathBuf,
        /// Where the tensor starts.
        offset: u64,
        /// The masked crc32c in the file.
        expected: u32,
        /// That of the bytes read.
        found: u32,
    },
    /// There is no tensor of that name.
    #[error(
        "read tensor `{key}` of `{prefix}`: expected a key of the checkpoint, found none{}",
        Nearest("nearest", nearest)
    )]
    NoKey {
        /// The checkpoint.
        prefix: PathBuf,
        /// The name asked for.
        key: String,
        /// Names that are there, nearest first.
        nearest: Vec<String>,
    },
    /// Something this crate does not read or write.
    #[error("{operation} `{what}`: expected {expected}, found {found}")]
    Unsupported {
        /// What was tried.
        operation: &'static str,
        /// File or tensor.
        what: String,
        /// What is supported.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Two tensors of one name.
    #[error("write checkpoint `{prefix}`: expected every key once, found `{key}` twice; rename one part")]
    DuplicateKey {
        /// The checkpoint.
        prefix: PathBuf,
        /// The name.
        key: String,
    },
    /// Shapes or types in the file are not those of the variables. Nothing was assigned.
    #[error("{}", Mismatches(report))]
    Mismatch {
        /// Every variable and tensor; [`LoadReport::mismatches`] picks those at fault.
        report: Box<LoadReport>,
    },
    /// An assertion on a load failed.
    #[error("{}", Unmatched { assertion, report, file: *file, objects: *objects })]
    Unmatched {
        /// The assertion's name.
        assertion: &'static str,
        /// Whether values of the file had to be used.
        file: bool,
        /// Whether variables had to be restored.
        objects: bool,
        /// Every variable and tensor.
        report: Box<LoadReport>,
    },
    /// An argument out of its range.
    #[error("{operation} argument `{argument}`: expected {expected}, found {found}")]
    Argument {
        /// What was tried.
        operation: &'static str,
        /// The argument's name.
        argument: &'static str,
        /// What is allowed.
        expected: String,
        /// What was given.
        found: String,
    },
    /// The operating system refused.
    #[error("{operation} `{path}`")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Files could not be put in place. The old ones are as they were.
    #[error("save checkpoint")]
    Save(#[from] kerox_fs::Error),
    /// A value that is no tensor.
    #[error("read tensor `{key}`")]
    Tensor {
        /// The tensor.
        key: String,
        /// What is wrong with it.
        source: kerox_tensor::Error,
    },
}

impl Error {
    pub(crate) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
        let path = path.to_path_buf();
        move |source| Error::Io { operation, path, source }
    }

    pub(crate) fn tensor(key: &str) -> impl FnOnce(kerox_tensor::Error) -> Error + use<> {
        let key = key.to_string();
        move |source| Error::Tensor { key, source }
    }
}

/// `; nearest: a, b` or nothing.
struct Nearest<'a>(&'static str, &'a [String]);

impl fmt::Display for Nearest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            [] => Ok(()),
            names => write!(f, "; {}: `{}`", self.0, names.join("`, `")),
        }
    }
}

struct Mismatches<'a>(&'a LoadReport);

impl fmt::Display for Mismatches<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found: Vec<_> = self.0.mismatches().collect();
        write!(
            f,
            "restore from `{}`: expected the variables' shapes and types, found {} that differ (nothing was assigned)",
            self.0.prefix.display(),
            found.len()
        )?;
        for entry in found {
            write!(f, "\n  `{}`: ", entry.path)?;
            match &entry.outcome {
                LoadOutcome::ShapeMismatch { expected, found } => {
                    write!(f, "expected shape {expected}, found {found}")?
                }
                LoadOutcome::DTypeMismatch { expected, found } => write!(f, "expected {expected}, found {found}")?,
                _ => {}
            }
            if let Some(key) = entry.key.as_ref() {
                write!(f, " (key `{key}`)")?;
            }
        }
        Ok(())
    }
}

struct Unmatched<'a> {
    assertion: &'static str,
    report: &'a LoadReport,
    file: bool,
    objects: bool,
}

impl fmt::Display for Unmatched<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report;
        let missing: Vec<_> =
            report.with(|o| matches!(o, LoadOutcome::MissingInFile | LoadOutcome::Failed { .. })).collect();
        let unused: Vec<_> = report.with(|o| *o == LoadOutcome::UnusedInFile).collect();
        write!(f, "{} for `{}`: ", self.assertion, report.prefix.display())?;
        match (self.file, self.objects) {
            (false, false) => write!(f, "expected at least one variable to be restored, found none that matches")?,
            (file, _) => {
                write!(f, "expected ")?;
                write!(f, "every variable{} to be matched", if file { " and every value of the file" } else { "" })?;
                write!(f, ", found {} variables without a value", missing.len())?;
                if file {
                    write!(f, " and {} values without a variable", unused.len())?;
                }
            }
        }
        let nothing = !self.file && !self.objects;
        if self.objects || nothing {
            for entry in missing {
                write!(f, "\n  not in the file: `{}`{}", entry.path, Nearest("nearest in the file", &entry.nearest))?;
                if let LoadOutcome::Failed { message } = &entry.outcome {
                    write!(f, " ({message})")?;
                }
            }
        }
        if self.file || nothing {
            for entry in unused {
                write!(f, "\n  not in the objects: `{}`{}", entry.path, Nearest("nearest", &entry.nearest))?;
            }
        }
        Ok(())
    }
}
