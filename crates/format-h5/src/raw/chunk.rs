//! Chunked data: finding the chunks, undoing their filters, putting them in place.

use std::collections::HashSet;

use kerox_tensor::Shape;

use super::dense::tree_records;
use super::filter::{self, Filter};
use super::header::verify;
use super::layout::Index;
use super::reader::Reader;
use crate::error::{Decoded, Fault};

/// One stored chunk.
#[derive(Debug)]
struct Chunk {
    address: u64,
    /// Bytes stored.
    size: u64,
    mask: u32,
    /// First element along each axis.
    start: Vec<u64>,
}

/// Chunked data of a dataset.
pub(crate) struct Chunked<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) dims: &'a [u64],
    pub(crate) index: &'a Index,
    pub(crate) filters: &'a [Filter],
    /// Bytes of an element.
    pub(crate) element: usize,
}

impl Chunked<'_> {
    /// Fills `out`, which holds fill values so far, with the chunks' elements.
    pub(crate) fn read(&self, reader: &Reader<'_>, chunks: &Found, out: &mut [u8]) -> Decoded<()> {
        let size = self.chunk_bytes()?;
        for chunk in &chunks.0 {
            let at = reader.at(chunk.address);
            let stored = usize::try_from(chunk.size).map_err(|_| Fault::corrupt(at, "a chunk", "a huge one"))?;
            reader.raw.check(chunk.address, chunk.size)?;
            let mut bytes = vec![0; stored];
            reader.raw.fill(&mut bytes, chunk.address)?;
            let bytes = filter::undo(self.filters, chunk.mask, bytes, size, at)?;
            self.place(chunk, &bytes, out, at)?;
        }
        Ok(())
    }

    fn chunk_bytes(&self) -> Decoded<usize> {
        let elements = self.dims.iter().try_fold(self.element as u64, |n, &d| n.checked_mul(d));
        elements
            .and_then(|n| usize::try_from(n).ok())
            .filter(|&n| n <= u32::MAX as usize)
            .ok_or_else(|| Fault::corrupt(0, "chunks under 4 GiB", "larger ones"))
    }

    /// The chunks of the dataset, and a check that what they claim to expand to is possible.
    pub(crate) fn find(&self, reader: &Reader<'_>) -> Decoded<Found> {
        if self.dims.len() != self.shape.rank() {
            let found = format!("{}", self.dims.len());
            return Err(Fault::corrupt(0, format!("chunks of {} axes", self.shape.rank()), found));
        }
        let unfiltered = self.chunk_bytes()? as u64;
        let mut chunks = Vec::new();
        match *self.index {
            Index::Empty => {}
            Index::Tree(address) => self.tree(reader, address, None, &mut HashSet::new(), &mut chunks)?,
            Index::Single { address, filtered } => {
                let (size, mask) = filtered.unwrap_or((unfiltered, 0));
                chunks.push(Chunk { address, size, mask, start: vec![0; self.dims.len()] });
            }
            Index::Implicit(address) => {
                for (i, start) in self.starts(reader)?.into_iter().enumerate() {
                    let address = (i as u64).checked_mul(unfiltered).and_then(|n| n.checked_add(address));
                    let address = address.ok_or_else(|| Fault::corrupt(0, "chunks inside the file", "others"))?;
                    chunks.push(Chunk { address, size: unfiltered, mask: 0, start });
                }
            }
            Index::FixedArray(address) => self.fixed_array(reader, address, unfiltered, &mut chunks)?,
            Index::Tree2(address) => self.tree2(reader, address, unfiltered, &mut chunks)?,
        }
        let mut places = HashSet::new();
        let mut stored = 0u64;
        for chunk in &chunks {
            reader.raw.check(chunk.address, chunk.size)?;
            if !places.insert(&chunk.start) {
                let found = format!("two at {:?}", chunk.start);
                return Err(Fault::corrupt(reader.at(chunk.address), "one chunk in a place", found));
            }
            stored = stored.saturating_add(chunk.size);
        }
        let expanded = unfiltered.saturating_mul(chunks.len() as u64);
        let limits = &reader.raw.limits;
        let most = stored.min(reader.raw.len()).saturating_mul(limits.max_expansion).saturating_add(1 << 20);
        if expanded > most {
            return Err(Fault::Limit { unit: "bytes of unpacked chunks", expected: most, found: expanded });
        }
        Ok(Found(chunks))
    }

    /// Bytes that the chunks found cover at most.
    pub(crate) fn covered(&self, chunks: &Found) -> Decoded<u64> {
        Ok((self.chunk_bytes()? as u64).saturating_mul(chunks.0.len() as u64))
    }

    /// First elements of all chunks in row-major order.
    fn starts(&self, reader: &Reader<'_>) -> Decoded<Vec<Vec<u64>>> {
        let counts: Vec<u64> = self.shape.iter().zip(self.dims).map(|(&n, &d)| (n as u64).div_ceil(d)).collect();
        let total = counts.iter().try_fold(1u64, |n, &c| n.checked_mul(c)).unwrap_or(u64::MAX);
        if total > reader.raw.len() {
            return Err(Fault::corrupt(0, "chunks inside the file", format!("{total} of them")));
        }
        let mut starts = Vec::new();
        let mut at = vec![0u64; counts.len()];
        for _ in 0..total {
            starts.push(at.iter().zip(self.dims).map(|(&i, &d)| i * d).collect());
            for (i, &count) in at.iter_mut().zip(&counts).rev() {
                *i += 1;
                if *i < count {
                    break;
                }
                *i = 0;
            }
        }
        Ok(starts)
    }

    fn tree(
        &self,
        reader: &Reader<'_>,
        address: u64,
        level: Option<u8>,
        seen: &mut HashSet<u64>,
        chunks: &mut Vec<Chunk>,
    ) -> Decoded<()> {
        if !seen.insert(address) {
            return Err(Fault::corrupt(reader.at(address), "tree nodes used once", "a node used twice"));
        }
        let head_len = 8 + 2 * reader.offset_size();
        let head = reader.bytes(address, head_len as u64)?;
        let mut cursor = reader.cursor(&head, address);
        cursor.signature(b"TREE")?;
        let kind = cursor.u8()?;
        if kind != 1 {
            return Err(Fault::corrupt(reader.at(address) + 4, "a tree of chunks (1)", format!("{kind}")));
        }
        let found = cursor.u8()?;
        if level.is_some_and(|level| level != found) {
            let expected = format!("level {}", level.unwrap_or(0));
            return Err(Fault::corrupt(reader.at(address) + 5, expected, format!("{found}")));
        }
        let used = u64::from(cursor.u16()?);
        let key = 8 + 8 * (self.dims.len() + 1);
        let body_at = address.saturating_add(head_len as u64);
        let body = reader.bytes(body_at, used * (key + reader.offset_size()) as u64)?;
        let mut cursor = reader.cursor(&body, body_at);
        for _ in 0..used {
            let size = u64::from(cursor.u32()?);
            let mask = cursor.u32()?;
            let mut start = Vec::with_capacity(self.dims.len());
            for _ in self.dims {
                start.push(cursor.uint(8)?);
            }
            cursor.skip(8)?;
            let child = reader.defined(&mut cursor)?;
            match found.checked_sub(1) {
                Some(below) => self.tree(reader, child, Some(below), seen, chunks)?,
                None => chunks.push(Chunk { address: child, size, mask, start }),
            }
        }
        Ok(())
    }

    fn tree2(&self, reader: &Reader<'_>, address: u64, unfiltered: u64, chunks: &mut Vec<Chunk>) -> Decoded<()> {
        let rank = self.dims.len();
        tree_records(reader, address, &[10, 11], &mut |record, at| {
            let mut cursor = super::cursor::Cursor::new(record, at);
            let address = reader.defined(&mut cursor)?;
            let extra = cursor.left().checked_sub(8 * rank);
            let (size, mask) = match extra {
                Some(0) => (unfiltered, 0),
                Some(extra @ 5..=12) => (cursor.uint(extra - 4)?, cursor.u32()?),
                _ => return Err(Fault::corrupt(at, "a chunk record of this rank", "another length")),
            };
            let mut start = Vec::with_capacity(rank);
            for &dim in self.dims {
                start.push(cursor.uint(8)?.saturating_mul(dim));
            }
            chunks.push(Chunk { address, size, mask, start });
            Ok(())
        })?;
        Ok(())
    }

    fn fixed_array(&self, reader: &Reader<'_>, address: u64, unfiltered: u64, chunks: &mut Vec<Chunk>) -> Decoded<()> {
        let head_len = 8 + reader.length_size() + reader.offset_size() + 4;
        let head = reader.bytes(address, head_len as u64)?;
        verify(reader, &head, address)?;
        let mut cursor = reader.cursor(&head, address);
        cursor.signature(b"FAHD")?;
        cursor.version("fixed array", 0..=0)?;
        let filtered = cursor.u8()? == 1;
        let entry = cursor.u8()? as usize;
        let page_bits = cursor.u8()?;
        let count = reader.length(&mut cursor)?;
        let Some(data) = reader.address(&mut cursor)? else { return Ok(()) };
        let starts = self.starts(reader)?;
        let wanted = if filtered { reader.offset_size() + 5..=reader.offset_size() + 12 } else { 8..=8 };
        if count != starts.len() as u64 || !wanted.contains(&entry) || page_bits > 32 {
            return Err(Fault::corrupt(reader.at(address), format!("{} chunks", starts.len()), format!("{count}")));
        }
        let page = 1u64 << page_bits;
        let paged = count > page;
        let pages = count.div_ceil(page);
        let prefix = 6 + reader.offset_size() as u64 + if paged { pages.div_ceil(8) + 4 } else { 0 };
        let mut starts = starts.into_iter();
        for number in 0..if paged { pages } else { 1 } {
            let entries = if paged { page.min(count - number * page) } else { count };
            let page_len = entries * entry as u64;
            let at =
                data.saturating_add(prefix).saturating_add(if paged { number * (page * entry as u64 + 4) } else { 0 });
            let bytes = reader.bytes(at, page_len)?;
            let mut cursor = reader.cursor(&bytes, at);
            for start in starts.by_ref().take(entries as usize) {
                let place = reader.address(&mut cursor)?;
                let (size, mask) = match filtered {
                    true => (cursor.uint(entry - reader.offset_size() - 4)?, cursor.u32()?),
                    false => (unfiltered, 0),
                };
                if let Some(address) = place {
                    chunks.push(Chunk { address, size, mask, start });
                }
            }
        }
        Ok(())
    }

    /// Copies the part of a chunk that lies inside the dataset, row by row.
    fn place(&self, chunk: &Chunk, bytes: &[u8], out: &mut [u8], at: u64) -> Decoded<()> {
        let rank = self.dims.len();
        let outside = || Fault::corrupt(at, "a chunk inside the dataset", format!("one at {:?}", chunk.start));
        // Elements of the chunk that lie inside, along each axis.
        let mut inside = Vec::with_capacity(rank);
        for ((&start, &dim), &length) in chunk.start.iter().zip(self.dims).zip(self.shape.iter()) {
            let left = (length as u64).checked_sub(start).filter(|&n| n > 0 && start % dim == 0).ok_or_else(outside)?;
            inside.push(left.min(dim) as usize);
        }
        let Some((&row, outer)) = inside.split_last() else {
            // A scalar in one chunk.
            out.copy_from_slice(bytes.get(..out.len()).ok_or_else(outside)?);
            return Ok(());
        };
        let row_bytes = row * self.element;
        let rows: usize = outer.iter().product();
        let mut index = vec![0usize; outer.len()];
        for _ in 0..rows {
            let (mut from, mut to) = (0usize, 0usize);
            for axis in 0..rank {
                let i = index.get(axis).copied().unwrap_or(0);
                let (dim, length) =
                    (self.dims.get(axis).copied().unwrap_or(1), self.shape.get(axis).copied().unwrap_or(1));
                let start = chunk.start.get(axis).copied().unwrap_or(0);
                from = from * dim as usize + i;
                to = to * length + start as usize + i;
            }
            let (from, to) = (from * self.element, to * self.element);
            let source = bytes.get(from..from + row_bytes).ok_or_else(outside)?;
            out.get_mut(to..to + row_bytes).ok_or_else(outside)?.copy_from_slice(source);
            for (i, &count) in index.iter_mut().zip(outer).rev() {
                *i += 1;
                if *i < count {
                    break;
                }
                *i = 0;
            }
        }
        Ok(())
    }
}

/// The chunks of a dataset.
pub(crate) struct Found(Vec<Chunk>);
