//! The superblock: where everything starts.

use super::checksum::lookup3;
use super::cursor::Cursor;
use crate::ReadAt;
use crate::error::{Decoded, Fault};

/// The eight bytes every HDF5 file has at offset 0, 512, 1024, 2048, ...
pub(crate) const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Superblock {
    /// Offset of address 0 in the file.
    pub(crate) base: u64,
    pub(crate) offset_size: usize,
    pub(crate) length_size: usize,
    /// Address of the root group's object header.
    pub(crate) root: u64,
}

/// Finds the signature; `None` where there is none.
pub(crate) fn find(source: &dyn ReadAt) -> std::io::Result<Option<u64>> {
    let mut offset = 0u64;
    while offset.checked_add(8).is_some_and(|end| end <= source.len()) {
        let mut found = [0; 8];
        source.read_exact_at(&mut found, offset)?;
        if found == SIGNATURE {
            return Ok(Some(offset));
        }
        offset = if offset == 0 { 512 } else { offset.saturating_mul(2) };
    }
    Ok(None)
}

pub(crate) fn read(source: &dyn ReadAt, at: u64) -> Decoded<Superblock> {
    let len = (source.len() - at).min(128) as usize;
    let mut bytes = vec![0; len];
    source.read_exact_at(&mut bytes, at).map_err(Fault::Io)?;
    let mut cursor = Cursor::new(&bytes, at);
    cursor.skip(8)?;
    let version = cursor.version("superblock", 0..=3)?;
    let sizes = |offset_size: u8, length_size: u8| {
        for size in [offset_size, length_size] {
            if !matches!(size, 2 | 4 | 8) {
                return Err(Fault::corrupt(at + 13, "addresses and lengths of 2, 4 or 8 bytes", format!("{size}")));
            }
        }
        Ok((offset_size as usize, length_size as usize))
    };
    let (offset_size, length_size, base, end, root);
    if version < 2 {
        cursor.skip(4)?;
        (offset_size, length_size) = sizes(cursor.u8()?, cursor.u8()?)?;
        cursor.skip(1 + 2 + 2 + 4)?;
        if version == 1 {
            cursor.skip(4)?;
        }
        base = cursor.uint(offset_size)?;
        cursor.skip(offset_size)?;
        end = cursor.uint(offset_size)?;
        cursor.skip(offset_size)?;
        // The root group's symbol table entry: name offset, then header address.
        cursor.skip(offset_size)?;
        root = cursor.uint(offset_size)?;
    } else {
        (offset_size, length_size) = sizes(cursor.u8()?, cursor.u8()?)?;
        cursor.skip(1)?;
        base = cursor.uint(offset_size)?;
        cursor.skip(offset_size)?;
        end = cursor.uint(offset_size)?;
        root = cursor.uint(offset_size)?;
        let covered = (cursor.offset() - at) as usize;
        let (found, expected) = (cursor.u32()?, lookup3(bytes.get(..covered).unwrap_or(&[])));
        if found != expected {
            let at = at + covered as u64;
            return Err(Fault::corrupt(at, format!("checksum {expected:#010x}"), format!("{found:#010x}")));
        }
    }
    // Files behind a user block may give base 0 (moved there by hand) or the block's length.
    let base = if base == 0 { at } else { base };
    if base > source.len() {
        return Err(Fault::corrupt(at, format!("a base address up to {}", source.len()), format!("{base}")));
    }
    let available = source.len() - base;
    // `end` counts from the base address, except that old writers behind a user block count from the file's start.
    if end > available && end != source.len() {
        return Err(Fault::corrupt(
            source.len(),
            format!("a file of {} bytes", end.saturating_add(base)),
            format!("{}", source.len()),
        ));
    }
    Ok(Superblock { base, offset_size, length_size, root })
}
