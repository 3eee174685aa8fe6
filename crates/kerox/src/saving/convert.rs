//! From any format to any other.

use std::path::Path;

use super::formats::{self, Format};
use super::package::{Package, SavedWeights};
use super::{LoadOptions, ModelSaving, Result, SaveOptions, load_package};

/// Writes what a file holds in another format, which the options or the suffix of `to` decide. Gives a line for each
/// thing that could not be carried over.
///
/// # Errors
/// Those of loading and saving.
///
/// # Example
/// ```
/// use kerox::prelude::*;
/// use kerox::saving::{SaveOptions, convert};
/// let dir = std::env::temp_dir().join("kerox-convert");
/// Sequential::new().add(Dense::new(2).input_shape([3])).save(dir.join("m.h5"))?;
/// let lost = convert(dir.join("m.h5"), dir.join("m.keras"), &SaveOptions::new(), false)?;
/// assert!(lost.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn convert(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    options: &SaveOptions,
    weights_only: bool,
) -> Result<Vec<String>> {
    let to = to.as_ref();
    let package = Package::open(from)?;
    let loaded = load_package(&package, &LoadOptions::new())?;
    // A model that was never compiled loses nothing.
    let mut lost: Vec<String> = loaded.warnings.into_iter().filter(|_| package.training_config.is_some()).collect();
    let model = loaded.model;
    let format = options.format.or_else(|| formats::by_suffix(to)).unwrap_or(formats::SAVED_MODEL);
    let weights = weights_only || !format.architecture;
    lost.extend(left_behind(&package, format, options, weights));
    match weights {
        true => model.save_weights_with(to, options)?,
        false => model.save_with(to, options)?,
    }
    Ok(lost)
}

fn left_behind(package: &Package, format: Format, options: &SaveOptions, weights_only: bool) -> Vec<String> {
    let mut lost = Vec::new();
    if !weights_only && !format.weights && !matches!(package.weights, SavedWeights::None) {
        lost.push(format!("the weights: {} holds the architecture alone", format.title));
    }
    if !weights_only && !format.training && package.training_config.is_some() {
        lost.push(format!("the training configuration: {} has no place for it", format.title));
    }
    if options.include_optimizer && !format.optimizer && package.optimizer.is_some() {
        lost.push(format!("the optimizer's state: {} has no place for it", format.title));
    }
    if package.archive.as_ref().is_some_and(|archive| !archive.assets.is_empty()) && format != formats::KERAS_V3 {
        lost.push(format!("the assets: {} has no place for them", format.title));
    }
    lost
}
