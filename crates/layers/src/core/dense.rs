//! `Dense`: a matrix, a bias, an activation.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Value, ValueInfo};
use kerox_tensor::Tensor;

use crate::call::input_error;
use crate::quantization::{Float8, InputGradient, InputQuantizer, QuantizedKernel};
use crate::registry::{LayerEntry, argument_error};
use crate::{
    Activation, Args, Base, Build, Call, Constraint, Error, Initializer, Layer, LayerRef, Lora, LoraOptions,
    Regularizer, Result, WeightSpec,
};

/// Multiplies the last axis by a learned matrix and adds a bias: `y = activation(x · kernel + bias)`.
///
/// # Shapes
/// input `[batch, ..., input_dim]`, output `[batch, ..., units]`; `kernel` is `[input_dim, units]`, `bias` `[units]`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, core::Dense};
/// let x = Input([3]);
/// let y = Dense::new(4).activation("relu").on(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 4)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Dense`.
#[derive(Debug)]
pub struct Dense {
    base: Base,
    units: usize,
    activation: Activation,
    use_bias: bool,
    kernel_initializer: Initializer,
    bias_initializer: Initializer,
    kernel_regularizer: Option<Regularizer>,
    bias_regularizer: Option<Regularizer>,
    activity_regularizer: Option<Regularizer>,
    kernel_constraint: Option<Constraint>,
    bias_constraint: Option<Constraint>,
    inputs: InputQuantizer,
    lora: Lora,
}

impl Dense {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "Dense", aliases: &[], module: "keras.layers", from_config: Dense::from_config };

    /// With that many outputs.
    pub fn new(units: usize) -> Dense {
        Dense {
            base: Base::new("Dense"),
            units,
            activation: Activation::Linear,
            use_bias: true,
            kernel_initializer: "glorot_uniform".into(),
            bias_initializer: "zeros".into(),
            kernel_regularizer: None,
            bias_regularizer: None,
            activity_regularizer: None,
            kernel_constraint: None,
            bias_constraint: None,
            inputs: InputQuantizer::default(),
            lora: Lora::default(),
        }
    }

    /// What is done to the result; nothing by default.
    #[must_use]
    pub fn activation(mut self, activation: impl Into<Activation>) -> Dense {
        self.activation = activation.into();
        self
    }

    /// Whether a bias is added; true by default.
    #[must_use]
    pub fn use_bias(mut self, use_bias: bool) -> Dense {
        self.use_bias = use_bias;
        self
    }

    /// The first value of the kernel; Glorot uniform by default.
    #[must_use]
    pub fn kernel_initializer(mut self, initializer: impl Into<Initializer>) -> Dense {
        self.kernel_initializer = initializer.into();
        self
    }

    /// The first value of the bias; zeros by default.
    #[must_use]
    pub fn bias_initializer(mut self, initializer: impl Into<Initializer>) -> Dense {
        self.bias_initializer = initializer.into();
        self
    }

    /// What the size of the kernel adds to the loss.
    #[must_use]
    pub fn kernel_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Dense {
        self.kernel_regularizer = Some(regularizer.into());
        self
    }

    /// What the size of the bias adds to the loss.
    #[must_use]
    pub fn bias_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Dense {
        self.bias_regularizer = Some(regularizer.into());
        self
    }

    /// What the size of the output adds to the loss.
    #[must_use]
    pub fn activity_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Dense {
        self.activity_regularizer = Some(regularizer.into());
        self
    }

    /// What is done to the kernel after each update.
    #[must_use]
    pub fn kernel_constraint(mut self, constraint: impl Into<Constraint>) -> Dense {
        self.kernel_constraint = Some(constraint.into());
        self
    }

    /// What is done to the bias after each update.
    #[must_use]
    pub fn bias_constraint(mut self, constraint: impl Into<Constraint>) -> Dense {
        self.bias_constraint = Some(constraint.into());
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let initializer = |key: &str, default: &str| match fields.get(key) {
            Some(node) => Initializer::from_json(&node),
            None => Ok(default.into()),
        };
        let base = Base::from_config("Dense", fields)?;
        let lora = Lora::read(&base, fields)?;
        let mut layer = Dense {
            base,
            units: fields.positive("units")?,
            activation: Activation::from_json(fields.get("activation"))?,
            use_bias: fields.bool_or("use_bias", true)?,
            kernel_initializer: initializer("kernel_initializer", "glorot_uniform")?,
            bias_initializer: initializer("bias_initializer", "zeros")?,
            kernel_regularizer: Regularizer::optional(fields, "kernel_regularizer")?,
            bias_regularizer: Regularizer::optional(fields, "bias_regularizer")?,
            activity_regularizer: Regularizer::optional(fields, "activity_regularizer")?,
            kernel_constraint: Constraint::optional(fields, "kernel_constraint")?,
            bias_constraint: Constraint::optional(fields, "bias_constraint")?,
            inputs: InputQuantizer::read(fields)?,
            lora,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Dense {
    /// What the weights of this quantized layer are for a kernel of floats.
    pub(crate) fn quantize(&self, kernel: &Tensor) -> Result<Vec<(&'static str, Tensor)>> {
        match (self.base.policy().quantization, &kernel.shape()[..]) {
            (Some(mode), &[rows, columns]) => QuantizedKernel::dense(mode, rows, columns).quantize(&self.base, kernel),
            _ => Err(Error::NotBuilt),
        }
    }
}

/// The product over the last axis, however many axes there are.
fn product(cx: &mut Call<'_>, x: Value, kernel: Value) -> Result<Value> {
    Ok(match cx.g.dims(x).rank() {
        Some(2) => cx.g.matmul(x, kernel, false, false)?,
        _ => cx.g.batch_matmul(x, kernel, false, false)?,
    })
}

impl LoraOptions for Dense {
    fn lora_options(&mut self) -> &mut Lora {
        &mut self.lora
    }
}

impl Layer for Dense {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        if self.units == 0 {
            return Err(argument_error(&self.base, "units", "a positive integer", "0"));
        }
        let dims = inputs.first().map(|info| info.dims.clone()).unwrap_or_default();
        let input_dim = match dims.axes() {
            Some([.., _, Some(last)]) => *last,
            _ => {
                let expected = "one input `[batch, ..., input_dim]` whose last axis is known".into();
                return Err(input_error(self, expected, format!("shape {dims}")));
            }
        };
        let kernel = WeightSpec::new("kernel", [input_dim, self.units], &self.kernel_initializer)
            .regularizer(&self.kernel_regularizer)
            .constraint(&self.kernel_constraint);
        let bias = self.use_bias.then(|| {
            WeightSpec::new("bias", [self.units], &self.bias_initializer)
                .regularizer(&self.bias_regularizer)
                .constraint(&self.bias_constraint)
        });
        if let Some(float8) = Float8::of(&self.base) {
            self.lora.refuse_beside_float8(&self.base)?;
            self.lora.build(cx, &self.base, kernel, bias)?;
            return float8.build(cx);
        }
        if let Some(mode) = self.base.policy().quantization {
            QuantizedKernel::dense(mode, input_dim, self.units).build(cx, &self.base, bias)?;
            return self.lora.build_matrices(cx, &self.base, &kernel);
        }
        self.lora.build(cx, &self.base, kernel, bias)
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let [&input] = args.first()[..] else {
            return Err(input_error(self, "one input".into(), format!("{} inputs", args.first().len())));
        };
        let mode = self.base.policy().quantization;
        if let Some(float8) = Float8::of(&self.base) {
            let x = float8.rounded(cx, "inputs", input)?;
            let kernel = cx.weight(&self.base, "kernel")?;
            let kernel = float8.rounded(cx, "kernel", kernel)?;
            let y = product(cx, x, kernel)?;
            let mut y = float8.with_rounded_gradient(cx, y)?;
            if self.use_bias {
                let bias = float8.bias(cx)?;
                y = cx.g.bias_add(y, bias)?;
            }
            return Ok(vec![self.activation.apply(cx, y)?]);
        }
        let (x, kernel) = match (mode, cx.g.dims(input).axes()) {
            (Some(mode), Some([.., Some(input_dim)])) => {
                let kernel = QuantizedKernel::dense(mode, *input_dim, self.units).value(cx, &self.base)?;
                (self.inputs.apply(cx, input, &[-1], mode, InputGradient::Straight)?, kernel)
            }
            _ => (input, self.lora.kernel(cx, &self.base, "kernel", true)?),
        };
        let mut y = product(cx, x, kernel)?;
        y = cx.g.cast(y, self.base.policy().compute)?;
        if mode.is_some() {
            y = self.lora.beside(cx, &self.base, ("kernel", true), y, |cx, a| product(cx, input, a))?;
        }
        if self.use_bias {
            let bias = cx.weight(&self.base, "bias")?;
            y = cx.g.bias_add(y, bias)?;
        }
        Ok(vec![self.activation.apply(cx, y)?])
    }

    fn config(&self) -> Result<Config> {
        let json = kerox_config_json::Value::from;
        let regularizer = |r: &Option<Regularizer>| r.as_ref().map_or(json(None::<i64>), Regularizer::to_json);
        let constraint = |c: &Option<Constraint>| c.as_ref().map_or(json(None::<i64>), Constraint::to_json);
        let config = self
            .base
            .config()
            .with("units", self.units as i64)
            .with("activation", self.activation.to_json()?)
            .with("use_bias", self.use_bias)
            .with("kernel_initializer", self.kernel_initializer.to_json()?)
            .with("bias_initializer", self.bias_initializer.to_json()?)
            .with("kernel_regularizer", regularizer(&self.kernel_regularizer))
            .with("bias_regularizer", regularizer(&self.bias_regularizer))
            .with("activity_regularizer", regularizer(&self.activity_regularizer))
            .with("kernel_constraint", constraint(&self.kernel_constraint))
            .with("bias_constraint", constraint(&self.bias_constraint));
        Ok(self.lora.write(self.inputs.write(config)).with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn activity_regularizer(&self) -> Option<&Regularizer> {
        self.activity_regularizer.as_ref()
    }

    fn lora(&self) -> Option<&Lora> {
        Some(&self.lora).filter(|lora| lora.is_enabled())
    }

    fn requantized(&self) -> Result<Vec<(&'static str, Tensor)>> {
        let shape = self.lora.shape(&self.base, "kernel")?;
        let (Some(mode), &[input_dim, units]) = (self.base.policy().quantization, &shape[..]) else {
            return Ok(Vec::new());
        };
        let layout = QuantizedKernel::dense(mode, input_dim, units);
        let kernel = self.lora.floats(&self.base, "kernel", |cx| layout.value(cx, &self.base))?;
        layout.quantize(&self.base, &kernel)
    }

    fn casts_integers(&self) -> bool {
        true
    }
}
