//! Models as users make them, and from where they come: files, JSON text, other models.

use std::ops::{Deref, DerefMut};

use kerox_layers::{LayerExt, LayerRef, Quantization, models};

pub use crate::saving::{
    load_model, load_model_with_report, model_from_config, model_from_json, model_from_json_with, save_model,
};
pub use kerox_train::Model;

/// A model of new layers with new weights and the same architecture and names. It is not compiled.
///
/// # Errors
/// [`crate::saving::Error::Layer`] where a layer cannot be described by plain data, or is of a class that is not known by name.
///
/// # Example
/// ```
/// use kerox::models::clone_model;
/// use kerox::prelude::*;
/// let model = Sequential::new().add(Dense::new(8).input_shape([4]).name("only"));
/// let copy = clone_model(&model)?;
/// assert_ne!(copy.get_weights(), model.get_weights());
/// copy.set_weights(&model.get_weights())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.models.clone_model`.
pub fn clone_model(model: &Model) -> crate::saving::Result<Model> {
    Ok(Model::new(models::clone_model(model.network())?))
}

/// As [`clone_model`], with each layer made by a function of the layer it stands for.
///
/// # Errors
/// Those of the function; as [`clone_model`].
///
/// # Source
/// `clone_function` of `keras.models.clone_model`.
pub fn clone_model_with(
    model: &Model,
    clone_function: impl FnMut(&LayerRef) -> kerox_layers::Result<LayerRef>,
) -> crate::saving::Result<Model> {
    Ok(Model::new(models::clone_model_with(model.network(), clone_function)?))
}

/// A new model with the weights of `Dense`, `EinsumDense` and embeddings in few bits, which is not compiled; see
/// [`kerox_layers::models::quantize`]. Keras 3 alone reads its files.
///
/// # Errors
/// As [`kerox_layers::models::quantize`].
///
/// # Example
/// ```
/// use kerox::layers::Quantization;
/// use kerox::models::quantize;
/// use kerox::prelude::*;
/// let model = Sequential::new().add(Dense::new(8).input_shape([4]).name("only"));
/// let small = quantize(&model, Quantization::Int4 { block_size: Some(128) })?;
/// assert_eq!(small.get_weights()[1].shape()[..], [4, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.Model.quantize`.
pub fn quantize(model: &Model, mode: Quantization) -> crate::saving::Result<Model> {
    Ok(Model::new(models::quantize(model.network(), mode)?))
}

/// A new model with the same weights, which is not compiled: the layers that `adapts` tells train two small matrices in the
/// place of their kernel; see [`kerox_layers::models::enable_lora`]. Keras 3 alone reads its files.
///
/// # Errors
/// As [`kerox_layers::models::enable_lora`].
///
/// # Example
/// ```
/// use kerox::models::enable_lora;
/// use kerox::prelude::*;
/// let model = Sequential::new().add(Dense::new(8).input_shape([8]).name("only"));
/// let tuned = enable_lora(&model, 2, |layer| layer.name() == "only")?;
/// assert_eq!(tuned.network().trainable_weights().len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `enable_lora` of layers of Keras 3.
pub fn enable_lora(model: &Model, rank: usize, adapts: impl Fn(&LayerRef) -> bool) -> crate::saving::Result<Model> {
    Ok(Model::new(models::enable_lora(model.network(), rank, adapts)?))
}

/// A model of layers that are applied one after the other.
///
/// # Example
/// ```
/// use kerox::prelude::*;
/// let model = Sequential::new().add(Dense::new(8).input_shape([4])).add(Dense::new(2));
/// assert_eq!(model.network().count_params()?, 4 * 8 + 8 + 8 * 2 + 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.Sequential`.
pub struct Sequential(Model);

impl Sequential {
    /// Without layers.
    #[allow(clippy::new_without_default, reason = "a model is made to be filled")]
    pub fn new() -> Sequential {
        crate::saving::install();
        Sequential(Model::new(models::Sequential::new()))
    }

    /// Without layers, with a name of its own.
    pub fn named(name: &str) -> Sequential {
        crate::saving::install();
        Sequential(Model::new(LayerExt::name(models::Sequential::new(), name)))
    }

    /// Appends a layer. What does not fit is reported when the model is first used.
    #[allow(clippy::should_implement_trait, reason = "Keras's word")]
    #[must_use]
    pub fn add(self, layer: impl Into<LayerRef>) -> Sequential {
        if let Some(network) = self.0.network().downcast::<models::Sequential>() {
            network.add(layer);
        }
        // What is wrong with the layers is found again, and reported, by the first use of the model.
        let _ = self.0.ensure_built();
        self
    }

    /// Of these layers, which keep their weights: `model.layers()[..2]` of another model, say.
    ///
    /// # Example
    /// ```
    /// use kerox::prelude::*;
    /// let whole = Sequential::new().add(Dense::new(8).input_shape([4])).add(Dense::new(2));
    /// let (_, rest) = whole.layers().split_last().map(|(last, rest)| (last.clone(), rest.to_vec())).unwrap();
    /// let body = Sequential::of(rest).add(Dense::new(5).name("head"));
    /// assert_eq!(body.get_weights()[0], whole.get_weights()[0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(layers: impl IntoIterator<Item = LayerRef>) -> Sequential {
        layers.into_iter().fold(Sequential::new(), Sequential::add)
    }

    /// Takes the last layer off and gives it back, to be used elsewhere with its weights. A compiled model has to be
    /// compiled again.
    ///
    /// # Errors
    /// Where there is no layer.
    ///
    /// # Source
    /// `keras.Sequential.pop`.
    pub fn pop(&mut self) -> crate::saving::Result<LayerRef> {
        let network = self.0.network().clone();
        let missing = || kerox_layers::Error::Topology {
            model: network.name().into(),
            expected: "a Sequential model".into(),
            found: format!("a `{}`", network.class_name()),
        };
        let popped = network.downcast::<models::Sequential>().ok_or_else(missing)?.pop()?;
        self.0.reset_traces();
        self.0.ensure_built()?;
        Ok(popped)
    }
}

impl Deref for Sequential {
    type Target = Model;
    fn deref(&self) -> &Model {
        &self.0
    }
}

impl DerefMut for Sequential {
    fn deref_mut(&mut self) -> &mut Model {
        &mut self.0
    }
}

impl From<Sequential> for Model {
    fn from(model: Sequential) -> Model {
        model.0
    }
}

impl From<Sequential> for LayerRef {
    fn from(model: Sequential) -> LayerRef {
        model.0.network().clone()
    }
}

/// Starts a functional model: the symbolic tensor of a new input layer of that shape, without the batch axis.
///
/// # Example
/// ```
/// use kerox::prelude::*;
/// let x = Input([4]);
/// let y = Dense::new(2).on(&x)?;
/// let model = Model::functional([x], [y])?;
/// assert_eq!(model.layers().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.Input`.
#[allow(non_snake_case, reason = "Keras's name")]
pub fn Input<D: Into<Option<usize>>>(shape: impl IntoIterator<Item = D>) -> kerox_layers::KerasTensor {
    crate::saving::install();
    kerox_layers::Input(shape)
}
