//! Whole-model and weights files to write.

use std::io::Write;

use kerox_tensor::Tensor;

use super::model_file::TOP_LEVEL;
use super::names;
use crate::error::{Error, Result};
use crate::write::{Charset, Compression, Group, WriteAttribute};

/// A name and its tensor.
pub type NamedTensor = (String, Tensor);

/// A whole-model or weights file to write, as Keras 2.15 and Keras 3's legacy writer write it.
///
/// The two differ in the names only, which are the caller's: `dense/kernel:0` and `iteration:0`,
/// `Adam/m/dense/kernel:0` in Keras 2.15, `sequential/dense/kernel` and `adam/iteration`, `adam/learning_rate`,
/// `adam/sequential_dense_kernel_momentum` in Keras 3.
#[derive(Clone, Debug)]
pub struct ModelToWrite {
    /// Architecture and optimizer; `None` for a weights file.
    pub whole: Option<WholeModel>,
    /// The version of Keras whose layouts the weights have. Without it Keras takes them for Keras 1's.
    pub keras_version: String,
    /// The backend, `tensorflow` for all files of Keras 2.
    pub backend: String,
    /// The layers in the model's order, those without weights too.
    pub layers: Vec<LayerToWrite>,
    /// Weights that belong to the model itself.
    pub top_level: Vec<NamedTensor>,
    /// How datasets are compressed; Keras itself does not.
    pub compression: Option<Compression>,
}

/// What a whole-model file has beyond weights.
#[derive(Clone, Debug, Default)]
pub struct WholeModel {
    /// The architecture as JSON text.
    pub model_config: String,
    /// What `compile` was given as JSON text.
    pub training_config: Option<String>,
    /// The optimizer's variables in its own order; `None` to leave them out.
    pub optimizer: Option<Vec<NamedTensor>>,
}

/// A layer to write.
#[derive(Clone, Debug)]
pub struct LayerToWrite {
    /// The layer's name.
    pub name: String,
    /// The weights in Keras's order: trainable ones, then others.
    pub weights: Vec<NamedTensor>,
}

impl LayerToWrite {
    /// A layer with its weights.
    pub fn new<N: Into<String>>(name: impl Into<String>, weights: impl IntoIterator<Item = (N, Tensor)>) -> Self {
        LayerToWrite { name: name.into(), weights: weights.into_iter().map(|(n, t)| (n.into(), t)).collect() }
    }
}

impl ModelToWrite {
    /// A weights file without layers so far, backend `tensorflow`.
    pub fn weights(keras_version: impl Into<String>) -> ModelToWrite {
        ModelToWrite {
            whole: None,
            keras_version: keras_version.into(),
            backend: "tensorflow".into(),
            layers: Vec::new(),
            top_level: Vec::new(),
            compression: None,
        }
    }

    /// A whole-model file without layers so far, backend `tensorflow`.
    pub fn whole(keras_version: impl Into<String>, whole: WholeModel) -> ModelToWrite {
        ModelToWrite { whole: Some(whole), ..ModelToWrite::weights(keras_version) }
    }

    /// The groups and datasets.
    ///
    /// # Errors
    /// [`Error::Duplicate`] for two layers or two weights of one name, [`Error::Unwritable`] for names HDF5 cannot
    /// hold.
    pub fn to_group(&self) -> Result<Group> {
        let mut root = Group::new();
        let weights_at = match &self.whole {
            Some(whole) => {
                let text = |text: &str, charset| WriteAttribute::String(text.to_string(), charset);
                root.attribute("keras_version", text(&self.keras_version, Charset::Utf8));
                root.attribute("backend", text(&self.backend, Charset::Utf8));
                root.attribute("model_config", text(&whole.model_config, Charset::Ascii));
                if let Some(training_config) = &whole.training_config {
                    root.attribute("training_config", text(training_config, Charset::Ascii));
                }
                "model_weights"
            }
            None => "",
        };
        let group = root.group(weights_at)?;
        let layer_names = self.layers.iter().map(|layer| layer.name.clone()).collect();
        names::write(group, weights_at, "layer_names", layer_names)?;
        for (name, value) in [("backend", &self.backend), ("keras_version", &self.keras_version)] {
            group.attribute(name, WriteAttribute::String(value.clone(), Charset::Ascii));
        }
        let mut seen = std::collections::HashSet::new();
        for layer in &self.layers {
            if !seen.insert(layer.name.trim_matches('/')) {
                return Err(Error::Duplicate { path: format!("{weights_at}/{}", layer.name) });
            }
            self.put(group, &layer.name, &layer.weights)?;
        }
        if !seen.contains(TOP_LEVEL) || !self.top_level.is_empty() {
            self.put(group, TOP_LEVEL, &self.top_level)?;
        }
        if let Some(optimizer) = self.whole.as_ref().and_then(|whole| whole.optimizer.as_ref()) {
            self.put(&mut root, "optimizer_weights", optimizer)?;
        }
        Ok(root)
    }

    /// Writes the file from front to back.
    ///
    /// # Errors
    /// As [`ModelToWrite::to_group`], before anything is written; as [`Group::write_to`].
    pub fn write_to(&self, out: &mut dyn Write) -> Result<()> {
        self.to_group()?.write_to(out)
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// As [`ModelToWrite::write_to`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.to_group()?.to_bytes()
    }

    fn put(&self, parent: &mut Group, path: &str, weights: &[NamedTensor]) -> Result<()> {
        let group = parent.group(path)?;
        names::write(group, path, "weight_names", weights.iter().map(|(name, _)| name.clone()).collect())?;
        for (name, tensor) in weights {
            let path = name.trim_matches('/');
            match self.compression {
                Some(compression) => group.compressed(path, tensor.clone(), compression)?,
                None => group.dataset(path, tensor.clone())?,
            }
        }
        Ok(())
    }
}
