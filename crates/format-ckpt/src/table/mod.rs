//! Sorted tables of keys and values: the index of a checkpoint, and whole V1 checkpoints.
//!
//! | part | bytes | content |
//! |---|---|---|
//! | data blocks | n | entries; each block is followed by its compression type `u8` and masked crc32c `u32` |
//! | metaindex block | 8 | empty |
//! | index block | n | per data block: a key no smaller than its last, offset and size as varints |
//! | footer | 48 | handles of metaindex and index block (varints) padded to 40 bytes, then the magic number `u64` |
//!
//! A block is a sequence of entries, the offsets of those that store their key whole (`u32` each) and the number of
//! those offsets (`u32`). An entry is three varints (bytes shared with the key before, further bytes of the key,
//! bytes of the value), the rest of the key, the value. Integers are little-endian.
//!
//! # Source
//! The table format of LevelDB, as in tensorflow's tsl/lib/io/format.h. Golden: `golden/ckpt`.

mod block_builder;
mod block_entries;
mod reader;
mod writer;

pub(crate) use block_builder::BlockBuilder;
pub(crate) use block_entries::block_entries;
pub(crate) use reader::TableReader;
pub(crate) use writer::write_table;
