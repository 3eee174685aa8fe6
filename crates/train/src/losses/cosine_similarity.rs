//! `CosineSimilarity`.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;

use super::{Loss, LossFunction, pair, unit};
use crate::Result;

/// The negative cosine of the angle between target and prediction: -1 for the same direction.
///
/// # Source
/// `keras.losses.CosineSimilarity`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CosineSimilarity {
    /// The axis of the vectors.
    pub axis: i64,
}

impl Default for CosineSimilarity {
    fn default() -> Self {
        CosineSimilarity { axis: -1 }
    }
}

impl CosineSimilarity {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Loss> {
        Ok(CosineSimilarity { axis: fields.int_or("axis", -1)? }.into())
    }
}

impl LossFunction for CosineSimilarity {
    fn class_name(&self) -> &str {
        "CosineSimilarity"
    }
    fn function_name(&self) -> &str {
        "cosine_similarity"
    }
    fn config(&self) -> Config {
        Config::new().with("axis", self.axis)
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, self.class_name(), y_true, y_pred)?;
        let g = &mut *cx.g;
        let (y_true, y_pred) = (unit(g, y_true, self.axis)?, unit(g, y_pred, self.axis)?);
        let product = g.multiply(y_true, y_pred)?;
        let cosine = g.reduce_sum(product, &[self.axis], false)?;
        Ok(g.negate(cosine)?)
    }
}
