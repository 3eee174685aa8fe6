//! `RMSNormalization`: each sample divided by the root of the mean of its squares.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Value, ValueInfo};
use kerox_tensor::DType;

use crate::arguments::{axis_from_start, input_dims, one_input};
use crate::call::input_error;
use crate::registry::LayerEntry;
use crate::{Args, Base, Build, Call, Layer, LayerRef, Result, WeightSpec};

/// `scale * x / sqrt(mean(x²) + epsilon)` with the mean along `axis` of each sample.
///
/// # Shapes
/// input and output alike; `scale` has the lengths of the axes.
///
/// # Errors
/// An axis there is not or whose length is unknown.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, normalization::RMSNormalization};
/// let y = RMSNormalization::new().on(&Input([10, 64]))?;
/// assert_eq!(y.shape().to_string(), "(None, 10, 64)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RMSNormalization` of Keras 3; Zhang and Sennrich, 2019.
#[derive(Debug)]
pub struct RMSNormalization {
    base: Base,
    axes: Vec<i64>,
    axis_json: Json,
    epsilon: f64,
}

impl RMSNormalization {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "RMSNormalization",
        aliases: &[],
        module: "keras.layers",
        from_config: RMSNormalization::from_config,
    };

    /// Along the last axis, with epsilon 1e-6.
    pub fn new() -> RMSNormalization {
        RMSNormalization {
            base: Base::new("RMSNormalization"),
            axes: vec![-1],
            axis_json: Json::Int(-1),
            epsilon: 1e-6,
        }
    }

    /// Along these axes; the last by default.
    #[must_use]
    pub fn axis(mut self, axes: impl IntoIterator<Item = i64>) -> RMSNormalization {
        self.axes = axes.into_iter().collect();
        self.axis_json = Json::from(self.axes.clone());
        self
    }

    /// Added to the mean of the squares; 1e-6 by default.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> RMSNormalization {
        self.epsilon = epsilon;
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = RMSNormalization::new();
        layer.base = Base::from_config("RMSNormalization", fields)?;
        if let Some(node) = fields.get("axis") {
            layer.axes = if node.int().is_ok() { vec![node.int()?] } else { node.ints()? };
            layer.axis_json = node.value().clone();
        }
        layer.epsilon = fields.float_or("epsilon", 1e-6)?;
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// The axes from the start, in the order of the shape.
    fn axes(&self, rank: usize) -> Result<Vec<usize>> {
        // Keras sorts them as they were given.
        let mut axes = self.axes.clone();
        axes.sort_unstable();
        axes.into_iter().map(|axis| axis_from_start(&self.base, "axis", axis, rank)).collect()
    }
}

impl Default for RMSNormalization {
    fn default() -> RMSNormalization {
        RMSNormalization::new()
    }
}

impl Layer for RMSNormalization {
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
            let expected = format!("an input whose axes {:?} are known", self.axes);
            return Err(input_error(self, expected, format!("shape {dims}")));
        };
        cx.add_weight(&self.base, WeightSpec::new("scale", shape, &"ones".into()))?;
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let input = one_input(self, args)?;
        let dtype = cx.g.dtype(input);
        // Squares of half precision overflow, integers have no root; the mean is taken in single precision, as Keras does.
        let wide = if matches!(dtype, DType::F16 | DType::BF16) || !dtype.is_float() { DType::F32 } else { dtype };
        let x = cx.g.cast(input, wide)?;
        let known = cx.g.dims(x).axes().map(<[_]>::to_vec).unwrap_or_default();
        let axes = self.axes(known.len())?;
        let along: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
        let squares = cx.g.square(x)?;
        let mean = cx.g.reduce_mean(squares, &along, true)?;
        let epsilon = cx.g.number(self.epsilon, wide)?;
        let mean = cx.g.add(mean, epsilon)?;
        let factor = cx.g.rsqrt(mean)?;
        let y = cx.g.multiply(x, factor)?;
        let scale = cx.weight(&self.base, "scale")?;
        // As Keras, which lets the scale broadcast from the last axis, whatever axes it belongs to.
        let scale = cx.g.cast(scale, wide)?;
        let y = cx.g.multiply(y, scale)?;
        Ok(vec![cx.g.cast(y, dtype)?])
    }

    fn config(&self) -> Result<Config> {
        let config = self.base.config().with("axis", self.axis_json.clone()).with("epsilon", self.epsilon);
        Ok(config.with_rest(self.base.rest()))
    }
}
