//! How callbacks write models: through this module's formats.

use std::fs;
use std::path::Path;

use kerox_config_json::{Style, Value};
use kerox_format_ckpt::WriteOptions;
use kerox_fs::{AtomicDir, Snapshot};
use kerox_train::Model;
use kerox_train::saving::{Content, ModelSaver, SaverResult};

use super::{ModelNode, ModelSaving, SaveOptions, remote};

/// Makes callbacks write models through this crate. Models made through [`crate::models`] and [`crate::prelude::Input`]
/// and loading do so by themselves; a program that makes its models otherwise calls this once.
pub fn install() {
    install_with(SaveOptions::new());
}

/// As [`install`], with the options with which models and weights are written: the dialect, say. Called before any other
/// of this module's functions, or it is too late.
///
/// # Example
/// ```
/// use kerox::saving::{Dialect, SaveOptions, install_with};
/// install_with(SaveOptions::new().dialect(Dialect::Keras3));
/// ```
pub fn install_with(options: SaveOptions) {
    // Whoever was first stays: a program may have installed a saver of its own.
    let _ = kerox_train::saving::install(FileSaver(options));
}

struct FileSaver(SaveOptions);

/// The directory of a backup, the prefix of its checkpoint and the file of the run's state.
const BACKUP: &str = "chief";
const PREFIX: &str = "ckpt";
const STATE: &str = "run_state.json";

impl ModelSaver for FileSaver {
    fn save(&self, model: &Model, path: &str, content: Content) -> SaverResult<()> {
        match content {
            Content::Whole => model.save_with(path, &self.0)?,
            Content::Weights => model.save_weights_with(path, &self.0)?,
        }
        Ok(())
    }

    fn load_weights(&self, model: &mut Model, path: &str) -> SaverResult<()> {
        model.load_weights(path)?;
        Ok(())
    }

    fn remove(&self, path: &str) -> SaverResult<()> {
        let path = Path::new(path);
        if let Some(removed) = remote::remove(path) {
            return Ok(removed?);
        }
        let local = remote::local(path)?;
        let path = local.as_deref().unwrap_or(path);
        if path.is_dir() {
            return Ok(fs::remove_dir_all(path)?);
        }
        if path.is_file() {
            return Ok(fs::remove_file(path)?);
        }
        // A checkpoint: the index first, so that nobody takes what is left for one.
        let (Some(name), Some(parent)) = (path.file_name().and_then(|n| n.to_str()), path.parent()) else {
            return Ok(());
        };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let index = parent.join(format!("{name}.index"));
        if index.is_file() {
            fs::remove_file(index)?;
        }
        for entry in fs::read_dir(parent)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|n| n.starts_with(&format!("{name}.data-"))) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn back_up(&self, model: &Model, directory: &Path, state: &Value) -> SaverResult<()> {
        // Checkpoint and state change together: they are one directory, which is replaced as a whole.
        let backup = AtomicDir::create(directory.join(BACKUP), &kerox_fs::SaveOptions::new())?;
        let options = WriteOptions::new().durable(false);
        kerox_format_ckpt::save_weights(ModelNode::of(model), backup.path().join(PREFIX), &options)?;
        fs::write(backup.path().join(STATE), state.to_json(Style::Python))?;
        backup.commit()?;
        Ok(())
    }

    fn restore(&self, model: &mut Model, directory: &Path) -> SaverResult<Option<Value>> {
        let snapshot = Snapshot::of(directory);
        let backup = snapshot.path(BACKUP);
        let state = backup.join(STATE);
        if !state.is_file() {
            return Ok(None);
        }
        let state = Value::parse(&fs::read_to_string(state)?)?;
        kerox_format_ckpt::load_weights(ModelNode::of(model), backup.join(PREFIX))?;
        Ok(Some(state))
    }

    fn remove_backups(&self, directory: &Path) -> SaverResult<()> {
        let backup = directory.join(BACKUP);
        if backup.is_dir() {
            fs::remove_dir_all(backup)?;
        }
        Ok(())
    }
}
