//! `BinaryCrossentropy`.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;

use super::{Loss, LossFunction, binary, pair, smooth_binary};
use crate::Result;

/// The cross entropy between 0/1 targets and predicted probabilities or logits; the mean along `axis`.
///
/// Predictions that come straight from a sigmoid are judged by their logits.
///
/// # Source
/// `keras.losses.BinaryCrossentropy`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BinaryCrossentropy {
    /// Whether predictions are logits instead of probabilities.
    pub from_logits: bool,
    /// How far targets are moved towards the middle, in [0, 1].
    pub label_smoothing: f64,
    /// The axis the mean is taken along.
    pub axis: i64,
}

impl Default for BinaryCrossentropy {
    fn default() -> Self {
        BinaryCrossentropy { from_logits: false, label_smoothing: 0.0, axis: -1 }
    }
}

impl BinaryCrossentropy {
    /// For predictions that are logits.
    pub fn from_logits() -> BinaryCrossentropy {
        BinaryCrossentropy { from_logits: true, ..BinaryCrossentropy::default() }
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Loss> {
        Ok(BinaryCrossentropy {
            from_logits: fields.bool_or("from_logits", false)?,
            label_smoothing: fields.float_or("label_smoothing", 0.0)?,
            axis: fields.int_or("axis", -1)?,
        }
        .into())
    }
}

impl LossFunction for BinaryCrossentropy {
    fn class_name(&self) -> &str {
        "BinaryCrossentropy"
    }
    fn function_name(&self) -> &str {
        "binary_crossentropy"
    }
    fn config(&self) -> Config {
        Config::new()
            .with("from_logits", self.from_logits)
            .with("label_smoothing", self.label_smoothing)
            .with("axis", self.axis)
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, self.class_name(), y_true, y_pred)?;
        let y_true = smooth_binary(cx.g, y_true, self.label_smoothing)?;
        let values = binary(cx, y_true, y_pred, self.from_logits)?;
        Ok(cx.g.reduce_mean(values, &[self.axis], false)?)
    }
}
