//! Attributes to write.

use kerox_tensor::Tensor;

/// The character set a string is marked with. Readers take either for either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charset {
    /// ASCII: what h5py gives Python's `bytes`.
    #[default]
    Ascii,
    /// UTF-8: what h5py gives Python's `str`.
    Utf8,
}

/// The value of an attribute to write. HDF5 keeps at most 64 KB an attribute; a variable-length string counts 16
/// bytes, whatever its length.
#[derive(Clone, Debug, PartialEq)]
pub enum WriteAttribute {
    /// One string of variable length.
    String(String, Charset),
    /// A list of strings of variable length.
    Strings(Vec<String>, Charset),
    /// A list of strings of fixed length, padded with null bytes to this many bytes.
    FixedStrings(Vec<String>, usize),
    /// Numbers or bools.
    Numbers(Tensor),
}
