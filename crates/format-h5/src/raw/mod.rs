//! The file format below groups and datasets: addresses, object headers, heaps, trees.

pub(crate) mod attribute;
pub(crate) mod checksum;
pub(crate) mod chunk;
pub(crate) mod cursor;
pub(crate) mod dataspace;
pub(crate) mod datatype;
pub(crate) mod dense;
pub(crate) mod filter;
pub(crate) mod global_heap;
pub(crate) mod group;
pub(crate) mod header;
pub(crate) mod layout;
pub(crate) mod reader;
pub(crate) mod superblock;
