//! `Dice`.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;

use super::{EPSILON, Loss, LossFunction, axes, axes_of, number_like, pair};
use crate::Result;

/// One minus the Dice coefficient: twice the overlap divided by the sum of both.
///
/// # Source
/// `keras.losses.Dice` of Keras 3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dice {
    /// The axes summed over; all of them by default.
    pub axis: Option<Vec<i64>>,
}

impl Dice {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Loss> {
        Ok(Dice { axis: axes(fields, "axis")? }.into())
    }
}

impl LossFunction for Dice {
    fn class_name(&self) -> &str {
        "Dice"
    }
    fn function_name(&self) -> &str {
        "dice"
    }
    fn is_keras3(&self) -> bool {
        true
    }
    fn config(&self) -> Config {
        Config::new().with("axis", self.axis.clone())
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, self.class_name(), y_true, y_pred)?;
        let g = &mut *cx.g;
        let axes = axes_of(g, y_pred, &self.axis)?;
        let overlap = g.multiply(y_true, y_pred)?;
        let overlap = g.reduce_sum(overlap, &axes, false)?;
        let (a, b) = (g.reduce_sum(y_true, &axes, false)?, g.reduce_sum(y_pred, &axes, false)?);
        let sum = g.add(a, b)?;
        let epsilon = number_like(g, sum, EPSILON)?;
        let sum = g.add(sum, epsilon)?;
        let two = number_like(g, sum, 2.0)?;
        let twice = g.multiply(two, overlap)?;
        let ratio = g.divide(twice, sum)?;
        let one = number_like(g, ratio, 1.0)?;
        Ok(g.subtract(one, ratio)?)
    }
}
