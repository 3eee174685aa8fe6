//! `ReversibleEmbedding`: vectors for numbers, and from vectors back to scores of numbers.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Value, ValueInfo};
use kerox_tensor::{DType, Tensor};

use crate::arguments::one_input;
use crate::quantization::{InputGradient, InputQuantizer, QuantizedTable};
use crate::registry::{LayerEntry, argument_error};
use crate::weight_options::ConfigExt;
use crate::{
    Arg, Args, Base, Build, Call, Error, Layer, LayerRef, Lora, LoraOptions, Quantization, Regularizer, Result,
    WeightOptions,
};

/// Turns non-negative integers into learned vectors, as [`super::Embedding`] does; called with `reverse` it turns
/// vectors into a score for each integer, by default with the same weights.
///
/// # Arguments
/// of a call: `reverse`, false by default.
///
/// # Shapes
/// input `[batch, ...]` of integers below `input_dim`, output `[batch, ..., output_dim]`; reversed: input `[batch,
/// ..., output_dim]`, output `[batch, ..., input_dim]`. `embeddings` is `[input_dim, output_dim]`,
/// `reverse_embeddings` (where the weights are not tied) `[output_dim, input_dim]`.
///
/// # Errors
/// A number outside `0..input_dim` is an error when the model is run.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, core::ReversibleEmbedding};
/// let y = ReversibleEmbedding::new(1000, 16).on(&Input([7]))?;
/// assert_eq!(y.shape().to_string(), "(None, 7, 16)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.ReversibleEmbedding` of Keras 3.
#[derive(Debug)]
pub struct ReversibleEmbedding {
    base: Base,
    input_dim: usize,
    output_dim: usize,
    tie_weights: bool,
    embeddings: WeightOptions,
    activity_regularizer: Option<Regularizer>,
    mask_zero: bool,
    reverse_dtype: Option<DType>,
    logit_soft_cap: Option<f64>,
    inputs: InputQuantizer,
    lora: Lora,
}

impl ReversibleEmbedding {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "ReversibleEmbedding",
        aliases: &[],
        module: "keras.layers",
        from_config: ReversibleEmbedding::from_config,
    };

    /// For numbers below `input_dim`, with vectors of length `output_dim`.
    pub fn new(input_dim: usize, output_dim: usize) -> ReversibleEmbedding {
        ReversibleEmbedding {
            base: Base::new("ReversibleEmbedding"),
            input_dim,
            output_dim,
            tie_weights: true,
            embeddings: WeightOptions::new("uniform"),
            activity_regularizer: None,
            mask_zero: false,
            reverse_dtype: None,
            logit_soft_cap: None,
            inputs: InputQuantizer::default(),
            lora: Lora::default(),
        }
    }

    /// Whether the way back has the same weights; true by default.
    #[must_use]
    pub fn tie_weights(mut self, tie_weights: bool) -> ReversibleEmbedding {
        self.tie_weights = tie_weights;
        self
    }

    /// Whether 0 stands for padding that later layers leave out.
    #[must_use]
    pub fn mask_zero(mut self, mask_zero: bool) -> ReversibleEmbedding {
        self.mask_zero = mask_zero;
        self
    }

    /// The type in which scores are computed; the compute type by default.
    #[must_use]
    pub fn reverse_dtype(mut self, dtype: DType) -> ReversibleEmbedding {
        self.reverse_dtype = Some(dtype);
        self
    }

    /// Scores are brought softly, by a hyperbolic tangent, below this size; not at all by default.
    #[must_use]
    pub fn logit_soft_cap(mut self, cap: f64) -> ReversibleEmbedding {
        self.logit_soft_cap = Some(cap);
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let reverse_dtype = match fields.get("reverse_dtype") {
            Some(node) => Some(DType::from_name(node.str()?).ok_or_else(|| node.expected("the name of a type"))?),
            None => None,
        };
        let base = Base::from_config("ReversibleEmbedding", fields)?;
        let lora = Lora::read(&base, fields)?;
        let mut layer = ReversibleEmbedding {
            base,
            input_dim: fields.positive("input_dim")?,
            output_dim: fields.positive("output_dim")?,
            tie_weights: fields.bool_or("tie_weights", true)?,
            embeddings: WeightOptions::read(fields, "embeddings", "uniform")?,
            activity_regularizer: Regularizer::optional(fields, "activity_regularizer")?,
            mask_zero: fields.bool_or("mask_zero", false)?,
            reverse_dtype,
            logit_soft_cap: fields.opt_float("logit_soft_cap")?,
            inputs: InputQuantizer::read(fields)?,
            lora,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// The vectors of a quantized layer.
    fn quantized(&self) -> Result<Option<(Quantization, QuantizedTable)>> {
        let table =
            |mode| QuantizedTable::new(mode, &self.base, self.input_dim, self.output_dim).map(|table| (mode, table));
        self.base.policy().quantization.map(table).transpose()
    }

    /// What the weights of this quantized layer are for vectors of floats and the matrix of the way back.
    pub(crate) fn quantize(
        &self,
        embeddings: &Tensor,
        reverse: Option<&Tensor>,
    ) -> Result<Vec<(&'static str, Tensor)>> {
        self.quantized()?.ok_or(Error::NotBuilt)?.1.quantize(embeddings, reverse)
    }

    /// Scores of the numbers for vectors.
    fn reverse(&self, cx: &mut Call<'_>, x: Value) -> Result<Value> {
        let compute = self.reverse_dtype.unwrap_or(self.base.policy().compute);
        let (x, kernel, turned) = match self.quantized()? {
            Some((mode, table)) => (
                self.inputs.apply(cx, x, &[-1], mode, InputGradient::OfScale)?,
                table.reverse(cx, &self.base, !self.tie_weights)?,
                false,
            ),
            None => {
                let kernel = match self.tie_weights {
                    true => self.lora.kernel(cx, &self.base, "embeddings", false)?,
                    false => cx.weight(&self.base, "reverse_embeddings")?,
                };
                (cx.g.cast(x, compute)?, kernel, self.tie_weights)
            }
        };
        let kernel = cx.g.cast(kernel, cx.g.dtype(x))?;
        let mut x = match cx.g.dims(x).rank() {
            Some(2) => cx.g.matmul(x, kernel, false, turned)?,
            _ => cx.g.batch_matmul(x, kernel, false, turned)?,
        };
        x = cx.g.cast(x, compute)?;
        if let Some(cap) = self.logit_soft_cap {
            let cap = cx.g.number(cap, compute)?;
            x = cx.g.divide(x, cap)?;
            x = cx.g.tanh(x)?;
            x = cx.g.multiply(x, cap)?;
        }
        Ok(x)
    }
}

impl LoraOptions for ReversibleEmbedding {
    fn lora_options(&mut self) -> &mut Lora {
        &mut self.lora
    }
}

impl Layer for ReversibleEmbedding {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, _: &[ValueInfo]) -> Result<()> {
        for (argument, length) in [("input_dim", self.input_dim), ("output_dim", self.output_dim)] {
            if length == 0 {
                return Err(argument_error(&self.base, argument, "a positive integer", "0"));
            }
        }
        let spec = self.embeddings.spec("embeddings", [self.input_dim, self.output_dim]);
        if let Some((_, table)) = self.quantized()? {
            table.build(cx, &self.base, !self.tie_weights)?;
            return self.lora.build_matrices(cx, &self.base, &spec);
        }
        let options = WeightOptions::new(self.embeddings.initializer.clone());
        let reverse = options.spec("reverse_embeddings", [self.output_dim, self.input_dim]);
        self.lora.build(cx, &self.base, spec, (!self.tie_weights).then_some(reverse))
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let input = one_input(self, args)?;
        match args.get(1, "reverse") {
            None | Some(Arg::Const(Json::Bool(false))) => {}
            Some(Arg::Const(Json::Bool(true))) => return Ok(vec![self.reverse(cx, input)?]),
            Some(_) => return Err(argument_error(&self.base, "reverse", "true or false", "another value")),
        }
        let ids = match cx.g.dtype(input) {
            DType::I32 | DType::I64 => input,
            _ => cx.g.cast(input, DType::I32)?,
        };
        let output = match self.quantized()? {
            Some((_, table)) => {
                let rows = table.rows(cx, &self.base, ids)?;
                self.lora.beside(cx, &self.base, ("embeddings", false), rows, |cx, a| Ok(cx.g.gather(a, ids, 0)?))?
            }
            None => {
                let embeddings = self.lora.kernel(cx, &self.base, "embeddings", false)?;
                cx.g.gather(embeddings, ids, 0)?
            }
        };
        if self.mask_zero {
            let zero = cx.g.number(0.0, cx.g.dtype(ids))?;
            let mask = cx.g.not_equal(ids, zero)?;
            cx.set_mask(output, Some(mask));
        }
        Ok(vec![output])
    }

    fn config(&self) -> Result<Config> {
        let config = self
            .base
            .config()
            .with("input_dim", self.input_dim)
            .with("output_dim", self.output_dim)
            .with_weights(&[("embeddings", &self.embeddings)], &self.activity_regularizer)?
            .with("mask_zero", self.mask_zero)
            .with("tie_weights", self.tie_weights)
            .with("reverse_dtype", self.reverse_dtype.map(|dtype| dtype.to_string()))
            .with("logit_soft_cap", self.logit_soft_cap);
        Ok(self.lora.write(self.inputs.write(config)).with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        self.mask_zero
    }

    fn computes_masks(&self) -> bool {
        true
    }

    fn autocast(&self) -> bool {
        false
    }

    fn input_dtype(&self) -> DType {
        DType::F32
    }

    fn activity_regularizer(&self) -> Option<&Regularizer> {
        self.activity_regularizer.as_ref()
    }

    fn lora(&self) -> Option<&Lora> {
        Some(&self.lora).filter(|lora| lora.is_enabled())
    }

    fn requantized(&self) -> Result<Vec<(&'static str, Tensor)>> {
        let Some((_, table)) = self.quantized()? else { return Ok(Vec::new()) };
        table.quantize(&self.lora.floats(&self.base, "embeddings", |cx| table.table(cx, &self.base))?, None)
    }
}
