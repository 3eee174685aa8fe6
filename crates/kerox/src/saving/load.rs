//! Loading models and weights.

use std::path::Path;

use kerox_config_json::custom_object_scope;
use kerox_format_ckpt::{LoadEntry, LoadOutcome, LoadReport, LoadStatus};
use kerox_layers::models::Sequential;
use kerox_train::Model;

use super::load_options::{LoadOptions, LoadWeightsOptions};
use super::package::{Package, SavedWeights};
use super::remote::Fetched;
use super::{Error, ModelNode, Result, assign, compiled, optimizer};

/// What a load of weights has done.
#[derive(Clone, Debug)]
pub struct LoadedWeights {
    report: LoadReport,
    status: Option<LoadStatus>,
    /// Values for variables that do not exist yet are still to be read from here.
    _fetched: Option<Fetched>,
    /// What could not be restored beside the weights: the optimizer's state, say.
    pub warnings: Vec<String>,
}

impl LoadedWeights {
    /// What became of every variable and every tensor.
    pub fn report(&self) -> LoadReport {
        self.status.as_ref().map_or_else(|| self.report.clone(), LoadStatus::report)
    }

    /// The status of the checkpoint, where it was one: values for variables that do not exist yet are kept.
    pub fn status(&self) -> Option<&LoadStatus> {
        self.status.as_ref()
    }

    /// Every variable has a value from the file, and every value of the file has a variable.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] or [`Error::Weights`] with all of those that do not.
    pub fn assert_consumed(&self) -> Result<&LoadedWeights> {
        if let Some(status) = &self.status {
            status.assert_consumed()?;
            return Ok(self);
        }
        self.check(|outcome| *outcome != LoadOutcome::Matched)
    }

    /// Every variable there is has a value from the file, which may hold more.
    ///
    /// # Errors
    /// As [`LoadedWeights::assert_consumed`].
    pub fn assert_existing_objects_matched(&self) -> Result<&LoadedWeights> {
        if let Some(status) = &self.status {
            status.assert_existing_objects_matched()?;
            return Ok(self);
        }
        self.check(|outcome| !matches!(outcome, LoadOutcome::Matched | LoadOutcome::UnusedInFile))
    }

    /// Every variable of the model's layers has a value from the file; the optimizer may be without.
    ///
    /// # Errors
    /// [`Error::Weights`] with all of those that do not.
    pub fn assert_layers_matched(&self) -> Result<&LoadedWeights> {
        let report = self.report();
        let is_wrong = |entry: &LoadEntry| {
            !entry.path.starts_with("optimizer")
                && !matches!(entry.outcome, LoadOutcome::Matched | LoadOutcome::UnusedInFile)
        };
        if !report.entries.iter().any(is_wrong) {
            return Ok(self);
        }
        let summary = "expected values for all variables of the layers".into();
        Err(Error::Weights { path: report.prefix.clone(), summary, report: Box::new(report) })
    }

    /// At least one variable has a value from the file.
    ///
    /// # Errors
    /// As [`LoadedWeights::assert_consumed`].
    pub fn assert_nontrivial_match(&self) -> Result<&LoadedWeights> {
        if let Some(status) = &self.status {
            status.assert_nontrivial_match()?;
        } else if !self.report.entries.is_empty() && self.report.matched().count() == 0 {
            return Err(self.unmatched());
        }
        Ok(self)
    }

    /// States that a partial match is meant.
    pub fn expect_partial(&self) -> &LoadedWeights {
        self
    }

    fn check(&self, wrong: impl Fn(&LoadOutcome) -> bool) -> Result<&LoadedWeights> {
        if self.report.with(wrong).next().is_some() { Err(self.unmatched()) } else { Ok(self) }
    }

    fn unmatched(&self) -> Error {
        Error::Weights {
            path: self.report.prefix.clone(),
            summary: "expected values for all variables and variables for all values".into(),
            report: Box::new(self.report.clone()),
        }
    }
}

/// A loaded model with what is to be said about it.
pub struct Loaded {
    /// The model.
    pub model: Model,
    /// What became of every weight.
    pub weights: LoadReport,
    /// What could not be restored: a training configuration that is missing, an optimizer's state that does not fit.
    pub warnings: Vec<String>,
}

/// Loads a whole model of any format: architecture, weights, what it was compiled with, the optimizer's state.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Unknown`], [`Error::Content`] for files of weights alone, [`Error::Config`] and
/// [`Error::Layer`] for what cannot be built, with its place in the configuration, [`Error::Weights`].
///
/// # Example
/// ```
/// use kerox::prelude::*;
/// use kerox::saving::{LoadOptions, load_model};
/// let mut model = Sequential::new().add(Dense::new(2).input_shape([3]));
/// model.compile("adam", "mse", ())?;
/// let path = std::env::temp_dir().join("kerox-load-model.h5");
/// model.save(&path)?;
/// let mut again = load_model(&path, LoadOptions::new())?;
/// assert_eq!(again.get_weights(), model.get_weights());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.models.load_model`.
pub fn load_model(path: impl AsRef<Path>, options: LoadOptions) -> Result<Model> {
    Ok(load_model_with_report(path, options)?.model)
}

/// Loads a whole model from the content of a file in memory: HDF5, `.keras` or safetensors (or JSON, an architecture with
/// fresh weights), so that a program can carry its model inside it (`include_bytes!`) or take it from anywhere.
/// `name` stands for it in errors. [`ModelSaving::to_bytes`](super::ModelSaving::to_bytes) gives such bytes.
///
/// # Errors
/// As [`load_model`].
///
/// # Example
/// ```
/// use kerox::prelude::*;
/// use kerox::saving::{LoadOptions, SaveOptions, formats, load_model_from_bytes};
/// let model = Sequential::new().add(Dense::new(2).input_shape([3]));
/// let bytes = model.to_bytes(formats::KERAS_V3, &SaveOptions::new())?;
/// let again = load_model_from_bytes("the model", bytes, LoadOptions::new())?;
/// assert_eq!(again.get_weights(), model.get_weights());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.models.load_model` of an open `h5py.File`, and the pickling of models.
pub fn load_model_from_bytes(name: &str, bytes: impl Into<Vec<u8>>, options: LoadOptions) -> Result<Model> {
    super::install();
    Ok(load_package(&Package::from_bytes(name, bytes)?, &options)?.model)
}

/// As [`load_model`], with what became of every tensor and what could not be restored.
///
/// # Errors
/// As [`load_model`].
pub fn load_model_with_report(path: impl AsRef<Path>, options: LoadOptions) -> Result<Loaded> {
    super::install();
    let package = Package::open(path)?;
    load_package(&package, &options)
}

/// Loads the model of an open file.
///
/// # Errors
/// As [`load_model`].
pub fn load_package(package: &Package, options: &LoadOptions) -> Result<Loaded> {
    custom_object_scope(options.custom_objects.clone(), || {
        kerox_layers::limit_weights(elements(package), || kerox_layers::defer_initializers(|| build(package, options)))
    })
}

/// As [`load_package`]; where nothing but what the model was compiled with cannot be restored, as a loss, metric or optimizer
/// of the user's own, the model that is not compiled, and why.
///
/// # Errors
/// As [`load_model`], where the model alone cannot be loaded either.
pub fn load_package_or_uncompiled(package: &Package, options: &LoadOptions) -> Result<(Loaded, Option<Error>)> {
    match load_package(package, options) {
        Err(error) if options.compile && package.training_config.is_some() => {
            match load_package(package, &options.clone().compile(false)) {
                Ok(loaded) => Ok((loaded, Some(error))),
                Err(_) => Err(error),
            }
        }
        loaded => Ok((loaded?, None)),
    }
}

/// Elements of variables that no file holds: states of recurrent layers, generators of random numbers.
const BESIDE_THE_FILE: usize = 1 << 24;

/// The most elements the weights of an architecture without weights may have, 8 GiB of float32: what says more is
/// refused before it is allocated. [`kerox_layers::limit_weights`] sets a lower limit.
pub(super) const WITHOUT_FILE: usize = 1 << 31;

/// How many elements the weights of a file's model may have.
fn elements(package: &Package) -> usize {
    match package.weights {
        SavedWeights::None => WITHOUT_FILE,
        _ => {
            let sizes = package.infos().into_values().map(|info| info.shape.checked_elements().unwrap_or(0));
            // Trees leave out the matrices that are trained beside kernels, which are smaller than these.
            let matrices = if matches!(package.weights, SavedWeights::Tree(_)) { 2 } else { 1 };
            sizes.fold(BESIDE_THE_FILE, |sum: usize, size: usize| sum.saturating_add(size.saturating_mul(matrices)))
        }
    }
}

fn build(package: &Package, options: &LoadOptions) -> Result<Loaded> {
    if let Some(keras) = &package.saved_keras {
        return super::saved_model::load(package, keras, options);
    }
    let document = package.document()?;
    let network = kerox_layers::models::from_document(&document)?;
    let mut model = Model::new(network);
    model.ensure_built()?;
    if let Some(build) = &document.object.build_config {
        build_for(&model, build)?;
    }
    let mut warnings = Vec::new();
    let weights = match &package.weights {
        SavedWeights::None => assign::empty(&package.path),
        SavedWeights::Checkpoint(prefix) => {
            kerox_format_ckpt::load_weights(ModelNode::network(model.network()), prefix)?.report()
        }
        _ => assign::weights(model.network(), package, &LoadWeightsOptions::new())?,
    };
    if options.compile {
        match &package.training_config {
            Some(saved) => {
                model.compile_with(compiled::from_config(&model, package, saved)?)?;
                warnings.extend(optimizer::restore(&model, package)?);
            }
            None if !matches!(package.weights, SavedWeights::None) => warnings.push(
                "No training configuration found in the save file, so the model was *not* compiled. Compile it manually."
                    .to_string(),
            ),
            None => {}
        }
    }
    Ok(Loaded { model, weights, warnings })
}

/// Builds a model that does not say the shape of its input for the one it had when it was saved.
fn build_for(model: &Model, config: &kerox_config_json::Value) -> Result<()> {
    let unbuilt = model.network().base().built().is_none();
    if !unbuilt || model.network().downcast::<Sequential>().is_none() {
        return Ok(());
    }
    if let Some(shape) = config.get("input_shape").filter(|shape| !shape.is_null())
        && let Ok(shape) = kerox_config_json::Node::root(shape).shape()
    {
        model.build(&[&shape])?;
    }
    Ok(())
}

/// Gives a model the weights of a file of any format.
pub(super) fn load_weights(model: &Model, path: &Path, options: &LoadWeightsOptions) -> Result<LoadedWeights> {
    model.ensure_built()?;
    let package = Package::open(path)?;
    if let SavedWeights::Checkpoint(prefix) = &package.weights {
        if options.by_name {
            return Err(Error::Option {
                operation: "load_weights",
                expected: "an HDF5 file of layers with `by_name`".into(),
                found: format!("a {}", package.format.title),
            });
        }
        let stand_in = optimizer::stand_in(model, &package)?;
        let root = match &stand_in {
            Some(_) => ModelNode::with_optimizer(model, stand_in.clone()),
            None => ModelNode::of(model),
        };
        let status = kerox_format_ckpt::load_weights(root, prefix)?;
        if let Some(stand_in) = &stand_in {
            optimizer::take_over(model, stand_in)?;
        }
        let report = status.report();
        let of_layers = |path: &str| !path.starts_with("optimizer/");
        let any = report.matched().any(|entry| of_layers(&entry.path));
        if !any && !model.network().weights().is_empty() && package.tensors().iter().any(|t| of_layers(&t.name)) {
            let summary = "no variable of the model has a value in the checkpoint, nothing was loaded; load into the \
                           inner model if the layers are inside one"
                .to_string();
            return Err(Error::Weights { path: package.path.clone(), summary, report: Box::new(report) });
        }
        let missing = report
            .entries
            .iter()
            .find(|entry| entry.path.starts_with("optimizer") && matches!(entry.outcome, LoadOutcome::MissingInFile));
        let warning = missing.filter(|_| package.optimizer.is_some()).map(|entry| {
            let path = package.path.display();
            format!("the optimizer goes on without some of its state: `{path}` has no `{}`", entry.path)
        });
        return Ok(LoadedWeights {
            report,
            status: Some(status),
            _fetched: package.fetched,
            warnings: warning.into_iter().collect(),
        });
    }
    let report = assign::weights(model.network(), &package, options)?;
    let mut warnings = Vec::new();
    let tree = matches!(package.weights, SavedWeights::Tree(_) | SavedWeights::Named);
    if tree && model.optimizer().is_ok() {
        warnings.extend(optimizer::restore(model, &package)?);
    }
    Ok(LoadedWeights { report, status: None, _fetched: None, warnings })
}
