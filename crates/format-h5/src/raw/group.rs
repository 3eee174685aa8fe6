//! The members of a group: symbol tables (superblock 0 and 1) and link messages.

use std::collections::HashSet;

use super::cursor::Cursor;
use super::dense;
use super::header::{Message, kind};
use super::reader::Reader;
use crate::error::{Decoded, Fault};

/// Where a member's name leads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Link {
    /// To the object header at an address.
    Hard(u64),
    /// To a path in the same file.
    Soft(String),
}

/// The members in file order; `None` for an object that is no group.
pub(crate) fn members(reader: &Reader<'_>, messages: &[Message]) -> Decoded<Option<Vec<(String, Link)>>> {
    let mut members = Vec::new();
    let mut is_group = false;
    for message in messages {
        match message.kind {
            kind::SYMBOL_TABLE => {
                is_group = true;
                let mut cursor = message.cursor();
                let (tree, heap) = (reader.defined(&mut cursor)?, reader.defined(&mut cursor)?);
                symbol_table(reader, tree, heap, &mut members)?;
            }
            kind::LINK => {
                is_group = true;
                members.push(link(reader, message.cursor())?);
            }
            kind::LINK_INFO => {
                is_group = true;
                let mut cursor = message.cursor();
                cursor.version("link info", 0..=0)?;
                let flags = cursor.u8()?;
                cursor.skip(if flags & 1 != 0 { 8 } else { 0 })?;
                let heap = reader.address(&mut cursor)?;
                let tree = reader.address(&mut cursor)?;
                if let (Some(heap), Some(tree)) = (heap, tree) {
                    for (at, bytes) in dense::objects(reader, heap, tree, dense::Records::Links)? {
                        members.push(link(reader, Cursor::new(&bytes, at))?);
                    }
                }
            }
            kind::GROUP_INFO => is_group = true,
            _ => {}
        }
    }
    let mut names = HashSet::new();
    for (name, _) in &members {
        if name.is_empty() || name == "." || name.contains('/') {
            return Err(Fault::corrupt(0, "a member's name without `/`", format!("`{name}`")));
        }
        if !names.insert(name.as_str()) {
            return Err(Fault::corrupt(0, "members of distinct names", format!("`{name}` twice")));
        }
    }
    Ok(is_group.then_some(members))
}

fn text(at: u64, bytes: &[u8]) -> Decoded<String> {
    String::from_utf8(bytes.to_vec())
        .map_err(|_| Fault::corrupt(at, "a name in UTF-8", format!("`{}`", bytes.escape_ascii())))
}

/// A symbol table: a version 1 B-tree of symbol nodes, names in a local heap.
fn symbol_table(reader: &Reader<'_>, tree: u64, heap: u64, members: &mut Vec<(String, Link)>) -> Decoded<()> {
    let head_len = 8 + 2 * reader.length_size() + reader.offset_size();
    let head = reader.bytes(heap, head_len as u64)?;
    let mut cursor = reader.cursor(&head, heap);
    cursor.signature(b"HEAP")?;
    cursor.version("local heap", 0..=0)?;
    cursor.skip(3)?;
    let size = reader.length(&mut cursor)?;
    reader.length(&mut cursor)?;
    let data = reader.defined(&mut cursor)?;
    let names = Names { bytes: reader.bytes(data, size)?, at: reader.at(data) };
    let mut seen = HashSet::new();
    tree_node(reader, tree, None, &names, &mut seen, members)
}

struct Names {
    bytes: Vec<u8>,
    at: u64,
}

impl Names {
    fn get(&self, offset: u64) -> Decoded<String> {
        let at = self.at.saturating_add(offset);
        let rest = usize::try_from(offset).ok().and_then(|offset| self.bytes.get(offset..));
        let name = rest.and_then(|rest| rest.split(|&b| b == 0).next());
        text(at, name.ok_or_else(|| Fault::corrupt(at, "a name in the group's heap", "an offset outside it"))?)
    }
}

/// A node of the group's B-tree; every level is one less than the one above, so that the depth is bounded.
fn tree_node(
    reader: &Reader<'_>,
    address: u64,
    level: Option<u8>,
    names: &Names,
    seen: &mut HashSet<u64>,
    members: &mut Vec<(String, Link)>,
) -> Decoded<()> {
    let (offset, length) = (reader.offset_size(), reader.length_size());
    let head_len = 8 + 2 * offset;
    if !seen.insert(address) {
        return Err(Fault::corrupt(reader.at(address), "tree nodes used once", "a node used twice"));
    }
    let head = reader.bytes(address, head_len as u64)?;
    let mut cursor = reader.cursor(&head, address);
    cursor.signature(b"TREE")?;
    let kind = cursor.u8()?;
    if kind != 0 {
        return Err(Fault::corrupt(reader.at(address) + 4, "a tree of a group (0)", format!("{kind}")));
    }
    let found = cursor.u8()?;
    if level.is_some_and(|level| level != found) {
        return Err(Fault::corrupt(
            reader.at(address) + 5,
            format!("level {}", level.unwrap_or(0)),
            format!("{found}"),
        ));
    }
    let used = u64::from(cursor.u16()?);
    let body_at = address.saturating_add(head_len as u64);
    let body = reader.bytes(body_at, used * (offset + length) as u64)?;
    let mut cursor = reader.cursor(&body, body_at);
    for _ in 0..used {
        cursor.skip(length)?;
        let child = reader.defined(&mut cursor)?;
        match found.checked_sub(1) {
            Some(below) => tree_node(reader, child, Some(below), names, seen, members)?,
            None => symbol_node(reader, child, names, seen, members)?,
        }
    }
    Ok(())
}

fn symbol_node(
    reader: &Reader<'_>,
    address: u64,
    names: &Names,
    seen: &mut HashSet<u64>,
    members: &mut Vec<(String, Link)>,
) -> Decoded<()> {
    if !seen.insert(address) {
        return Err(Fault::corrupt(reader.at(address), "symbol nodes used once", "a node used twice"));
    }
    let head = reader.bytes(address, 8)?;
    let mut cursor = reader.cursor(&head, address);
    cursor.signature(b"SNOD")?;
    cursor.version("symbol node", 1..=1)?;
    cursor.skip(1)?;
    let count = u64::from(cursor.u16()?);
    let entry = 2 * reader.offset_size() + 24;
    let body_at = address.saturating_add(8);
    let body = reader.bytes(body_at, count * entry as u64)?;
    let mut cursor = reader.cursor(&body, body_at);
    for _ in 0..count {
        if members.len() >= reader.raw.limits.max_objects {
            return Err(too_many(reader, members.len()));
        }
        let name = cursor.uint(reader.offset_size())?;
        let name = names.get(name)?;
        let header = reader.address(&mut cursor)?;
        let cache = cursor.u32()?;
        cursor.skip(4)?;
        let mut scratch = Cursor::new(cursor.bytes(16)?, 0);
        let link = match (cache, header) {
            (2, _) => Link::Soft(names.get(u64::from(scratch.u32()?))?),
            (_, Some(header)) => Link::Hard(header),
            _ => return Err(Fault::corrupt(cursor.offset(), "a member's address", "the undefined address")),
        };
        members.push((name, link));
    }
    Ok(())
}

pub(crate) fn too_many(reader: &Reader<'_>, found: usize) -> Fault {
    Fault::Limit { unit: "objects", expected: reader.raw.limits.max_objects as u64, found: found as u64 + 1 }
}

fn link(reader: &Reader<'_>, mut cursor: Cursor<'_>) -> Decoded<(String, Link)> {
    cursor.version("link", 1..=1)?;
    let flags = cursor.u8()?;
    let kind = if flags & 8 != 0 { cursor.u8()? } else { 0 };
    cursor.skip(if flags & 4 != 0 { 8 } else { 0 } + if flags & 16 != 0 { 1 } else { 0 })?;
    let len = usize::try_from(cursor.uint(1 << (flags & 3))?).unwrap_or(usize::MAX);
    let at = cursor.offset();
    let name = text(at, cursor.bytes(len)?)?;
    match kind {
        0 => Ok((name, Link::Hard(reader.defined(&mut cursor)?))),
        1 => {
            let len = cursor.u16()? as usize;
            let at = cursor.offset();
            let target = text(at, cursor.bytes(len)?)?;
            Ok((name, Link::Soft(target.trim_end_matches('\0').to_string())))
        }
        64 => Err(Fault::Refused {
            found: format!("the external link `{name}` to another file"),
            advice: "copy what it points to into the file",
        }),
        _ => Err(Fault::Refused {
            found: format!("the user-defined link `{name}` of class {kind}"),
            advice: "replace it by a hard link",
        }),
    }
}
