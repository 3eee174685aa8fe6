//! `Attention`: scores by products of query and key.

use std::sync::OnceLock;

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value, ValueInfo};

use super::scores::Inputs;
use crate::registry::LayerEntry;
use crate::{Args, Base, Build, Call, Initializer, Layer, LayerRef, Result, WeightSpec};

/// How [`Attention`] makes a score of a query and a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScoreMode {
    /// Their product.
    #[default]
    Dot,
    /// The sum of the hyperbolic tangents of their sum.
    Concat,
}

/// Dot-product attention, Luong's: `softmax(query · keyᵀ) · value`.
///
/// # Shapes
/// inputs: a list of query `[batch, queries, dim]`, value `[batch, keys, dim]` and, where it differs from the value, key
/// `[batch, keys, dim]`; output `[batch, queries, dim]`, then the weights `[batch, queries, keys]` where
/// `return_attention_scores` is passed to the call.
///
/// # Source
/// `keras.layers.Attention`.
#[derive(Debug)]
pub struct Attention {
    base: Base,
    use_scale: bool,
    score_mode: ScoreMode,
    dropout: f64,
    causal: bool,
    generator: OnceLock<Generator>,
}

impl Attention {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "Attention",
        aliases: &[],
        module: "keras.layers",
        from_config: Attention::from_config,
    };

    /// With products as scores, without a scale.
    #[allow(clippy::new_without_default, reason = "layers have names, which a default value would use up")]
    pub fn new() -> Attention {
        Attention {
            base: Base::new("Attention"),
            use_scale: false,
            score_mode: ScoreMode::Dot,
            dropout: 0.0,
            causal: false,
            generator: OnceLock::new(),
        }
    }

    /// Whether the scores are multiplied by a learned number.
    #[must_use]
    pub fn use_scale(mut self, use_scale: bool) -> Attention {
        self.use_scale = use_scale;
        self
    }

    /// How scores are made.
    #[must_use]
    pub fn score_mode(mut self, score_mode: ScoreMode) -> Attention {
        self.score_mode = score_mode;
        self
    }

    /// What of the weights is dropped while training, fraction in [0, 1].
    #[must_use]
    pub fn dropout(mut self, rate: f64) -> Attention {
        self.dropout = rate;
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let words = [("dot", ScoreMode::Dot), ("concat", ScoreMode::Concat)];
        let mut layer = Attention {
            base: Base::from_config("Attention", fields)?,
            use_scale: fields.bool_or("use_scale", false)?,
            score_mode: fields.one_of_or("score_mode", &words, ScoreMode::Dot)?,
            dropout: fields.float_or("dropout", 0.0)?,
            causal: fields.bool_or("causal", false)?,
            generator: OnceLock::new(),
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Layer for Attention {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, _: &[ValueInfo]) -> Result<()> {
        let ones: Initializer = "ones".into();
        if self.use_scale {
            cx.add_weight(&self.base, WeightSpec::new("scale", [], &ones))?;
        }
        if self.score_mode == ScoreMode::Concat {
            cx.add_weight(&self.base, WeightSpec::new("concat_score_weight", [], &ones))?;
        }
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let inputs = Inputs::new(self, cx, args, self.causal)?;
        let scale = if self.use_scale { Some(cx.weight(&self.base, "scale")?) } else { None };
        let scores = match self.score_mode {
            ScoreMode::Dot => {
                let scores = cx.g.batch_matmul(inputs.query, inputs.key, false, true)?;
                match scale {
                    Some(scale) => cx.g.multiply(scores, scale)?,
                    None => scores,
                }
            }
            ScoreMode::Concat => {
                let mut sums = inputs.sums(cx)?;
                if let Some(scale) = scale {
                    sums = cx.g.multiply(sums, scale)?;
                }
                let active = cx.g.tanh(sums)?;
                let scores = cx.g.reduce_sum(active, &[-1], false)?;
                let weight = cx.weight(&self.base, "concat_score_weight")?;
                cx.g.multiply(scores, weight)?
            }
        };
        let generator = self.generator.get_or_init(|| Generator::new(crate::random::next_seed()));
        inputs.apply(cx, &self.base, scores, self.dropout, generator)
    }

    fn config(&self) -> Result<Config> {
        let mode = if self.score_mode == ScoreMode::Dot { "dot" } else { "concat" };
        let mut config =
            self.base.config().with("dropout", self.dropout).with("use_scale", self.use_scale).with("score_mode", mode);
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
