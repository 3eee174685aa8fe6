//! V1 checkpoints: whole tensors in one table, as TensorFlow wrote them before 1.0.
//!
//! The value of the empty key is a `SavedTensorSlices` whose `meta` lists the tensors; every further value is one
//! whose `data` holds a piece as a `TensorProto`, under the key of [`crate::slices::slice_key`].
//!
//! # Source
//! tensorflow/core/util/saved_tensor_slice_util, tensor_slice_reader.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use kerox_tensor::{Buffer, DType, Shape, bf16, f16};
use prost::Message;

use crate::entry::{Entry, shape_of};
use crate::proto::{SavedTensorSlices, TensorProto};
use crate::table::TableReader;
use crate::{Error, Result, slices};

/// An open V1 checkpoint, of one file or several called `<prefix>-SSSSS-of-NNNNN`.
#[derive(Debug)]
pub(crate) struct V1Reader {
    files: Vec<(PathBuf, TableReader)>,
    entries: BTreeMap<String, Entry>,
}

impl V1Reader {
    /// Opens a V1 checkpoint; `None` where there is no file of that name, or one that is no table.
    pub(crate) fn open(prefix: &Path) -> Result<Option<V1Reader>> {
        let paths = match prefix.is_file() {
            true => vec![prefix.to_path_buf()],
            false => shards_of(prefix),
        };
        let mut reader = V1Reader { files: Vec::new(), entries: BTreeMap::new() };
        for path in paths {
            let file = File::open(&path).map_err(Error::io("open", &path))?;
            let table = TableReader::open(file, &path)?;
            reader.list(&path, &table)?;
            reader.files.push((path, table));
        }
        Ok((!reader.files.is_empty()).then_some(reader))
    }

    fn list(&mut self, path: &Path, table: &TableReader) -> Result<()> {
        let damaged = |expected: &str, found: String| Error::Damaged {
            file: path.into(),
            offset: 0,
            expected: expected.into(),
            found,
        };
        let value = table.get(b"")?.ok_or_else(|| damaged("a list of tensors under the empty key", "none".into()))?;
        let meta = SavedTensorSlices::decode(&value[..])
            .map_err(|e| damaged("a SavedTensorSlices", e.to_string()))?
            .meta
            .ok_or_else(|| damaged("a list of tensors under the empty key", "something else".into()))?;
        for tensor in meta.tensor {
            let shape = shape_of(tensor.shape.as_ref()).map_err(|found| Error::Entry {
                file: path.into(),
                key: tensor.name.clone(),
                expected: "a fully known shape".into(),
                found,
            })?;
            let entry = self.entries.entry(tensor.name).or_insert(Entry {
                dtype_number: tensor.dtype,
                shape,
                shard: 0,
                offset: 0,
                size: 0,
                crc: 0,
                slices: Vec::new(),
            });
            entry.slices.extend(tensor.slice);
        }
        Ok(())
    }

    /// What there is; sizes are not known.
    pub(crate) fn entries(&self) -> BTreeMap<String, Entry> {
        self.entries.clone()
    }

    /// Reads a tensor.
    pub(crate) fn read(&self, key: &str) -> Result<Buffer> {
        let path = self.files.first().map(|(path, _)| path.clone()).unwrap_or_default();
        let fault = |expected: &str, found: String| Error::Entry {
            file: path.clone(),
            key: key.into(),
            expected: expected.into(),
            found,
        };
        let entry = self.entries.get(key).ok_or_else(|| fault("a tensor of that name", "none".into()))?;
        let dtype = entry.dtype(key)?;
        let elements = entry.shape.checked_elements().map_err(Error::tensor(key))?;
        let mut pieces = Vec::new();
        let mut covered = 0usize;
        for slice in &entry.slices {
            let ranges =
                slices::ranges(slice, &entry.shape).map_err(|found| fault("pieces within the tensor", found))?;
            let lengths: Shape = ranges.iter().map(ExactSizeIterator::len).collect();
            let count = lengths.checked_elements().map_err(Error::tensor(key))?;
            let value = self.value(&slices::slice_key(key, slice))?;
            let value = value.ok_or_else(|| fault("a value for every piece", format!("none for {ranges:?}")))?;
            let data = SavedTensorSlices::decode(&value[..])
                .map_err(|e| fault("a SavedTensorSlices", e.to_string()))?
                .data
                .and_then(|data| data.data)
                .ok_or_else(|| fault("a piece's data", "none".into()))?;
            let buffer = buffer_of(data, dtype, count)
                .ok_or_else(|| fault(&format!("{count} elements of {dtype}"), "another number or type".into()))?;
            covered = covered.saturating_add(count);
            pieces.push((ranges, buffer));
        }
        if covered != elements {
            return Err(fault(&format!("pieces of {elements} elements"), format!("pieces of {covered}")));
        }
        if slices::overlap(pieces.iter().map(|(ranges, _)| ranges.as_slice())) {
            return Err(fault("pieces that do not overlap", "some that do".into()));
        }
        let mut whole = Buffer::zeros(dtype, elements).map_err(Error::tensor(key))?;
        for (ranges, piece) in &pieces {
            slices::copy_piece(&mut whole, &entry.shape, ranges, piece)
                .ok_or_else(|| fault("pieces of the tensor's type", format!("{} of {}", piece.len(), piece.dtype())))?;
        }
        Ok(whole)
    }

    fn value(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        for (_, table) in &self.files {
            if let Some(value) = table.get(key)? {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }
}

/// The elements of a message; `None` where they are not `count` of that type.
fn buffer_of(proto: TensorProto, dtype: DType, count: usize) -> Option<Buffer> {
    if !proto.tensor_content.is_empty() {
        let buffer = Buffer::from_bytes(dtype, &proto.tensor_content).ok()?;
        return (buffer.len() == count).then_some(buffer);
    }
    let narrow = |values: Vec<i32>| values.into_iter().map(|v| v as u16);
    let buffer = match dtype {
        DType::F32 => Buffer::F32(proto.float_val),
        DType::F64 => Buffer::F64(proto.double_val),
        DType::I32 => Buffer::I32(proto.int_val),
        DType::I16 => Buffer::I16(proto.int_val.into_iter().map(|v| v as i16).collect()),
        DType::I8 => Buffer::I8(proto.int_val.into_iter().map(|v| v as i8).collect()),
        DType::U8 => Buffer::U8(proto.int_val.into_iter().map(|v| v as u8).collect()),
        DType::U16 => Buffer::U16(narrow(proto.int_val).collect()),
        DType::U32 => Buffer::U32(proto.uint32_val),
        DType::U64 => Buffer::U64(proto.uint64_val),
        DType::I64 => Buffer::I64(proto.int64_val),
        DType::Bool => Buffer::Bool(proto.bool_val),
        DType::String => Buffer::String(proto.string_val),
        DType::F16 => Buffer::F16(narrow(proto.half_val).map(f16::from_bits).collect()),
        DType::BF16 => Buffer::BF16(narrow(proto.half_val).map(bf16::from_bits).collect()),
        DType::Complex64 => Buffer::Complex64(pairs(&proto.scomplex_val)),
        DType::Complex128 => Buffer::Complex128(pairs(&proto.dcomplex_val)),
        DType::Resource | DType::Variant => return None,
    };
    (buffer.len() == count).then_some(buffer)
}

fn pairs<T: Copy>(values: &[T]) -> Vec<[T; 2]> {
    values.chunks_exact(2).filter_map(|pair| Some([*pair.first()?, *pair.get(1)?])).collect()
}

/// The files `<prefix>-SSSSS-of-NNNNN`, where they are all there.
fn shards_of(prefix: &Path) -> Vec<PathBuf> {
    let name = prefix.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let dir = match prefix.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|file| {
            let file = file.file_name();
            let file = file.to_string_lossy();
            let numbers = file.strip_prefix(&name).and_then(|rest| rest.strip_prefix('-')?.split_once("-of-"));
            let digits = |text: &str| text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit());
            numbers.is_some_and(|(shard, shards)| digits(shard) && digits(shards))
        })
        .map(|file| file.path())
        .collect();
    files.sort();
    files
}
