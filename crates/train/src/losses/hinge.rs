//! `Hinge`.

use kerox_config_json::Fields;
use kerox_graph::Value;
use kerox_layers::Call;

use super::{Loss, LossFunction, last_mean, margin, pair, signs};
use crate::Result;

/// The mean of `max(1 - target * prediction, 0)` along the last axis. Targets are -1 and 1; those of 0 and 1 are
/// taken for them.
///
/// # Source
/// `keras.losses.Hinge`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hinge;

impl Hinge {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Loss> {
        Ok(Hinge.into())
    }
}

impl LossFunction for Hinge {
    fn class_name(&self) -> &str {
        "Hinge"
    }
    fn function_name(&self) -> &str {
        "hinge"
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, self.class_name(), y_true, y_pred)?;
        let g = &mut *cx.g;
        let y_true = signs(g, y_true)?;
        let values = margin(g, y_true, y_pred)?;
        last_mean(g, values)
    }
}
