//! How to write checkpoints.

use kerox_fs::SaveOptions;

/// How to write checkpoints.
///
/// # Example
/// ```
/// let options = kerox_format_ckpt::WriteOptions::new().shards(3).overwrite(false);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    pub(crate) shards: u32,
    pub(crate) save: SaveOptions,
}

impl Default for WriteOptions {
    fn default() -> WriteOptions {
        WriteOptions::new()
    }
}

impl WriteOptions {
    /// One data file, replacing what is there, flushed to disk.
    pub fn new() -> WriteOptions {
        WriteOptions { shards: 1, save: SaveOptions::new() }
    }

    /// Number of data files, 1 to 99999; they are written in parallel.
    pub fn shards(mut self, shards: u32) -> WriteOptions {
        self.shards = shards;
        self
    }

    /// Whether an existing checkpoint is replaced (the default) or refused.
    pub fn overwrite(mut self, overwrite: bool) -> WriteOptions {
        self.save = self.save.overwrite(overwrite);
        self
    }

    /// Whether the files are flushed to disk before they are put in place (the default). A writer that stages them in
    /// a directory it flushes itself needs it not.
    pub fn durable(mut self, durable: bool) -> WriteOptions {
        self.save = self.save.durable(durable);
        self
    }
}
