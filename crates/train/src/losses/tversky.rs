//! `Tversky`.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;

use super::{EPSILON, Loss, LossFunction, axes, axes_of, number_like, pair};
use crate::Result;

/// One minus the Tversky index: the overlap divided by itself plus weighted errors of both kinds.
///
/// # Source
/// `keras.losses.Tversky` of Keras 3.
#[derive(Clone, Debug, PartialEq)]
pub struct Tversky {
    /// The weight of what is missed.
    pub alpha: f64,
    /// The weight of what is predicted without being there.
    pub beta: f64,
    /// The axes summed over; all of them by default.
    pub axis: Option<Vec<i64>>,
}

impl Default for Tversky {
    fn default() -> Self {
        Tversky { alpha: 0.5, beta: 0.5, axis: None }
    }
}

impl Tversky {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Loss> {
        Ok(Tversky {
            alpha: fields.float_or("alpha", 0.5)?,
            beta: fields.float_or("beta", 0.5)?,
            axis: axes(fields, "axis")?,
        }
        .into())
    }
}

impl LossFunction for Tversky {
    fn class_name(&self) -> &str {
        "Tversky"
    }
    fn function_name(&self) -> &str {
        "tversky"
    }
    fn is_keras3(&self) -> bool {
        true
    }
    fn config(&self) -> Config {
        Config::new().with("alpha", self.alpha).with("beta", self.beta).with("axis", self.axis.clone())
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, self.class_name(), y_true, y_pred)?;
        let g = &mut *cx.g;
        let axes = axes_of(g, y_pred, &self.axis)?;
        let one = number_like(g, y_pred, 1.0)?;
        let overlap = g.multiply(y_true, y_pred)?;
        let (not_pred, not_true) = (g.subtract(one, y_pred)?, g.subtract(one, y_true)?);
        let (missed, invented) = (g.multiply(not_pred, y_true)?, g.multiply(y_pred, not_true)?);
        let overlap = g.reduce_sum(overlap, &axes, false)?;
        let (missed, invented) = (g.reduce_sum(missed, &axes, false)?, g.reduce_sum(invented, &axes, false)?);
        let (alpha, beta) = (number_like(g, missed, self.alpha)?, number_like(g, missed, self.beta)?);
        let (missed, invented) = (g.multiply(missed, alpha)?, g.multiply(invented, beta)?);
        let errors = g.add(missed, invented)?;
        let epsilon = number_like(g, errors, EPSILON)?;
        let errors = g.add(errors, epsilon)?;
        let sum = g.add(overlap, errors)?;
        let index = g.divide(overlap, sum)?;
        Ok(g.subtract(one, index)?)
    }
}
