//! `GroupQueryAttention`: heads of queries that share keys and values.

use std::sync::OnceLock;

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value, ValueInfo};

use super::heads::{Heads, attend};
use super::heads_dense::HeadsDense;
use super::masks;
use super::multi_head_attention::{attention_mask, query_value_key};
use super::projections::Projections;
use super::scores::flag;
use crate::arguments::check_rate;
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::weight_options::ConfigExt;
use crate::{
    Args, Base, BiasOptions, Build, Call, KernelOptions, Layer, LayerRef, Regularizer, Result, Tracked, WeightOptions,
};

/// Multi-head attention in which groups of query heads share one head of keys and values.
///
/// # Shapes
/// query `[batch, queries, dim]`, value and key `[batch, keys, ...]`; output `[batch, queries, dim]`, then the weights
/// `[batch, query heads, queries, keys]` where asked for.
///
/// # Example
/// ```
/// use kerox_layers::attention::GroupQueryAttention;
/// use kerox_layers::{Input, LayerExt};
/// let layer = GroupQueryAttention::new(4, 8, 2).use_gate(true).sliding_window(16);
/// let x = Input([100, 32]);
/// let y = layer.on([&x, &x])?;
/// assert_eq!(y.shape().to_string(), "(None, 100, 32)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.GroupQueryAttention` of Keras 3.
#[derive(Debug)]
pub struct GroupQueryAttention {
    base: Base,
    head_dim: usize,
    num_query_heads: usize,
    num_key_value_heads: usize,
    dropout: f64,
    use_bias: bool,
    use_gate: bool,
    sliding_window: Option<usize>,
    kernel: WeightOptions,
    bias: WeightOptions,
    activity_regularizer: Option<Regularizer>,
    projections: OnceLock<Projections>,
    generator: OnceLock<Generator>,
}

impl GroupQueryAttention {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "GroupQueryAttention",
        aliases: &["GroupedQueryAttention"],
        module: "keras.layers",
        from_config: GroupQueryAttention::from_config,
    };

    /// With heads of that length.
    pub fn new(head_dim: usize, num_query_heads: usize, num_key_value_heads: usize) -> GroupQueryAttention {
        GroupQueryAttention {
            base: Base::new("GroupQueryAttention"),
            head_dim,
            num_query_heads,
            num_key_value_heads,
            dropout: 0.0,
            use_bias: true,
            use_gate: false,
            sliding_window: None,
            kernel: WeightOptions::new("glorot_uniform"),
            bias: WeightOptions::new("zeros"),
            activity_regularizer: None,
            projections: OnceLock::new(),
            generator: OnceLock::new(),
        }
    }

    /// What of the weights is dropped while training, fraction in [0, 1].
    #[must_use]
    pub fn dropout(mut self, rate: f64) -> GroupQueryAttention {
        self.dropout = rate;
        self
    }

    /// Whether the projections have biases; true by default.
    #[must_use]
    pub fn use_bias(mut self, use_bias: bool) -> GroupQueryAttention {
        self.use_bias = use_bias;
        self
    }

    /// Whether the result is multiplied by the sigmoid of one more projection of the query before it is projected back;
    /// false by default.
    #[must_use]
    pub fn use_gate(mut self, use_gate: bool) -> GroupQueryAttention {
        self.use_gate = use_gate;
        self
    }

    /// How near a key has to be to be looked at: fewer steps than this before or behind the query, at least 1.
    #[must_use]
    pub fn sliding_window(mut self, steps: usize) -> GroupQueryAttention {
        self.sliding_window = Some(steps);
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = GroupQueryAttention {
            base: Base::from_config("GroupQueryAttention", fields)?,
            head_dim: fields.positive("head_dim")?,
            num_query_heads: fields.positive("num_query_heads")?,
            num_key_value_heads: fields.positive("num_key_value_heads")?,
            dropout: fields.float_or("dropout", 0.0)?,
            use_bias: fields.bool_or("use_bias", true)?,
            use_gate: fields.bool_or("use_gate", false)?,
            sliding_window: fields.opt_positive("sliding_window")?,
            kernel: WeightOptions::read(fields, "kernel", "glorot_uniform")?,
            bias: WeightOptions::read(fields, "bias", "zeros")?,
            activity_regularizer: Regularizer::optional(fields, "activity_regularizer")?,
            projections: OnceLock::new(),
            generator: OnceLock::new(),
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    fn projections(&self) -> &Projections {
        self.projections.get_or_init(|| {
            let bias = Some(&self.bias).filter(|_| self.use_bias);
            let make = |name: &str, contracted: usize, heads: Option<usize>| {
                let outputs = heads.map(|heads| vec![heads, self.head_dim]);
                HeadsDense::inside(&self.base, name, contracted, outputs, &self.kernel, bias)
                    .activity_regularizer(self.activity_regularizer.clone())
            };
            let gate = || make("gate", 1, Some(self.num_query_heads)).activation("sigmoid".into());
            Projections {
                query: make("query", 1, Some(self.num_query_heads)).into(),
                key: make("key", 1, Some(self.num_key_value_heads)).into(),
                value: make("value", 1, Some(self.num_key_value_heads)).into(),
                gate: self.use_gate.then(|| gate().into()),
                output: make("attention_output", 2, None).into(),
            }
        })
    }

    /// Each head as often as there are query heads for it: `[batch, keys, heads, size]`.
    fn repeated(&self, cx: &mut Call<'_>, x: Value) -> Result<Value> {
        let times = self.num_query_heads / self.num_key_value_heads;
        if times == 1 {
            return Ok(x);
        }
        let order: Vec<i64> = (0..self.num_query_heads).map(|head| (head / times) as i64).collect();
        let order = cx.g.ints(&order)?;
        Ok(cx.g.gather(x, order, 2)?)
    }
}

impl KernelOptions for GroupQueryAttention {
    fn kernel_options(&mut self) -> &mut WeightOptions {
        &mut self.kernel
    }
}

impl BiasOptions for GroupQueryAttention {
    fn bias_options(&mut self) -> &mut WeightOptions {
        &mut self.bias
    }
}

impl Layer for GroupQueryAttention {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, _: &mut Build, _: &[ValueInfo]) -> Result<()> {
        check_rate(&self.base, "dropout", self.dropout)?;
        if self.num_key_value_heads == 0 || !self.num_query_heads.is_multiple_of(self.num_key_value_heads) {
            let expected = format!("a divisor of `num_query_heads` {}", self.num_query_heads);
            let found = self.num_key_value_heads.to_string();
            return Err(argument_error(&self.base, "num_key_value_heads", expected, found));
        }
        if self.sliding_window == Some(0) {
            return Err(argument_error(&self.base, "sliding_window", "at least 1 step", "0".to_string()));
        }
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let (query, value, key) = query_value_key(self, args)?;
        let dims = cx.g.dims(query).clone();
        let Some([_, _, Some(last)]) = dims.axes() else {
            return Err(input_error(self, "a query `[batch, queries, dim]`".into(), format!("shape {dims}")));
        };
        let mut mask = attention_mask(cx, args, (query, value, key), flag(args, 5, "use_causal_mask"))?;
        if let Some(steps) = self.sliding_window {
            let near = masks::near(cx, (query, 1), (value, 1), steps)?;
            mask = masks::both(cx, mask, Some(near))?;
        }
        let query_mask = cx.mask(query);
        let projections = self.projections();
        if let Some(dense) = projections.output.downcast::<HeadsDense>() {
            dense.set_outputs(vec![*last]);
        }
        let q = cx.apply_one(&projections.query, query)?;
        let k = cx.apply_one(&projections.key, key.unwrap_or(value))?;
        let gate = projections.gate.as_ref().map(|gate| cx.apply_one(gate, query)).transpose()?;
        let v = cx.apply_one(&projections.value, value)?;
        let (k, v) = (self.repeated(cx, k)?, self.repeated(cx, v)?);
        let heads = Heads {
            base: &self.base,
            axes: &[1],
            scale: 1.0 / (self.head_dim as f64).sqrt(),
            mask,
            dropout: self.dropout,
            generator: self.generator.get_or_init(|| Generator::new(crate::random::next_seed())),
        };
        let (mut result, weights) = attend(cx, &heads, q, k, v)?;
        if let Some(gate) = gate {
            result = cx.g.multiply(result, gate)?;
        }
        let output = cx.apply_one(&projections.output, result)?;
        cx.set_mask(output, query_mask);
        Ok(if flag(args, 4, "return_attention_scores") { vec![output, weights] } else { vec![output] })
    }

    fn config(&self) -> Result<Config> {
        let weights = [("kernel", &self.kernel), ("bias", &self.bias)];
        Ok(self
            .base
            .config()
            .with("head_dim", self.head_dim as i64)
            .with("num_query_heads", self.num_query_heads as i64)
            .with("num_key_value_heads", self.num_key_value_heads as i64)
            .with("use_bias", self.use_bias)
            .with("use_gate", self.use_gate)
            .with("sliding_window", self.sliding_window.map(|w| w as i64))
            .with("dropout", self.dropout)
            .with_weights(&weights, &self.activity_regularizer)?
            .with_rest(self.base.rest()))
    }

    fn sublayers(&self) -> Vec<(String, Tracked)> {
        self.projections().tracked()
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn computes_masks(&self) -> bool {
        true
    }

    fn activity_regularizer(&self) -> Option<&Regularizer> {
        self.activity_regularizer.as_ref()
    }
}
