//! `Embedding`: a vector for each number.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Value, ValueInfo};
use kerox_tensor::{DType, Tensor};

use crate::arguments::one_input;
use crate::quantization::{InputQuantizer, QuantizedTable};
use crate::registry::{LayerEntry, argument_error};
use crate::weight_options::ConfigExt;
use crate::{
    Args, Base, Build, Call, Constraint, Error, Initializer, Layer, LayerRef, Lora, LoraOptions, Regularizer, Result,
    WeightOptions,
};

/// Turns non-negative integers into learned vectors.
///
/// # Shapes
/// input `[batch, ...]` of integers below `input_dim`, output `[batch, ..., output_dim]`; `embeddings` is
/// `[input_dim, output_dim]`. With `mask_zero` the mask is false where the number is 0.
///
/// # Errors
/// A number outside `0..input_dim` is an error when the model is run.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, core::Embedding};
/// let y = Embedding::new(1000, 16).on(&Input([7]))?;
/// assert_eq!(y.shape().to_string(), "(None, 7, 16)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Embedding`.
#[derive(Debug)]
pub struct Embedding {
    base: Base,
    input_dim: usize,
    output_dim: usize,
    embeddings: WeightOptions,
    activity_regularizer: Option<Regularizer>,
    mask_zero: bool,
    input_length: Json,
    inputs: InputQuantizer,
    lora: Lora,
}

impl Embedding {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "Embedding",
        aliases: &[],
        module: "keras.layers",
        from_config: Embedding::from_config,
    };

    /// For numbers below `input_dim`, with vectors of length `output_dim`.
    pub fn new(input_dim: usize, output_dim: usize) -> Embedding {
        Embedding {
            base: Base::new("Embedding"),
            input_dim,
            output_dim,
            embeddings: WeightOptions::new("uniform"),
            activity_regularizer: None,
            mask_zero: false,
            input_length: Json::Null,
            inputs: InputQuantizer::default(),
            lora: Lora::default(),
        }
    }

    /// Whether 0 stands for padding that later layers leave out.
    #[must_use]
    pub fn mask_zero(mut self, mask_zero: bool) -> Embedding {
        self.mask_zero = mask_zero;
        self
    }

    /// The number of steps, where it is fixed: gives the shape of the input.
    #[must_use]
    pub fn input_length(mut self, steps: usize) -> Embedding {
        self.input_length = Json::from(steps as i64);
        self.base.set_batch_input_shape(Some([None, Some(steps)].into()));
        self
    }

    /// The first value of the vectors; uniform in ±0.05 by default.
    #[must_use]
    pub fn embeddings_initializer(mut self, initializer: impl Into<Initializer>) -> Embedding {
        self.embeddings.initializer = initializer.into();
        self
    }

    /// What the size of the vectors adds to the loss.
    #[must_use]
    pub fn embeddings_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Embedding {
        self.embeddings.regularizer = Some(regularizer.into());
        self
    }

    /// What is done to the vectors after each update.
    #[must_use]
    pub fn embeddings_constraint(mut self, constraint: impl Into<Constraint>) -> Embedding {
        self.embeddings.constraint = Some(constraint.into());
        self
    }

    /// What the size of the output adds to the loss.
    #[must_use]
    pub fn activity_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Embedding {
        self.activity_regularizer = Some(regularizer.into());
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut base = Base::from_config("Embedding", fields)?;
        let input_length = fields.get("input_length").map_or(Json::Null, |node| node.value().clone());
        if base.batch_input_shape().is_none()
            && let Some(steps) = input_length.as_i64().and_then(|steps| usize::try_from(steps).ok())
        {
            base.set_batch_input_shape(Some([None, Some(steps)].into()));
        }
        let lora = Lora::read(&base, fields)?;
        let mut layer = Embedding {
            base,
            input_dim: fields.positive("input_dim")?,
            output_dim: fields.positive("output_dim")?,
            embeddings: WeightOptions::read(fields, "embeddings", "uniform")?,
            activity_regularizer: Regularizer::optional(fields, "activity_regularizer")?,
            mask_zero: fields.bool_or("mask_zero", false)?,
            input_length,
            inputs: InputQuantizer::read(fields)?,
            lora,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Embedding {
    /// The vectors of a quantized layer.
    fn quantized(&self) -> Result<Option<QuantizedTable>> {
        let table = |mode| QuantizedTable::new(mode, &self.base, self.input_dim, self.output_dim);
        self.base.policy().quantization.map(table).transpose()
    }

    /// What the weights of this quantized layer are for vectors of floats.
    pub(crate) fn quantize(&self, embeddings: &Tensor) -> Result<Vec<(&'static str, Tensor)>> {
        self.quantized()?.ok_or(Error::NotBuilt)?.quantize(embeddings, None)
    }
}

impl LoraOptions for Embedding {
    fn lora_options(&mut self) -> &mut Lora {
        &mut self.lora
    }
}

impl Layer for Embedding {
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
        if let Some(table) = self.quantized()? {
            table.build(cx, &self.base, false)?;
            return self.lora.build_matrices(cx, &self.base, &spec);
        }
        self.lora.build(cx, &self.base, spec, None)
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let input = one_input(self, args)?;
        let ids = match cx.g.dtype(input) {
            DType::I32 | DType::I64 => input,
            _ => cx.g.cast(input, DType::I32)?,
        };
        let output = match self.quantized()? {
            Some(table) => {
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
        let weights = [("embeddings", &self.embeddings)];
        let config = self
            .base
            .config()
            .with("input_dim", self.input_dim as i64)
            .with("output_dim", self.output_dim as i64)
            .with_weights(&weights, &self.activity_regularizer)?
            .with("mask_zero", self.mask_zero)
            .with("input_length", self.input_length.clone());
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
        let Some(table) = self.quantized()? else { return Ok(Vec::new()) };
        table.quantize(&self.lora.floats(&self.base, "embeddings", |cx| table.table(cx, &self.base))?, None)
    }
}
