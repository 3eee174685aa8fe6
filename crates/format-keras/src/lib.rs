//! Keras v3 files: the `.keras` archive, its unzipped directory, sharded weights.
//!
//! ```text
//! model.keras = zip, members stored:  metadata.json  config.json  model.weights.h5  [assets/...]
//! ```
//!
//! | type | what it is |
//! |---|---|
//! | [`KerasFile`] | an open `.keras` file or directory: texts, [`WeightsTree`](kerox_format_h5::keras::WeightsTree), assets |
//! | [`KerasToWrite`] | one to write |
//! | [`ShardedWeights`], [`ShardsToWrite`] | `*.weights.json` with `*_00000.weights.h5`, ... |
//! | [`Archive`] | the zip reader below, for any member |
//!
//! Stored members (Keras stores all) are read where they lie in the archive, deflated ones are unpacked into memory.
//! The whole archive is checked when it is opened: names that lead outside, duplicate names, overlapping members and
//! claims beyond what deflate can reach are refused; a member's CRC-32 is checked when the member is opened. No code
//! of any kind is run: the config is text here.
//!
//! # Source
//! Keras 2.15 and 3.15 `keras/src/saving/saving_lib.py`; PKWARE APPNOTE 6.3.10.

#![forbid(unsafe_code)]

mod archive;
mod archive_writer;
mod error;
mod keras_file;
mod keras_to_write;
mod sharded;
mod shards_to_write;

pub use archive::{Archive, ArchiveLimits, Member};
pub use error::{Error, Result};
pub use keras_file::{KerasFile, Metadata};
pub use keras_to_write::KerasToWrite;
pub use sharded::ShardedWeights;
pub use shards_to_write::{ShardedObject, ShardsToWrite};

/// The members of a `.keras` archive.
pub mod member {
    /// Version of Keras and date.
    pub const METADATA: &str = "metadata.json";
    /// The architecture.
    pub const CONFIG: &str = "config.json";
    /// The weights.
    pub const WEIGHTS: &str = "model.weights.h5";
    /// What the names of assets begin with.
    pub const ASSETS: &str = "assets/";
}
