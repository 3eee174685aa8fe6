//! Models as users make them.

use std::ops::{Deref, DerefMut};

use kerox_layers::{LayerExt, LayerRef, models};

pub use kerox_train::Model;

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
