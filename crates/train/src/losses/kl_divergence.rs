//! `KLDivergence`.

use kerox_config_json::Fields;
use kerox_graph::Value;
use kerox_layers::Call;

use super::{EPSILON, Loss, LossFunction, pair};
use crate::Result;

/// The Kullback-Leibler divergence: the sum of `target * log(target / prediction)` along the last axis.
///
/// # Source
/// `keras.losses.KLDivergence`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KLDivergence;

impl KLDivergence {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Loss> {
        Ok(KLDivergence.into())
    }
}

impl LossFunction for KLDivergence {
    fn class_name(&self) -> &str {
        "KLDivergence"
    }
    fn function_name(&self) -> &str {
        "kl_divergence"
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, self.class_name(), y_true, y_pred)?;
        let g = &mut *cx.g;
        let y_true = g.clip_by_value(y_true, EPSILON, 1.0)?;
        let y_pred = g.clip_by_value(y_pred, EPSILON, 1.0)?;
        let ratio = g.divide(y_true, y_pred)?;
        let log = g.log(ratio)?;
        let values = g.multiply(y_true, log)?;
        Ok(g.reduce_sum(values, &[-1], false)?)
    }
}
