//! Attribute messages.

use kerox_tensor::Shape;

use super::cursor::Cursor;
use super::datatype::Stored;
use super::header::{self, Message, kind};
use super::reader::Reader;
use super::{dataspace, datatype, dense};
use crate::error::{Decoded, Fault};

/// An attribute as it is stored.
#[derive(Debug)]
pub(crate) struct RawAttribute {
    pub(crate) name: String,
    pub(crate) stored: Stored,
    /// `None` for a null dataspace.
    pub(crate) shape: Option<Shape>,
    /// Offset of the data in the file (of the message, for attributes in a heap).
    pub(crate) at: u64,
    pub(crate) data: Vec<u8>,
}

/// Every attribute of an object.
pub(crate) fn all(reader: &Reader<'_>, messages: &[Message]) -> Decoded<Vec<RawAttribute>> {
    let mut attributes = Vec::new();
    for message in messages {
        match message.kind {
            kind::ATTRIBUTE => attributes.push(read(reader, message.cursor())?),
            kind::ATTRIBUTE_INFO => {
                let mut cursor = message.cursor();
                cursor.version("attribute info", 0..=0)?;
                let flags = cursor.u8()?;
                cursor.skip(if flags & 1 != 0 { 2 } else { 0 })?;
                let heap = reader.address(&mut cursor)?;
                let tree = reader.address(&mut cursor)?;
                if let (Some(heap), Some(tree)) = (heap, tree) {
                    for (at, bytes) in dense::objects(reader, heap, tree, dense::Records::Attributes)? {
                        attributes.push(read(reader, Cursor::new(&bytes, at))?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(attributes)
}

fn read(reader: &Reader<'_>, mut cursor: Cursor<'_>) -> Decoded<RawAttribute> {
    let version = cursor.version("attribute", 1..=3)?;
    let flags = cursor.u8()?;
    let name_len = cursor.u16()? as usize;
    let type_len = cursor.u16()? as usize;
    let space_len = cursor.u16()? as usize;
    if version == 3 {
        cursor.skip(1)?;
    }
    let mut part = |len: usize| -> Decoded<(u64, Vec<u8>)> {
        let at = cursor.offset();
        let bytes = cursor.bytes(len)?.to_vec();
        if version == 1 {
            cursor.skip((len.next_multiple_of(8) - len).min(cursor.left()))?;
        }
        Ok((at, bytes))
    };
    let (name_at, name) = part(name_len)?;
    let (type_at, type_bytes) = part(type_len)?;
    let (space_at, space_bytes) = part(space_len)?;
    let name = name.split(|&b| b == 0).next().unwrap_or(&[]);
    let name = String::from_utf8(name.to_vec())
        .map_err(|_| Fault::corrupt(name_at, "an attribute's name in UTF-8", format!("`{}`", name.escape_ascii())))?;
    let shared = if version == 1 { 0 } else { flags };
    let type_message = header::shared_body(reader, kind::DATATYPE, type_at, &type_bytes, shared & 1 != 0)?;
    let space_message = header::shared_body(reader, kind::DATASPACE, space_at, &space_bytes, shared & 2 != 0)?;
    let stored = datatype::read(&mut type_message.cursor())?;
    let shape = dataspace::read(reader, space_message.cursor())?;
    let elements = match &shape {
        Some(shape) => shape.checked_elements()?,
        None => 0,
    };
    let wanted = elements.saturating_mul(stored.size);
    let at = cursor.offset();
    let data = cursor.bytes(wanted)?.to_vec();
    Ok(RawAttribute { name, stored, shape, at, data })
}
