//! `CategoricalGeneralizedCrossEntropy`.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;

use super::{Loss, LossFunction, class_numbers, last_length, number_like};
use crate::Result;

/// `(1 - p^q) / q` with `p` the probability of the right class: robust against wrong labels.
///
/// # Shapes
/// labels `[batch]` or `[batch, 1]`, probabilities `[batch, classes]`.
///
/// # Source
/// `keras.losses.CategoricalGeneralizedCrossEntropy` of Keras 3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CategoricalGeneralizedCrossEntropy {
    /// 0 is the cross entropy, 1 the mean absolute error; in (0, 1).
    pub q: f64,
}

impl Default for CategoricalGeneralizedCrossEntropy {
    fn default() -> Self {
        CategoricalGeneralizedCrossEntropy { q: 0.5 }
    }
}

impl CategoricalGeneralizedCrossEntropy {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Loss> {
        Ok(CategoricalGeneralizedCrossEntropy { q: fields.float_or("q", 0.5)? }.into())
    }
}

impl LossFunction for CategoricalGeneralizedCrossEntropy {
    fn class_name(&self) -> &str {
        "CategoricalGeneralizedCrossEntropy"
    }
    fn function_name(&self) -> &str {
        "categorical_generalized_cross_entropy"
    }
    fn is_keras3(&self) -> bool {
        true
    }
    fn config(&self) -> Config {
        Config::new().with("q", self.q)
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let labels = class_numbers(cx, self.class_name(), y_true, y_pred)?;
        let g = &mut *cx.g;
        let classes = last_length(g, self.class_name(), y_pred)?;
        let one_hot = g.one_hot(labels, classes, -1, g.dtype(y_pred))?;
        let right = g.multiply(y_pred, one_hot)?;
        let p = g.reduce_sum(right, &[-1], false)?;
        let (one, q) = (number_like(g, p, 1.0)?, number_like(g, p, self.q)?);
        let power = g.pow(p, q)?;
        let rest = g.subtract(one, power)?;
        Ok(g.divide(rest, q)?)
    }
}
