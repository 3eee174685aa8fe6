//! Saving as a transaction: whatever happens, a path holds its old content or its new content.
//!
//! | type | replaces | how |
//! |---|---|---|
//! | [`AtomicFile`] | one file | one `rename` |
//! | [`FileSet`] | several files of one directory | a commit record, then one `rename` a file; an interrupted sequence is rolled forward by the next reader or saver |
//! | [`AtomicDir`] | a directory | one exchanging `rename`; where the directory holds files of others too, or the file system cannot exchange, its entries one by one under a commit record |
//! | [`Snapshot`] | | the reader's side: waits for a commit in progress, finishes one whose saver died |
//!
//! # How
//! Every save is staged in a hidden directory beside the target:
//!
//! ```text
//! .<name>.kerox-<16 hex digits>.tmp/     locked (flock) while its saver lives
//!     new/...                            the new content
//!     COMMIT                             from here on the save has happened: roll forward, never back
//!     old/...                            replaced directories, until they are deleted
//! ```
//!
//! New content is flushed to disk (`fsync`) before `COMMIT` is, and `COMMIT` before the first rename. The directory
//! that holds the targets is locked (flock, nothing is written for it) while a set is put in place and while a
//! [`Snapshot`] is taken. A staging directory whose lock is free belongs to a dead saver: the next save in the same
//! directory removes it.
//!
//! Savers of one path at one time: each puts its whole content in place; the last one stays. With
//! [`SaveOptions::overwrite`]`(false)` the first one stays and the others fail.
//!
//! On systems other than Unix there are no locks and no flushing of directories: a crash is survived as far as the
//! file system's `rename` allows.
//!
//! # Example
//! ```
//! use std::io::Write;
//! use kerox_fs::{AtomicFile, SaveOptions};
//!
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("weights.bin");
//! let mut file = AtomicFile::create(&path, &SaveOptions::new())?;
//! file.write_all(b"new content")?;
//! assert!(!path.exists());
//! file.commit()?;
//! assert_eq!(std::fs::read(&path)?, b"new content");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod abandon;
mod atomic_dir;
mod atomic_file;
mod check;
mod error;
#[doc(hidden)]
pub mod fault;
mod file_set;
mod options;
mod platform;
mod record;
mod recover;
mod snapshot;
mod staging;
mod target;

pub use abandon::abandon_saves;
pub use atomic_dir::AtomicDir;
pub use atomic_file::{AtomicFile, write_file};
pub use check::{TargetKind, check_target};
pub use error::{Error, Result};
pub use file_set::FileSet;
pub use options::SaveOptions;
pub use recover::recover;
pub use snapshot::Snapshot;
