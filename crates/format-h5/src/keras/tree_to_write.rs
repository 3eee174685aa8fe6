//! Trees of `vars` groups to write.

use std::io::Write;

use kerox_tensor::{DType, Tensor};

use crate::error::{Error, Result};
use crate::write::{Charset, Compression, Group, WriteAttribute};

/// A `.weights.h5` file to write, object by object.
///
/// # Example
/// ```
/// use kerox_format_h5::{H5File, keras::{TreeToWrite, WeightsTree}};
/// use kerox_tensor::Tensor;
///
/// let mut tree = TreeToWrite::new();
/// tree.object("layers/dense", Some("dense"), &[Tensor::scalar(1.0f32)])?;
/// tree.object("layers/dropout", Some("dropout"), &[])?;
/// let tree = WeightsTree::new(H5File::from_bytes("w.weights.h5", tree.to_bytes()?)?)?;
/// assert_eq!(tree.read("layers/dense")?[0], Tensor::scalar(1.0f32));
/// assert!(tree.object("layers/dropout").unwrap().variables.is_empty());
/// # Ok::<(), kerox_format_h5::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct TreeToWrite {
    root: Group,
    compression: Option<Compression>,
}

impl TreeToWrite {
    /// An empty tree.
    pub fn new() -> TreeToWrite {
        TreeToWrite::default()
    }

    /// Compresses the datasets of objects that are added from now on; Keras itself does not.
    #[must_use]
    pub fn compression(mut self, compression: Option<Compression>) -> TreeToWrite {
        self.compression = compression;
        self
    }

    /// Adds an object with its variables: the group `<path>/vars` with datasets `0`, `1`, ... An object without
    /// variables gets an empty group, which Keras 2.15 insists on. `name` is what Keras 3 notes; Keras 2 notes none.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for a second object at a path, [`Error::Unwritable`] for names HDF5 cannot hold.
    pub fn object(&mut self, path: &str, name: Option<&str>, variables: &[Tensor]) -> Result<()> {
        let numbered = variables.iter().enumerate().map(|(number, tensor)| (number, tensor.clone()));
        self.numbered(path, name, numbered)
    }

    /// As [`TreeToWrite::object`], with numbers of the caller's: a shard holds some of an object's variables.
    ///
    /// # Errors
    /// As [`TreeToWrite::object`].
    pub fn numbered(
        &mut self,
        path: &str,
        name: Option<&str>,
        variables: impl IntoIterator<Item = (usize, Tensor)>,
    ) -> Result<()> {
        let variables = variables.into_iter().map(|(number, tensor)| (number.to_string(), tensor));
        self.named(path, name, variables)
    }

    /// As [`TreeToWrite::object`], with names of the caller's: `idf_weights` of lookup layers.
    ///
    /// # Errors
    /// As [`TreeToWrite::object`].
    pub fn named(
        &mut self,
        path: &str,
        name: Option<&str>,
        variables: impl IntoIterator<Item = (String, Tensor)>,
    ) -> Result<()> {
        let path = path.trim_matches('/');
        let vars = if path.is_empty() { "vars".to_string() } else { format!("{path}/vars") };
        let compression = self.compression;
        let group = self.root.group(&vars)?;
        if !group.is_empty() {
            return Err(Error::Duplicate { path: format!("/{vars}") });
        }
        if let Some(name) = name {
            group.attribute("name", WriteAttribute::String(name.to_string(), Charset::Utf8));
        }
        for (number, tensor) in variables {
            let is_bf16 = tensor.dtype() == DType::BF16;
            match compression {
                Some(compression) => group.compressed(&number, tensor, compression)?,
                None => group.dataset(&number, tensor)?,
            }
            if is_bf16 {
                let dtype = WriteAttribute::String("bfloat16".to_string(), Charset::Utf8);
                group.dataset_attribute(&number, "dtype", dtype)?;
            }
        }
        Ok(())
    }

    /// The groups and datasets so far, for what has no form of its own here.
    pub fn root(&mut self) -> &mut Group {
        &mut self.root
    }

    /// Writes the file from front to back.
    ///
    /// # Errors
    /// As [`Group::write_to`].
    pub fn write_to(&self, out: &mut dyn Write) -> Result<()> {
        self.root.write_to(out)
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// As [`TreeToWrite::write_to`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.root.to_bytes()
    }
}
