//! `BackupAndRestore`.

use std::path::PathBuf;

use kerox_config_json::Value;

use super::{Callback, Context, Logs, SaveFreq};
use crate::saving::saver;
use crate::{Error, Result};

/// Backs a run up so that it goes on where it was interrupted: weights, optimizer, epoch, the order of the samples,
/// dropout's random numbers and what other callbacks have to keep.
///
/// # Source
/// `keras.callbacks.BackupAndRestore`, which keeps weights, optimizer and epoch.
#[derive(Clone, Debug)]
pub struct BackupAndRestore {
    directory: PathBuf,
    delete_checkpoint: bool,
    save_freq: SaveFreq,
}

const NAME: &str = "BackupAndRestore";

impl BackupAndRestore {
    /// Backs up into that directory after each epoch.
    pub fn new(backup_dir: impl Into<PathBuf>) -> BackupAndRestore {
        BackupAndRestore { directory: backup_dir.into(), delete_checkpoint: true, save_freq: SaveFreq::Epoch }
    }

    /// Whether the backups are removed at the end of the run; they are by default.
    #[must_use]
    pub fn delete_checkpoint(mut self, delete: bool) -> Self {
        self.delete_checkpoint = delete;
        self
    }

    fn failed(&self, what: &str) -> impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> Error + use<> {
        let event = format!("{what} `{}`", self.directory.display());
        move |source| Error::Callback { callback: NAME.into(), event, source }
    }
}

impl Callback for BackupAndRestore {
    fn class_name(&self) -> &str {
        NAME
    }

    fn takes_state(&self) -> bool {
        self.save_freq == SaveFreq::Epoch
    }

    fn on_train_begin(&mut self, cx: &mut Context<'_>) -> Result<()> {
        let state = saver(NAME)?.restore(cx.model, &self.directory).map_err(self.failed("restore"))?;
        cx.model.resume = state;
        Ok(())
    }

    fn on_state(&mut self, cx: &mut Context<'_>, state: &Value) -> Result<()> {
        saver(NAME)?.back_up(cx.model, &self.directory, state).map_err(self.failed("back up"))
    }

    fn on_train_end(&mut self, _: &mut Context<'_>, _: &Logs) -> Result<()> {
        if !self.delete_checkpoint {
            return Ok(());
        }
        saver(NAME)?.remove_backups(&self.directory).map_err(self.failed("remove"))
    }
}
