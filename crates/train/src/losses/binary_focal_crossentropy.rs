//! `BinaryFocalCrossentropy`.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;

use super::{Loss, LossFunction, binary, number_like, pair, smooth_binary};
use crate::Result;

/// The binary cross entropy with easy samples discounted; the mean along `axis`.
///
/// # Source
/// `keras.losses.BinaryFocalCrossentropy`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BinaryFocalCrossentropy {
    /// Whether classes are weighted by `alpha`.
    pub apply_class_balancing: bool,
    /// The weight of class 1, for `apply_class_balancing`.
    pub alpha: f64,
    /// How much easy samples are discounted: by `(1 - p)^gamma`.
    pub gamma: f64,
    /// Whether predictions are logits instead of probabilities.
    pub from_logits: bool,
    /// How far targets are moved towards the middle, in [0, 1].
    pub label_smoothing: f64,
    /// The axis the mean is taken along.
    pub axis: i64,
}

impl Default for BinaryFocalCrossentropy {
    fn default() -> Self {
        BinaryFocalCrossentropy {
            apply_class_balancing: false,
            alpha: 0.25,
            gamma: 2.0,
            from_logits: false,
            label_smoothing: 0.0,
            axis: -1,
        }
    }
}

impl BinaryFocalCrossentropy {
    /// For predictions that are logits.
    pub fn from_logits() -> BinaryFocalCrossentropy {
        BinaryFocalCrossentropy { from_logits: true, ..BinaryFocalCrossentropy::default() }
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Loss> {
        Ok(BinaryFocalCrossentropy {
            apply_class_balancing: fields.bool_or("apply_class_balancing", false)?,
            alpha: fields.float_or("alpha", 0.25)?,
            gamma: fields.float_or("gamma", 2.0)?,
            from_logits: fields.bool_or("from_logits", false)?,
            label_smoothing: fields.float_or("label_smoothing", 0.0)?,
            axis: fields.int_or("axis", -1)?,
        }
        .into())
    }
}

impl LossFunction for BinaryFocalCrossentropy {
    fn class_name(&self) -> &str {
        "BinaryFocalCrossentropy"
    }
    fn function_name(&self) -> &str {
        "binary_focal_crossentropy"
    }
    fn config(&self) -> Config {
        Config::new()
            .with("apply_class_balancing", self.apply_class_balancing)
            .with("alpha", self.alpha)
            .with("gamma", self.gamma)
            .with("from_logits", self.from_logits)
            .with("label_smoothing", self.label_smoothing)
            .with("axis", self.axis)
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, self.class_name(), y_true, y_pred)?;
        let y_true = smooth_binary(cx.g, y_true, self.label_smoothing)?;
        let entropy = binary(cx, y_true, y_pred, self.from_logits)?;
        let g = &mut *cx.g;
        let p = if self.from_logits { g.sigmoid(y_pred)? } else { y_pred };
        let one = number_like(g, p, 1.0)?;
        let (not_true, not_p) = (g.subtract(one, y_true)?, g.subtract(one, p)?);
        let (right_1, right_0) = (g.multiply(y_true, p)?, g.multiply(not_true, not_p)?);
        let right = g.add(right_1, right_0)?;
        let wrong = g.subtract(one, right)?;
        let gamma = number_like(g, p, self.gamma)?;
        let factor = g.pow(wrong, gamma)?;
        let mut values = g.multiply(factor, entropy)?;
        if self.apply_class_balancing {
            let (alpha, rest) = (number_like(g, p, self.alpha)?, number_like(g, p, 1.0 - self.alpha)?);
            let (a, b) = (g.multiply(y_true, alpha)?, g.multiply(not_true, rest)?);
            let weight = g.add(a, b)?;
            values = g.multiply(weight, values)?;
        }
        Ok(g.reduce_mean(values, &[self.axis], false)?)
    }
}
