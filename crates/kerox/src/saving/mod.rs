//! Reading and writing files: the only place that maps layers to keys in files.

mod checkpoint;

use std::path::Path;

pub use checkpoint::ModelNode;
pub use kerox_format_ckpt::{
    Checkpoint, CheckpointManager, LoadStatus, ManagerOptions, WriteOptions, latest_checkpoint, list_variables,
    load_checkpoint, load_variable,
};

use kerox_train::Model;

/// The result of reading and writing files.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong while reading and writing files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A TensorFlow checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] kerox_format_ckpt::Error),
    /// A layer.
    #[error(transparent)]
    Layer(#[from] kerox_layers::Error),
    /// The training state.
    #[error(transparent)]
    Train(#[from] kerox_train::Error),
}

/// Saving and loading as methods of a model.
pub trait ModelSaving {
    /// Writes the weights, and the optimizer's state where there is one, as a TensorFlow checkpoint with that prefix.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where the files cannot be written; what was there before is still there.
    ///
    /// # Source
    /// `keras.Model.save_weights`.
    fn save_weights(&self, path: impl AsRef<Path>) -> Result<()>;

    /// Reads weights, and the optimizer's state where both have one. Variables the model has yet to create get their
    /// values when they are created.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] where the files cannot be read or a tensor does not fit; the model is then as it was.
    ///
    /// # Source
    /// `keras.Model.load_weights`.
    fn load_weights(&self, path: impl AsRef<Path>) -> Result<LoadStatus>;
}

impl ModelSaving for Model {
    fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        self.ensure_built()?;
        Ok(kerox_format_ckpt::save_weights(ModelNode::of(self), path, &WriteOptions::new())?)
    }

    fn load_weights(&self, path: impl AsRef<Path>) -> Result<LoadStatus> {
        self.ensure_built()?;
        Ok(kerox_format_ckpt::load_weights(ModelNode::of(self), path)?)
    }
}
