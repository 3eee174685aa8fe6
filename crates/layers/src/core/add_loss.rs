//! `AddLoss`: a value of a functional model that is added to its loss.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;

use crate::arguments::one_input;
use crate::registry::LayerEntry;
use crate::{Args, Base, Call, Layer, LayerRef, Result};

/// Adds its input to the loss of the model and gives it on. [`crate::models::Functional::add_loss`] makes one.
///
/// # Shapes
/// input and output alike; the mean of an input that is no scalar is added.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, core::AddLoss};
/// let y = AddLoss::new().on(&Input([3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `AddLoss` of keras/src/engine/base_layer.py in Keras 2.
#[derive(Debug)]
pub struct AddLoss {
    base: Base,
    unconditional: bool,
}

impl AddLoss {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "AddLoss",
        aliases: &[],
        module: "keras.src.engine.base_layer",
        from_config: AddLoss::from_config,
    };

    /// One that depends on its input.
    pub fn new() -> AddLoss {
        AddLoss { base: Base::new("AddLoss"), unconditional: false }
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let base = Base::from_config("AddLoss", fields)?;
        let mut layer = AddLoss { base, unconditional: fields.bool_or("unconditional", false)? };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Default for AddLoss {
    fn default() -> AddLoss {
        AddLoss::new()
    }
}

impl Layer for AddLoss {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        cx.add_loss(x);
        Ok(vec![x])
    }

    fn config(&self) -> Result<Config> {
        Ok(self.base.config().with("unconditional", self.unconditional).with_rest(self.base.rest()))
    }
}
