//! Bounds on what a file may claim.

/// Bounds on what a file may claim; everything that is not listed is bounded by the file's own size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Groups inside groups, default 128.
    pub max_depth: usize,
    /// Groups, datasets and links in all, default 4,194,304.
    pub max_objects: usize,
    /// Bytes of a dataset that has no or not all storage in the file (its elements are the fill value), default
    /// 16 MiB. Keras writes no such dataset.
    pub max_unstored_bytes: u64,
    /// Bytes that compressed data may expand to, as a multiple of the bytes stored (plus 1 MiB), default 1100: what
    /// deflate reaches at best.
    pub max_expansion: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_depth: 128, max_objects: 1 << 22, max_unstored_bytes: 16 << 20, max_expansion: 1100 }
    }
}
