//! What is in a file, whatever its format.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kerox_config_json::{Generation, Limits, ModelDocument, Value as Json};
use kerox_format_keras::KerasFile;
use kerox_format_savedmodel::Signature;
use kerox_tensor::Tensor;
use kerox_tensor::trackable::{TensorInfo, TensorSource};

use super::formats::{self, Format};
use super::remote::{self, Fetched};
use super::save_options::Dialect;
use super::saved_model::SavedKeras;
use super::{Error, Result, h5, json, keras_v3, safetensors};

/// Named tensors of an open file of any format.
pub trait Tensors: Send + Sync {
    /// Names, types and shapes, sorted by name.
    fn entries(&self) -> Vec<TensorInfo>;

    /// Type and shape of one tensor.
    fn info(&self, name: &str) -> Option<TensorInfo> {
        self.entries().into_iter().find(|info| info.name == name)
    }

    /// Reads one tensor and nothing else.
    ///
    /// # Errors
    /// Where it is not there or damaged.
    fn read(&self, name: &str) -> Result<Tensor>;

    /// Hands over the bytes of one tensor of numbers, little-endian and in row-major order, block by block where the
    /// format can. Strings have no bytes in a row: nothing is handed over.
    ///
    /// # Errors
    /// As [`Tensors::read`].
    fn for_each_block(&self, name: &str, f: &mut dyn FnMut(&[u8])) -> Result<()> {
        f(self.read(name)?.as_bytes().unwrap_or_default());
        Ok(())
    }
}

impl<T: TensorSource + Send + Sync> Tensors for T
where
    Error: From<T::Error>,
{
    fn entries(&self) -> Vec<TensorInfo> {
        TensorSource::entries(self)
    }

    fn read(&self, name: &str) -> Result<Tensor> {
        Ok(self.tensor(name)?)
    }

    fn for_each_block(&self, name: &str, f: &mut dyn FnMut(&[u8])) -> Result<()> {
        Ok(TensorSource::for_each_block(self, name, f)?)
    }
}

/// A weight in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedWeight {
    /// The name Keras gave it.
    pub name: String,
    /// The tensor's name in the file.
    pub key: String,
}

/// A layer in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedLayer {
    /// Its name.
    pub name: String,
    /// Its weights in order.
    pub weights: Vec<SavedWeight>,
}

/// An object of a tree in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedObject {
    /// Its path: `layers/dense`.
    pub path: String,
    /// The names of its variables' tensors in order.
    pub keys: Vec<String>,
}

/// How a file names its weights.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SavedWeights {
    /// There are none.
    None,
    /// By layers, as legacy HDF5 does.
    Layers {
        /// The layers in the model's order.
        layers: Vec<SavedLayer>,
        /// The model's own weights.
        top_level: Vec<SavedWeight>,
    },
    /// By the path of objects, as `.keras` does.
    Tree(Vec<SavedObject>),
    /// By the path of layers and attributes, as safetensors here.
    Named,
    /// By the graph of objects of a TensorFlow checkpoint with that prefix.
    Checkpoint(PathBuf),
}

/// An open file: texts in memory, tensors in the file until they are asked for.
#[derive(Clone)]
pub struct Package {
    /// The format.
    pub format: Format,
    /// Where it is.
    pub path: PathBuf,
    /// The architecture as text.
    pub config: Option<String>,
    /// What the model was compiled with, as the file has it.
    pub training_config: Option<Json>,
    /// The version of Keras that wrote it.
    pub keras_version: Option<String>,
    /// The backend that wrote it.
    pub backend: Option<String>,
    /// How the weights are named.
    pub weights: SavedWeights,
    /// The names of the optimizer's tensors in order.
    pub optimizer: Option<Vec<String>>,
    /// Data files, where there may be several.
    pub shards: Option<usize>,
    /// What can be computed by name, in a SavedModel.
    pub signatures: Vec<Signature>,
    /// The archive, for its assets.
    pub archive: Option<KerasFile>,
    /// What Keras saved of a SavedModel's objects.
    pub(super) saved_keras: Option<Arc<SavedKeras>>,
    tensors: Arc<dyn Tensors>,
    /// The copy this was opened from, where the path is an address.
    pub(super) fetched: Option<Fetched>,
}

impl std::fmt::Debug for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Package({} `{}`)", self.format.name, self.path.display())
    }
}

impl Package {
    /// Opens a file of any format.
    ///
    /// # Errors
    /// As [`super::detect`]; errors of the format.
    pub fn open(path: impl AsRef<Path>) -> Result<Package> {
        let path = path.as_ref();
        if let Some(fetched) = remote::fetch(path)? {
            let mut package = (super::detect(&fetched.path)?.open)(&fetched.path)?;
            package.fetched = Some(fetched);
            return Ok(package);
        }
        (super::detect(path)?.open)(path)
    }

    /// Opens the content of a file of one of the formats that are one file: HDF5, `.keras`, safetensors, JSON.
    /// `name` stands for it in errors.
    ///
    /// # Errors
    /// [`Error::Unknown`] for other bytes; errors of the format.
    pub fn from_bytes(name: &str, bytes: impl Into<Vec<u8>>) -> Result<Package> {
        let (path, bytes) = (Path::new(name), bytes.into());
        let head = &bytes[..bytes.len().min(4096)];
        let open = |bytes| kerox_format_h5::H5File::from_bytes(name, bytes);
        if !formats::is_archive(head) && formats::begins_as_hdf5(&bytes) {
            let file = open(bytes)?;
            return match formats::of_hdf5(&file) {
                f if f == formats::KERAS_WEIGHTS_H5 => keras_v3::of_weights(file, path),
                _ => h5::of_file(file, path),
            };
        }
        match formats::by_head(path, head, bytes.len() as u64) {
            Some(f) if f == formats::KERAS_V3 => keras_v3::of_archive(KerasFile::from_bytes(name, bytes)?, path),
            Some(f) if f == formats::SAFETENSORS => {
                safetensors::of_file(kerox_format_safetensors::SafetensorsFile::from_bytes(name, bytes)?, path)
            }
            Some(f) if f == formats::KERAS_JSON => json::of_bytes(bytes, path),
            _ => Err(formats::unknown(path, head)),
        }
    }

    pub(super) fn new(format: Format, path: impl Into<PathBuf>, tensors: Arc<dyn Tensors>) -> Package {
        Package {
            format,
            path: path.into(),
            config: None,
            training_config: None,
            keras_version: None,
            backend: None,
            weights: SavedWeights::None,
            optimizer: None,
            shards: None,
            signatures: Vec::new(),
            archive: None,
            saved_keras: None,
            tensors,
            fetched: None,
        }
    }

    /// Every tensor, sorted by name.
    pub fn tensors(&self) -> Vec<TensorInfo> {
        let mut entries = self.tensors.entries();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries
    }

    pub(super) fn infos(&self) -> HashMap<String, TensorInfo> {
        self.tensors.entries().into_iter().map(|info| (info.name.clone(), info)).collect()
    }

    /// Reads a tensor by its name in the file.
    ///
    /// # Errors
    /// Where it is not there or damaged.
    pub fn read(&self, name: &str) -> Result<Tensor> {
        self.tensors.read(name)
    }

    /// Type and shape of one tensor.
    pub fn info(&self, name: &str) -> Option<TensorInfo> {
        self.tensors.info(name)
    }

    /// Hands over the bytes of one tensor of numbers: see [`Tensors::for_each_block`].
    ///
    /// # Errors
    /// As [`Package::read`].
    pub fn for_each_block(&self, name: &str, f: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.tensors.for_each_block(name, f)
    }

    /// The architecture.
    ///
    /// # Errors
    /// [`Error::Content`] for a file of weights alone, [`Error::Config`] for a configuration that cannot be read.
    pub fn document(&self) -> Result<ModelDocument> {
        let Some(text) = &self.config else {
            return Err(Error::Content {
                operation: "load a model from",
                path: self.path.clone(),
                expected: "an architecture".into(),
                found: match self.weights {
                    SavedWeights::None => format!("a {} file without one", self.format.title),
                    _ => format!("weights only ({})", self.format.title),
                },
                help: "build the model and use `load_weights`".into(),
            });
        };
        ModelDocument::parse(text.as_bytes()).map_err(|source| Error::Config { path: self.path.clone(), source })
    }

    /// The architecture's JSON, without understanding it.
    ///
    /// # Errors
    /// [`Error::Config`] where it is no JSON.
    pub fn config_json(&self) -> Result<Option<Json>> {
        let parse = |text: &String| Json::parse_document(text.as_bytes(), &Limits::default());
        self.config.as_ref().map(parse).transpose().map_err(|source| Error::Config { path: self.path.clone(), source })
    }

    /// The dialect that the Keras which wrote the file understands; Keras 2.15's where it is not known.
    pub fn dialect(&self) -> Dialect {
        if self.generation() == Some(3) { Dialect::Keras3 } else { Dialect::Keras2 }
    }

    /// The generation of Keras that wrote the file: 1, 2 or 3, where it is known.
    pub fn generation(&self) -> Option<u32> {
        match &self.keras_version {
            Some(version) => version.split('.').next()?.parse().ok(),
            // JSON of Keras 3 names no version, and tells by its words.
            None => self.document().ok().filter(|document| document.generation == Generation::Keras3).map(|_| 3),
        }
    }
}

/// Tensors of a file that has none.
#[derive(Debug, Default)]
pub(super) struct NoTensors(pub PathBuf);

impl Tensors for NoTensors {
    fn entries(&self) -> Vec<TensorInfo> {
        Vec::new()
    }

    fn read(&self, name: &str) -> Result<Tensor> {
        Err(Error::Content {
            operation: "read a tensor from",
            path: self.0.clone(),
            expected: format!("a tensor `{name}`"),
            found: "a file without tensors".into(),
            help: "give the file with the weights".into(),
        })
    }
}
