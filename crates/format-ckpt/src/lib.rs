//! TensorFlow checkpoints without TensorFlow.
//!
//! | to | use |
//! |---|---|
//! | look into a checkpoint | [`load_checkpoint`], [`list_variables`], [`CheckpointReader`] |
//! | save and restore objects | [`Checkpoint`], [`CheckpointManager`], [`save_weights`], [`load_weights`], [`LoadStatus`], [`LoadReport`] |
//! | find the latest | [`latest_checkpoint`], [`get_checkpoint_state`], [`CheckpointState`] |
//! | write tensors under keys of one's own | [`BundleWriter`], [`write_bundle`] |
//! | read or make the graph of objects | [`ObjectGraph`], [`track`] |
//!
//! # Files
//! A checkpoint with the prefix `P` consists of an index and one or more data files:
//!
//! ```text
//! P.index                   a sorted table: key -> type, shape, data file, offset, size, crc32c
//! P.data-00000-of-00002     the tensors' bytes one after another, little-endian, row-major
//! P.data-00001-of-00002
//! checkpoint                text: the names of the directory's checkpoints
//! ```
//!
//! The empty key holds the header: number of data files, byte order, version. `_CHECKPOINTABLE_OBJECT_GRAPH` holds the
//! objects and the names that lead from one to the other. Files are written as TensorFlow 2.15 writes them, byte for
//! byte; files of every TensorFlow since 0.x are read: of either byte order, with any number of data files, with
//! partitioned variables, name-based, V1.
//!
//! # What holds
//! - Files change together: readers see the old checkpoint or the new one, after a kill or a full disk too.
//! - Every tensor's checksum is checked on reading. Nothing is assigned when anything does not fit.
//! - Nothing is allocated that the file's size does not explain. No content of a file leads to a panic.
//!
//! Not supported: tensors of quantized types, resources and variants (listed, but not read); writing of pieces of
//! partitioned variables and of big-endian files.

#![forbid(unsafe_code)]

mod assign;
mod checkpoint;
mod checkpoint_manager;
mod checkpoint_state;
mod coding;
mod crc;
mod entry;
mod error;
#[cfg(test)]
mod hostile;
mod inspect;
mod layout;
mod load_status;
mod nearest;
mod object_graph;
mod proto;
mod read_at;
mod reader;
mod report;
mod restore;
mod shard_writer;
mod slices;
mod strings;
mod table;
mod tracked;
mod v1;
mod write_options;
mod writer;

pub use checkpoint::{Checkpoint, load_weights, make_latest, save_weights};
pub use checkpoint_manager::{CheckpointManager, ManagerOptions};
pub use checkpoint_state::{CheckpointState, STATE_FILE, checkpoint_exists, get_checkpoint_state, latest_checkpoint};
pub use error::{Error, Result};
pub use inspect::{list_variables, load_checkpoint, load_variable};
pub use layout::OBJECT_GRAPH_KEY;
pub use load_status::LoadStatus;
pub use object_graph::{Attribute, Node, ObjectGraph, SlotNode};
pub use reader::CheckpointReader;
pub use report::{LoadEntry, LoadOutcome, LoadReport};
pub use tracked::{Tracked, track, track_child};
pub use write_options::WriteOptions;
pub use writer::{BundleWriter, write_bundle};
