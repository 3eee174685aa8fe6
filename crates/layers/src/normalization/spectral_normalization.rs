//! `SpectralNormalization`: a layer whose kernel is kept at spectral norm 1.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Value, ValueInfo};
use kerox_tensor::Variable;

use crate::arguments::one_input;
use crate::call::input_error;
use crate::initializers::TruncatedNormal;
use crate::registry::{LayerEntry, argument_error, deserialize, serialize};
use crate::{Args, Base, Build, Call, Initializer, Layer, LayerRef, Result, Tracked, Weight, WeightSpec};

/// The most iterations in a step.
const MOST: usize = 1 << 12;

/// Divides the kernel of a layer, in training, by its largest singular value, found by power iteration.
///
/// # Arguments
/// `power_iterations`: iterations in each training step; 1 by default.
///
/// # Shapes
/// those of the layer inside; `vector_u` is `[1, last axis of the kernel]`.
///
/// # Errors
/// A layer without `kernel` and `embeddings`, no iterations.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, conv::Conv2D, normalization::SpectralNormalization};
/// let y = SpectralNormalization::new(Conv2D::new(4, 3)).on(&Input([8, 8, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 6, 6, 4)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.SpectralNormalization`; Miyato et al., 2018.
#[derive(Debug)]
pub struct SpectralNormalization {
    base: Base,
    layer: LayerRef,
    power_iterations: usize,
}

impl SpectralNormalization {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "SpectralNormalization",
        aliases: &[],
        module: "keras.layers",
        from_config: SpectralNormalization::from_config,
    };

    /// Of that layer, with one iteration a step.
    pub fn new(layer: impl Into<LayerRef>) -> SpectralNormalization {
        SpectralNormalization { base: Base::new("SpectralNormalization"), layer: layer.into(), power_iterations: 1 }
    }

    /// Iterations in each training step; 1 by default.
    #[must_use]
    pub fn power_iterations(mut self, iterations: usize) -> SpectralNormalization {
        self.power_iterations = iterations;
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = SpectralNormalization {
            base: Base::from_config("SpectralNormalization", fields)?,
            layer: deserialize(&fields.required("layer")?)?,
            power_iterations: fields.positive_or("power_iterations", 1)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    fn kernel(&self) -> Result<Variable> {
        let base = self.layer.base();
        // Keras 3 calls the kernel of a depthwise convolution `kernel` too.
        ["kernel", "embeddings", "depthwise_kernel"].into_iter().find_map(|name| base.variable(name)).ok_or_else(|| {
            let found = format!("`{}`", self.layer.class_name());
            argument_error(&self.base, "layer", "a layer with the weight `kernel` or `embeddings`", found)
        })
    }

    /// In Keras 3 outputs have the type of the input, even of integers.
    fn as_input(&self, cx: &mut Call<'_>, x: Value, outputs: Vec<Value>) -> Result<Vec<Value>> {
        let dtype = cx.g.dtype(x);
        if !self.base.is_keras3() {
            return Ok(outputs);
        }
        let cast = |y| if cx.g.dtype(y) == dtype { Ok(y) } else { Ok(cx.g.cast(y, dtype)?) };
        outputs.into_iter().map(cast).collect()
    }

    /// The kernel divided by its norm, and the vector from which the next step goes on.
    fn normalized(&self, cx: &mut Call<'_>, kernel: Value, vector_u: Value) -> Result<(Value, Value)> {
        let dtype = cx.g.dtype(kernel);
        let last = cx.g.dims(kernel).axes().and_then(|axes| axes.last().copied().flatten()).unwrap_or(1);
        let weights = cx.g.reshape(kernel, &[-1, last as i64])?;
        let (mut u, mut v) = (vector_u, vector_u);
        for _ in 0..self.power_iterations {
            v = cx.g.matmul(u, weights, false, true)?;
            v = unit(cx, v)?;
            u = cx.g.matmul(v, weights, false, false)?;
            u = unit(cx, u)?;
        }
        let sigma = cx.g.matmul(v, weights, false, false)?;
        let sigma = cx.g.matmul(sigma, u, false, true)?;
        let sigma = cx.g.reshape(sigma, &[])?;
        // Nothing is done to a kernel of zeros.
        let all = cx.g.all_axes(kernel)?;
        let sizes = cx.g.abs(kernel)?;
        let largest = cx.g.reduce_max(sizes, &all, false)?;
        let zero = cx.g.number(0.0, dtype)?;
        let is_something = cx.g.greater(largest, zero)?;
        let one = cx.g.number(1.0, dtype)?;
        let sigma = cx.g.select(is_something, sigma, one)?;
        let u = cx.g.select(is_something, u, vector_u)?;
        Ok((cx.g.divide(kernel, sigma)?, u))
    }
}

/// A vector of length 1.
fn unit(cx: &mut Call<'_>, x: Value) -> Result<Value> {
    let squares = cx.g.square(x)?;
    let sum = cx.g.reduce_sum(squares, &[0, 1], true)?;
    let least = cx.g.number(1e-12, cx.g.dtype(x))?;
    let sum = cx.g.maximum(sum, least)?;
    let factor = cx.g.rsqrt(sum)?;
    Ok(cx.g.multiply(x, factor)?)
}

impl Layer for SpectralNormalization {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        // Each iteration is a few operations of the graph.
        if !(1..=MOST).contains(&self.power_iterations) {
            let expected = format!("an integer from 1 to {MOST}");
            return Err(argument_error(&self.base, "power_iterations", expected, self.power_iterations.to_string()));
        }
        // The variables carry this layer's name, not that of the layer inside.
        cx.build_unscoped(&self.layer, inputs)?;
        let kernel = self.kernel()?;
        let Some(&last) = kernel.shape().last() else {
            return Err(input_error(self, "a kernel with axes".into(), "a scalar".into()));
        };
        let initializer = TruncatedNormal { mean: 0.0, stddev: 0.02, seed: None };
        let spec = WeightSpec::new("vector_u", [1, last], &Initializer::Object(std::sync::Arc::new(initializer)))
            .non_trainable()
            .dtype(kernel.dtype());
        cx.add_weight(&self.base, spec)?;
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        if !cx.training {
            let outputs = cx.apply(&self.layer, args)?;
            return self.as_input(cx, x, outputs);
        }
        let kernel = self.kernel()?;
        let vector_u = self.base.variable("vector_u").ok_or(crate::Error::NotBuilt)?;
        // Called again in one model, the layer goes on from what the call before gave.
        let (old, u) = (cx.g.current(&kernel)?, cx.g.current(&vector_u)?);
        let (new, u) = self.normalized(cx, old, u)?;
        cx.g.assign(&vector_u, u)?;
        cx.g.assign(&kernel, new)?;
        // The layer is run with the new kernel, and the gradient is the one with respect to that.
        let old = cx.g.read(&kernel)?;
        let step = cx.g.subtract(new, old)?;
        let step = cx.g.stop_gradient(step)?;
        let new = cx.g.add(old, step)?;
        let outputs = cx.with_value(&kernel, new, |cx| cx.apply(&self.layer, args))?;
        self.as_input(cx, x, outputs)
    }

    fn config(&self) -> Result<Config> {
        let config = self.base.config().with("layer", serialize(&self.layer)?);
        Ok(config.with("power_iterations", self.power_iterations).with_rest(self.base.rest()))
    }

    fn sublayers(&self) -> Vec<(String, Tracked)> {
        vec![("layer".into(), Tracked::Layer(self.layer.clone()))]
    }

    fn in_order(&self, mut weights: Vec<Weight>) -> Vec<Weight> {
        // In Keras 3 the layer holds the kernel, too, and its own weights stand before those of the layer inside.
        if let (true, Ok(kernel)) = (self.base.is_keras3(), self.kernel()) {
            let vector_u = self.base.variable("vector_u");
            weights.sort_by_key(|weight| match &weight.variable {
                variable if variable.id() == kernel.id() => 0,
                variable if vector_u.as_ref().is_some_and(|u| u.id() == variable.id()) => 1,
                _ => 2,
            });
        }
        weights
    }

    fn autocast(&self) -> bool {
        self.layer.autocast()
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn computes_masks(&self) -> bool {
        true
    }
}
