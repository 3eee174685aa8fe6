//! `CategoricalHinge`.

use kerox_config_json::Fields;
use kerox_graph::Value;
use kerox_layers::Call;

use super::{Loss, LossFunction, number_like, pair};
use crate::Result;

/// `max(1 - p + n, 0)`, with `p` the prediction for the right class and `n` the largest for a wrong one.
///
/// # Source
/// `keras.losses.CategoricalHinge`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CategoricalHinge;

impl CategoricalHinge {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Loss> {
        Ok(CategoricalHinge.into())
    }
}

impl LossFunction for CategoricalHinge {
    fn class_name(&self) -> &str {
        "CategoricalHinge"
    }
    fn function_name(&self) -> &str {
        "categorical_hinge"
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, self.class_name(), y_true, y_pred)?;
        let g = &mut *cx.g;
        let right = g.multiply(y_true, y_pred)?;
        let right = g.reduce_sum(right, &[-1], false)?;
        let one = number_like(g, y_true, 1.0)?;
        let others = g.subtract(one, y_true)?;
        let wrong = g.multiply(others, y_pred)?;
        let wrong = g.reduce_max(wrong, &[-1], false)?;
        let difference = g.subtract(wrong, right)?;
        let value = g.add(difference, one)?;
        let zero = number_like(g, value, 0.0)?;
        Ok(g.maximum(value, zero)?)
    }
}
