//! Architectures as JSON files.

use std::path::Path;
use std::sync::Arc;

use kerox_config_json::model::ModelConfig;
use kerox_config_json::{CustomObjects, Form, Node, Style, Value, custom_object_scope};
use kerox_layers::{limit_weights, models};
use kerox_train::Model;

use super::package::{NoTensors, Package};
use super::save_options::Dialect;
use super::{Error, Result, compiled, formats, keras_v3};

pub(super) fn open(path: &Path) -> Result<Package> {
    let io = |source| Error::Io { operation: "read", path: path.into(), source };
    of_bytes(std::fs::read(path).map_err(io)?, path)
}

/// A text, which errors call `path`.
pub(super) fn of_bytes(bytes: Vec<u8>, path: &Path) -> Result<Package> {
    let text = String::from_utf8(bytes).map_err(|error| Error::Config {
        path: path.into(),
        source: kerox_config_json::Error::Encoding {
            offset: error.utf8_error().valid_up_to(),
            byte: error.as_bytes().get(error.utf8_error().valid_up_to()).copied().unwrap_or(0),
        },
    })?;
    let mut package = Package::new(formats::KERAS_JSON, path, Arc::new(NoTensors(path.into())));
    if let Ok(value) = kerox_config_json::Value::parse(&text) {
        let field = |key: &str| value.get(key).and_then(|v| v.as_str()).map(str::to_owned);
        package.keras_version = field("keras_version");
        package.backend = field("backend");
        package.training_config = keras_v3::compile_config(&value);
    }
    package.config = Some(text);
    Ok(package)
}

/// The text of `model.to_json()`. Keras 3 says in it what the model was compiled with.
pub(super) fn to_json(model: &Model, dialect: Dialect) -> Result<String> {
    if dialect == Dialect::Keras2 {
        return Ok(models::to_json(model.network(), Form::Keras2Json)?);
    }
    let form = Form::Keras3Json;
    let mut written = models::to_document(model.network())?.write(form)?;
    if let (Some(map), Some(compiled)) = (written.as_map_mut(), compiled::to_config(model)?) {
        map.insert("compile_config", compiled.write(form)?);
    }
    Ok(written.to_json(Style::default()))
}

/// Builds a model from JSON text of any dialect; weights are fresh. Texts of Keras 3 say what the model was compiled with:
/// it is compiled again.
///
/// # Errors
/// [`Error::Json`] where the text is no model, [`Error::Layer`] with the place of what cannot be built, those of
/// compiling.
///
/// # Example
/// ```
/// use kerox::prelude::*;
/// let model = Sequential::new().add(Dense::new(2).input_shape([3]));
/// let again = kerox::saving::model_from_json(&model.to_json()?)?;
/// assert_eq!(again.network().count_params()?, 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.models.model_from_json`.
pub fn model_from_json(text: &str) -> Result<Model> {
    super::install();
    let mut model = Model::new(limit_weights(super::load::WITHOUT_FILE, || models::model_from_json(text))?);
    let package = of_bytes(text.into(), Path::new("the JSON text"))?;
    if let Some(saved) = &package.training_config {
        model.ensure_built()?;
        model.compile_with(compiled::from_config(&model, &package, saved)?)?;
    }
    Ok(model)
}

/// As [`model_from_json`], with classes and functions that the text names.
///
/// # Errors
/// As [`model_from_json`].
pub fn model_from_json_with(text: &str, custom_objects: &CustomObjects) -> Result<Model> {
    custom_object_scope(custom_objects.clone(), || model_from_json(text))
}

/// Builds a model from its configuration, as [`super::ModelSaving::get_config`] gives it; weights are fresh.
///
/// # Errors
/// As [`model_from_json`].
///
/// # Example
/// ```
/// use kerox::prelude::*;
/// let model = Sequential::new().add(Dense::new(2).input_shape([3]).name("only"));
/// let again = kerox::saving::model_from_config(&model.get_config()?)?;
/// assert_eq!(again.get_layer("only")?.count_params()?, 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.Model.from_config`.
pub fn model_from_config(config: &Value) -> Result<Model> {
    super::install();
    // A functional model says what goes in and comes out, a Sequential model has layers alone.
    let class_name = if config.get("input_layers").is_some() { "Functional" } else { "Sequential" };
    let config = ModelConfig::read_config(class_name, &Node::root(config))?;
    Ok(Model::new(limit_weights(super::load::WITHOUT_FILE, || models::from_config(&config))?))
}
