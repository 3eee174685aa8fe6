//! Dataspace messages: the shape of datasets and attributes.

use kerox_tensor::Shape;

use super::cursor::Cursor;
use super::reader::Reader;
use crate::error::{Decoded, Fault};

/// Axes that HDF5 allows at most.
const MAX_RANK: u8 = 32;

/// The shape; `None` for a null dataspace (no elements, no shape).
pub(crate) fn read(reader: &Reader<'_>, mut cursor: Cursor<'_>) -> Decoded<Option<Shape>> {
    let at = cursor.offset();
    let version = cursor.version("dataspace", 1..=2)?;
    let rank = cursor.u8()?;
    if rank > MAX_RANK {
        return Err(Fault::corrupt(at + 1, format!("at most {MAX_RANK} axes"), format!("{rank}")));
    }
    let flags = cursor.u8()?;
    let kind = cursor.u8()?;
    match version {
        1 => cursor.skip(4)?,
        _ if kind == 2 => return Ok(None),
        _ => {}
    }
    if flags & 2 != 0 {
        return Err(Fault::unsupported("a dataspace with a permutation"));
    }
    let mut shape = Shape::scalar();
    for _ in 0..rank {
        let at = cursor.offset();
        let length = reader.length(&mut cursor)?;
        let length = usize::try_from(length).ok().filter(|&n| n <= isize::MAX as usize);
        shape.push(length.ok_or_else(|| Fault::corrupt(at, "an axis that fits memory", "a longer one"))?);
    }
    Ok(Some(shape))
}
