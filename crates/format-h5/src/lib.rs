//! Keras's HDF5 files to named tensors and back.
//!
//! | module or type | what it holds |
//! |---|---|
//! | [`H5File`] | any HDF5 file: groups, attributes, datasets, from a path, from memory or from a part of either |
//! | [`keras`] | what Keras puts into HDF5: whole models, weights, `.weights.h5` trees |
//! | [`write`] | trees of groups and tensors to bytes, in the form h5py gives Keras's files |
//!
//! The format itself is read and written here, without the C library: nothing to install, no global lock (any number
//! of threads may read one [`H5File`]), no foreign code that hostile files could reach. Tensors are read straight
//! from the file into their own memory, one at a time; opening a file reads its metadata only.
//!
//! **Read:** superblocks 0 to 3 behind any user block; symbol tables, link messages and dense groups; object headers
//! and attributes of every version; contiguous, compact and chunked data behind deflate, shuffle, fletcher32 and lzf;
//! every number type of either byte order, h5py's bools, complex numbers and strings of both kinds.
//! **Refused**, with an error that names the object: external links and storage, virtual datasets, user-defined
//! links, links in circles. **Not read:** extensible-array chunk indices, szip, n-bit and scale-offset filters, shared
//! message tables; the error says so.
//!
//! **Written:** superblock 0, version 1 object headers, symbol tables: what h5py writes by default and every HDF5
//! library since 1.0 reads. The same tree gives the same bytes.
//!
//! # Source
//! HDF5 File Format Specification, versions 1.1 to 3.0; Keras 2.15 `keras/src/saving/legacy/hdf5_format.py`, Keras
//! 3.15 `keras/src/legacy/saving/legacy_h5_format.py`.

#![forbid(unsafe_code)]

mod attribute;
mod data;
mod error;
mod file;
pub mod keras;
mod limits;
mod raw;
mod read_at;
pub mod write;

pub use attribute::Attribute;
pub use error::{Error, Result};
pub use file::{H5File, Kind};
pub use limits::Limits;
pub use read_at::{FileAt, ReadAt, Window};
