//! `MeanAbsolutePercentageError`.

use kerox_config_json::Fields;
use kerox_graph::Value;
use kerox_layers::Call;

use super::{EPSILON, Loss, LossFunction, last_mean, number_like, pair};
use crate::Result;

/// The mean of the differences in percent of the targets along the last axis. Targets nearer to 0 than 1e-7 count as that.
///
/// # Source
/// `keras.losses.MeanAbsolutePercentageError`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeanAbsolutePercentageError;

impl MeanAbsolutePercentageError {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Loss> {
        Ok(MeanAbsolutePercentageError.into())
    }
}

impl LossFunction for MeanAbsolutePercentageError {
    fn class_name(&self) -> &str {
        "MeanAbsolutePercentageError"
    }
    fn function_name(&self) -> &str {
        "mean_absolute_percentage_error"
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, self.class_name(), y_true, y_pred)?;
        let g = &mut *cx.g;
        let difference = g.subtract(y_true, y_pred)?;
        let size = g.abs(y_true)?;
        let epsilon = number_like(g, size, EPSILON)?;
        let size = g.maximum(size, epsilon)?;
        let ratio = g.divide(difference, size)?;
        let ratio = g.abs(ratio)?;
        let mean = last_mean(g, ratio)?;
        let hundred = number_like(g, mean, 100.0)?;
        Ok(g.multiply(hundred, mean)?)
    }
}
