//! SavedModels that run.

use std::path::Path;

use crate::{GraphModel, Result};

/// Opens a SavedModel: of Keras, of `tf.Module`, or of TensorFlow 1. `tags` choose one of its graphs; without any it is
/// the only one.
///
/// Values of variables are read when they are first needed; the model's initializer (tables filled from assets) has
/// run.
///
/// # Errors
/// [`crate::Error::Format`] where the directory is no SavedModel or its messages contradict themselves,
/// [`crate::Error::Invalid`] where a data file of the checkpoint is missing.
///
/// # Source
/// `tf.saved_model.load`, `tf.compat.v1.saved_model.load`.
pub fn load(dir: impl AsRef<Path>, tags: &[&str]) -> Result<GraphModel> {
    GraphModel::open(dir.as_ref(), tags)
}
