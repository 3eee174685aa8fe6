//! `RandomFourierFeatures`: a kernel method's features, drawn at random.

use std::sync::Arc;

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Value, ValueInfo};
use kerox_tensor::{DType, Shape, Tensor};

use crate::arguments::{axes_of_rank, input_dims, one_input};
use crate::call::input_error;
use crate::constraints::NonNeg;
use crate::initializers::{Constant, Initialize, RandomNormal, RandomUniform};
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Build, Call, Initializer, Layer, LayerRef, Result, WeightSpec};

/// `cos(x · unscaled_kernel / kernel_scale + bias)` with kernel and bias drawn once: the inner products of such
/// features are close to a shift-invariant kernel function of the inputs.
///
/// # Arguments
/// `kernel_initializer`: `gaussian` (the default) or `laplacian` for that kernel function, or an initializer;
/// `scale`: the first `kernel_scale`, by default `sqrt(input_dim / 2)` for `gaussian` and 1 else. `trainable` (false
/// unless set) trains `kernel_scale` alone.
///
/// # Shapes
/// input `[batch, input_dim]`, output `[batch, output_dim]`; `unscaled_kernel` is `[input_dim, output_dim]`, `bias`
/// `[output_dim]`, `kernel_scale` `[1]`.
///
/// # Errors
/// An input of other than 2 axes, a scale that is not positive.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, core::RandomFourierFeatures};
/// let y = RandomFourierFeatures::new(64).on(&Input([8]))?;
/// assert_eq!(y.shape().to_string(), "(None, 64)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.experimental.RandomFourierFeatures`; Rahimi and Recht, 2007.
#[derive(Debug)]
pub struct RandomFourierFeatures {
    base: Base,
    output_dim: usize,
    kernel: KernelFunction,
    scale: Option<f64>,
}

/// How the kernel is drawn.
#[derive(Clone, Debug)]
enum KernelFunction {
    /// Normally distributed; written as it was given.
    Gaussian(String),
    /// By the Cauchy distribution; written as it was given.
    Laplacian(String),
    /// By an initializer.
    Other(Initializer),
}

impl RandomFourierFeatures {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "RandomFourierFeatures",
        aliases: &[],
        module: "keras.layers.experimental",
        from_config: RandomFourierFeatures::from_config,
    };

    /// With that many features of the gaussian kernel function.
    pub fn new(output_dim: usize) -> RandomFourierFeatures {
        let base = Base::new("RandomFourierFeatures");
        base.set_trainable(false);
        RandomFourierFeatures { base, output_dim, kernel: KernelFunction::Gaussian("gaussian".into()), scale: None }
    }

    /// `gaussian`, `laplacian`, or an initializer.
    #[must_use]
    pub fn kernel_initializer(mut self, initializer: impl Into<Initializer>) -> RandomFourierFeatures {
        self.kernel = match initializer.into() {
            Initializer::Named(name) => KernelFunction::named(&name),
            object => KernelFunction::Other(object),
        };
        self
    }

    /// The first `kernel_scale`.
    #[must_use]
    pub fn scale(mut self, scale: f64) -> RandomFourierFeatures {
        self.scale = Some(scale);
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let base = Base::from_config("RandomFourierFeatures", fields)?;
        base.set_trainable(fields.bool_or("trainable", false)?);
        let kernel = match fields.get("kernel_initializer") {
            Some(node) => match node.str() {
                Ok(name) => KernelFunction::named(name),
                Err(_) => KernelFunction::Other(Initializer::from_json(&node)?),
            },
            None => KernelFunction::Gaussian("gaussian".into()),
        };
        let (output_dim, scale) = (fields.positive("output_dim")?, fields.opt_float("scale")?);
        let mut layer = RandomFourierFeatures { base, output_dim, kernel, scale };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl KernelFunction {
    fn named(name: &str) -> KernelFunction {
        match name.to_lowercase().as_str() {
            "gaussian" => KernelFunction::Gaussian(name.into()),
            "laplacian" => KernelFunction::Laplacian(name.into()),
            _ => KernelFunction::Other(name.into()),
        }
    }

    fn initializer(&self) -> Initializer {
        match self {
            KernelFunction::Gaussian(_) => {
                Initializer::Object(Arc::new(RandomNormal { mean: 0.0, stddev: 1.0, seed: None }))
            }
            KernelFunction::Laplacian(_) => Initializer::Object(Arc::new(Cauchy)),
            KernelFunction::Other(initializer) => initializer.clone(),
        }
    }
}

/// Draws from the standard Cauchy distribution.
#[derive(Debug)]
struct Cauchy;

impl Initialize for Cauchy {
    fn class_name(&self) -> &str {
        "laplacian"
    }
    fn config(&self) -> Config {
        Config::new()
    }
    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        let uniform = RandomUniform { minval: 0.0, maxval: 1.0, seed: None }.sample(shape, DType::F64)?;
        let values = uniform.as_slice::<f64>()?.iter();
        let values: Vec<f64> = values.map(|u| (std::f64::consts::PI * (u - 0.5)).tan()).collect();
        Ok(Tensor::from_vec(values, shape.clone())?.cast(dtype)?)
    }
}

impl Layer for RandomFourierFeatures {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let dims = input_dims(inputs);
        let axes = axes_of_rank(self, &dims, 2, "[batch, input_dim]")?;
        let input_dim = axes[1].ok_or_else(|| {
            input_error(self, "`[batch, input_dim]` with a known last axis".into(), format!("shape {dims}"))
        })?;
        if self.output_dim == 0 {
            return Err(argument_error(&self.base, "output_dim", "a positive integer", "0"));
        }
        if let Some(scale) = self.scale.filter(|scale| *scale <= 0.0 || scale.is_nan()) {
            return Err(argument_error(&self.base, "scale", "a positive number", scale.to_string()));
        }
        let default = match self.kernel {
            KernelFunction::Gaussian(_) => (input_dim as f64 / 2.0).sqrt(),
            _ => 1.0,
        };
        let scale = Constant::new(self.scale.unwrap_or(default));
        let phase = RandomUniform { minval: 0.0, maxval: std::f64::consts::TAU, seed: None };
        let mut add = |spec: WeightSpec| cx.add_weight(&self.base, spec.dtype(DType::F32)).map(drop);
        let shape = [input_dim, self.output_dim];
        add(WeightSpec::new("unscaled_kernel", shape, &self.kernel.initializer()).non_trainable())?;
        add(WeightSpec::new("bias", [self.output_dim], &Initializer::Object(Arc::new(phase))).non_trainable())?;
        let scale = WeightSpec::new("kernel_scale", [1], &Initializer::Object(Arc::new(scale)));
        add(scale.constraint(&Some(NonNeg.into())))
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let x = cx.g.cast(x, DType::F32)?;
        let read = |cx: &mut Call<'_>, attr: &str| -> Result<Value> {
            Ok(cx.g.read(&self.base.variable(attr).ok_or(crate::Error::NotBuilt)?)?)
        };
        let (kernel, bias) = (read(cx, "unscaled_kernel")?, read(cx, "bias")?);
        let scale = read(cx, "kernel_scale")?;
        let factor = cx.g.reciprocal(scale)?;
        let kernel = cx.g.multiply(factor, kernel)?;
        let y = cx.g.matmul(x, kernel, false, false)?;
        let y = cx.g.bias_add(y, bias)?;
        Ok(vec![cx.g.cos(y)?])
    }

    fn config(&self) -> Result<Config> {
        let kernel = match &self.kernel {
            KernelFunction::Gaussian(name) | KernelFunction::Laplacian(name) => Json::from(name.as_str()),
            KernelFunction::Other(initializer) => initializer.to_json()?,
        };
        Ok(self
            .base
            .config()
            .with("output_dim", self.output_dim)
            .with("kernel_initializer", kernel)
            .with("scale", self.scale)
            .with_rest(self.base.rest()))
    }
}
