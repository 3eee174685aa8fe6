//! Reading tables.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::block_entries;
use crate::coding::take_varint;
use crate::crc;
use crate::layout::{FOOTER_SIZE, TABLE_MAGIC, TRAILER_SIZE};
use crate::read_at::read_exact_at;
use crate::{Error, Result};

/// An open table.
#[derive(Debug)]
pub(crate) struct TableReader {
    file: File,
    path: PathBuf,
    size: u64,
    /// Per data block: a key no smaller than its last, and where it is.
    blocks: Vec<(Vec<u8>, Handle)>,
}

#[derive(Clone, Copy, Debug)]
struct Handle {
    offset: u64,
    size: u64,
}

impl TableReader {
    /// Reads the footer and the index block.
    pub(crate) fn open(file: File, path: &Path) -> Result<TableReader> {
        let size = file.metadata().map_err(Error::io("read", path))?.len();
        let mut table = TableReader { file, path: path.to_path_buf(), size, blocks: Vec::new() };
        let start = size
            .checked_sub(FOOTER_SIZE as u64)
            .ok_or_else(|| table.damaged(0, "a table of at least 48 bytes", format!("{size} bytes")))?;
        let mut footer = [0u8; FOOTER_SIZE];
        read_exact_at(&table.file, &mut footer, start).map_err(Error::io("read", path))?;
        let (handles, magic) = footer.split_at(FOOTER_SIZE - 8);
        let magic: u64 = magic.try_into().map(u64::from_le_bytes).unwrap_or_default();
        if magic != TABLE_MAGIC {
            let expected = format!("the magic number {TABLE_MAGIC:016x}");
            return Err(table.damaged(start + 40, &expected, format!("{magic:016x}")));
        }
        let mut handles = handles;
        let index = take_handle(&mut handles)
            .and_then(|_| take_handle(&mut handles))
            .ok_or_else(|| table.damaged(start, "two block handles", "bytes that are none".into()))?;
        let block = table.block(index)?;
        let entries = table.entries(&block, index)?;
        table.blocks = entries
            .into_iter()
            .map(|(key, mut value)| {
                let handle = take_handle(&mut value).ok_or_else(|| {
                    table.damaged(index.offset, "block handles in the index block", "other bytes".into())
                })?;
                Ok((key, handle))
            })
            .collect::<Result<_>>()?;
        Ok(table)
    }

    /// Calls `visit` for every key and value in ascending order.
    pub(crate) fn scan(&self, mut visit: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()> {
        // Overlapping handles would let a small file claim any number of entries.
        let claimed = self.blocks.iter().map(|(_, handle)| handle.size).fold(0u64, u64::saturating_add);
        if claimed > self.size {
            return Err(self.damaged(0, "blocks that do not overlap", format!("{claimed} bytes of blocks")));
        }
        let mut last: Option<Vec<u8>> = None;
        for (_, handle) in &self.blocks {
            let block = self.block(*handle)?;
            let entries = self.entries(&block, *handle)?;
            if let (Some(last), Some((first, _))) = (&last, entries.first())
                && first <= last
            {
                let found = format!("`{}`", first.escape_ascii());
                return Err(self.damaged(handle.offset, "keys in ascending order", found));
            }
            for (key, value) in &entries {
                visit(key, value)?;
            }
            last = entries.into_iter().next_back().map(|(key, _)| key).or(last);
        }
        Ok(())
    }

    /// The value of a key, reading only its block.
    pub(crate) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let at = self.blocks.partition_point(|(last, _)| last.as_slice() < key);
        let Some((_, handle)) = self.blocks.get(at) else { return Ok(None) };
        let block = self.block(*handle)?;
        let found = self.entries(&block, *handle)?.into_iter().find(|(k, _)| k == key);
        Ok(found.map(|(_, value)| value.to_vec()))
    }

    /// Reads a block, checks its checksum and decompresses it.
    fn block(&self, handle: Handle) -> Result<Vec<u8>> {
        let end = handle.offset.checked_add(handle.size).and_then(|n| n.checked_add(TRAILER_SIZE as u64));
        if end.is_none_or(|end| end > self.size) {
            let found = format!("one of {} bytes in a file of {}", handle.size, self.size);
            return Err(self.damaged(handle.offset, "a block within the file", found));
        }
        let size = handle.size as usize;
        let mut bytes = vec![0u8; size + TRAILER_SIZE];
        read_exact_at(&self.file, &mut bytes, handle.offset).map_err(Error::io("read", &self.path))?;
        let stored = bytes.get(size + 1..).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes).unwrap_or_default();
        let kind = bytes.get(size).copied().unwrap_or_default();
        let found = crc::masked(bytes.get(..=size).unwrap_or_default());
        if stored != found {
            let expected = format!("a block with checksum {stored:08x}");
            return Err(self.damaged(handle.offset, &expected, format!("{found:08x}")));
        }
        bytes.truncate(size);
        match kind {
            0 => Ok(bytes),
            1 => self.decompress(&bytes, handle),
            other => Err(self.damaged(handle.offset + handle.size, "compression type 0 or 1", other.to_string())),
        }
    }

    fn decompress(&self, bytes: &[u8], handle: Handle) -> Result<Vec<u8>> {
        let fault = |found: String| self.damaged(handle.offset, "a block compressed by snappy", found);
        let length = snap::raw::decompress_len(bytes).map_err(|e| fault(e.to_string()))?;
        // A copy of 64 bytes takes two bytes at least: no honest block grows more than that.
        if length > bytes.len().saturating_mul(64) {
            return Err(fault(format!("{} bytes that claim to hold {length}", bytes.len())));
        }
        snap::raw::Decoder::new().decompress_vec(bytes).map_err(|e| fault(e.to_string()))
    }

    fn entries<'a>(&self, block: &'a [u8], handle: Handle) -> Result<Vec<(Vec<u8>, &'a [u8])>> {
        block_entries(block).map_err(|(at, expected, found)| self.damaged(handle.offset + at as u64, &expected, found))
    }

    fn damaged(&self, offset: u64, expected: &str, found: String) -> Error {
        Error::Damaged { file: self.path.clone(), offset, expected: expected.into(), found }
    }
}

fn take_handle(input: &mut &[u8]) -> Option<Handle> {
    Some(Handle { offset: take_varint(input)?, size: take_varint(input)? })
}
