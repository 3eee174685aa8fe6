//! `ActivityRegularization`: the size of the input adds to the loss.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;

use crate::arguments::one_input;
use crate::registry::LayerEntry;
use crate::regularizers::{L1L2, factor};
use crate::{Args, Base, Call, Layer, LayerRef, Regularizer, Result};

/// Gives its input and adds `l1 * sum(|x|) + l2 * sum(x²)`, divided by the batch, to the loss.
///
/// # Shapes
/// input and output alike.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, regularization::ActivityRegularization};
/// let y = ActivityRegularization::new(0.0, 0.01).on(&Input([3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.ActivityRegularization`.
#[derive(Debug)]
pub struct ActivityRegularization {
    base: Base,
    l1: f64,
    l2: f64,
    regularizer: Regularizer,
}

impl ActivityRegularization {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "ActivityRegularization",
        aliases: &[],
        module: "keras.layers",
        from_config: ActivityRegularization::from_config,
    };

    /// With these factors.
    pub fn new(l1: f64, l2: f64) -> ActivityRegularization {
        let regularizer = L1L2 { l1, l2 }.into();
        ActivityRegularization { base: Base::new("ActivityRegularization"), l1, l2, regularizer }
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = ActivityRegularization::new(factor(fields, "l1", 0.0)?, factor(fields, "l2", 0.0)?);
        layer.base = Base::from_config("ActivityRegularization", fields)?;
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Layer for ActivityRegularization {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        Ok(vec![cx.g.identity(x)?])
    }

    fn config(&self) -> Result<Config> {
        Ok(self.base.config().with("l1", self.l1).with("l2", self.l2).with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn activity_regularizer(&self) -> Option<&Regularizer> {
        Some(&self.regularizer)
    }
}
