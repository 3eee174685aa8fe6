//! `MultiHeadAttention`: several attentions side by side.

use std::sync::OnceLock;

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Generator, Value, ValueInfo};

use super::heads::{Heads, attend};
use super::heads_dense::HeadsDense;
use super::masks;
use super::projections::Projections;
use super::scores::flag;
use crate::arguments::check_rate;
use crate::base::dims_to_json;
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::weight_options::ConfigExt;
use crate::{
    Arg, Args, Base, BiasOptions, Build, Call, KernelOptions, Layer, LayerRef, Regularizer, Result, Tracked,
    WeightOptions,
};

/// Attention of several heads: query, key and value are projected for each head, attended, and projected back.
///
/// The call takes `query`, `value`, perhaps `key` and `attention_mask`, and the flags `return_attention_scores` and
/// `use_causal_mask`; masks that came with the inputs count too.
///
/// # Shapes
/// query `[batch, queries, dim]`, value and key `[batch, keys, ...]`; output `[batch, queries, dim]` (or `output_shape`
/// in the place of `dim`), then the weights `[batch, heads, queries, keys]` where asked for. Inputs may have more axes,
/// of which `attention_axes` are attended over; all between batch and features by default.
///
/// # Source
/// `keras.layers.MultiHeadAttention`.
#[derive(Debug)]
pub struct MultiHeadAttention {
    base: Base,
    num_heads: usize,
    key_dim: usize,
    value_dim: Option<usize>,
    dropout: f64,
    use_bias: bool,
    output_shape: Option<Vec<usize>>,
    /// Whether files have `output_shape` as one number, not a list.
    one_output_axis: bool,
    attention_axes: Option<Vec<i64>>,
    kernel: WeightOptions,
    bias: WeightOptions,
    activity_regularizer: Option<Regularizer>,
    projections_activity_regularizer: Option<Regularizer>,
    use_gate: bool,
    sliding_window: Option<usize>,
    shapes: [Json; 3],
    /// The shapes of query, key and value of the first call, which Keras 2.15 needs to build the layer from its
    /// configuration.
    called: OnceLock<[Json; 3]>,
    projections: OnceLock<Projections>,
    generator: OnceLock<Generator>,
}

impl MultiHeadAttention {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "MultiHeadAttention",
        aliases: &[],
        module: "keras.layers",
        from_config: MultiHeadAttention::from_config,
    };

    /// With that many heads, whose queries and keys have that length.
    pub fn new(num_heads: usize, key_dim: usize) -> MultiHeadAttention {
        MultiHeadAttention {
            base: Base::new("MultiHeadAttention"),
            num_heads,
            key_dim,
            value_dim: None,
            dropout: 0.0,
            use_bias: true,
            output_shape: None,
            one_output_axis: false,
            attention_axes: None,
            kernel: WeightOptions::new("glorot_uniform"),
            bias: WeightOptions::new("zeros"),
            activity_regularizer: None,
            projections_activity_regularizer: None,
            use_gate: false,
            sliding_window: None,
            shapes: [Json::Null, Json::Null, Json::Null],
            called: OnceLock::new(),
            projections: OnceLock::new(),
            generator: OnceLock::new(),
        }
    }

    /// Length of a head's values; that of its keys by default.
    #[must_use]
    pub fn value_dim(mut self, value_dim: usize) -> MultiHeadAttention {
        self.value_dim = Some(value_dim);
        self
    }

    /// What of the weights is dropped while training, fraction in [0, 1].
    #[must_use]
    pub fn dropout(mut self, rate: f64) -> MultiHeadAttention {
        self.dropout = rate;
        self
    }

    /// Whether the projections have biases; true by default.
    #[must_use]
    pub fn use_bias(mut self, use_bias: bool) -> MultiHeadAttention {
        self.use_bias = use_bias;
        self
    }

    /// The last axes of the output; the query's last axis by default.
    #[must_use]
    pub fn output_shape(mut self, shape: impl IntoIterator<Item = usize>) -> MultiHeadAttention {
        self.output_shape = Some(shape.into_iter().collect());
        self
    }

    /// Whether what was attended is multiplied by the sigmoid of one more projection of the query before it is projected
    /// back, as in Keras 3; false by default.
    #[must_use]
    pub fn use_gate(mut self, use_gate: bool) -> MultiHeadAttention {
        self.use_gate = use_gate;
        self
    }

    /// How near a key has to be to be looked at, as in Keras 3: fewer steps than this before or behind the query, at
    /// least 1.
    #[must_use]
    pub fn sliding_window(mut self, steps: usize) -> MultiHeadAttention {
        self.sliding_window = Some(steps);
        self
    }

    /// What the sizes of the projections add to the loss: what Keras 3 does with `activity_regularizer`.
    #[must_use]
    pub fn projections_activity_regularizer(mut self, regularizer: impl Into<Regularizer>) -> MultiHeadAttention {
        self.projections_activity_regularizer = Some(regularizer.into());
        self
    }

    /// The axes to attend over, as Keras 2 counts them: those of the projected query `[batch, ..., heads, size]`, from its
    /// end where negative. (Keras 3 leaves the heads out of counting from the end.)
    #[must_use]
    pub fn attention_axes(mut self, axes: impl IntoIterator<Item = i64>) -> MultiHeadAttention {
        self.attention_axes = Some(axes.into_iter().collect());
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let shape = |key: &str| fields.get(key).map_or(Json::Null, |node| node.value().clone());
        let list = |key: &str| match fields.get(key) {
            Some(node) if node.value().as_i64().is_some() => Ok(Some(vec![node.int()?])),
            Some(node) => node.ints().map(Some),
            None => Ok(None),
        };
        let output_shape = match list("output_shape")? {
            Some(lengths) => {
                let positive = |&d: &i64| usize::try_from(d).ok().filter(|&d| d > 0);
                let all: Option<Vec<usize>> = lengths.iter().map(positive).collect();
                Some(all.ok_or_else(|| fields.error("output_shape", "positive lengths", ""))?)
            }
            None => None,
        };
        let mut layer = MultiHeadAttention {
            base: Base::from_config("MultiHeadAttention", fields)?,
            num_heads: fields.positive("num_heads")?,
            key_dim: fields.positive("key_dim")?,
            value_dim: fields.opt_positive("value_dim")?,
            dropout: fields.float_or("dropout", 0.0)?,
            use_bias: fields.bool_or("use_bias", true)?,
            output_shape,
            one_output_axis: fields.get("output_shape").is_some_and(|node| node.value().as_i64().is_some()),
            attention_axes: list("attention_axes")?,
            kernel: WeightOptions::read(fields, "kernel", "glorot_uniform")?,
            bias: WeightOptions::read(fields, "bias", "zeros")?,
            activity_regularizer: Regularizer::optional(fields, "activity_regularizer")?,
            projections_activity_regularizer: Regularizer::optional(fields, "projections_activity_regularizer")?,
            use_gate: fields.bool_or("use_gate", false)?,
            sliding_window: fields.opt_positive("sliding_window")?,
            shapes: [shape("query_shape"), shape("key_shape"), shape("value_shape")],
            called: OnceLock::new(),
            projections: OnceLock::new(),
            generator: OnceLock::new(),
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    fn projections(&self) -> &Projections {
        self.projections.get_or_init(|| {
            let bias = Some(&self.bias).filter(|_| self.use_bias);
            let make = |name: &str, contracted: usize, outputs: Option<Vec<usize>>| {
                HeadsDense::inside(&self.base, name, contracted, outputs, &self.kernel, bias)
                    .activity_regularizer(self.projections_activity_regularizer.clone())
            };
            let keys = Some(vec![self.num_heads, self.key_dim]);
            let values = Some(vec![self.num_heads, self.value_dim.unwrap_or(self.key_dim)]);
            let gate = || make("gate", 1, values.clone()).activation("sigmoid".into());
            Projections {
                query: make("query", 1, keys.clone()).into(),
                key: make("key", 1, keys.clone()).into(),
                value: make("value", 1, values.clone()).into(),
                gate: self.use_gate.then(|| gate().into()),
                output: make("attention_output", 2, self.output_shape.clone()).into(),
            }
        })
    }

    /// The shapes of query, key and value for files.
    fn written_shapes(&self) -> [Json; 3] {
        match self.called.get() {
            Some(called) if self.shapes.iter().all(Json::is_null) => called.clone(),
            _ => self.shapes.clone(),
        }
    }

    /// The attended axes, counted from the start, for a query of that rank.
    fn axes(&self, rank: usize) -> Result<Vec<usize>> {
        let Some(axes) = &self.attention_axes else { return Ok((1..rank - 1).collect()) };
        // Those of the projected query, whose heads have one more axis.
        let place = |&axis: &i64| {
            let at = if axis < 0 { axis + rank as i64 + 1 } else { axis };
            usize::try_from(at).ok().filter(|&at| at < rank)
        };
        let places: Option<Vec<usize>> = axes.iter().map(place).collect();
        let are_different = |places: &Vec<usize>| (1..places.len()).all(|i| !places[..i].contains(&places[i]));
        places.filter(|places| !places.is_empty() && are_different(places)).ok_or_else(|| {
            let expected = format!("different axes before the last of the {} that projected queries have", rank + 1);
            argument_error(&self.base, "attention_axes", expected, format!("{axes:?}"))
        })
    }
}

impl KernelOptions for MultiHeadAttention {
    fn kernel_options(&mut self) -> &mut WeightOptions {
        &mut self.kernel
    }
}

impl BiasOptions for MultiHeadAttention {
    fn bias_options(&mut self) -> &mut WeightOptions {
        &mut self.bias
    }
}

/// Query, value and key of a call: positional or by name; the key is the value where it is not given.
pub(super) fn query_value_key(layer: &dyn Layer, args: &Args<Value>) -> Result<(Value, Value, Option<Value>)> {
    let one = |arg: Option<&Arg<Value>>| arg.and_then(|arg| arg.tensors().first().map(|&&v| v));
    let first: Vec<Value> = args.first().into_iter().copied().collect();
    let (query, listed) = match first.split_first() {
        Some((&query, rest)) => (Some(query), rest.to_vec()),
        None => (one(args.kwarg("query")), Vec::new()),
    };
    let value = listed.first().copied().or_else(|| one(args.get(1, "value")));
    let key = listed.get(1).copied().or_else(|| one(args.get(2, "key")));
    match (query, value) {
        (Some(query), Some(value)) => Ok((query, value, key)),
        _ => Err(input_error(layer, "query and value".into(), format!("{} tensors", args.tensors().len()))),
    }
}

/// The mask of who may look at whom, from the masks of the inputs, the one given and causality; and the query's.
pub(super) fn attention_mask(
    cx: &mut Call<'_>,
    args: &Args<Value>,
    (query, value, key): (Value, Value, Option<Value>),
    causal: bool,
) -> Result<Option<Value>> {
    let one = |arg: Option<&Arg<Value>>| arg.and_then(|arg| arg.tensors().first().map(|&&v| v));
    let of = |cx: &Call<'_>, name: &str, x: Option<Value>| one(args.kwarg(name)).or_else(|| x.and_then(|x| cx.mask(x)));
    let sources = [
        (of(cx, "query_mask", Some(query)), 2),
        (of(cx, "value_mask", Some(value)), 1),
        (of(cx, "key_mask", key.filter(|&key| key != value)), 1),
    ];
    let mut mask = None;
    for (source, axis) in sources {
        let Some(source) = source else { continue };
        let source = masks::to_bool(cx, source)?;
        let source = cx.g.expand_dims(source, axis)?;
        mask = masks::both(cx, mask, Some(source))?;
    }
    if causal {
        let lower = masks::causal(cx, (query, 1), (value, 1))?;
        mask = masks::both(cx, mask, Some(lower))?;
    }
    let given = one(args.get(3, "attention_mask")).map(|given| masks::to_bool(cx, given)).transpose()?;
    masks::both(cx, given, mask)
}

impl Layer for MultiHeadAttention {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, _: &mut Build, _: &[ValueInfo]) -> Result<()> {
        // The projections are built when the call has shown the shapes of all inputs.
        check_rate(&self.base, "dropout", self.dropout)
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let (query, value, key) = query_value_key(self, args)?;
        let dims = cx.g.dims(query).clone();
        let rank = match dims.axes() {
            Some(axes) if axes.len() >= 3 || axes.len() == 2 && self.attention_axes.is_some() => axes.len(),
            _ => return Err(input_error(self, "a query `[batch, queries, dim]`".into(), format!("shape {dims}"))),
        };
        let shape = |x: Value| dims_to_json(cx.g.dims(x));
        self.called.get_or_init(|| [shape(query), shape(key.unwrap_or(value)), shape(value)]);
        let mut mask = attention_mask(cx, args, (query, value, key), flag(args, 5, "use_causal_mask"))?;
        if let Some(steps) = self.sliding_window {
            let near = masks::near(cx, (query, 1), (value, 1), steps)?;
            mask = masks::both(cx, mask, Some(near))?;
        }
        let query_mask = cx.mask(query);
        let projections = self.projections();
        if let Some(dense) = projections.output.downcast::<HeadsDense>() {
            match dims.axes() {
                Some([.., Some(last)]) => dense.set_outputs(vec![*last]),
                _ if self.output_shape.is_some() => {}
                _ => {
                    let expected = "a query whose last axis is known".into();
                    return Err(input_error(self, expected, format!("shape {dims}")));
                }
            }
        }
        let q = cx.apply_one(&projections.query, query)?;
        let k = cx.apply_one(&projections.key, key.unwrap_or(value))?;
        let gate = projections.gate.as_ref().map(|gate| cx.apply_one(gate, query)).transpose()?;
        let v = cx.apply_one(&projections.value, value)?;
        let heads = Heads {
            base: &self.base,
            axes: &self.axes(rank)?,
            scale: 1.0 / (self.key_dim as f64).sqrt(),
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
        let ints = |list: Option<Vec<i64>>| list.map_or(Json::Null, Json::from);
        let weights = [("kernel", &self.kernel), ("bias", &self.bias)];
        let [query_shape, key_shape, value_shape] = self.written_shapes();
        let output_shape = match self.output_shape.as_deref() {
            Some([length]) if self.one_output_axis => Json::from(*length as i64),
            shape => ints(shape.map(|shape| shape.iter().map(|&d| d as i64).collect())),
        };
        let mut config = self
            .base
            .config()
            .with("num_heads", self.num_heads as i64)
            .with("key_dim", self.key_dim as i64)
            .with("value_dim", self.value_dim.unwrap_or(self.key_dim) as i64)
            .with("dropout", self.dropout)
            .with("use_bias", self.use_bias)
            .with("output_shape", output_shape)
            .with("attention_axes", ints(self.attention_axes.clone()))
            .with_weights(&weights, &self.activity_regularizer)?
            .with("query_shape", query_shape)
            .with("key_shape", key_shape)
            .with("value_shape", value_shape);
        // Arguments of Keras 3, which Keras 2 does not write.
        if self.use_gate {
            config = config.with("use_gate", true);
        }
        config = config.with_some("sliding_window", self.sliding_window.map(|steps| steps as i64));
        if let Some(regularizer) = &self.projections_activity_regularizer {
            config = config.with("projections_activity_regularizer", regularizer.to_json());
        }
        Ok(config.with_rest(self.base.rest()))
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
