//! `Huber`.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;

use super::{Loss, LossFunction, last_mean, number_like, pair};
use crate::Result;

/// Half the square of differences up to `delta`, linear beyond; the mean along the last axis.
///
/// # Source
/// `keras.losses.Huber`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Huber {
    /// Where the square ends.
    pub delta: f64,
}

impl Default for Huber {
    fn default() -> Self {
        Huber { delta: 1.0 }
    }
}

impl Huber {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Loss> {
        Ok(Huber { delta: fields.float_or("delta", 1.0)? }.into())
    }
}

impl LossFunction for Huber {
    fn class_name(&self) -> &str {
        "Huber"
    }
    fn function_name(&self) -> &str {
        "huber"
    }
    fn default_name(&self) -> &str {
        "huber_loss"
    }
    fn config(&self) -> Config {
        Config::new().with("delta", self.delta)
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, self.class_name(), y_true, y_pred)?;
        let g = &mut *cx.g;
        let error = g.subtract(y_pred, y_true)?;
        let size = g.abs(error)?;
        let (half, delta) = (number_like(g, size, 0.5)?, number_like(g, size, self.delta)?);
        let square = g.square(error)?;
        let near = g.multiply(half, square)?;
        let linear = g.multiply(delta, size)?;
        let shift = number_like(g, size, 0.5 * self.delta * self.delta)?;
        let far = g.subtract(linear, shift)?;
        let is_near = g.less_equal(size, delta)?;
        let values = g.select(is_near, near, far)?;
        last_mean(g, values)
    }
}
