//! What the index says about one tensor.

use std::path::Path;

use kerox_tensor::{DType, Shape};
use prost::Message;

use crate::layout::dtype_of;
use crate::proto::{BundleEntry, TensorShape, TensorSlice};
use crate::{Error, Result};

/// The most axes a tensor has.
const MAX_RANK: usize = 254;

/// What the index says about one tensor, its numbers in range.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) dtype_number: i32,
    pub(crate) shape: Shape,
    pub(crate) shard: u32,
    pub(crate) offset: u64,
    pub(crate) size: u64,
    pub(crate) crc: u32,
    /// Where the tensor is stored in pieces: their places.
    pub(crate) slices: Vec<TensorSlice>,
}

impl Entry {
    /// Decodes an entry's value.
    pub(crate) fn decode(file: &Path, key: &str, value: &[u8]) -> Result<Entry> {
        let fault = |expected: &str, found: String| Error::Entry {
            file: file.into(),
            key: key.into(),
            expected: expected.into(),
            found,
        };
        let proto = BundleEntry::decode(value).map_err(|e| fault("a BundleEntryProto", e.to_string()))?;
        let unsigned = |what: &str, value: i64| {
            u64::try_from(value).map_err(|_| fault(&format!("{what} of at least 0"), value.to_string()))
        };
        Ok(Entry {
            dtype_number: proto.dtype,
            shape: shape_of(proto.shape.as_ref()).map_err(|found| fault("a fully known shape", found))?,
            shard: unsigned("a shard", i64::from(proto.shard_id))? as u32,
            offset: unsigned("an offset", proto.offset)?,
            size: unsigned("a size", proto.size)?,
            crc: proto.crc32c,
            slices: proto.slices,
        })
    }

    /// The type of the elements.
    pub(crate) fn dtype(&self, key: &str) -> Result<DType> {
        dtype_of(self.dtype_number).ok_or_else(|| Error::Unsupported {
            operation: "read tensor",
            what: key.into(),
            expected: "a type that is not quantized".into(),
            found: format!("TensorFlow's type number {}", self.dtype_number),
        })
    }
}

/// The lengths of the axes; the error says what is there instead.
pub(crate) fn shape_of(proto: Option<&TensorShape>) -> Result<Shape, String> {
    let Some(proto) = proto else { return Ok(Shape::scalar()) };
    if proto.unknown_rank {
        return Err("an unknown number of axes".into());
    }
    if proto.dim.len() > MAX_RANK {
        return Err(format!("{} axes", proto.dim.len()));
    }
    proto
        .dim
        .iter()
        .map(|dim| usize::try_from(dim.size).map_err(|_| format!("an axis of length {}", dim.size)))
        .collect()
}
