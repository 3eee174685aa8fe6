//! `LayerNormalization`: each sample normalized for itself.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Value, ValueInfo};

use super::types::{computed, given};
use crate::arguments::{axis_from_start, input_dims, one_input};
use crate::call::input_error;
use crate::registry::LayerEntry;
use crate::weight_options::ConfigExt;
use crate::{Args, Base, Build, Call, Layer, LayerRef, Result, ScaleOptions, WeightOptions};

/// `gamma * (x - mean) / sqrt(variance + epsilon) + beta` with mean and variance along `axis` of each sample.
///
/// # Shapes
/// input and output alike; `gamma` and `beta` have the lengths of the axes.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, normalization::LayerNormalization};
/// let y = LayerNormalization::new().on(&Input([10, 64]))?;
/// assert_eq!(y.shape().to_string(), "(None, 10, 64)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.LayerNormalization`; Ba et al., 2016.
#[derive(Debug)]
pub struct LayerNormalization {
    base: Base,
    axis: Vec<i64>,
    axis_json: Json,
    epsilon: f64,
    center: bool,
    scale: bool,
    rms_scaling: bool,
    gamma: WeightOptions,
    beta: WeightOptions,
}

impl LayerNormalization {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "LayerNormalization",
        aliases: &[],
        module: "keras.layers",
        from_config: LayerNormalization::from_config,
    };

    /// Along the last axis, with epsilon 0.001.
    pub fn new() -> LayerNormalization {
        LayerNormalization {
            base: Base::new("LayerNormalization"),
            axis: vec![-1],
            axis_json: Json::Int(-1),
            epsilon: 1e-3,
            center: true,
            scale: true,
            rms_scaling: false,
            gamma: WeightOptions::new("ones"),
            beta: WeightOptions::new("zeros"),
        }
    }

    /// Along these axes; the last by default.
    #[must_use]
    pub fn axis(mut self, axes: impl IntoIterator<Item = i64>) -> LayerNormalization {
        self.axis = axes.into_iter().collect();
        self.axis_json = Json::from(self.axis.clone());
        self
    }

    /// Added to the variance; 0.001 by default.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> LayerNormalization {
        self.epsilon = epsilon;
        self
    }

    /// Whether `beta` is added; true by default.
    #[must_use]
    pub fn center(mut self, center: bool) -> LayerNormalization {
        self.center = center;
        self
    }

    /// Whether `gamma` is multiplied with; true by default.
    #[must_use]
    pub fn scale(mut self, scale: bool) -> LayerNormalization {
        self.scale = scale;
        self
    }

    /// Whether inputs are divided by their standard deviation alone: no mean is subtracted, and there is a `gamma` but no
    /// `beta`. Keras 3's; false by default.
    #[must_use]
    pub fn rms_scaling(mut self, rms_scaling: bool) -> LayerNormalization {
        self.rms_scaling = rms_scaling;
        self
    }

    fn has_gamma(&self) -> bool {
        self.scale || self.rms_scaling
    }

    fn has_beta(&self) -> bool {
        self.center && !self.rms_scaling
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let (axis, axis_json) = match fields.get("axis") {
            Some(node) if node.int().is_ok() => (vec![node.int()?], node.value().clone()),
            Some(node) => (node.ints()?, node.value().clone()),
            None => (vec![-1], Json::Int(-1)),
        };
        let mut layer = LayerNormalization {
            base: Base::from_config("LayerNormalization", fields)?,
            axis,
            axis_json,
            epsilon: fields.float_or("epsilon", 1e-3)?,
            center: fields.bool_or("center", true)?,
            scale: fields.bool_or("scale", true)?,
            rms_scaling: fields.bool_or("rms_scaling", false)?,
            gamma: WeightOptions::read(fields, "gamma", "ones")?,
            beta: WeightOptions::read(fields, "beta", "zeros")?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    fn axes(&self, rank: usize) -> Result<Vec<usize>> {
        self.axis.iter().map(|&axis| axis_from_start(&self.base, "axis", axis, rank)).collect()
    }
}

impl Default for LayerNormalization {
    fn default() -> LayerNormalization {
        LayerNormalization::new()
    }
}

impl ScaleOptions for LayerNormalization {
    fn gamma_options(&mut self) -> &mut WeightOptions {
        &mut self.gamma
    }
    fn beta_options(&mut self) -> &mut WeightOptions {
        &mut self.beta
    }
}

impl Layer for LayerNormalization {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let dims = input_dims(inputs);
        let known = dims.axes().unwrap_or_default();
        let lengths: Option<Vec<usize>> = self.axes(known.len())?.iter().map(|&axis| known[axis]).collect();
        let Some(shape) = lengths else {
            let expected = format!("an input whose axes {:?} are known", self.axis);
            return Err(input_error(self, expected, format!("shape {dims}")));
        };
        if self.has_gamma() {
            cx.add_weight(&self.base, self.gamma.spec("gamma", shape.clone()))?;
        }
        if self.has_beta() {
            cx.add_weight(&self.base, self.beta.spec("beta", shape))?;
        }
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let input = one_input(self, args)?;
        let x = computed(self, cx, input)?;
        let dims = cx.g.dims(x).clone();
        let known = dims.axes().unwrap_or_default();
        let axes = self.axes(known.len())?;
        let along: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
        let mean = cx.g.reduce_mean(x, &along, true)?;
        let squares = cx.g.squared_difference(x, mean)?;
        let variance = cx.g.reduce_mean(squares, &along, true)?;
        let epsilon = cx.g.number(self.epsilon, cx.g.dtype(x))?;
        let variance = cx.g.add(variance, epsilon)?;
        let factor = cx.g.rsqrt(variance)?;
        let y = if self.rms_scaling { x } else { cx.g.subtract(x, mean)? };
        let mut y = cx.g.multiply(y, factor)?;
        // Weights lie along the axes they were made for.
        let lengths: Vec<i64> = (0..known.len())
            .map(|axis| if axes.contains(&axis) { known[axis].map_or(-1, |d| d as i64) } else { 1 })
            .collect();
        if self.has_gamma() {
            let gamma = cx.weight(&self.base, "gamma")?;
            let gamma = cx.g.cast(gamma, cx.g.dtype(y))?;
            let gamma = cx.g.reshape(gamma, &lengths)?;
            y = cx.g.multiply(y, gamma)?;
        }
        if self.has_beta() {
            let beta = cx.weight(&self.base, "beta")?;
            let beta = cx.g.cast(beta, cx.g.dtype(y))?;
            let beta = cx.g.reshape(beta, &lengths)?;
            y = cx.g.add(y, beta)?;
        }
        Ok(vec![given(self, cx, y, input)?])
    }

    fn config(&self) -> Result<Config> {
        let both = [("beta", &self.beta), ("gamma", &self.gamma)];
        Ok(self
            .base
            .config()
            .with("axis", self.axis_json.clone())
            .with("epsilon", self.epsilon)
            .with("center", self.center)
            .with("scale", self.scale)
            .with_some("rms_scaling", self.rms_scaling.then_some(true))
            .with_initializers(&both)?
            .with_regularizers(&both)
            .with_constraints(&both)
            .with_rest(self.base.rest()))
    }

    fn casts_integers(&self) -> bool {
        !self.base.is_keras3()
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
