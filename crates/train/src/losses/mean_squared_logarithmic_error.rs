//! `MeanSquaredLogarithmicError`.

use kerox_config_json::Fields;
use kerox_graph::Value;
use kerox_layers::Call;

use super::{EPSILON, Loss, LossFunction, last_mean, number_like, pair};
use crate::Result;

/// The mean of the squared differences of log(1 + x) along the last axis.
///
/// # Source
/// `keras.losses.MeanSquaredLogarithmicError`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeanSquaredLogarithmicError;

impl MeanSquaredLogarithmicError {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Loss> {
        Ok(MeanSquaredLogarithmicError.into())
    }
}

impl LossFunction for MeanSquaredLogarithmicError {
    fn class_name(&self) -> &str {
        "MeanSquaredLogarithmicError"
    }
    fn function_name(&self) -> &str {
        "mean_squared_logarithmic_error"
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, self.class_name(), y_true, y_pred)?;
        let g = &mut *cx.g;
        let epsilon = number_like(g, y_pred, EPSILON)?;
        let y_pred = g.maximum(y_pred, epsilon)?;
        let y_true = g.maximum(y_true, epsilon)?;
        let (a, b) = (g.log1p(y_pred)?, g.log1p(y_true)?);
        let square = g.squared_difference(a, b)?;
        last_mean(g, square)
    }
}
