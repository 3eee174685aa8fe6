//! Trees of groups and tensors to HDF5 bytes.
//!
//! ```text
//! superblock 0 (96 bytes) | global heap collections | for each object, inner ones first: data, header, symbol table
//! ```
//!
//! A [`Group`] is put together in memory (tensors are shared, not copied) and then written in one pass from front to
//! back, so that any [`std::io::Write`] will do. Datasets are contiguous and 8-byte aligned, or, with a
//! [`Compression`], chunked along the first axis. The form is h5py's default one.

mod attribute;
mod encode;
mod group;
mod heap;
mod message;
mod symbols;

pub use attribute::{Charset, WriteAttribute};
pub use group::{Compression, Group};
