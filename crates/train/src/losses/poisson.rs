//! `Poisson`.

use kerox_config_json::Fields;
use kerox_graph::Value;
use kerox_layers::Call;

use super::{EPSILON, Loss, LossFunction, last_mean, number_like, pair};
use crate::Result;

/// The mean of `prediction - target * log(prediction)` along the last axis.
///
/// # Source
/// `keras.losses.Poisson`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Poisson;

impl Poisson {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Loss> {
        Ok(Poisson.into())
    }
}

impl LossFunction for Poisson {
    fn class_name(&self) -> &str {
        "Poisson"
    }
    fn function_name(&self) -> &str {
        "poisson"
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, self.class_name(), y_true, y_pred)?;
        let g = &mut *cx.g;
        let epsilon = number_like(g, y_pred, EPSILON)?;
        let shifted = g.add(y_pred, epsilon)?;
        let log = g.log(shifted)?;
        let product = g.multiply(y_true, log)?;
        let values = g.subtract(y_pred, product)?;
        last_mean(g, values)
    }
}
