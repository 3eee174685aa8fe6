//! `Pipeline`: layers that prepare data, one after the other.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::Value;

use crate::arguments::one_input;
use crate::registry::{self, LayerEntry};
use crate::{Args, Base, Call, Layer, LayerRef, Result, Tracked};

/// Layers applied one after the other.
///
/// # Shapes
/// input of the first layer, output of the last.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, preprocessing::{CenterCrop, Pipeline, Rescaling}};
/// let pipeline = Pipeline::new([Rescaling::new(1.0 / 255.0, 0.0).into(), CenterCrop::new(2, 2).into()]);
/// assert_eq!(pipeline.on(&Input([4, 4, 3]))?.shape().to_string(), "(None, 2, 2, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Pipeline` of Keras 3.
#[derive(Debug)]
pub struct Pipeline {
    base: Base,
    layers: Vec<LayerRef>,
}

impl Pipeline {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "Pipeline", aliases: &[], module: "keras.layers", from_config: Pipeline::from_config };

    /// Of these layers.
    pub fn new(layers: impl IntoIterator<Item = LayerRef>) -> Pipeline {
        Pipeline { base: Base::new("Pipeline"), layers: layers.into_iter().collect() }
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let base = Base::from_config("Pipeline", fields)?;
        let layers = fields.required("layers")?.list()?;
        let layers = layers.iter().map(registry::deserialize).collect::<Result<Vec<LayerRef>>>()?;
        let mut layer = Pipeline { base, layers };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Layer for Pipeline {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let mut values = vec![one_input(self, args)?];
        for layer in &self.layers {
            values = cx.apply(layer, &Args::inputs(values))?;
        }
        Ok(values)
    }

    fn config(&self) -> Result<Config> {
        let layers = self.layers.iter().map(registry::serialize).collect::<Result<Vec<Json>>>()?;
        Ok(Config::new().with("layers", layers).with("name", self.base.name()).with_rest(self.base.rest()))
    }

    fn sublayers(&self) -> Vec<(String, Tracked)> {
        let layers = self.layers.iter().cloned().map(Tracked::Layer);
        vec![("_pipeline_layers".to_string(), Tracked::list(layers))]
    }

    fn autocast(&self) -> bool {
        false
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn input_dtype(&self) -> kerox_tensor::DType {
        self.layers.first().map_or_else(|| self.base.policy().compute, |layer| layer.input_dtype())
    }
}
