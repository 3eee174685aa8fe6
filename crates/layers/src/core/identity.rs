//! `Identity`: the input as it is.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;

use crate::registry::LayerEntry;
use crate::{Args, Base, Call, Layer, LayerRef, Result};

/// Gives its input.
///
/// # Shapes
/// input and output alike.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, core::Identity};
/// let y = Identity::new().on(&Input([3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Identity`.
#[derive(Debug)]
pub struct Identity {
    base: Base,
}

impl Identity {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "Identity", aliases: &[], module: "keras.layers", from_config: Identity::from_config };

    /// The layer has no arguments of its own.
    pub fn new() -> Identity {
        Identity { base: Base::new("Identity") }
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = Identity { base: Base::from_config("Identity", fields)? };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Default for Identity {
    fn default() -> Identity {
        Identity::new()
    }
}

impl Layer for Identity {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        args.first().into_iter().map(|&x| Ok(cx.g.identity(x)?)).collect()
    }

    fn config(&self) -> Result<Config> {
        Ok(self.base.config().with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        self.base.is_keras3()
    }
}
