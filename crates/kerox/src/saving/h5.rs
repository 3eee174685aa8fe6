//! Keras HDF5: whole models and weights.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use kerox_config_json::{Form, Style, Value as Json};
use kerox_format_h5::H5File;
use kerox_format_h5::keras::{self, LayerToWrite, Layout, ModelFile, ModelToWrite, WholeModel};
use kerox_layers::{LayerRef, Weight};
use kerox_tensor::Tensor;
use kerox_train::Model;

use super::package::{Package, SavedLayer, SavedWeight, SavedWeights};
use super::save_options::{Dialect, SaveOptions};
use super::{Error, Result, compiled, formats, learnt, optimizer, tree, write};

pub(super) fn open(path: &Path) -> Result<Package> {
    of_file(H5File::open(path)?, path)
}

/// An open file, which errors call `path`.
pub(super) fn of_file(file: H5File, path: &Path) -> Result<Package> {
    let mut package = Package::new(formats::KERAS_H5, path, Arc::new(file.clone()));
    if keras::detect(&file) == Layout::Other {
        return Ok(package);
    }
    let model = ModelFile::new(file)?;
    let weights = |weights: &[keras::Weight]| -> Vec<SavedWeight> {
        weights.iter().map(|w| SavedWeight { name: w.name.clone(), key: w.path.clone() }).collect()
    };
    package.weights = SavedWeights::Layers {
        layers: model
            .layers
            .iter()
            .map(|layer| SavedLayer { name: layer.name.clone(), weights: weights(&layer.weights) })
            .collect(),
        top_level: weights(&model.top_level),
    };
    package.optimizer = model.optimizer.as_ref().map(|list| list.iter().map(|w| w.path.clone()).collect());
    package.training_config = match &model.training_config {
        Some(text) => {
            let value = Json::parse_document(text.as_bytes(), &Default::default());
            Some(value.map_err(|source| Error::Config { path: path.into(), source })?)
        }
        None => None,
    };
    package.config = model.model_config;
    package.keras_version = model.keras_version;
    package.backend = model.backend;
    Ok(package)
}

/// A whole model to write.
pub(super) fn whole(model: &Model, options: &SaveOptions) -> Result<ModelToWrite> {
    let form = match options.dialect {
        Dialect::Keras2 => Form::Keras2H5,
        Dialect::Keras3 => Form::Keras3H5,
    };
    let document = kerox_layers::models::to_document(model.network())?;
    let mut written = document.write(form)?;
    let wanted = |layer: &LayerRef| layer.state().is_some() || tree::is_learnt_in_config(layer, options.dialect);
    learnt::embed(&mut written, model.network(), &wanted)?;
    let mut whole =
        WholeModel { model_config: written.to_json(Style::default()), training_config: None, optimizer: None };
    // As Keras has it: without the optimizer the model is one that was never compiled.
    if let Some(config) = compiled::to_training_config(model)?.filter(|_| options.include_optimizer) {
        let mut training = config.write(form)?;
        if options.dialect == Dialect::Keras2 {
            training = compiled::metrics_by_output(&training, &compiled::output_names(model, &training), true);
        }
        whole.optimizer = optimizer::to_write(model, &training, options.dialect)?;
        let suffix = if options.dialect == Dialect::Keras2 { ":0" } else { "" };
        let mut seen = HashSet::new();
        for (name, _) in whole.optimizer.iter_mut().flatten() {
            *name = distinct(&mut seen, name, suffix);
        }
        whole.training_config = Some(training.to_json(Style::default()));
    }
    let mut file = ModelToWrite::whole(options.dialect.keras_version(), whole);
    fill(&mut file, model, options)?;
    Ok(file)
}

/// Writes weights alone.
pub(super) fn save_weights(model: &Model, path: &Path, options: &SaveOptions) -> Result<()> {
    let mut file = ModelToWrite::weights(options.dialect.keras_version());
    fill(&mut file, model, options)?;
    write::file(path, options, |out| Ok(file.write_to(out)?))
}

fn fill(file: &mut ModelToWrite, model: &Model, options: &SaveOptions) -> Result<()> {
    file.compression = options.compression;
    let prefix = match options.dialect {
        Dialect::Keras3 if model.network().class_name() == "Sequential" => format!("{}/", model.name()),
        _ => String::new(),
    };
    for layer in model.layers() {
        let weights = match tree::is_learnt_in_config(&layer, options.dialect) {
            true => Vec::new(),
            false if options.dialect == Dialect::Keras2 => named(&with_tokens(&layer), &prefix, options)?,
            false => named(&layer.legacy_weights(), &prefix, options)?,
        };
        file.layers.push(LayerToWrite { name: layer.name().to_string(), weights });
    }
    file.top_level = named(&own_weights(model.network()), &prefix, options)?;
    Ok(())
}

/// The weights of a model itself, those of its layers left aside.
pub(super) fn own_weights(network: &LayerRef) -> Vec<Weight> {
    let all = network.base().weights();
    all.iter().filter(|w| w.trainable).chain(all.iter().filter(|w| !w.trainable)).cloned().collect()
}

/// The weights of a layer in the order of files, those of tokens among them: Keras 2 counts the array that a lookup with
/// output mode `tf_idf` multiplies counts by as a weight, Keras 3 does not.
pub(super) fn with_tokens(layer: &LayerRef) -> Vec<Weight> {
    /// Numbers the layers inside in their order; notes who has which weight, and the arrays of tokens.
    fn visit(layer: &LayerRef, next: &mut usize, owners: &mut HashMap<u64, usize>, found: &mut Vec<(usize, Weight)>) {
        let number = *next;
        *next += 1;
        for weight in layer.base().weights().iter() {
            owners.entry(weight.variable.id()).or_insert(number);
        }
        for (attr, variable) in layer.state().map(|state| state.variables()).unwrap_or_default() {
            let weight = Weight { attr, variable, trainable: false, regularizer: None, constraint: None };
            if !found.iter().any(|(_, other)| other.variable == weight.variable) {
                found.push((number, weight));
            }
        }
        for inner in layer.layers_inside() {
            visit(&inner, next, owners, found);
        }
    }
    let (mut owners, mut found) = (HashMap::new(), Vec::new());
    visit(layer, &mut 0, &mut owners, &mut found);
    let mut weights = layer.legacy_weights();
    let trained = layer.trainable_weights().len();
    for (number, weight) in found {
        let later = |w: &Weight| owners.get(&w.variable.id()).is_some_and(|&owner| owner > number);
        let at = weights.iter().skip(trained).position(later).map_or(weights.len(), |at| trained + at);
        weights.insert(at, weight);
    }
    weights
}

fn named(weights: &[Weight], prefix: &str, options: &SaveOptions) -> Result<Vec<(String, Tensor)>> {
    let mut seen = HashSet::new();
    let suffix = if options.dialect == Dialect::Keras2 { ":0" } else { "" };
    weights
        .iter()
        .map(|weight| {
            let name = distinct(&mut seen, &format!("{prefix}{}", weight.variable.name()), suffix);
            Ok((name, write::converted(weight.variable.value(), options)?))
        })
        .collect()
}

/// The name with its suffix; numbered where it is taken. Files are read by order.
fn distinct(seen: &mut HashSet<String>, own: &str, suffix: &str) -> String {
    let mut name = format!("{own}{suffix}");
    let mut number = 0;
    while !seen.insert(name.clone()) {
        number += 1;
        name = format!("{own}_{number}{suffix}");
    }
    name
}
