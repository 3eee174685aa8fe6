//! From any format to any other.

use std::path::{Path, PathBuf};

use kerox_train::Model;

use super::formats::{self, Format};
use super::package::{Package, SavedWeights};
use super::{
    Dialect, Error, LoadOptions, ModelSaving, Result, SaveOptions, Target, bare, check_target, compiled,
    load_package_or_uncompiled,
};

/// The options of [`convert`].
///
/// # Example
/// ```
/// use kerox::saving::{ConvertOptions, Dialect, SaveOptions};
/// let options = ConvertOptions::new().save(SaveOptions::new().dialect(Dialect::Keras3)).strict(true);
/// # let _ = options;
/// ```
#[derive(Clone, Debug, Default)]
pub struct ConvertOptions {
    save: SaveOptions,
    load: LoadOptions,
    weights: Option<PathBuf>,
    weights_only: bool,
    strict: bool,
}

impl ConvertOptions {
    /// Everything a file holds, in the format of the target's suffix.
    pub fn new() -> ConvertOptions {
        ConvertOptions::default()
    }

    /// How the target is written: its format, dialect, element type, shards. Without a dialect it is for the Keras that
    /// wrote the source.
    #[must_use]
    pub fn save(mut self, options: SaveOptions) -> ConvertOptions {
        self.save = options;
        self
    }

    /// How the source is read: custom objects.
    #[must_use]
    pub fn load(mut self, options: LoadOptions) -> ConvertOptions {
        self.load = options;
        self
    }

    /// The file with the weights of a source that is an architecture.
    #[must_use]
    pub fn weights(mut self, path: impl Into<PathBuf>) -> ConvertOptions {
        self.weights = Some(path.into());
        self
    }

    /// Writes weights alone, also where the format could hold the model.
    #[must_use]
    pub fn weights_only(mut self, weights_only: bool) -> ConvertOptions {
        self.weights_only = weights_only;
        self
    }

    /// Whether something that cannot be carried over is an error.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> ConvertOptions {
        self.strict = strict;
        self
    }
}

/// Writes what a file holds in another format, which the options or the suffix of `to` decide. Gives a line for each
/// thing that could not be carried over.
///
/// # Errors
/// Those of loading and saving; [`Error::Lost`] where `strict` is set and something cannot be carried over. The target
/// is then as it was.
///
/// # Example
/// ```
/// use kerox::prelude::*;
/// use kerox::saving::{ConvertOptions, convert};
/// let dir = std::env::temp_dir().join("kerox-convert");
/// Sequential::new().add(Dense::new(2).input_shape([3])).save(dir.join("m.h5"))?;
/// let lost = convert(dir.join("m.h5"), dir.join("m.keras"), &ConvertOptions::new())?;
/// assert!(lost.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn convert(from: impl AsRef<Path>, to: impl AsRef<Path>, options: &ConvertOptions) -> Result<Vec<String>> {
    super::install();
    let to = to.as_ref();
    let format = options.save.format.or_else(|| formats::by_suffix(to)).unwrap_or(formats::SAVED_MODEL);
    let weights = options.weights_only || !format.architecture;
    // What cannot be written is said before the work.
    check_target(to, if weights { Target::Weights(&options.save) } else { Target::Model(&options.save) })?;
    let package = Package::open(from)?;
    let has_weights = !matches!(package.weights, SavedWeights::None);
    if package.config.is_none() && has_weights && options.weights.is_none() {
        return convert_weights(&package, to, format, weights, options);
    }
    let (loaded, uncompiled) = load_package_or_uncompiled(&package, &options.load)?;
    let mut lost: Vec<String> = uncompiled.iter().map(|error| format!("the training configuration: {error}")).collect();
    // A model that was never compiled loses nothing.
    lost.extend(loaded.warnings.into_iter().filter(|_| package.training_config.is_some()));
    let mut model = loaded.model;
    let mut save = options.save.clone();
    if !save.is_dialect_chosen {
        save.dialect = package.dialect();
    }
    let fresh = matches!(package.weights, SavedWeights::None) && options.weights.is_none();
    if fresh && format.weights {
        if weights {
            return Err(Error::Content {
                operation: "convert",
                path: package.path.clone(),
                expected: "weights".into(),
                found: "an architecture alone".into(),
                help: "name the file with the weights".into(),
            });
        }
        let count = model.network().weights().len();
        if count > 0 {
            lost.push(format!("`{}` has no weights: those written are freshly initialized", package.path.display()));
        }
    }
    if let Some(path) = &options.weights {
        let read = model.load_weights(path)?;
        read.assert_layers_matched()?;
        lost.extend(read.warnings);
        let keeps = !options.weights_only && save.include_optimizer && format.optimizer && model.optimizer().is_err();
        if keeps && Package::open(path)?.optimizer.is_some() {
            let (weights, named) = (path.display(), package.path.display());
            lost.push(format!("the optimizer's state in `{weights}`: `{named}` does not say which optimizer it is of"));
        }
    }
    lost.extend(left_behind(&package, format, &save, weights));
    // An optimizer, loss or metric that the dialect cannot express.
    if let Err(error) = compiled::check(&model, &save) {
        lost.push(format!("the training configuration: {error}"));
        model = Model::new(model.network().clone());
    }
    let wants_optimizer = !weights && [formats::KERAS_H5, formats::SAVED_MODEL].contains(&format);
    if wants_optimizer && model.compiled().is_some() && model.optimizer().is_err() {
        lost.push(format!("the training configuration: {} has no place for it without an optimizer", format.title));
    }
    if options.strict && !lost.is_empty() {
        return Err(Error::Lost { path: package.path.clone(), format: format.title, what: lost });
    }
    match weights {
        true => model.save_weights_with(to, &save)?,
        false => model.save_with(to, &save)?,
    }
    Ok(lost)
}

/// Weights without an architecture.
fn convert_weights(
    package: &Package,
    to: &Path,
    format: Format,
    weights: bool,
    options: &ConvertOptions,
) -> Result<Vec<String>> {
    // These hold weights as they hold models.
    let holds_both = [formats::KERAS_H5, formats::SAFETENSORS].contains(&format);
    if !format.weights || !(weights || holds_both) {
        return Err(Error::Content {
            operation: "convert",
            path: package.path.clone(),
            expected: format!("an architecture, to write {}", format.title),
            found: format!("weights alone ({})", package.format.title),
            help: bare::HELP.into(),
        });
    }
    let mut save = options.save.clone();
    if !save.is_dialect_chosen {
        save.dialect = package.dialect();
    }
    check_target(to, Target::Weights(&save))?;
    let lost = bare::lost(package, format, &save);
    if options.strict && !lost.is_empty() {
        return Err(Error::Lost { path: package.path.clone(), format: format.title, what: lost });
    }
    bare::write(package, to, format, &save)?;
    Ok(lost)
}

fn left_behind(package: &Package, format: Format, options: &SaveOptions, weights_only: bool) -> Vec<String> {
    let mut lost = Vec::new();
    if !weights_only && !format.weights && !matches!(package.weights, SavedWeights::None) {
        lost.push(format!("the weights: {} holds the architecture alone", format.title));
    }
    let holds_training = format.training || format == formats::KERAS_JSON && options.dialect == Dialect::Keras3;
    if !weights_only && !holds_training && package.training_config.is_some() {
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
