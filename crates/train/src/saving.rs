//! How callbacks write models: by whoever knows file formats. This crate knows none.

use std::error::Error as StdError;
use std::path::Path;
use std::sync::OnceLock;

use kerox_config_json::Value;

use crate::{Error, Model, Result};

/// The result of a saver.
pub type SaverResult<T> = std::result::Result<T, Box<dyn StdError + Send + Sync>>;

/// What a checkpoint holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Architecture, weights and optimizer: `model.save`.
    Whole,
    /// Weights: `model.save_weights`.
    Weights,
}

/// Writes and reads models.
pub trait ModelSaver: Send + Sync {
    /// Writes a model to a path, whose form follows from the path; missing directories are made.
    ///
    /// # Errors
    /// Where it cannot be written; what was there before is then unchanged.
    fn save(&self, model: &Model, path: &str, content: Content) -> SaverResult<()>;
    /// Reads weights written by [`ModelSaver::save`].
    ///
    /// # Errors
    /// Where they do not fit; the model is then unchanged.
    fn load_weights(&self, model: &mut Model, path: &str) -> SaverResult<()>;
    /// Removes what [`ModelSaver::save`] wrote at that path.
    ///
    /// # Errors
    /// Where it cannot be removed.
    fn remove(&self, path: &str) -> SaverResult<()>;
    /// Writes model, optimizer and the state of a run into a directory.
    ///
    /// # Errors
    /// Where it cannot be written; what was there before is then unchanged.
    fn back_up(&self, model: &Model, directory: &Path, state: &Value) -> SaverResult<()>;
    /// Reads the latest backup of a directory; `None` where there is none.
    ///
    /// # Errors
    /// Where it does not fit; the model is then unchanged.
    fn restore(&self, model: &mut Model, directory: &Path) -> SaverResult<Option<Value>>;
    /// Removes the backups of a directory.
    ///
    /// # Errors
    /// Where they cannot be removed.
    fn remove_backups(&self, directory: &Path) -> SaverResult<()>;
}

static SAVER: OnceLock<Box<dyn ModelSaver>> = OnceLock::new();

/// Installs the saver of this process; false where there is one already.
pub fn install(saver: impl ModelSaver + 'static) -> bool {
    SAVER.set(Box::new(saver)).is_ok()
}

/// The saver of this process.
///
/// # Errors
/// [`Error::Argument`] where none is installed.
pub(crate) fn saver(callback: &str) -> Result<&'static dyn ModelSaver> {
    let expected = "a saver installed by `saving::install`, as the umbrella crate does";
    SAVER.get().map(|saver| &**saver).ok_or_else(|| Error::argument(callback, "filepath", expected, "none"))
}
