//! `CategoricalCrossentropy`.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;

use super::{EPSILON, Loss, LossFunction, categorical, logits, pair_of_same_shape, smooth_categorical};
use crate::Result;

/// The cross entropy between one-hot targets and predicted probabilities or logits.
///
/// Predictions that come straight from a softmax or sigmoid are judged by their logits.
///
/// # Source
/// `keras.losses.CategoricalCrossentropy`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CategoricalCrossentropy {
    /// Whether predictions are logits instead of probabilities.
    pub from_logits: bool,
    /// How far targets are moved towards the middle, in [0, 1].
    pub label_smoothing: f64,
    /// The axis of the classes.
    pub axis: i64,
}

impl Default for CategoricalCrossentropy {
    fn default() -> Self {
        CategoricalCrossentropy { from_logits: false, label_smoothing: 0.0, axis: -1 }
    }
}

impl CategoricalCrossentropy {
    /// For predictions that are logits.
    pub fn from_logits() -> CategoricalCrossentropy {
        CategoricalCrossentropy { from_logits: true, ..CategoricalCrossentropy::default() }
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Loss> {
        Ok(CategoricalCrossentropy {
            from_logits: fields.bool_or("from_logits", false)?,
            label_smoothing: fields.float_or("label_smoothing", 0.0)?,
            axis: fields.int_or("axis", -1)?,
        }
        .into())
    }
}

impl LossFunction for CategoricalCrossentropy {
    fn class_name(&self) -> &str {
        "CategoricalCrossentropy"
    }
    fn function_name(&self) -> &str {
        "categorical_crossentropy"
    }
    fn config(&self) -> Config {
        Config::new()
            .with("from_logits", self.from_logits)
            .with("label_smoothing", self.label_smoothing)
            .with("axis", self.axis)
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair_of_same_shape(cx, self.class_name(), y_true, y_pred)?;
        let y_true = smooth_categorical(cx.g, self.class_name(), y_true, self.label_smoothing, self.axis)?;
        if let Some(logits) = logits(cx, y_pred, self.from_logits) {
            return categorical(cx.g, self.class_name(), logits, y_true, self.axis);
        }
        let g = &mut *cx.g;
        let sum = g.reduce_sum(y_pred, &[self.axis], true)?;
        let share = g.divide(y_pred, sum)?;
        let clipped = g.clip_by_value(share, EPSILON, 1.0 - EPSILON)?;
        let log = g.log(clipped)?;
        let product = g.multiply(y_true, log)?;
        let sum = g.reduce_sum(product, &[self.axis], false)?;
        Ok(g.negate(sum)?)
    }
}
