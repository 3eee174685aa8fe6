//! Object headers: the list of messages that makes up a group or a dataset.

use std::collections::HashSet;

use super::checksum::lookup3;
use super::cursor::Cursor;
use super::reader::Reader;
use crate::error::{Decoded, Fault};

/// Message types that this crate looks at.
pub(crate) mod kind {
    pub(crate) const DATASPACE: u16 = 0x01;
    pub(crate) const LINK_INFO: u16 = 0x02;
    pub(crate) const DATATYPE: u16 = 0x03;
    pub(crate) const OLD_FILL_VALUE: u16 = 0x04;
    pub(crate) const FILL_VALUE: u16 = 0x05;
    pub(crate) const LINK: u16 = 0x06;
    pub(crate) const EXTERNAL_FILES: u16 = 0x07;
    pub(crate) const LAYOUT: u16 = 0x08;
    pub(crate) const GROUP_INFO: u16 = 0x0a;
    pub(crate) const FILTERS: u16 = 0x0b;
    pub(crate) const ATTRIBUTE: u16 = 0x0c;
    pub(crate) const CONTINUATION: u16 = 0x10;
    pub(crate) const SYMBOL_TABLE: u16 = 0x11;
    pub(crate) const ATTRIBUTE_INFO: u16 = 0x15;
}

/// One message of an object header.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) kind: u16,
    /// Offset in the file.
    pub(crate) at: u64,
    pub(crate) body: Vec<u8>,
}

impl Message {
    pub(crate) fn cursor(&self) -> Cursor<'_> {
        Cursor::new(&self.body, self.at)
    }
}

/// Blocks a header may be spread over; a sound file has a handful.
const MAX_BLOCKS: usize = 4096;

/// Reads every message of the object header at an address, shared ones resolved.
pub(crate) fn read(reader: &Reader<'_>, address: u64) -> Decoded<Vec<Message>> {
    let mut messages = raw_messages(reader, address)?;
    for (message, shared) in &mut messages {
        if *shared {
            resolve_shared(reader, message)?;
        }
    }
    Ok(messages.into_iter().map(|(message, _)| message).collect())
}

/// The messages and whether each is a reference to one stored elsewhere.
fn raw_messages(reader: &Reader<'_>, address: u64) -> Decoded<Vec<(Message, bool)>> {
    // 512 bytes hold the whole header of a Keras dataset or group: one read for most objects.
    let guess = reader.raw.len().saturating_sub(address).min(512);
    let head = reader.bytes(address, guess)?;
    let mut cursor = reader.cursor(&head, address);
    let version2 = head.starts_with(b"OHDR");
    // First block: address, length of the messages, and whether a creation order is stored.
    let (first, len, ordered) = if version2 {
        cursor.skip(4)?;
        cursor.version("object header", 2..=2)?;
        let flags = cursor.u8()?;
        cursor.skip(if flags & 0x20 != 0 { 16 } else { 0 } + if flags & 0x10 != 0 { 4 } else { 0 })?;
        let len = cursor.uint(1 << (flags & 3))?;
        (address + (cursor.offset() - reader.at(address)), len, flags & 4 != 0)
    } else {
        cursor.version("object header", 1..=1)?;
        cursor.skip(1 + 2 + 4)?;
        let len = u64::from(cursor.u32()?);
        (address.saturating_add(16), len, false)
    };
    if version2 {
        let covered = (first - address).saturating_add(len);
        verify(reader, &block(reader, &head, address, address, covered.saturating_add(4))?, address)?;
    }
    let mut messages = Vec::new();
    let mut blocks = vec![(first, len, false)];
    let mut seen = HashSet::from([first]);
    let mut next = 0;
    while let Some(&(at, len, continued)) = blocks.get(next) {
        next += 1;
        let bytes = block(reader, &head, address, at, len)?;
        let mut cursor = reader.cursor(&bytes, at);
        let mut part = bytes.len();
        if version2 && continued {
            verify(reader, &bytes, at)?;
            cursor.signature(b"OCHK")?;
            part = part.saturating_sub(4);
        }
        let prefix = match (version2, ordered) {
            (false, _) => 8,
            (true, false) => 4,
            (true, true) => 6,
        };
        loop {
            let used = (cursor.offset() - reader.at(at)) as usize;
            // Less than a prefix left is a gap.
            if used + prefix > part {
                break;
            }
            let (kind, size, flags);
            if version2 {
                kind = u16::from(cursor.u8()?);
                size = cursor.u16()? as usize;
                flags = cursor.u8()?;
                cursor.skip(if ordered { 2 } else { 0 })?;
            } else {
                kind = cursor.u16()?;
                size = cursor.u16()? as usize;
                flags = cursor.u8()?;
                cursor.skip(3)?;
            }
            let at = cursor.offset();
            if used + prefix + size > part {
                let left = part - used - prefix;
                return Err(Fault::corrupt(at, format!("a message of {size} bytes"), format!("{left} left")));
            }
            let body = cursor.bytes(size)?.to_vec();
            if kind == kind::CONTINUATION {
                let mut cursor = Cursor::new(&body, at);
                let (address, len) = (reader.defined(&mut cursor)?, reader.length(&mut cursor)?);
                if !seen.insert(address) || blocks.len() >= MAX_BLOCKS {
                    return Err(Fault::corrupt(at, "continuation blocks that end", "a loop of them"));
                }
                blocks.push((address, len, true));
            } else if kind != 0 {
                messages.push((Message { kind, at, body }, flags & 2 != 0));
            }
        }
    }
    Ok(messages)
}

/// A block of the header, out of the bytes already read where it lies in them.
fn block(reader: &Reader<'_>, head: &[u8], head_at: u64, at: u64, len: u64) -> Decoded<Vec<u8>> {
    let inside = at
        .checked_sub(head_at)
        .and_then(|start| Some((usize::try_from(start).ok()?, usize::try_from(start.checked_add(len)?).ok()?)))
        .and_then(|(start, end)| head.get(start..end));
    match inside {
        Some(part) => Ok(part.to_vec()),
        None => reader.bytes(at, len),
    }
}

/// Checks the checksum in the last four bytes.
pub(crate) fn verify(reader: &Reader<'_>, bytes: &[u8], address: u64) -> Decoded<()> {
    let split = bytes.len().saturating_sub(4);
    let (covered, stored) = bytes.split_at(split);
    let expected = lookup3(covered);
    let found = stored.iter().rev().fold(0u32, |w, &byte| w << 8 | u32::from(byte));
    if stored.len() != 4 || found != expected {
        let at = reader.at(address).saturating_add(split as u64);
        return Err(Fault::corrupt(at, format!("checksum {expected:#010x}"), format!("{found:#010x}")));
    }
    Ok(())
}

/// Replaces a reference by the message it points to (a committed datatype).
fn resolve_shared(reader: &Reader<'_>, message: &mut Message) -> Decoded<()> {
    let target = shared_address(reader, &mut message.cursor())?;
    let found = raw_messages(reader, target)?.into_iter().find(|(m, shared)| m.kind == message.kind && !shared);
    let (found, _) = found.ok_or_else(|| Fault::corrupt(message.at, "a shared message", "none at its address"))?;
    message.at = found.at;
    message.body = found.body;
    Ok(())
}

/// The object header that a shared message points to.
fn shared_address(reader: &Reader<'_>, cursor: &mut Cursor<'_>) -> Decoded<u64> {
    let version = cursor.version("shared message", 1..=3)?;
    let place = cursor.u8()?;
    if version == 1 {
        cursor.skip(6)?;
    }
    if version == 3 && place == 1 {
        return Err(Fault::unsupported("a table of shared messages"));
    }
    reader.defined(cursor)
}

/// A datatype or dataspace that is stored in line or, with `shared`, elsewhere.
pub(crate) fn shared_body(reader: &Reader<'_>, kind: u16, at: u64, body: &[u8], shared: bool) -> Decoded<Message> {
    let mut message = Message { kind, at, body: body.to_vec() };
    if shared {
        resolve_shared(reader, &mut message)?;
    }
    Ok(message)
}
