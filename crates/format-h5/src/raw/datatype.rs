//! Datatype messages: what the elements are.

use kerox_tensor::DType;

use super::cursor::Cursor;
use crate::error::{Decoded, Fault};

/// How an element is stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stored {
    /// Bytes of an element.
    pub(crate) size: usize,
    pub(crate) kind: Kind,
}

/// What an element means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A number of fixed size in one of the tensor's types. `swap` is the number of bytes to reverse for big-endian
    /// data (0 for none).
    Number { dtype: DType, swap: usize },
    /// A string of fixed length.
    FixedString { padding: Padding, utf8: bool },
    /// A string in the global heap: length `u32`, address, index `u32`.
    VariableString { utf8: bool },
    /// Two bytes without a meaning of their own: how bfloat16 comes out of numpy.
    Opaque,
    /// Something else, in words.
    Other(String),
}

/// What fills a fixed string up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Padding {
    /// The string ends at the first null byte.
    NullTerminated,
    /// Null bytes at the end are no part of the string.
    Null,
    /// Blanks at the end are no part of the string.
    Space,
}

/// Datatypes inside datatypes that are followed.
const MAX_NESTING: usize = 8;

pub(crate) fn read(cursor: &mut Cursor<'_>) -> Decoded<Stored> {
    nested(cursor, 0)
}

fn nested(cursor: &mut Cursor<'_>, depth: usize) -> Decoded<Stored> {
    if depth > MAX_NESTING {
        return Err(Fault::unsupported("datatypes nested more than 8 deep"));
    }
    let at = cursor.offset();
    let head = cursor.u8()?;
    let (class, version) = (head & 15, head >> 4);
    if !(1..=5).contains(&version) {
        return Err(Fault::unsupported(format!("datatype version {version}")));
    }
    let bits = cursor.uint(3)? as u32;
    let size = cursor.u32()? as usize;
    if size == 0 && class != 3 {
        return Err(Fault::corrupt(at + 4, "elements of at least 1 byte", "0 bytes"));
    }
    let other = |what: &str| Kind::Other(format!("{what} of {size} bytes"));
    let big_endian = bits & 1 == 1;
    let swap = if big_endian && size > 1 { size } else { 0 };
    let kind = match class {
        0 => {
            let (offset, precision) = (cursor.u16()?, cursor.u16()?);
            let signed = bits & 8 != 0;
            let dtype = match (size, signed) {
                (1, true) => Some(DType::I8),
                (2, true) => Some(DType::I16),
                (4, true) => Some(DType::I32),
                (8, true) => Some(DType::I64),
                (1, false) => Some(DType::U8),
                (2, false) => Some(DType::U16),
                (4, false) => Some(DType::U32),
                (8, false) => Some(DType::U64),
                _ => None,
            };
            match dtype {
                Some(dtype) if offset == 0 && precision as usize == 8 * size => Kind::Number { dtype, swap },
                _ => other("an integer"),
            }
        }
        1 => {
            let mut properties = [0; 12];
            properties.copy_from_slice(cursor.bytes(12)?);
            let float = float(size, bits, &properties);
            match float {
                Some(_) if bits & 0x40 != 0 => other("a VAX float"),
                Some(dtype) => Kind::Number { dtype, swap },
                None => other("a float"),
            }
        }
        3 => {
            let padding = match bits & 15 {
                0 => Padding::NullTerminated,
                1 => Padding::Null,
                _ => Padding::Space,
            };
            Kind::FixedString { padding, utf8: bits >> 4 & 15 == 1 }
        }
        5 => {
            let tag = (bits & 0xff) as usize;
            cursor.skip(tag.min(cursor.left()))?;
            if size == 2 { Kind::Opaque } else { other("an opaque type") }
        }
        6 => compound(cursor, version, bits & 0xffff, size, depth)?.unwrap_or_else(|| other("a compound type")),
        8 => enumeration(cursor, version, bits & 0xffff, depth)?.unwrap_or_else(|| other("an enumeration")),
        9 => {
            if bits & 15 == 1 {
                nested(cursor, depth + 1)?;
                Kind::VariableString { utf8: bits >> 8 & 15 == 1 }
            } else {
                other("a variable-length sequence")
            }
        }
        2 => other("a time"),
        4 => other("a bit field"),
        7 => other("a reference"),
        10 => other("an array"),
        11 => other("a complex number"),
        _ => return Err(Fault::corrupt(at, "a datatype class from 0 to 11", format!("{class}"))),
    };
    // HDF5 2's own complex class holds its float as a base type.
    let kind = match kind {
        Kind::Other(_) if class == 11 => {
            let base = nested(cursor, depth + 1)?;
            complex_of(&base, size).unwrap_or(kind)
        }
        kind => kind,
    };
    Ok(Stored { size, kind })
}

/// The float with these properties: bit offset, precision, exponent location and size, mantissa location and size,
/// exponent bias.
fn float(size: usize, bits: u32, properties: &[u8; 12]) -> Option<DType> {
    let [o0, o1, p0, p1, exponent_at, exponent, mantissa_at, mantissa, b0, b1, b2, b3] = *properties;
    let offset = u16::from_le_bytes([o0, o1]);
    let precision = u16::from_le_bytes([p0, p1]);
    let bias = u32::from_le_bytes([b0, b1, b2, b3]);
    let sign_at = bits >> 8 & 0xff;
    let implied = bits >> 4 & 3 == 2;
    if offset != 0 || precision as usize != 8 * size || mantissa_at != 0 || exponent_at != mantissa || !implied {
        return None;
    }
    match (size, exponent, mantissa, bias, sign_at) {
        (2, 5, 10, 15, 15) => Some(DType::F16),
        (2, 8, 7, 127, 15) => Some(DType::BF16),
        (4, 8, 23, 127, 31) => Some(DType::F32),
        (8, 11, 52, 1023, 63) => Some(DType::F64),
        _ => None,
    }
}

fn complex_of(part: &Stored, size: usize) -> Option<Kind> {
    match part.kind {
        Kind::Number { dtype: DType::F32, swap } if size == 8 => Some(Kind::Number { dtype: DType::Complex64, swap }),
        Kind::Number { dtype: DType::F64, swap } if size == 16 => Some(Kind::Number { dtype: DType::Complex128, swap }),
        _ => None,
    }
}

/// h5py's complex numbers: a compound of `r` and `i`.
fn compound(cursor: &mut Cursor<'_>, version: u8, members: u32, size: usize, depth: usize) -> Decoded<Option<Kind>> {
    let mut parts = Vec::new();
    // What has more members is no complex number; the rest of the message need not be understood.
    for _ in 0..members.min(3) {
        let name = name(cursor, version)?;
        let offset = match version {
            1 | 2 => cursor.u32()? as u64,
            _ => cursor.uint(bytes_for(size))?,
        };
        if version == 1 {
            let dimensions = cursor.u8()?;
            cursor.skip(3 + 4 + 4 + 16)?;
            if dimensions != 0 {
                return Ok(None);
            }
        }
        parts.push((name, offset, nested(cursor, depth + 1)?));
    }
    Ok(match parts.as_slice() {
        [(r, 0, real), (i, at, imaginary)]
            if r == b"r" && i == b"i" && *at == real.size as u64 && real == imaginary =>
        {
            complex_of(real, size)
        }
        _ => None,
    })
}

/// h5py's bools: an enumeration of int8 with FALSE = 0 and TRUE = 1. Others count as their integers.
fn enumeration(cursor: &mut Cursor<'_>, version: u8, members: u32, depth: usize) -> Decoded<Option<Kind>> {
    let base = nested(cursor, depth + 1)?;
    let mut names = Vec::new();
    for _ in 0..members.min(3) {
        names.push(name(cursor, version)?);
    }
    let is_bool = base.size == 1 && {
        let values = cursor.bytes((members as usize).min(3))?;
        let mut pairs: Vec<_> = names.iter().map(Vec::as_slice).zip(values).collect();
        pairs.sort();
        matches!(pairs.as_slice(), [(b"FALSE", 0), (b"TRUE", 1)])
    };
    Ok(match base.kind {
        Kind::Number { .. } if is_bool => Some(Kind::Number { dtype: DType::Bool, swap: 0 }),
        kind @ Kind::Number { .. } => Some(kind),
        _ => None,
    })
}

/// Bytes that hold offsets into `size` bytes.
fn bytes_for(size: usize) -> usize {
    (1..8).find(|&n| size >> (8 * n) == 0).unwrap_or(8)
}

/// A null-terminated name; padded to 8 bytes before version 3.
fn name(cursor: &mut Cursor<'_>, version: u8) -> Decoded<Vec<u8>> {
    let rest = cursor.rest();
    let Some(len) = rest.iter().position(|&b| b == 0) else {
        return Err(Fault::corrupt(cursor.offset(), "a null-terminated name", "no null byte"));
    };
    let name = rest.get(..len).unwrap_or(&[]).to_vec();
    let stored = if version < 3 { (len + 1).next_multiple_of(8) } else { len + 1 };
    cursor.skip(stored)?;
    Ok(name)
}
