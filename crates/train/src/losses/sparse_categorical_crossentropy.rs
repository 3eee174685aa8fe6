//! `SparseCategoricalCrossentropy`.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::{Call, Logits};
use kerox_tensor::DType;

use super::{Loss, LossFunction};
use crate::Result;

/// The cross entropy between class numbers and predicted probabilities or logits.
///
/// Predictions that come straight from a softmax are judged by their logits.
///
/// # Shapes
/// labels `[batch, ...]` or `[batch, ..., 1]`, predictions `[batch, ..., classes]`.
///
/// # Source
/// `keras.losses.SparseCategoricalCrossentropy`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SparseCategoricalCrossentropy {
    /// Whether predictions are logits instead of probabilities.
    pub from_logits: bool,
    /// A class that counts for nothing.
    pub ignore_class: Option<i64>,
}

impl SparseCategoricalCrossentropy {
    /// For predictions that are logits.
    pub fn from_logits() -> SparseCategoricalCrossentropy {
        SparseCategoricalCrossentropy { from_logits: true, ignore_class: None }
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Loss> {
        let from_logits = fields.bool_or("from_logits", false)?;
        let ignore_class = fields.opt_int("ignore_class")?;
        Ok(SparseCategoricalCrossentropy { from_logits, ignore_class }.into())
    }
}

impl LossFunction for SparseCategoricalCrossentropy {
    fn class_name(&self) -> &str {
        "SparseCategoricalCrossentropy"
    }
    fn function_name(&self) -> &str {
        "sparse_categorical_crossentropy"
    }
    fn config(&self) -> Config {
        Config::new().with("from_logits", self.from_logits).with("ignore_class", self.ignore_class)
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let logits = match cx.logits(y_pred) {
            _ if self.from_logits => y_pred,
            Some(Logits::Softmax(logits)) => logits,
            _ => {
                let clipped = cx.g.clip_by_value(y_pred, 1e-7, 1.0 - 1e-7)?;
                cx.g.log(clipped)?
            }
        };
        let mut labels = cx.g.cast(y_true, DType::I64)?;
        if cx.g.dims(labels).rank() == cx.g.dims(logits).rank() {
            labels = cx.g.squeeze(labels, &[-1])?;
        }
        Ok(cx.g.sparse_softmax_cross_entropy(logits, labels)?)
    }
}
