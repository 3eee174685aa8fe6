//! `MeanSquaredError`.

use kerox_config_json::Fields;
use kerox_graph::Value;
use kerox_layers::Call;

use super::{Loss, LossFunction};
use crate::Result;

/// The mean of the squared differences along the last axis.
///
/// # Source
/// `keras.losses.MeanSquaredError`.
#[derive(Clone, Copy, Debug, Default)]
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
        let y_true = cx.g.cast(y_true, cx.g.dtype(y_pred))?;
        let difference = cx.g.subtract(y_pred, y_true)?;
        let square = cx.g.square(difference)?;
        Ok(cx.g.reduce_mean(square, &[-1], false)?)
    }
}
