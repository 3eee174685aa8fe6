//! `AddMetric`: a value of a functional model that is reported with its metrics.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::Value;

use crate::arguments::one_input;
use crate::registry::LayerEntry;
use crate::{Args, Base, Call, Layer, LayerRef, Result};

/// Reports the mean of its input over an epoch as a metric and gives it on. [`crate::models::Functional::add_metric`]
/// makes one.
///
/// # Shapes
/// input and output alike.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, core::AddMetric};
/// let y = AddMetric::new("activity").on(&Input([3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `AddMetric` of keras/src/engine/base_layer.py in Keras 2.
#[derive(Debug)]
pub struct AddMetric {
    base: Base,
    aggregation: Json,
    metric_name: String,
}

impl AddMetric {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "AddMetric",
        aliases: &[],
        module: "keras.src.engine.base_layer",
        from_config: AddMetric::from_config,
    };

    /// Under that name.
    pub fn new(metric_name: impl Into<String>) -> AddMetric {
        AddMetric { base: Base::new("AddMetric"), aggregation: Json::from("mean"), metric_name: metric_name.into() }
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let base = Base::from_config("AddMetric", fields)?;
        let aggregation = match fields.get("aggregation") {
            Some(node) => {
                node.one_of(&[("mean", ())])?;
                node.value().clone()
            }
            None => Json::Null,
        };
        let mut layer = AddMetric { base, aggregation, metric_name: fields.str("metric_name")?.into() };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Layer for AddMetric {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        cx.add_metric(self.metric_name.as_str(), x);
        Ok(vec![x])
    }

    fn config(&self) -> Result<Config> {
        Ok(self
            .base
            .config()
            .with("aggregation", self.aggregation.clone())
            .with("metric_name", self.metric_name.as_str())
            .with_rest(self.base.rest()))
    }
}
