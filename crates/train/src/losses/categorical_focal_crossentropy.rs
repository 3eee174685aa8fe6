//! `CategoricalFocalCrossentropy`.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;
use kerox_tensor::Tensor;

use super::{EPSILON, Loss, LossFunction, number_like, pair_of_same_shape, smooth_categorical};
use crate::Result;

/// The categorical cross entropy with easy samples discounted.
///
/// # Source
/// `keras.losses.CategoricalFocalCrossentropy`.
#[derive(Clone, Debug, PartialEq)]
pub struct CategoricalFocalCrossentropy {
    /// A factor of the whole, or one a class.
    pub alpha: Vec<f64>,
    /// How much easy samples are discounted: by `(1 - p)^gamma`.
    pub gamma: f64,
    /// Whether predictions are logits instead of probabilities.
    pub from_logits: bool,
    /// How far targets are moved towards the middle, in [0, 1].
    pub label_smoothing: f64,
    /// The axis of the classes.
    pub axis: i64,
}

impl Default for CategoricalFocalCrossentropy {
    fn default() -> Self {
        CategoricalFocalCrossentropy {
            alpha: vec![0.25],
            gamma: 2.0,
            from_logits: false,
            label_smoothing: 0.0,
            axis: -1,
        }
    }
}

impl CategoricalFocalCrossentropy {
    /// For predictions that are logits.
    pub fn from_logits() -> CategoricalFocalCrossentropy {
        CategoricalFocalCrossentropy { from_logits: true, ..CategoricalFocalCrossentropy::default() }
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Loss> {
        Ok(CategoricalFocalCrossentropy {
            alpha: alpha(fields)?,
            gamma: fields.float_or("gamma", 2.0)?,
            from_logits: fields.bool_or("from_logits", false)?,
            label_smoothing: fields.float_or("label_smoothing", 0.0)?,
            axis: fields.int_or("axis", -1)?,
        }
        .into())
    }
}

impl LossFunction for CategoricalFocalCrossentropy {
    fn class_name(&self) -> &str {
        "CategoricalFocalCrossentropy"
    }
    fn function_name(&self) -> &str {
        "categorical_focal_crossentropy"
    }
    fn config(&self) -> Config {
        Config::new()
            .with("alpha", alpha_json(&self.alpha))
            .with("gamma", self.gamma)
            .with("from_logits", self.from_logits)
            .with("label_smoothing", self.label_smoothing)
            .with("axis", self.axis)
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair_of_same_shape(cx, self.class_name(), y_true, y_pred)?;
        // Whatever the axis of the classes, Keras shares out what it takes among the last one.
        let y_true = smooth_categorical(cx.g, self.class_name(), y_true, self.label_smoothing, -1)?;
        let g = &mut *cx.g;
        let p = if self.from_logits { g.softmax(y_pred, self.axis)? } else { y_pred };
        let sum = g.reduce_sum(p, &[self.axis], true)?;
        let share = g.divide(p, sum)?;
        let p = g.clip_by_value(share, EPSILON, 1.0 - EPSILON)?;
        let log = g.log(p)?;
        let entropy = g.multiply(y_true, log)?;
        let (one, gamma) = (number_like(g, p, 1.0)?, number_like(g, p, self.gamma)?);
        let wrong = g.subtract(one, p)?;
        let factor = g.pow(wrong, gamma)?;
        let n = self.alpha.len();
        let alpha: Vec<f32> = self.alpha.iter().map(|&a| -a as f32).collect();
        let alpha = g.constant(if n == 1 { Tensor::scalar(alpha[0]) } else { Tensor::from_vec(alpha, [n])? })?;
        let alpha = g.cast(alpha, g.dtype(p))?;
        let factor = g.multiply(factor, alpha)?;
        let values = g.multiply(factor, entropy)?;
        Ok(g.reduce_sum(values, &[self.axis], false)?)
    }
}

fn alpha(fields: &Fields<'_>) -> Result<Vec<f64>> {
    Ok(match fields.get("alpha") {
        None => vec![0.25],
        Some(node) if node.value().as_list().is_some() => {
            let list = node.list()?.iter().map(|n| n.float()).collect::<Result<Vec<f64>, _>>()?;
            if list.is_empty() {
                return Err(node.expected("a number, or one a class").into());
            }
            list
        }
        Some(node) => vec![node.float()?],
    })
}

fn alpha_json(alpha: &[f64]) -> kerox_config_json::Value {
    match alpha {
        [one] => (*one).into(),
        list => list.into(),
    }
}
