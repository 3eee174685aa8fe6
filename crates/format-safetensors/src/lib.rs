//! safetensors files: named tensors with a JSON header, read one at a time.
//!
//! ```text
//! header length u64 | header: JSON, padded with blanks | tensors, little-endian, without gaps
//! header = {"__metadata__": {"key": "text", ...}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
//! ```
//! Offsets count from the end of the header. They must cover the data without gaps or overlaps, in any order of
//! names: a file has no bytes that no tensor claims. A whole model is a file whose metadata hold its config.
//!
//! A tensor is read straight from the file into its own memory (positioned reads: no mapping, so a file that shrinks
//! while it is open is an error and not a crash). Strings have no form in safetensors and are refused.
//!
//! # Source
//! The format description of huggingface/safetensors, version 0.8.

#![forbid(unsafe_code)]

mod element;
mod error;
mod header;
mod read_at;
mod reader;
mod writer;

pub use error::{Error, Result};
pub use read_at::ReadAt;
pub use reader::SafetensorsFile;
pub use writer::SafetensorsToWrite;
