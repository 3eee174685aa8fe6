//! Whether a save could begin.

use std::path::Path;

use kerox_fs::TargetKind;

use super::formats::{self, Format};
use super::save_options::SaveOptions;
use super::{Result, remote, save, write};

/// What is to be saved at a path.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// A whole model with these options.
    Model(&'a SaveOptions),
    /// Weights with these options.
    Weights(&'a SaveOptions),
    /// One file: an array, a text.
    File,
    /// A directory of files.
    Dir,
}

/// Whether a save to that path could begin: its format can hold what it is to hold, nothing of another kind is there, and
/// the directory above it can be written to or made. Asked before work that takes its time; nothing is written. Addresses
/// are not asked for.
///
/// # Errors
/// Those with which the save would begin.
///
/// # Example
/// ```
/// use kerox::saving::{SaveOptions, Target, check_target};
/// let dir = std::env::temp_dir().join("kerox-check-target");
/// std::fs::create_dir_all(&dir)?;
/// std::fs::write(dir.join("file"), b"")?;
/// assert!(check_target(dir.join("file/m.keras"), Target::Model(&SaveOptions::new())).is_err());
/// assert!(check_target(dir.join("m.weights.h5"), Target::Model(&SaveOptions::new())).is_err());
/// assert!(check_target(dir.join("m.weights.h5"), Target::Weights(&SaveOptions::new())).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check_target(path: impl AsRef<Path>, target: Target<'_>) -> Result<()> {
    let path = path.as_ref();
    let (kind, options) = match target {
        Target::Model(options) => (kind(save::model_format(path, options)?), write::fs_options(options)),
        Target::Weights(options) => (kind(save::weights_format(path, options)?), write::fs_options(options)),
        Target::File => (TargetKind::File, kerox_fs::SaveOptions::new()),
        Target::Dir => (TargetKind::Dir, kerox_fs::SaveOptions::new()),
    };
    match remote::local(path)? {
        Some(local) => Ok(kerox_fs::check_target(local, kind, &options)?),
        None => Ok(()),
    }
}

fn kind(format: Format) -> TargetKind {
    match format {
        f if f == formats::SAVED_MODEL => TargetKind::Dir,
        f if f == formats::TF_CHECKPOINT => TargetKind::Prefix,
        _ => TargetKind::File,
    }
}
