//! Object header messages in the forms HDF5 1.0 to 1.6 introduced and every later library reads.

use kerox_tensor::{DType, Shape};

use super::attribute::{Charset, WriteAttribute};
use super::group::Compression;
use super::heap::Heap;
use crate::error::{Error, Result};
use crate::raw::header::kind;

/// Bytes a message may have: its length is a `u16` and a multiple of 8.
const MAX_MESSAGE: usize = 65528;

/// The messages of one object header.
#[derive(Default)]
pub(super) struct Messages {
    count: usize,
    bytes: Vec<u8>,
}

impl Messages {
    pub(super) fn push(&mut self, kind: u16, flags: u8, body: &[u8]) {
        let padded = body.len().next_multiple_of(8);
        self.count += 1;
        self.bytes.extend(kind.to_le_bytes());
        self.bytes.extend((padded as u16).to_le_bytes());
        self.bytes.extend([flags, 0, 0, 0]);
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len() + padded - body.len(), 0);
    }

    /// The object header: version 1, reference count 1.
    pub(super) fn header(self, path: &str) -> Result<Vec<u8>> {
        let too_many = |expected: &str, found: String| Error::Unwritable {
            path: if path.is_empty() { "/".into() } else { path.to_string() },
            expected: expected.into(),
            found,
        };
        let count = u16::try_from(self.count)
            .map_err(|_| too_many("at most 65535 attributes", format!("{} messages", self.count)))?;
        let size = u32::try_from(self.bytes.len())
            .map_err(|_| too_many("attributes of at most 4 GiB", format!("{} bytes", self.bytes.len())))?;
        let mut header = vec![1, 0];
        header.extend(count.to_le_bytes());
        header.extend(1u32.to_le_bytes());
        header.extend(size.to_le_bytes());
        header.extend([0; 4]);
        header.extend(self.bytes);
        Ok(header)
    }

    /// Adds attributes, taking the references to their strings from the heap.
    pub(super) fn attributes(
        &mut self,
        path: &str,
        attributes: &[(String, WriteAttribute)],
        heap: &mut Heap,
    ) -> Result<()> {
        for (name, value) in attributes {
            let body = attribute(path, name, value, heap)?;
            if body.len() > MAX_MESSAGE {
                return Err(Error::Unwritable {
                    path: format!("{path}@{name}"),
                    expected: format!("an attribute of at most {MAX_MESSAGE} bytes"),
                    found: format!("{} bytes", body.len()),
                });
            }
            self.push(kind::ATTRIBUTE, 0, &body);
        }
        Ok(())
    }
}

fn attribute(path: &str, name: &str, value: &WriteAttribute, heap: &mut Heap) -> Result<Vec<u8>> {
    let (datatype, shape, data): (Vec<u8>, Shape, Vec<u8>) = match value {
        WriteAttribute::String(_, charset) => (variable_string(*charset), Shape::scalar(), heap.next().to_vec()),
        WriteAttribute::Strings(strings, charset) => {
            let data = strings.iter().flat_map(|_| heap.next()).collect();
            (variable_string(*charset), [strings.len()].into(), data)
        }
        WriteAttribute::FixedStrings(strings, width) => {
            let mut data = Vec::with_capacity(strings.len() * width);
            for string in strings {
                if string.len() > *width {
                    return Err(Error::Unwritable {
                        path: format!("{path}@{name}"),
                        expected: format!("strings of at most {width} bytes"),
                        found: format!("`{string}`"),
                    });
                }
                data.extend(string.as_bytes());
                data.resize(data.len() + width - string.len(), 0);
            }
            (fixed_string(*width), [strings.len()].into(), data)
        }
        WriteAttribute::Numbers(tensor) => {
            let (Some(datatype), Some(data)) = (datatype(tensor.dtype()), tensor.as_bytes()) else {
                return Err(Error::Unwritable {
                    path: format!("{path}@{name}"),
                    expected: "numbers or bools".into(),
                    found: tensor.dtype().to_string(),
                });
            };
            (datatype, tensor.shape().clone(), data.to_vec())
        }
    };
    let dataspace = dataspace(&shape);
    let mut body = vec![1, 0];
    for len in [name.len() + 1, datatype.len(), dataspace.len()] {
        body.extend((len.min(u16::MAX as usize) as u16).to_le_bytes());
    }
    body.extend(name.as_bytes());
    body.push(0);
    body.resize(body.len().next_multiple_of(8), 0);
    body.extend(&datatype);
    body.resize(body.len().next_multiple_of(8), 0);
    body.extend(&dataspace);
    body.extend(data);
    Ok(body)
}

/// A dataspace whose axes cannot grow.
pub(super) fn dataspace(shape: &Shape) -> Vec<u8> {
    let mut body = vec![1, shape.rank() as u8, u8::from(shape.rank() > 0), 0, 0, 0, 0, 0];
    if shape.rank() > 0 {
        for _ in 0..2 {
            shape.iter().for_each(|&length| body.extend((length as u64).to_le_bytes()));
        }
    }
    body
}

/// A string in the global heap.
pub(super) fn variable_string(charset: Charset) -> Vec<u8> {
    let mut body = vec![0x19, 1, u8::from(charset == Charset::Utf8), 0];
    body.extend(16u32.to_le_bytes());
    // Its base type: one unsigned byte.
    body.extend([0x10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0]);
    body
}

/// An ASCII string padded with null bytes.
fn fixed_string(width: usize) -> Vec<u8> {
    let mut body = vec![0x13, 1, 0, 0];
    body.extend((width as u32).to_le_bytes());
    body
}

/// The type of numbers; `None` for those h5py has no form for.
pub(super) fn datatype(dtype: DType) -> Option<Vec<u8>> {
    let size = dtype.size()?;
    let integer = |signed: bool| {
        let mut body = vec![0x10, if signed { 8 } else { 0 }, 0, 0];
        body.extend((size as u32).to_le_bytes());
        body.extend([0, 0]);
        body.extend((8 * size as u16).to_le_bytes());
        body
    };
    // The sign's place, the exponent's place and size (the mantissa lies below), the bias.
    let float = |size: usize, sign: u8, place: u8, exponent: u8, bias: u32| {
        let mut body = vec![0x11, 0x20, sign, 0];
        body.extend((size as u32).to_le_bytes());
        body.extend([0, 0]);
        body.extend((8 * size as u16).to_le_bytes());
        body.extend([place, exponent, 0, place]);
        body.extend(bias.to_le_bytes());
        body
    };
    // A compound of `r` and `i`.
    let complex = |part: Vec<u8>| {
        let mut body = vec![0x16, 2, 0, 0];
        body.extend((size as u32).to_le_bytes());
        for (name, offset) in [(b'r', 0), (b'i', size as u32 / 2)] {
            body.extend([name, 0, 0, 0, 0, 0, 0, 0]);
            body.extend(offset.to_le_bytes());
            // No dimensions: their number, permutation and lengths.
            body.extend([0; 28]);
            body.extend(&part);
        }
        body
    };
    Some(match dtype {
        DType::F16 => float(2, 15, 10, 5, 15),
        DType::F32 => float(4, 31, 23, 8, 127),
        DType::F64 => float(8, 63, 52, 11, 1023),
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => integer(true),
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => integer(false),
        DType::Bool => {
            let mut body = vec![0x18, 2, 0, 0, 1, 0, 0, 0];
            body.extend([0x10, 8, 0, 0, 1, 0, 0, 0, 0, 0, 8, 0]);
            body.extend(b"FALSE\0\0\0TRUE\0\0\0\0\0\x01");
            body
        }
        DType::Complex64 => complex(float(4, 31, 23, 8, 127)),
        DType::Complex128 => complex(float(8, 63, 52, 11, 1023)),
        // numpy has no bfloat16 of its own: two bytes without a class.
        DType::BF16 => opaque(2),
        _ => return None,
    })
}

fn opaque(size: u32) -> Vec<u8> {
    let mut body = vec![0x15, 0, 0, 0];
    body.extend(size.to_le_bytes());
    body
}

/// Fill value: the default one (zero), allocated late, as h5py says for contiguous and chunked datasets.
pub(super) fn fill_value(chunked: bool) -> [u8; 8] {
    [2, if chunked { 3 } else { 2 }, 2, 1, 0, 0, 0, 0]
}

pub(super) fn contiguous(address: Option<u64>, size: u64) -> Vec<u8> {
    let mut body = vec![3, 1];
    body.extend(address.unwrap_or(u64::MAX).to_le_bytes());
    body.extend(size.to_le_bytes());
    body
}

pub(super) fn chunked(tree: u64, chunk: &[u32], element: usize) -> Vec<u8> {
    let mut body = vec![3, 2, chunk.len() as u8 + 1];
    body.extend(tree.to_le_bytes());
    chunk.iter().for_each(|length| body.extend(length.to_le_bytes()));
    body.extend((element as u32).to_le_bytes());
    body
}

/// Shuffle (where wanted), then deflate.
pub(super) fn filters(compression: Compression, element: usize) -> Vec<u8> {
    let mut filters = Vec::new();
    if compression.shuffle {
        filters.push((2u16, b"shuffle\0", element as u32));
    }
    filters.push((1, b"deflate\0", u32::from(compression.level.min(9))));
    let mut body = vec![1, filters.len() as u8, 0, 0, 0, 0, 0, 0];
    for (id, name, value) in filters {
        body.extend(id.to_le_bytes());
        // Length of the name, flags (optional), number of values.
        body.extend([8, 0, 1, 0, 1, 0]);
        body.extend(name);
        body.extend(value.to_le_bytes());
        body.extend([0; 4]);
    }
    body
}
