//! Open safetensors files.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use kerox_tensor::trackable::{TensorInfo, TensorSource};
use kerox_tensor::{Buffer, DType, Tensor};

use crate::error::{Error, Result};
use crate::header::{self, Entry, MAX_HEADER};
use crate::read_at::{FileAt, ReadAt};

/// An open safetensors file: its header in memory, its data where they are until a tensor is asked for. Clones share
/// the file.
///
/// # Example
/// ```
/// use kerox_format_safetensors::{SafetensorsFile, SafetensorsToWrite};
/// use kerox_tensor::{Tensor, trackable::TensorSource};
///
/// let mut file = SafetensorsToWrite::new();
/// file.metadata.insert("format".into(), "keras".into());
/// file.add("dense/kernel", Tensor::scalar(1.5f32))?;
/// let file = SafetensorsFile::from_bytes("m.safetensors", file.to_bytes()?)?;
/// assert_eq!(file.metadata()["format"], "keras");
/// assert_eq!(file.tensor("dense/kernel")?, Tensor::scalar(1.5f32));
/// # Ok::<(), kerox_format_safetensors::Error>(())
/// ```
#[derive(Clone)]
pub struct SafetensorsFile {
    name: String,
    source: Arc<dyn ReadAt>,
    data: u64,
    entries: Arc<BTreeMap<String, Entry>>,
    metadata: Arc<BTreeMap<String, String>>,
}

impl SafetensorsFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Header`], [`Error::Entry`].
    pub fn open(path: impl AsRef<Path>) -> Result<SafetensorsFile> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let io = |source| Error::Io { operation: "open safetensors file", file: name.clone(), source };
        let file = File::open(path).and_then(FileAt::new).map_err(io)?;
        SafetensorsFile::from_source(name, Arc::new(file))
    }

    /// Opens a file in memory. `name` stands for it in errors.
    ///
    /// # Errors
    /// As [`SafetensorsFile::open`].
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Result<SafetensorsFile> {
        SafetensorsFile::from_source(name, Arc::new(bytes.into()))
    }

    /// Opens a file that lies anywhere.
    ///
    /// # Errors
    /// As [`SafetensorsFile::open`].
    pub fn from_source(name: impl Into<String>, source: Arc<dyn ReadAt>) -> Result<SafetensorsFile> {
        let name = name.into();
        let wrong = |expected: String, found: String| Error::Header { file: name.clone(), expected, found };
        let io = |source| Error::Io { operation: "read safetensors file", file: name.clone(), source };
        let size = source.size();
        let Some(after) = size.checked_sub(8) else {
            return Err(wrong("a header".into(), format!("{size} bytes")));
        };
        let mut len = [0; 8];
        source.read_exact_at(&mut len, 0).map_err(io)?;
        let len = u64::from_le_bytes(len);
        if len > MAX_HEADER.min(after) {
            return Err(wrong(format!("a header of at most {} bytes", MAX_HEADER.min(after)), len.to_string()));
        }
        let mut json = vec![0; len as usize];
        source.read_exact_at(&mut json, 8).map_err(io)?;
        let (entries, metadata) = header::parse(&name, &json, after - len)?;
        let (entries, metadata) = (Arc::new(entries), Arc::new(metadata));
        Ok(SafetensorsFile { name, source, data: 8 + len, entries, metadata })
    }

    /// The texts under `__metadata__`.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The names of all tensors, sorted; also of those whose type is unknown here.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }
}

/// Bytes that are handed over at a time.
const BLOCK: u64 = 1 << 20;

impl SafetensorsFile {
    fn entry(&self, name: &str) -> Result<(&Entry, DType)> {
        let file = || self.name.clone();
        let missing = || Error::Missing { file: file(), name: name.into(), count: self.entries.len() };
        let entry = self.entries.get(name).ok_or_else(missing)?;
        match &entry.dtype {
            Ok(dtype) => Ok((entry, *dtype)),
            Err(found) => Err(Error::Type { file: file(), name: name.into(), found: found.clone() }),
        }
    }
}

impl fmt::Debug for SafetensorsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SafetensorsFile({:?}, {} tensors)", self.name, self.entries.len())
    }
}

/// All tensors by name. Those of types that are unknown here (8-bit floats) are left out.
impl TensorSource for SafetensorsFile {
    type Error = Error;

    fn entries(&self) -> Vec<TensorInfo> {
        let info = |(name, entry): (&String, &Entry)| {
            let dtype = *entry.dtype.as_ref().ok()?;
            Some(TensorInfo { name: name.clone(), dtype, shape: entry.shape.clone() })
        };
        self.entries.iter().filter_map(info).collect()
    }

    fn tensor(&self, name: &str) -> Result<Tensor> {
        let file = || self.name.clone();
        let (entry, dtype) = self.entry(name)?;
        let io = |source| Error::Io { operation: "read safetensors file", file: file(), source };
        let bad = |source| Error::Tensor { file: file(), name: name.into(), source };
        let elements = entry.shape.checked_elements().map_err(bad)?;
        let at = self.data + entry.start;
        if dtype == DType::Bool {
            let mut bytes = vec![0; elements];
            self.source.read_exact_at(&mut bytes, at).map_err(io)?;
            return Tensor::from_bytes(dtype, entry.shape.clone(), &bytes).map_err(bad);
        }
        let mut buffer = Buffer::zeros(dtype, elements).map_err(bad)?;
        if let Some(bytes) = buffer.as_bytes_mut() {
            self.source.read_exact_at(bytes, at).map_err(io)?;
        }
        Tensor::from_buffer(buffer, entry.shape.clone()).map_err(bad)
    }

    fn for_each_block(&self, name: &str, f: &mut dyn FnMut(&[u8])) -> Result<()> {
        let (entry, dtype) = self.entry(name)?;
        if dtype == DType::Bool {
            f(self.tensor(name)?.as_bytes().unwrap_or_default());
            return Ok(());
        }
        let size = entry.end - entry.start;
        let mut block = vec![0; size.min(BLOCK) as usize];
        let mut done = 0;
        while done < size {
            let part = block.get_mut(..(size - done).min(BLOCK) as usize).unwrap_or_default();
            let io = |source| Error::Io { operation: "read safetensors file", file: self.name.clone(), source };
            self.source.read_exact_at(part, self.data + entry.start + done).map_err(io)?;
            f(part);
            done += part.len() as u64;
        }
        Ok(())
    }
}
