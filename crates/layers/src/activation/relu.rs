//! `ReLU`: what is below a threshold is cut.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Value, ValueInfo};

use crate::activations::functions;
use crate::arguments::one_input;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Build, Call, Layer, LayerRef, Result};

/// `x` from `threshold` up to `max_value`, `negative_slope * (x - threshold)` below, `max_value` above.
///
/// # Shapes
/// input and output alike.
///
/// # Errors
/// Arguments below 0.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, activation::ReLU};
/// let y = ReLU::new().max_value(6.0).on(&Input([10]))?;
/// assert_eq!(y.shape().to_string(), "(None, 10)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.ReLU`.
#[derive(Debug)]
pub struct ReLU {
    base: Base,
    max_value: Option<f64>,
    negative_slope: f64,
    threshold: f64,
}

/// As Keras keeps these numbers: rounded to single precision.
pub(super) fn as_f32(x: f64) -> f64 {
    f64::from(x as f32)
}

impl ReLU {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "ReLU", aliases: &[], module: "keras.layers", from_config: ReLU::from_config };

    /// `max(x, 0)`.
    pub fn new() -> ReLU {
        ReLU { base: Base::new("ReLU"), max_value: None, negative_slope: 0.0, threshold: 0.0 }
    }

    /// The largest output; none by default.
    #[must_use]
    pub fn max_value(mut self, max_value: f64) -> ReLU {
        self.max_value = Some(max_value);
        self
    }

    /// The slope below the threshold; 0 by default.
    #[must_use]
    pub fn negative_slope(mut self, negative_slope: f64) -> ReLU {
        self.negative_slope = negative_slope;
        self
    }

    /// From where on the input goes through; 0 by default.
    #[must_use]
    pub fn threshold(mut self, threshold: f64) -> ReLU {
        self.threshold = threshold;
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = ReLU {
            base: Base::from_config("ReLU", fields)?,
            max_value: fields.opt_float("max_value")?,
            negative_slope: fields.float_or("negative_slope", 0.0)?,
            threshold: fields.float_or("threshold", 0.0)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl Default for ReLU {
    fn default() -> ReLU {
        ReLU::new()
    }
}

impl Layer for ReLU {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, _: &mut Build, _: &[ValueInfo]) -> Result<()> {
        let arguments = [
            ("max_value", self.max_value),
            ("negative_slope", Some(self.negative_slope)),
            ("threshold", Some(self.threshold)),
        ];
        for (argument, value) in arguments {
            if let Some(value) = value.filter(|value| *value < 0.0) {
                return Err(argument_error(&self.base, argument, "a number of at least 0", value.to_string()));
            }
        }
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let arguments = (self.negative_slope, self.max_value, self.threshold);
        Ok(vec![functions::relu_of(cx.g, x, arguments, self.base.is_keras3())?])
    }

    fn config(&self) -> Result<Config> {
        Ok(self
            .base
            .config()
            .with("max_value", Json::from(self.max_value.map(as_f32)))
            .with("negative_slope", as_f32(self.negative_slope))
            .with("threshold", as_f32(self.threshold))
            .with_rest(self.base.rest()))
    }

    fn supports_masking(&self) -> bool {
        true
    }
}
