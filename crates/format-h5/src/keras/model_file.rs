//! Whole-model and weights files of Keras 1, 2 and 3's legacy writer.

use kerox_tensor::trackable::TensorSource;
use kerox_tensor::{DType, Shape, Tensor};

use super::names;
use crate::error::{Error, Result};
use crate::{H5File, Kind};

/// A whole-model or weights file: texts and names in memory, weights in the file until they are read.
///
/// ```text
/// /                  @backend @keras_version @model_config @training_config
/// /model_weights     @backend @keras_version @layer_names        (weights files have this at the root)
/// /model_weights/L   @weight_names   datasets L/<weight name>, a name may hold several `/`
/// /optimizer_weights @weight_names   datasets <weight name>
/// ```
///
/// # Example
/// ```
/// use kerox_format_h5::{H5File, keras::{LayerToWrite, ModelFile, ModelToWrite}};
/// use kerox_tensor::Tensor;
///
/// let mut model = ModelToWrite::weights("2.15.0");
/// let kernel = Tensor::from_vec(vec![1.0f32, 2.0], [2, 1])?;
/// model.layers.push(LayerToWrite::new("dense", [("dense/kernel:0", kernel)]));
/// let file = ModelFile::new(H5File::from_bytes("w.h5", model.to_bytes()?)?)?;
/// let weight = &file.layer("dense").unwrap().weights[0];
/// assert_eq!(weight.path, "dense/dense/kernel:0");
/// assert_eq!(file.read(weight)?.as_slice::<f32>()?, [1.0, 2.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ModelFile {
    file: H5File,
    /// The architecture as JSON text; `None` in weights files.
    pub model_config: Option<String>,
    /// What `compile` was given as JSON text; `None` for a model that was not compiled.
    pub training_config: Option<String>,
    /// The version of Keras that wrote the weights; `None` before Keras 2, whose kernels have other layouts.
    pub keras_version: Option<String>,
    /// The backend that wrote the weights: `tensorflow`, `theano`, `cntk`, `jax`, `torch`.
    pub backend: Option<String>,
    /// The layers in the model's order, those without weights too.
    pub layers: Vec<LayerWeights>,
    /// Weights that belong to the model itself.
    pub top_level: Vec<Weight>,
    /// The optimizer's variables in its own order; `None` where none were saved.
    pub optimizer: Option<Vec<Weight>>,
}

/// The weights of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerWeights {
    /// The layer's name, which is its group's.
    pub name: String,
    /// The weights in Keras's order: trainable ones, then others.
    pub weights: Vec<Weight>,
}

/// A weight that can be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    /// The name Keras gave it: `dense/kernel:0`.
    pub name: String,
    /// The dataset's path without leading `/`.
    pub path: String,
    /// The type of the elements.
    pub dtype: DType,
    /// The lengths of the axes.
    pub shape: Shape,
}

/// The group for the model's own weights.
pub(super) const TOP_LEVEL: &str = "top_level_model_weights";

impl ModelFile {
    /// Opens a file by its path.
    ///
    /// # Errors
    /// As [`H5File::open`] and [`ModelFile::new`].
    pub fn open(path: impl AsRef<std::path::Path>) -> Result<ModelFile> {
        ModelFile::new(H5File::open(path)?)
    }

    /// Reads the names and texts of an open file.
    ///
    /// # Errors
    /// [`Error::Missing`] for a file without `layer_names`, a layer without its group, a weight without its dataset;
    /// [`Error::Attribute`] for attributes of another type.
    pub fn new(file: H5File) -> Result<ModelFile> {
        let whole = file.kind("model_weights") == Some(Kind::Group);
        let root = if whole { "model_weights" } else { "" };
        let text = |path: &str, name: &str| names::text(&file, path, name);
        let layer_names = names::read(&file, root, "layer_names")?.ok_or_else(|| Error::Missing {
            file: file.name().to_string(),
            path: format!("/{root}@layer_names"),
            kind: "attribute",
            found: describe_attributes(&file, root),
        })?;
        let mut layers = Vec::with_capacity(layer_names.len());
        for name in layer_names {
            let weights = weights(&file, &join(root, &name), true)?;
            layers.push(LayerWeights { name, weights });
        }
        let top_level = join(root, TOP_LEVEL);
        let top_level = match file.kind(&top_level) {
            // A layer of that name is a layer.
            Some(Kind::Group) if !layers.iter().any(|layer| layer.name == TOP_LEVEL) => {
                weights(&file, &top_level, false)?
            }
            _ => Vec::new(),
        };
        let optimizer = match file.kind("optimizer_weights") {
            Some(Kind::Group) if whole => Some(weights(&file, "optimizer_weights", false)?),
            _ => None,
        };
        let either = |name: &str| Ok::<_, Error>(text(root, name)?.or(text("", name)?));
        Ok(ModelFile {
            model_config: text("", "model_config")?,
            training_config: text("", "training_config")?,
            keras_version: either("keras_version")?,
            backend: either("backend")?,
            layers,
            top_level,
            optimizer,
            file,
        })
    }

    /// The file behind.
    pub fn file(&self) -> &H5File {
        &self.file
    }

    /// The layer of that name.
    pub fn layer(&self, name: &str) -> Option<&LayerWeights> {
        self.layers.iter().find(|layer| layer.name == name)
    }

    /// Reads one weight and nothing else.
    ///
    /// # Errors
    /// As [`TensorSource::tensor`] of [`H5File`].
    pub fn read(&self, weight: &Weight) -> Result<Tensor> {
        self.file.tensor(&weight.path)
    }
}

fn join(group: &str, name: &str) -> String {
    let name = name.trim_matches('/');
    if group.is_empty() { name.to_string() } else { format!("{group}/{name}") }
}

/// The weights that a group's `weight_names` lists. A layer without that attribute has none, Keras says.
fn weights(file: &H5File, group: &str, needed: bool) -> Result<Vec<Weight>> {
    if file.kind(group) != Some(Kind::Group) {
        return if needed { Err(file.missing("group", group)) } else { Ok(Vec::new()) };
    }
    let mut weights = Vec::new();
    for name in names::read(file, group, "weight_names")?.unwrap_or_default() {
        let path = join(group, &name);
        let info = file.info(&path)?;
        weights.push(Weight { name, path, dtype: info.dtype, shape: info.shape });
    }
    Ok(weights)
}

fn describe_attributes(file: &H5File, path: &str) -> String {
    let names = file.attribute_names(path).unwrap_or_default();
    let members = file.members(path).map(|members| members.len()).unwrap_or(0);
    let names: Vec<String> = names.iter().take(8).map(|name| format!("`{name}`")).collect();
    match names.is_empty() {
        true => format!("no attributes and {members} members; this is no file of `save` or `save_weights` to `.h5`"),
        false => format!("only {}", names.join(", ")),
    }
}
