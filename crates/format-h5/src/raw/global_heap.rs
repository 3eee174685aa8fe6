//! The global heap: collections of variable-length strings.
//!
//! ```text
//! GCOL | version 1 | 3 reserved | collection size L | objects | free space (object 0)
//! object = index u16 | reference count u16 | 4 reserved | size L | bytes, padded to 8
//! ```

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::reader::Reader;
use crate::error::{Decoded, Fault};

/// A collection that has been read.
pub(crate) struct Collection {
    bytes: Vec<u8>,
    objects: HashMap<u16, Range<usize>>,
}

impl Collection {
    /// Bytes in memory.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn object(&self, index: u16) -> Option<&[u8]> {
        self.bytes.get(self.objects.get(&index)?.clone())
    }
}

/// The collection at an address, read once an operation.
pub(crate) fn collection(reader: &Reader<'_>, address: u64) -> Decoded<Arc<Collection>> {
    if let Some(known) = reader.known_collection(address) {
        return Ok(known);
    }
    let head_len = 8 + reader.length_size();
    let head = reader.bytes(address, head_len as u64)?;
    let mut cursor = reader.cursor(&head, address);
    cursor.signature(b"GCOL")?;
    cursor.version("global heap", 1..=1)?;
    cursor.skip(3)?;
    let size = reader.length(&mut cursor)?;
    let bytes = reader.bytes(address, size)?;
    let mut cursor = reader.cursor(&bytes, address);
    cursor.skip(head_len)?;
    let object_head = 8 + reader.length_size();
    let mut objects = HashMap::new();
    while cursor.left() >= object_head {
        let index = cursor.u16()?;
        cursor.skip(6)?;
        let at = cursor.offset();
        let size = reader.length(&mut cursor)?;
        if index == 0 {
            break;
        }
        let start = (cursor.offset() - reader.at(address)) as usize;
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        cursor.bytes(size)?;
        cursor.skip((size.next_multiple_of(8) - size).min(cursor.left()))?;
        if objects.insert(index, start..start + size).is_some() {
            return Err(Fault::corrupt(at, "one heap object of each number", format!("a second object {index}")));
        }
    }
    let collection = Arc::new(Collection { bytes, objects });
    reader.keep_collection(address, &collection);
    Ok(collection)
}

/// The strings that `data`, an array of references, points to. `total` counts their bytes: more than the file has
/// means that one string is claimed many times.
pub(crate) fn strings(reader: &Reader<'_>, data: &[u8], at: u64, total: &mut u64) -> Decoded<Vec<Vec<u8>>> {
    let size = 8 + reader.offset_size();
    let mut strings = Vec::with_capacity(data.len() / size);
    for (i, element) in data.chunks_exact(size).enumerate() {
        let element_at = at.saturating_add((i * size) as u64);
        let mut cursor = super::cursor::Cursor::new(element, element_at);
        let len = cursor.u32()? as usize;
        let address = reader.address(&mut cursor)?;
        let index = cursor.u32()?;
        let Some(address) = address.filter(|&a| a != 0 && len > 0) else {
            if len > 0 {
                return Err(Fault::corrupt(element_at, "a string's address", format!("none for {len} bytes")));
            }
            strings.push(Vec::new());
            continue;
        };
        let collection = collection(reader, address)?;
        let object = u16::try_from(index).ok().and_then(|index| collection.object(index));
        let object =
            object.ok_or_else(|| Fault::corrupt(element_at, format!("heap object {index}"), "none of that number"))?;
        let string = object.get(..len).ok_or_else(|| {
            Fault::corrupt(element_at, format!("a string of {len} bytes"), format!("{}", object.len()))
        })?;
        *total += len as u64;
        if *total > reader.raw.len() {
            return Err(Fault::corrupt(element_at, "strings stored once each", "one string claimed many times"));
        }
        // Writers other than h5py count the closing null byte.
        let end = string.iter().position(|&b| b == 0).unwrap_or(len);
        strings.push(string.get(..end).unwrap_or(&[]).to_vec());
    }
    Ok(strings)
}
