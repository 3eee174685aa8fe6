//! Version 2 B-trees and fractal heaps: how files written with `libver="latest"` keep many links or attributes.

use std::collections::HashSet;

use super::header::verify;
use super::reader::Reader;
use crate::error::{Decoded, Fault};

/// What a tree's records index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Records {
    /// Links by name: hash, heap id.
    Links,
    /// Attributes by name: heap id, flags, creation order, hash.
    Attributes,
}

/// The heap objects that a tree's records lead to, with their offset in the file.
pub(crate) fn objects(reader: &Reader<'_>, heap: u64, tree: u64, records: Records) -> Decoded<Vec<(u64, Vec<u8>)>> {
    let heap = Heap::open(reader, heap)?;
    let (kind, skip) = match records {
        Records::Links => (5, 4),
        Records::Attributes => (8, 0),
    };
    let mut objects = Vec::new();
    tree_records(reader, tree, &[kind], &mut |record, at| {
        let end = skip + heap.id_len;
        let id = record.get(skip..end).ok_or_else(|| Fault::corrupt(at, "a heap id", "a shorter record"))?;
        objects.push(heap.object(reader, id, at)?);
        Ok(())
    })?;
    Ok(objects)
}

/// Number of bytes that hold values up to `limit`.
fn bytes_for(limit: u64) -> usize {
    (limit.max(1).ilog2() / 8 + 1) as usize
}

/// Calls back for every record of a version 2 B-tree.
pub(crate) fn tree_records(
    reader: &Reader<'_>,
    address: u64,
    kinds: &[u8],
    found: &mut dyn FnMut(&[u8], u64) -> Decoded<()>,
) -> Decoded<u8> {
    let head_len = 4 + 2 + 4 + 2 + 2 + 2 + reader.offset_size() + 2 + reader.length_size() + 4;
    let head = reader.bytes(address, head_len as u64)?;
    verify(reader, &head, address)?;
    let mut cursor = reader.cursor(&head, address);
    cursor.signature(b"BTHD")?;
    cursor.version("B-tree", 0..=0)?;
    let kind = cursor.u8()?;
    if !kinds.contains(&kind) {
        return Err(Fault::corrupt(reader.at(address) + 5, format!("a tree of kind {kinds:?}"), format!("{kind}")));
    }
    let node_size = u64::from(cursor.u32()?);
    let record_size = u64::from(cursor.u16()?);
    let depth = cursor.u16()?;
    cursor.skip(2)?;
    let root = reader.address(&mut cursor)?;
    let count = u64::from(cursor.u16()?);
    let (Some(root), true) = (root, count > 0) else { return Ok(kind) };
    if record_size == 0 || node_size < 10 + record_size || depth > 32 {
        return Err(Fault::corrupt(reader.at(address) + 6, "a tree with room for records", "none"));
    }
    // Bytes of the "records below" fields at each depth.
    let leaf_records = (node_size - 10) / record_size;
    let count_size = bytes_for(leaf_records);
    let (mut total, mut total_sizes) = (leaf_records, vec![0usize]);
    for _ in 1..depth {
        let below = total_sizes.last().copied().unwrap_or(0);
        let pointer = (reader.offset_size() + count_size + below) as u64;
        let records = node_size.saturating_sub(10 + pointer) / (record_size + pointer);
        total = records.saturating_add(1).saturating_mul(total).saturating_add(records);
        total_sizes.push(bytes_for(total));
    }
    let tree = Tree { kind, record_size: record_size as usize, count_size, total_sizes };
    let mut seen = HashSet::new();
    tree.node(reader, root, count, depth, &mut seen, found)?;
    Ok(kind)
}

struct Tree {
    kind: u8,
    record_size: usize,
    count_size: usize,
    total_sizes: Vec<usize>,
}

impl Tree {
    fn node(
        &self,
        reader: &Reader<'_>,
        address: u64,
        count: u64,
        depth: u16,
        seen: &mut HashSet<u64>,
        found: &mut dyn FnMut(&[u8], u64) -> Decoded<()>,
    ) -> Decoded<()> {
        if !seen.insert(address) {
            return Err(Fault::corrupt(reader.at(address), "tree nodes used once", "a node used twice"));
        }
        let total_size = if depth > 1 { self.total_sizes.get(depth as usize - 1).copied().unwrap_or(0) } else { 0 };
        let pointer = (reader.offset_size() + self.count_size + total_size) as u64;
        let pointers = if depth == 0 { 0 } else { (count + 1) * pointer };
        let len = 6 + count * self.record_size as u64 + pointers + 4;
        let bytes = reader.bytes(address, len)?;
        verify(reader, &bytes, address)?;
        let mut cursor = reader.cursor(&bytes, address);
        cursor.signature(if depth == 0 { b"BTLF" } else { b"BTIN" })?;
        cursor.version("B-tree node", 0..=0)?;
        let kind = cursor.u8()?;
        if kind != self.kind {
            return Err(Fault::corrupt(reader.at(address) + 5, format!("kind {}", self.kind), format!("{kind}")));
        }
        for _ in 0..count {
            let at = cursor.offset();
            found(cursor.bytes(self.record_size)?, at)?;
        }
        if depth > 0 {
            for _ in 0..=count {
                let child = reader.defined(&mut cursor)?;
                let records = cursor.uint(self.count_size)?;
                cursor.skip(total_size)?;
                self.node(reader, child, records, depth - 1, seen, found)?;
            }
        }
        Ok(())
    }
}

/// A fractal heap's header.
struct Heap {
    id_len: usize,
    offset_size: usize,
    len_size: usize,
    huge: Option<u64>,
    width: u64,
    start: u64,
    max_direct: u64,
    root: Option<u64>,
    rows: u16,
    checked_blocks: bool,
}

impl Heap {
    fn open(reader: &Reader<'_>, address: u64) -> Decoded<Heap> {
        let (offset, length) = (reader.offset_size(), reader.length_size());
        let head_len = 4 + 1 + 2 + 2 + 1 + 4 + 12 * length + 3 * offset + 2 + 2 + 2 + 2 + 4;
        let head = reader.bytes(address, head_len as u64)?;
        let mut cursor = reader.cursor(&head, address);
        cursor.signature(b"FRHP")?;
        cursor.version("fractal heap", 0..=0)?;
        let id_len = cursor.u16()? as usize;
        if cursor.u16()? != 0 {
            return Err(Fault::unsupported("a fractal heap with filters"));
        }
        verify(reader, &head, address)?;
        let flags = cursor.u8()?;
        let max_managed = u64::from(cursor.u32()?);
        cursor.skip(length)?;
        let huge = reader.address(&mut cursor)?;
        cursor.skip(length + offset + 8 * length)?;
        let width = u64::from(cursor.u16()?);
        let start = reader.length(&mut cursor)?;
        let max_direct = reader.length(&mut cursor)?;
        let max_bits = cursor.u16()?;
        cursor.skip(2)?;
        let root = reader.address(&mut cursor)?;
        let rows = cursor.u16()?;
        let powers = start.is_power_of_two() && max_direct.is_power_of_two() && width.is_power_of_two();
        if !powers || max_direct < start || max_bits > 64 || max_bits == 0 || rows > 64 {
            return Err(Fault::corrupt(reader.at(address), "block sizes that are powers of two", "others"));
        }
        Ok(Heap {
            id_len,
            offset_size: usize::from(max_bits).div_ceil(8),
            len_size: ((max_direct.ilog2() as usize).div_ceil(8)).min(bytes_for(max_managed)),
            huge,
            width,
            start,
            max_direct,
            root,
            rows,
            checked_blocks: flags & 2 != 0,
        })
    }

    fn object(&self, reader: &Reader<'_>, id: &[u8], at: u64) -> Decoded<(u64, Vec<u8>)> {
        let mut cursor = super::cursor::Cursor::new(id, at);
        let head = cursor.u8()?;
        match head >> 4 & 3 {
            0 => {
                let offset = cursor.uint(self.offset_size)?;
                let len = cursor.uint(self.len_size)?;
                let address = self.locate(reader, offset, len, at)?;
                Ok((reader.at(address), reader.bytes(address, len)?))
            }
            1 => {
                let wanted = cursor.uint(cursor.left().min(reader.length_size()))?;
                let tree = self.huge.ok_or_else(|| Fault::corrupt(at, "a tree of huge objects", "none"))?;
                let mut place = None;
                tree_records(reader, tree, &[1], &mut |record, at| {
                    let mut cursor = super::cursor::Cursor::new(record, at);
                    let (address, len) = (reader.defined(&mut cursor)?, reader.length(&mut cursor)?);
                    if reader.length(&mut cursor)? == wanted {
                        place = Some((address, len));
                    }
                    Ok(())
                })?;
                let (address, len) =
                    place.ok_or_else(|| Fault::corrupt(at, format!("huge object {wanted}"), "none of that number"))?;
                Ok((reader.at(address), reader.bytes(address, len)?))
            }
            2 => Ok((at + 1, cursor.bytes(usize::from(head & 15) + 1)?.to_vec())),
            _ => Err(Fault::corrupt(at, "a managed, huge or tiny object", "another kind")),
        }
    }

    /// Bytes of a block in a row of the doubling table.
    fn block_size(&self, row: u64) -> u64 {
        self.start.checked_shl(row.saturating_sub(1) as u32).unwrap_or(u64::MAX)
    }

    /// The address of an offset in the heap.
    fn locate(&self, reader: &Reader<'_>, offset: u64, len: u64, at: u64) -> Decoded<u64> {
        let outside = || Fault::corrupt(at, "an offset inside the heap", format!("{offset}"));
        let mut block = self.root.ok_or_else(outside)?;
        let mut rows = u64::from(self.rows);
        let mut base = 0u64;
        let mut size = self.start;
        // Each step goes to a smaller block.
        while rows > 0 {
            // The row: row 0 holds `width` blocks of `start` bytes, row r > 0 as many of `start << (r - 1)`.
            let (mut row, mut row_base) = (0, base);
            let within = loop {
                let row_size = self.block_size(row).saturating_mul(self.width);
                if row >= rows {
                    return Err(outside());
                }
                match offset.checked_sub(row_base) {
                    Some(within) if within < row_size => break within,
                    Some(_) => row_base = row_base.checked_add(row_size).ok_or_else(outside)?,
                    None => return Err(outside()),
                }
                row += 1;
            };
            size = self.block_size(row);
            let column = within / size;
            base = row_base + column * size;
            let entries = row * self.width + column;
            let direct_rows = u64::from(self.max_direct.ilog2() - self.start.ilog2()) + 2;
            let head = (5 + reader.offset_size() + self.offset_size) as u64;
            let signature = reader.bytes(block, 4)?;
            reader.cursor(&signature, block).signature(b"FHIB")?;
            let entry_at = block.saturating_add(head + entries * reader.offset_size() as u64);
            let entry = reader.bytes(entry_at, reader.offset_size() as u64)?;
            block = reader.defined(&mut reader.cursor(&entry, entry_at))?;
            rows = if row < direct_rows {
                0
            } else {
                let first_row = self.start.saturating_mul(self.width).max(1);
                u64::from(size.ilog2().checked_sub(first_row.ilog2()).ok_or_else(outside)?) + 1
            };
        }
        if self.rows == 0 {
            size = self.max_direct;
        }
        let head = (5 + reader.offset_size() + self.offset_size + if self.checked_blocks { 4 } else { 0 }) as u64;
        let signature = reader.bytes(block, 4)?;
        reader.cursor(&signature, block).signature(b"FHDB")?;
        let within = offset.checked_sub(base).ok_or_else(outside)?;
        if within < head || within.checked_add(len).is_none_or(|end| end > size) {
            return Err(outside());
        }
        block.checked_add(within).ok_or_else(outside)
    }
}
