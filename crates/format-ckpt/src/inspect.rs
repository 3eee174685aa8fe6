//! Looking into checkpoints.

use std::path::Path;

use kerox_tensor::Tensor;
use kerox_tensor::trackable::{TensorInfo, TensorSource};

use crate::{CheckpointReader, Result, checkpoint_exists, latest_checkpoint};

/// Opens a checkpoint given by its prefix, or a directory's latest.
///
/// # Errors
/// As [`CheckpointReader::open`].
///
/// # Source
/// `tf.train.load_checkpoint`
pub fn load_checkpoint(prefix_or_dir: impl AsRef<Path>) -> Result<CheckpointReader> {
    let path = prefix_or_dir.as_ref();
    if path.is_dir()
        && !checkpoint_exists(path)
        && let Some(latest) = latest_checkpoint(path)?
    {
        return CheckpointReader::open(latest);
    }
    CheckpointReader::open(path)
}

/// Names, types and shapes of a checkpoint's tensors, sorted by name.
///
/// # Errors
/// As [`load_checkpoint`].
///
/// # Source
/// `tf.train.list_variables`
pub fn list_variables(prefix_or_dir: impl AsRef<Path>) -> Result<Vec<TensorInfo>> {
    Ok(load_checkpoint(prefix_or_dir)?.entries())
}

/// Reads one tensor of a checkpoint.
///
/// # Errors
/// As [`load_checkpoint`] and [`CheckpointReader::get_tensor`].
///
/// # Source
/// `tf.train.load_variable`
pub fn load_variable(prefix_or_dir: impl AsRef<Path>, key: &str) -> Result<Tensor> {
    load_checkpoint(prefix_or_dir)?.get_tensor(key)
}
