//! Whole documents.

use kerox_config_json::{Form, Generation, ModelConfig, ModelDocument, Object, Style};

use super::{from_config, to_config};
use crate::models::{Functional, Sequential};
use crate::{LayerRef, Result, registry};

/// A model as a document that can be written in every form.
///
/// # Errors
/// Where a layer cannot be described by plain data.
pub fn to_document(model: &LayerRef) -> Result<ModelDocument> {
    let own = model.downcast::<Sequential>().is_some() || model.downcast::<Functional>().is_some();
    let (mut object, architecture) = match own {
        true => {
            let config = to_config(model)?;
            (Object::new(config.class_name(), kerox_config_json::Config::new()), Some(config))
        }
        false => (super::layer_object(model)?, None),
    };
    object.build_config = super::write::build_config(model);
    Ok(ModelDocument {
        generation: Generation::Keras2,
        object,
        model: architecture,
        keras_version: None,
        backend: None,
    })
}

/// A model as JSON text in a form: `model.to_json()`, the `model_config` attribute, the member of a `.keras` file.
///
/// # Errors
/// Where a layer cannot be described by plain data, or the dialect has no form for it.
///
/// # Example
/// ```
/// use kerox_config_json::Form;
/// use kerox_layers::{LayerExt, LayerRef, core::Dense, models::{self, Sequential}};
/// let model = LayerRef::from(Sequential::new().with(Dense::new(2).input_dim(3)));
/// let text = models::to_json(&model, Form::Keras2Json)?;
/// assert!(text.starts_with(r#"{"class_name": "Sequential", "config": {"name": "sequential", "layers": ["#));
/// assert_eq!(models::model_from_json(&text)?.count_params()?, 8);
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.Model.to_json`.
pub fn to_json(model: &LayerRef, form: Form) -> Result<String> {
    Ok(to_document(model)?.write(form)?.to_json(Style::default()))
}

/// Builds the model of a document; weights are fresh.
///
/// The argument `training` that Keras 3 writes with calls says nothing: Keras 3 itself gives layers the model's own. In
/// documents of Keras 2 it holds, whatever the model does.
///
/// # Errors
/// [`crate::Error::Config`] with the place in the document; errors of the layers.
pub fn from_document(document: &ModelDocument) -> Result<LayerRef> {
    match &document.model {
        Some(config) if document.generation == Generation::Keras3 => {
            let mut config = config.clone();
            forget_training(&mut config);
            from_config(&config)
        }
        Some(config) => from_config(config),
        // A class of the user's, if it is registered.
        None => registry::deserialize_object(&document.object),
    }
}

/// Takes `training` from the calls of a model's layers.
fn forget_training(model: &mut ModelConfig) {
    let layers = match model {
        ModelConfig::Sequential(model) => &mut model.layers,
        ModelConfig::Functional(model) => &mut model.layers,
    };
    for layer in layers {
        for call in &mut layer.calls {
            call.kwargs.retain(|(key, _)| key != "training");
        }
        if let Some(inner) = &mut layer.model {
            forget_training(inner);
        }
    }
}

/// Builds a model from JSON text of any dialect and form; weights are fresh.
///
/// # Errors
/// As [`from_document`]; [`crate::Error::Config`] where the text is no model.
///
/// # Source
/// `keras.models.model_from_json`.
pub fn model_from_json(text: &str) -> Result<LayerRef> {
    from_document(&ModelDocument::parse(text.as_bytes())?)
}
