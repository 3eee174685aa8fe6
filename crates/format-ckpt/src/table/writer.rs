//! Writing tables, byte for byte as TensorFlow's.

use std::io::{self, Write};

use super::BlockBuilder;
use crate::coding::put_varint;
use crate::crc;
use crate::layout::{BLOCK_SIZE, FOOTER_SIZE, RESTART_INTERVAL, TABLE_MAGIC};

/// Writes a table of entries, which must come in ascending order of their keys.
pub(crate) fn write_table<'a>(
    out: impl Write,
    entries: impl IntoIterator<Item = (&'a [u8], Vec<u8>)>,
) -> io::Result<()> {
    let mut writer = Writer { out, offset: 0, index: BlockBuilder::new(1), pending: None };
    let mut block = BlockBuilder::new(RESTART_INTERVAL);
    let mut last: &[u8] = &[];
    for (key, value) in entries {
        // A large entry does not share a block with what was before.
        if key.len() + value.len() >= 2 * BLOCK_SIZE && !block.is_empty() {
            writer.close(&mut block)?;
        }
        writer.index_pending(&separator(last, key));
        block.add(key, &value);
        last = key;
        if block.size() >= BLOCK_SIZE {
            writer.close(&mut block)?;
        }
    }
    if !block.is_empty() {
        writer.close(&mut block)?;
    }
    let metaindex = writer.put(&BlockBuilder::new(RESTART_INTERVAL).finish())?;
    writer.index_pending(&successor(last));
    let index = std::mem::replace(&mut writer.index, BlockBuilder::new(1));
    let index = writer.put(&index.finish())?;
    let mut footer = Vec::with_capacity(FOOTER_SIZE);
    for part in [metaindex.0, metaindex.1, index.0, index.1] {
        put_varint(&mut footer, part);
    }
    footer.resize(FOOTER_SIZE - 8, 0);
    footer.extend(TABLE_MAGIC.to_le_bytes());
    writer.out.write_all(&footer)?;
    writer.out.flush()
}

struct Writer<W> {
    out: W,
    offset: u64,
    index: BlockBuilder,
    /// The block before this one, not yet in the index: its separator depends on the next key.
    pending: Option<(u64, u64)>,
}

impl<W: Write> Writer<W> {
    /// Writes a block with its trailer; returns offset and size without the trailer.
    fn put(&mut self, block: &[u8]) -> io::Result<(u64, u64)> {
        let crc = crc::mask(crc32c::crc32c_append(crc32c::crc32c(block), &[0]));
        self.out.write_all(block)?;
        self.out.write_all(&[0])?;
        self.out.write_all(&crc.to_le_bytes())?;
        let handle = (self.offset, block.len() as u64);
        self.offset += block.len() as u64 + 5;
        Ok(handle)
    }

    fn close(&mut self, block: &mut BlockBuilder) -> io::Result<()> {
        let full = std::mem::replace(block, BlockBuilder::new(RESTART_INTERVAL));
        self.pending = Some(self.put(&full.finish())?);
        Ok(())
    }

    fn index_pending(&mut self, key: &[u8]) {
        if let Some((offset, size)) = self.pending.take() {
            let mut value = Vec::new();
            put_varint(&mut value, offset);
            put_varint(&mut value, size);
            self.index.add(key, &value);
        }
    }
}

/// A short key `s` with `before <= s < after`.
fn separator(before: &[u8], after: &[u8]) -> Vec<u8> {
    let shared = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    match (before.get(shared), after.get(shared)) {
        (Some(&a), Some(&b)) if a < 0xff && a + 1 < b => {
            let mut key = before[..shared].to_vec();
            key.push(a + 1);
            key
        }
        _ => before.to_vec(),
    }
}

/// A short key no smaller than `key`.
fn successor(key: &[u8]) -> Vec<u8> {
    match key.iter().position(|&byte| byte != 0xff) {
        Some(at) => {
            let mut short = key[..=at].to_vec();
            short[at] += 1;
            short
        }
        None => key.to_vec(),
    }
}
