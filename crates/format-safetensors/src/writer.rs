//! safetensors files to write.

use std::collections::BTreeMap;
use std::io::Write;

use kerox_tensor::Tensor;
use kerox_tensor::trackable::TensorSink;
use serde_json::{Map, Value, json};

use crate::element;
use crate::error::{Error, Result};
use crate::header::MAX_HEADER;

/// A safetensors file to write; tensors are shared, not copied. The same tensors give the same bytes, in whatever
/// order they were added: larger elements come first, then names decide, as in the reference writer.
#[derive(Clone, Debug, Default)]
pub struct SafetensorsToWrite {
    /// Texts for `__metadata__`: a whole model has its config here.
    pub metadata: BTreeMap<String, String>,
    tensors: BTreeMap<String, Tensor>,
}

impl SafetensorsToWrite {
    /// A file without tensors.
    pub fn new() -> SafetensorsToWrite {
        SafetensorsToWrite::default()
    }

    /// Adds a tensor.
    ///
    /// # Errors
    /// [`Error::Duplicate`], [`Error::Unwritable`] for strings and complex128.
    pub fn add(&mut self, name: impl Into<String>, tensor: Tensor) -> Result<()> {
        let name = name.into();
        if element::name(tensor.dtype()).is_none() || name == "__metadata__" {
            return Err(Error::Unwritable { name, found: tensor.dtype().to_string() });
        }
        if self.tensors.contains_key(&name) {
            return Err(Error::Duplicate { name });
        }
        self.tensors.insert(name, tensor);
        Ok(())
    }

    /// Writes the file from front to back.
    ///
    /// # Errors
    /// [`Error::Header`] for a header of over 100 MB, before anything is written; [`Error::Io`].
    pub fn write_to(&self, out: &mut dyn Write) -> Result<()> {
        let mut tensors: Vec<(&String, &Tensor)> = self.tensors.iter().collect();
        tensors.sort_by_key(|(name, tensor)| (std::cmp::Reverse(tensor.dtype().size()), *name));
        let mut header = Map::new();
        if !self.metadata.is_empty() {
            header.insert("__metadata__".into(), json!(self.metadata));
        }
        let mut at = 0;
        for (name, tensor) in &tensors {
            let end = at + tensor.as_bytes().map_or(0, <[u8]>::len);
            let dtype = element::name(tensor.dtype()).unwrap_or_default();
            let entry = json!({ "dtype": dtype, "shape": tensor.shape().to_vec(), "data_offsets": [at, end] });
            header.insert((*name).clone(), entry);
            at = end;
        }
        let mut header = Value::Object(header).to_string().into_bytes();
        header.resize(header.len().next_multiple_of(8), b' ');
        if header.len() as u64 > MAX_HEADER {
            return Err(Error::Header {
                file: "output".into(),
                expected: format!("a header of at most {MAX_HEADER} bytes"),
                found: header.len().to_string(),
            });
        }
        let io = |source| Error::Io { operation: "write safetensors file", file: "output".into(), source };
        out.write_all(&(header.len() as u64).to_le_bytes()).map_err(io)?;
        out.write_all(&header).map_err(io)?;
        for (_, tensor) in tensors {
            out.write_all(tensor.as_bytes().unwrap_or(&[])).map_err(io)?;
        }
        out.flush().map_err(io)
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// As [`SafetensorsToWrite::write_to`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes)?;
        Ok(bytes)
    }
}

impl TensorSink for SafetensorsToWrite {
    type Error = Error;

    fn put(&mut self, name: &str, tensor: &Tensor) -> Result<()> {
        self.add(name, tensor.clone())
    }
}
