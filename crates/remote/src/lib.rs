//! Model files at addresses: fetched into a folder, stored from a folder.
//!
//! | address | store | what it can do |
//! |---|---|---|
//! | `s3://bucket/key` (`s3a://`) | Amazon S3 and servers that speak its protocol | files, directories, checkpoints |
//! | `gs://bucket/key` | Google Cloud Storage | the same |
//! | `az://container/key` (`abfs://`, `abfss://`, `azure://`) | Azure Blob Storage | the same |
//! | `http://...`, `https://...` | a web server; to store, one that takes `PUT` | single files; checkpoints on read |
//! | `file:///path` | none: [`local_path`] gives the path that is meant | |
//!
//! Credentials, regions and endpoints come from the environment variables that the providers' own tools use, for S3
//! `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`, `AWS_ALLOW_HTTP`.
//!
//! # What holds when storing fails
//! An object appears whole or not at all: small ones by one request, large ones by a multipart upload that becomes
//! visible when it is complete. Of several files the one by which readers find the others (`saved_model.pb`, the
//! `.index` of a checkpoint) is stored after all others, and the `checkpoint` state last, so that at a new name readers
//! see nothing or everything. Replacing several files at a name that is in use is not one step: no store offers that.
//! Use a new name for each save, as versions of a served model and `ModelCheckpoint`'s templates do.
//!
//! # Example
//! ```no_run
//! use kerox_remote::{Remote, is_remote};
//!
//! let local = std::path::Path::new("weights.h5");
//! assert!(is_remote("s3://models/weights.h5"));
//! Remote::open("s3://models/weights.h5")?.store(local, true)?;
//! let fetched = Remote::open("s3://models/weights.h5")?.fetch(std::path::Path::new("cache"))?;
//! # Ok::<(), kerox_remote::Error>(())
//! ```
#![forbid(unsafe_code)]

mod address;
mod blocking;
mod error;
mod fetch;
mod files;
mod look;
mod store;

pub use address::{Remote, is_remote, local_path};
pub use error::{Error, Result};
pub use look::Look;
