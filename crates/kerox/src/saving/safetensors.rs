//! safetensors: weights by the path of layers and attributes, the architecture in the metadata.
//!
//! | metadata | what it is |
//! |---|---|
//! | `format` | `keras` |
//! | `keras_version`, `backend` | whose form the texts have |
//! | `keras_config` | the architecture, as `to_json` gives it; absent in files of weights alone |
//! | `training_config` | what the model was compiled with |
//! | `weight_names` | the weights in the model's order, as a JSON list |
//!
//! Tensors: `dense/kernel`, `encoder/lstm/cell/bias`, `optimizer/vars/0`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kerox_config_json::{Form, Style, Value as Json};
use kerox_format_safetensors::{SafetensorsFile, SafetensorsToWrite};
use kerox_train::Model;

use super::package::{Package, SavedWeights};
use super::save_options::{Dialect, SaveOptions};
use super::{Error, Result, compiled, formats, optimizer, tree, write};

pub(super) fn open(path: &Path) -> Result<Package> {
    of_file(SafetensorsFile::open(path)?, path)
}

/// An open file, which errors call `path`.
pub(super) fn of_file(file: SafetensorsFile, path: &Path) -> Result<Package> {
    let mut package = Package::new(formats::SAFETENSORS, path, Arc::new(file.clone()));
    let text = |key: &str| file.metadata().get(key).cloned();
    package.config = text("keras_config");
    package.keras_version = text("keras_version");
    package.backend = text("backend");
    package.weights = SavedWeights::Named;
    package.shards = Some(1);
    if let Some(training) = text("training_config") {
        let value = Json::parse_document(training.as_bytes(), &Default::default());
        package.training_config = Some(value.map_err(|source| Error::Config { path: path.into(), source })?);
    }
    let mut state: Vec<(usize, String)> = file
        .names()
        .filter_map(|name| Some((name.strip_prefix("optimizer/vars/")?.parse().ok()?, name.to_string())))
        .collect();
    state.sort();
    if !state.is_empty() {
        package.optimizer = Some(state.into_iter().map(|(_, name)| name).collect());
    }
    Ok(package)
}

/// A whole model to write, or its weights alone.
pub(super) fn to_write(model: &Model, options: &SaveOptions, whole: bool) -> Result<SafetensorsToWrite> {
    let mut file = header(options);
    let (text_form, form) = match options.dialect {
        Dialect::Keras2 => (Form::Keras2Json, Form::Keras2H5),
        Dialect::Keras3 => (Form::Keras3Json, Form::Keras3H5),
    };
    if whole {
        let text = kerox_layers::models::to_json(model.network(), text_form)?;
        file.metadata.insert("keras_config".into(), text);
    }
    if let Some(config) = compiled::to_config(model)?.filter(|_| whole) {
        let training = config.write(form)?;
        if options.include_optimizer {
            let state = optimizer::to_write(model, &training, options.dialect)?.unwrap_or_default();
            for (i, (_, tensor)) in state.into_iter().enumerate() {
                file.add(format!("optimizer/vars/{i}"), tensor)?;
            }
        }
        file.metadata.insert("training_config".into(), training.to_json(Style::default()));
    }
    let mut order = Vec::new();
    for (name, weight) in tree::named(model.network()) {
        file.add(name.clone(), write::converted(weight.variable.value(), options)?)?;
        order.push(name);
    }
    note_order(&mut file, order);
    Ok(file)
}

/// A file without tensors that says whose it is.
pub(super) fn header(options: &SaveOptions) -> SafetensorsToWrite {
    let mut file = SafetensorsToWrite::new();
    file.metadata.insert("format".into(), "keras".into());
    file.metadata.insert("keras_version".into(), options.dialect.keras_version().into());
    file.metadata.insert("backend".into(), "tensorflow".into());
    file
}

/// Notes the order of the weights: the tensors of a file are sorted.
pub(super) fn note_order(file: &mut SafetensorsToWrite, names: Vec<String>) {
    let list = Json::List(names.into_iter().map(Json::from).collect());
    file.metadata.insert("weight_names".into(), list.to_json(Style::default()));
}

/// The texts in a file's metadata.
pub(super) fn metadata(package: &Package) -> Result<BTreeMap<String, String>> {
    Ok(SafetensorsFile::open(&package.path)?.metadata().clone())
}

/// The weights of a file in the model's order, where it is noted.
pub(super) fn weight_names(package: &Package) -> Result<Option<Vec<String>>> {
    let Some(text) = metadata(package)?.remove("weight_names") else { return Ok(None) };
    let value = Json::parse_document(text.as_bytes(), &Default::default());
    let value = value.map_err(|source| Error::Config { path: package.path.clone(), source })?;
    let names = value.as_list().map(|list| list.iter().filter_map(|name| Some(name.as_str()?.to_owned())).collect());
    Ok(names)
}
