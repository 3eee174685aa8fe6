//! One reading operation: addresses to bytes, within a budget.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use kerox_tensor::parallel;

use super::cursor::Cursor;
use super::global_heap::Collection;
use super::superblock::Superblock;
use crate::error::{Decoded, Fault};
use crate::{Limits, ReadAt};

/// What stays the same while a file is open.
pub(crate) struct Raw {
    pub(crate) source: Arc<dyn ReadAt>,
    pub(crate) superblock: Superblock,
    pub(crate) limits: Limits,
    /// The small collections read last: one holds the names of many layers.
    recent: Mutex<VecDeque<(u64, Arc<Collection>)>>,
}

/// Bytes at whose multiples reading is shared out.
const BLOCK: usize = 1 << 20;
/// Collections that are kept between operations, and bytes of the largest one kept.
const RECENT: usize = 4;
const RECENT_BYTES: usize = 1 << 20;

/// One operation on a file: reads at addresses, counts the bytes of metadata.
///
/// A sound file's structures do not overlap, so one operation never needs more bytes of metadata than a small
/// multiple of the file's length: more means structures that point at each other.
pub(crate) struct Reader<'a> {
    pub(crate) raw: &'a Raw,
    budget: Cell<u64>,
    collections: RefCell<HashMap<u64, Arc<Collection>>>,
}

impl Raw {
    pub(crate) fn new(source: Arc<dyn ReadAt>, superblock: Superblock, limits: Limits) -> Raw {
        Raw { source, superblock, limits, recent: Mutex::default() }
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        let budget = self.len().saturating_mul(4).saturating_add(1 << 20);
        Reader { raw: self, budget: Cell::new(budget), collections: RefCell::default() }
    }

    /// Bytes that addresses can reach.
    pub(crate) fn len(&self) -> u64 {
        self.source.len().saturating_sub(self.superblock.base)
    }

    /// Reads data (not metadata) straight into a buffer. Threads share what is large: fetching pages of fresh memory takes
    /// as long as reading from the system's cache.
    pub(crate) fn fill(&self, buffer: &mut [u8], address: u64) -> Decoded<()> {
        self.check(address, buffer.len() as u64)?;
        let start = self.superblock.base + address;
        let failed = Mutex::new(None);
        parallel::split_rows(buffer, BLOCK, 2 * BLOCK, |first, part| {
            if let Err(error) = self.source.read_exact_at(part, start + (first * BLOCK) as u64) {
                failed.lock().unwrap_or_else(|p| p.into_inner()).get_or_insert(error);
            }
        });
        failed.into_inner().unwrap_or_else(|p| p.into_inner()).map_or(Ok(()), |error| Err(Fault::Io(error)))
    }

    /// Wants the file to hold these bytes.
    pub(crate) fn check(&self, address: u64, len: u64) -> Decoded<()> {
        match address.checked_add(len) {
            Some(end) if end <= self.len() => Ok(()),
            _ => {
                let left = self.len().saturating_sub(address);
                let at = self.superblock.base.saturating_add(address);
                Err(Fault::corrupt(at, format!("{len} bytes"), format!("{left} left")))
            }
        }
    }
}

impl Reader<'_> {
    fn spend(&self, len: u64) -> Decoded<()> {
        let left = self.budget.get().checked_sub(len);
        let left = left.ok_or_else(|| {
            Fault::corrupt(0, "structures that do not overlap", "more of them than the file's length allows")
        })?;
        self.budget.set(left);
        Ok(())
    }

    /// Reads metadata.
    pub(crate) fn bytes(&self, address: u64, len: u64) -> Decoded<Vec<u8>> {
        self.raw.check(address, len)?;
        self.spend(len)?;
        let len = usize::try_from(len).map_err(|_| Fault::unsupported("more bytes than memory can address"))?;
        let mut bytes = vec![0; len];
        self.raw.fill(&mut bytes, address)?;
        Ok(bytes)
    }

    /// The heap collection at an address, where it was read before.
    pub(crate) fn known_collection(&self, address: u64) -> Option<Arc<Collection>> {
        if let Some(known) = self.collections.borrow().get(&address) {
            return Some(known.clone());
        }
        let recent = self.raw.recent.lock().unwrap_or_else(|p| p.into_inner());
        recent.iter().find(|(at, _)| *at == address).map(|(_, collection)| collection.clone())
    }

    /// Keeps a heap collection for this operation, a small one for later ones too.
    pub(crate) fn keep_collection(&self, address: u64, collection: &Arc<Collection>) {
        self.collections.borrow_mut().insert(address, collection.clone());
        if collection.len() <= RECENT_BYTES {
            let mut recent = self.raw.recent.lock().unwrap_or_else(|p| p.into_inner());
            recent.push_front((address, collection.clone()));
            recent.truncate(RECENT);
        }
    }

    /// The offset in the file of an address.
    pub(crate) fn at(&self, address: u64) -> u64 {
        self.raw.superblock.base.saturating_add(address)
    }

    pub(crate) fn cursor<'b>(&self, bytes: &'b [u8], address: u64) -> Cursor<'b> {
        Cursor::new(bytes, self.at(address))
    }

    /// Bytes of an address (`O` in the format's specification).
    pub(crate) fn offset_size(&self) -> usize {
        self.raw.superblock.offset_size
    }

    /// Bytes of a length (`L`).
    pub(crate) fn length_size(&self) -> usize {
        self.raw.superblock.length_size
    }

    /// An address; `None` for the undefined one, all ones.
    pub(crate) fn address(&self, cursor: &mut Cursor<'_>) -> Decoded<Option<u64>> {
        let size = self.offset_size();
        let value = cursor.uint(size)?;
        Ok((value != u64::MAX >> (64 - 8 * size)).then_some(value))
    }

    /// An address that must be defined.
    pub(crate) fn defined(&self, cursor: &mut Cursor<'_>) -> Decoded<u64> {
        let at = cursor.offset();
        self.address(cursor)?.ok_or_else(|| Fault::corrupt(at, "an address", "the undefined address"))
    }

    pub(crate) fn length(&self, cursor: &mut Cursor<'_>) -> Decoded<u64> {
        cursor.uint(self.length_size())
    }
}
