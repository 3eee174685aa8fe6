//! `AdditiveAttention`: scores by sums of query and key.

use std::sync::OnceLock;

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value, ValueInfo};

use super::scores::Inputs;
use crate::arguments::input_dims;
use crate::call::input_error;
use crate::registry::LayerEntry;
use crate::{Args, Base, Build, Call, Initializer, Layer, LayerRef, Result, WeightSpec};

/// Additive attention, Bahdanau's: the scores are `sum(scale tanh(query + key))` over the last axis.
///
/// # Shapes
/// As [`Attention`](super::Attention); `scale` is `[dim]`.
///
/// # Source
/// `keras.layers.AdditiveAttention`.
#[derive(Debug)]
pub struct AdditiveAttention {
    base: Base,
    use_scale: bool,
    dropout: f64,
    causal: bool,
    generator: OnceLock<Generator>,
}

impl AdditiveAttention {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "AdditiveAttention",
        aliases: &[],
        module: "keras.layers",
        from_config: AdditiveAttention::from_config,
    };

    /// With a scale.
    #[allow(clippy::new_without_default, reason = "layers have names, which a default value would use up")]
    pub fn new() -> AdditiveAttention {
        AdditiveAttention {
            base: Base::new("AdditiveAttention"),
            use_scale: true,
            dropout: 0.0,
            causal: false,
            generator: OnceLock::new(),
        }
    }

    /// Whether the parts of a score are multiplied by learned numbers; true by default.
    #[must_use]
    pub fn use_scale(mut self, use_scale: bool) -> AdditiveAttention {
        self.use_scale = use_scale;
        self
    }

    /// What of the weights is dropped while training, fraction in [0, 1].
    #[must_use]
    pub fn dropout(mut self, rate: f64) -> AdditiveAttention {
        self.dropout = rate;
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = AdditiveAttention {
            base: Base::from_config("AdditiveAttention", fields)?,
            use_scale: fields.bool_or("use_scale", true)?,
            dropout: fields.float_or("dropout", 0.0)?,
            causal: fields.bool_or("causal", false)?,
            generator: OnceLock::new(),
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Layer for AdditiveAttention {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        if !self.use_scale {
            return Ok(());
        }
        let dims = input_dims(inputs);
        let Some([.., Some(dim)]) = dims.axes() else {
            let expected = "a query whose last axis is known".into();
            return Err(input_error(self, expected, format!("shape {dims}")));
        };
        let initializer: Initializer = "glorot_uniform".into();
        cx.add_weight(&self.base, WeightSpec::new("scale", [*dim], &initializer))?;
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let inputs = Inputs::new(self, cx, args, self.causal)?;
        let sums = inputs.sums(cx)?;
        let mut active = cx.g.tanh(sums)?;
        if self.use_scale {
            let scale = cx.weight(&self.base, "scale")?;
            active = cx.g.multiply(active, scale)?;
        }
        let scores = cx.g.reduce_sum(active, &[-1], false)?;
        let generator = self.generator.get_or_init(|| Generator::new(crate::random::next_seed()));
        inputs.apply(cx, &self.base, scores, self.dropout, generator)
    }

    fn config(&self) -> Result<Config> {
        let mut config = self.base.config().with("dropout", self.dropout).with("use_scale", self.use_scale);
        if self.causal {
            config = config.with("causal", true);
        }
        Ok(config.with_rest(self.base.rest()))
    }

    fn casts_integers(&self) -> bool {
        true
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn computes_masks(&self) -> bool {
        true
    }
}
