//! `SparseCategoricalCrossentropy`.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;
use kerox_tensor::DType;

use super::{EPSILON, Loss, LossFunction, class_numbers, logits, sparse};
use crate::Result;

/// The cross entropy between class numbers and predicted probabilities or logits.
///
/// Predictions that come straight from a softmax or sigmoid are judged by their logits.
///
/// # Shapes
/// labels `[batch, ...]` or `[batch, ..., 1]`, predictions `[batch, ..., classes]`.
///
/// # Source
/// `keras.losses.SparseCategoricalCrossentropy`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SparseCategoricalCrossentropy {
    /// Whether predictions are logits instead of probabilities.
    pub from_logits: bool,
    /// A class that counts for nothing, as if it were masked.
    pub ignore_class: Option<i64>,
}

impl SparseCategoricalCrossentropy {
    /// For predictions that are logits.
    pub fn from_logits() -> SparseCategoricalCrossentropy {
        SparseCategoricalCrossentropy { from_logits: true, ..SparseCategoricalCrossentropy::default() }
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Loss> {
        Ok(SparseCategoricalCrossentropy {
            from_logits: fields.bool_or("from_logits", false)?,
            ignore_class: fields.opt_int("ignore_class")?,
        }
        .into())
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
        let logits = match logits(cx, y_pred, self.from_logits) {
            Some(logits) => logits,
            None => {
                let clipped = cx.g.clip_by_value(y_pred, EPSILON, 1.0 - EPSILON)?;
                cx.g.log(clipped)?
            }
        };
        let labels = class_numbers(cx, self.class_name(), y_true, y_pred)?;
        let g = &mut *cx.g;
        let ignored = match self.ignore_class {
            Some(class) => {
                let class = g.number(class as f64, DType::I64)?;
                Some(g.equal(labels, class)?)
            }
            None => None,
        };
        let checked = match ignored {
            Some(ignored) => {
                let zeros = g.zeros_like(labels)?;
                g.select(ignored, zeros, labels)?
            }
            None => labels,
        };
        let losses = sparse(g, logits, checked)?;
        let Some(ignored) = ignored else { return Ok(losses) };
        let zeros = g.zeros_like(losses)?;
        let losses = g.select(ignored, zeros, losses)?;
        let counts = g.logical_not(ignored)?;
        cx.set_mask(losses, Some(counts));
        Ok(losses)
    }
}
