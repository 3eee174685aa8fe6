//! `MeanAbsoluteError`.

use kerox_config_json::Fields;
use kerox_graph::Value;
use kerox_layers::Call;

use super::{Loss, LossFunction, last_mean, pair};
use crate::Result;

/// The mean of the absolute differences along the last axis.
///
/// # Source
/// `keras.losses.MeanAbsoluteError`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeanAbsoluteError;

impl MeanAbsoluteError {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Loss> {
        Ok(MeanAbsoluteError.into())
    }
}

impl LossFunction for MeanAbsoluteError {
    fn class_name(&self) -> &str {
        "MeanAbsoluteError"
    }
    fn function_name(&self) -> &str {
        "mean_absolute_error"
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, self.class_name(), y_true, y_pred)?;
        let g = &mut *cx.g;
        let difference = g.subtract(y_pred, y_true)?;
        let size = g.abs(difference)?;
        last_mean(g, size)
    }
}
