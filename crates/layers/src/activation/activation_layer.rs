//! `Activation`: a function of each element, or of the last axis.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;

use crate::arguments::one_input;
use crate::registry::LayerEntry;
use crate::{Activation, Args, Base, Call, Layer, LayerRef, Result};

/// An activation as a layer: Keras's `Activation`, which is the name of the functions here.
///
/// # Shapes
/// input and output alike.
///
/// # Errors
/// An unknown activation, with the nearest known name.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, activation::ActivationLayer};
/// let y = ActivationLayer::new("softmax").on(&Input([10]))?;
/// assert_eq!(y.shape().to_string(), "(None, 10)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Activation`.
#[derive(Debug)]
pub struct ActivationLayer {
    base: Base,
    activation: Activation,
}

impl ActivationLayer {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "Activation",
        aliases: &[],
        module: "keras.layers",
        from_config: ActivationLayer::from_config,
    };

    /// Of that name or function.
    pub fn new(activation: impl Into<Activation>) -> ActivationLayer {
        ActivationLayer { base: Base::new("Activation"), activation: activation.into() }
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let base = Base::from_config("Activation", fields)?;
        let mut layer = ActivationLayer { base, activation: Activation::from_json(fields.get("activation"))? };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Layer for ActivationLayer {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        Ok(vec![self.activation.apply(cx, x)?])
    }

    fn config(&self) -> Result<Config> {
        Ok(self.base.config().with("activation", self.activation.to_json()?).with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
