//! Data layout and fill value messages: where a dataset's elements are.

use super::cursor::Cursor;
use super::reader::Reader;
use crate::error::{Decoded, Fault};

/// Where the elements are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Layout {
    /// In the object header.
    Compact(Vec<u8>),
    /// In one run; without an address nothing is stored.
    Contiguous { address: Option<u64>, size: Option<u64> },
    /// In chunks of these lengths.
    Chunked { dims: Vec<u64>, index: Index },
}

/// How chunks are found.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Index {
    /// Nothing was ever stored.
    Empty,
    /// A version 1 B-tree.
    Tree(u64),
    /// One chunk; size and filter mask where it is filtered.
    Single { address: u64, filtered: Option<(u64, u32)> },
    /// Chunks without filters, one after another.
    Implicit(u64),
    /// A fixed array.
    FixedArray(u64),
    /// A version 2 B-tree.
    Tree2(u64),
}

pub(crate) fn read(reader: &Reader<'_>, mut cursor: Cursor<'_>) -> Decoded<Layout> {
    let at = cursor.offset();
    let version = cursor.version("data layout", 1..=5)?;
    match version {
        1 | 2 => old(reader, cursor),
        _ => {
            let class = cursor.u8()?;
            match class {
                0 => {
                    let size = cursor.u16()? as usize;
                    Ok(Layout::Compact(cursor.bytes(size)?.to_vec()))
                }
                1 => {
                    let address = reader.address(&mut cursor)?;
                    Ok(Layout::Contiguous { address, size: Some(reader.length(&mut cursor)?) })
                }
                2 if version == 3 => {
                    let rank = cursor.u8()?;
                    let address = reader.address(&mut cursor)?;
                    let dims = dims(&mut cursor, rank, 4)?;
                    Ok(Layout::Chunked { dims, index: address.map_or(Index::Empty, Index::Tree) })
                }
                2 => newer_chunks(reader, cursor),
                3 => Err(Fault::Refused {
                    found: "a virtual dataset, whose data are in other datasets or files".into(),
                    advice: "store the data in the file itself",
                }),
                _ => Err(Fault::corrupt(at + 1, "a layout class from 0 to 3", format!("{class}"))),
            }
        }
    }
}

/// Versions 1 and 2, written before HDF5 1.6.3.
fn old(reader: &Reader<'_>, mut cursor: Cursor<'_>) -> Decoded<Layout> {
    let rank = cursor.u8()?;
    let at = cursor.offset();
    let class = cursor.u8()?;
    cursor.skip(5)?;
    let address = if class == 0 { None } else { reader.address(&mut cursor)? };
    match class {
        0 => {
            cursor.skip(4 * rank as usize)?;
            let size = cursor.u32()? as usize;
            Ok(Layout::Compact(cursor.bytes(size)?.to_vec()))
        }
        1 => Ok(Layout::Contiguous { address, size: None }),
        2 => {
            let dims = dims(&mut cursor, rank, 4)?;
            Ok(Layout::Chunked { dims, index: address.map_or(Index::Empty, Index::Tree) })
        }
        _ => Err(Fault::corrupt(at, "a layout class from 0 to 2", format!("{class}"))),
    }
}

/// Chunk lengths without the last one, the element size.
fn dims(cursor: &mut Cursor<'_>, rank: u8, width: usize) -> Decoded<Vec<u64>> {
    let at = cursor.offset();
    let mut dims = Vec::new();
    for _ in 0..rank {
        dims.push(cursor.uint(width)?);
    }
    if dims.pop().is_none() || dims.contains(&0) {
        return Err(Fault::corrupt(at, "chunks of at least one element", "an empty chunk"));
    }
    Ok(dims)
}

fn newer_chunks(reader: &Reader<'_>, mut cursor: Cursor<'_>) -> Decoded<Layout> {
    let flags = cursor.u8()?;
    let rank = cursor.u8()?;
    let width = cursor.u8()? as usize;
    let dims = dims(&mut cursor, rank, width)?;
    let kind = cursor.u8()?;
    let mut filtered = None;
    match kind {
        1 if flags & 2 != 0 => filtered = Some((reader.length(&mut cursor)?, cursor.u32()?)),
        1 | 2 => {}
        3 => cursor.skip(1)?,
        4 => {
            return Err(Fault::unsupported(
                "chunks in an extensible array (an unlimited axis, written with libver='latest')",
            ));
        }
        5 => cursor.skip(4 + 1 + 1)?,
        _ => return Err(Fault::unsupported(format!("chunk index {kind}"))),
    }
    let index = match (reader.address(&mut cursor)?, kind) {
        (None, _) => Index::Empty,
        (Some(address), 1) => Index::Single { address, filtered },
        (Some(address), 2) => Index::Implicit(address),
        (Some(address), 3) => Index::FixedArray(address),
        (Some(address), _) => Index::Tree2(address),
    };
    Ok(Layout::Chunked { dims, index })
}

/// The fill value's bytes; `None` for zeros.
pub(crate) fn fill_value(mut cursor: Cursor<'_>) -> Decoded<Option<Vec<u8>>> {
    let version = cursor.version("fill value", 1..=3)?;
    let defined = match version {
        3 => cursor.u8()? & 0x20 != 0,
        _ => {
            cursor.skip(2)?;
            cursor.u8()? != 0 || version == 1
        }
    };
    if !defined {
        return Ok(None);
    }
    old_fill_value(cursor)
}

/// The fill value's bytes in the message of HDF5 1.4.
pub(crate) fn old_fill_value(mut cursor: Cursor<'_>) -> Decoded<Option<Vec<u8>>> {
    let size = cursor.u32()? as usize;
    // A negative size stands for "undefined".
    if size == 0 || size > i32::MAX as usize {
        return Ok(None);
    }
    Ok(Some(cursor.bytes(size)?.to_vec()))
}
