//! `MeanSquaredError`.

use kerox_config_json::Fields;
use kerox_graph::Value;
use kerox_layers::Call;

use super::{Loss, LossFunction, last_mean, pair};
use crate::Result;

/// The mean of the squared differences along the last axis.
///
/// # Source
/// `keras.losses.MeanSquaredError`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeanSquaredError;

impl MeanSquaredError {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Loss> {
        Ok(MeanSquaredError.into())
    }
}

impl LossFunction for MeanSquaredError {
    fn class_name(&self) -> &str {
        "MeanSquaredError"
    }
    fn function_name(&self) -> &str {
        "mean_squared_error"
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, self.class_name(), y_true, y_pred)?;
        let g = &mut *cx.g;
        let square = g.squared_difference(y_pred, y_true)?;
        last_mean(g, square)
    }
}
