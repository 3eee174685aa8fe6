//! `LogCosh`.

use kerox_config_json::Fields;
use kerox_graph::Value;
use kerox_layers::Call;

use super::{Loss, LossFunction, last_mean, number_like, pair};
use crate::Result;

/// The mean of log(cosh(prediction - target)) along the last axis: like the square near 0, like the absolute value far away.
///
/// # Source
/// `keras.losses.LogCosh`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogCosh;

impl LogCosh {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Loss> {
        Ok(LogCosh.into())
    }
}

impl LossFunction for LogCosh {
    fn class_name(&self) -> &str {
        "LogCosh"
    }
    fn function_name(&self) -> &str {
        "log_cosh"
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, self.class_name(), y_true, y_pred)?;
        let g = &mut *cx.g;
        let x = g.subtract(y_pred, y_true)?;
        let factor = number_like(g, x, -2.0)?;
        let scaled = g.multiply(x, factor)?;
        let soft = g.softplus(scaled)?;
        let sum = g.add(x, soft)?;
        let log2 = number_like(g, x, std::f64::consts::LN_2)?;
        let values = g.subtract(sum, log2)?;
        last_mean(g, values)
    }
}
