//! `Circle`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Graph, Value};
use kerox_layers::Call;
use kerox_tensor::DType;

use super::{Loss, LossFunction, number_like};
use crate::Result;

/// The circle loss: embeddings of one class are drawn together, those of others pushed apart.
///
/// Samples without any such pair do not count.
///
/// # Shapes
/// labels `[batch]` or `[batch, 1]`, embeddings of length 1 `[batch, width]`.
///
/// # Source
/// `keras.losses.Circle` of Keras 3.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Circle {
    /// The scale.
    pub gamma: f64,
    /// How far classes are kept apart.
    pub margin: f64,
    /// Whether a sample is no pair with itself.
    pub remove_diagonal: bool,
}

impl Default for Circle {
    fn default() -> Self {
        Circle { gamma: 80.0, margin: 0.4, remove_diagonal: true }
    }
}

impl Circle {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Loss> {
        Ok(Circle {
            gamma: fields.float_or("gamma", 80.0)?,
            margin: fields.float_or("margin", 0.4)?,
            remove_diagonal: fields.bool_or("remove_diagonal", true)?,
        }
        .into())
    }
}

impl LossFunction for Circle {
    fn class_name(&self) -> &str {
        "Circle"
    }
    fn function_name(&self) -> &str {
        "circle"
    }
    fn is_keras3(&self) -> bool {
        true
    }
    fn config(&self) -> Config {
        Config::new()
            .with("gamma", self.gamma)
            .with("margin", self.margin)
            .with("remove_diagonal", self.remove_diagonal)
    }
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let labels = cx.g.cast(y_true, DType::I64)?;
        let labels = cx.g.reshape(labels, &[-1])?;
        let g = &mut *cx.g;
        let number = |g: &mut Graph, x: f64| number_like(g, y_pred, x);
        let similarity = g.matmul(y_pred, y_pred, false, true)?;
        let one = number(g, 1.0)?;
        let zero = number(g, 0.0)?;
        let distance = g.subtract(one, similarity)?;
        let distance = g.maximum(distance, zero)?;
        let (rows, columns) = (g.expand_dims(labels, 1)?, g.expand_dims(labels, 0)?);
        let same = g.equal(rows, columns)?;
        let negative = g.logical_not(same)?;
        let positive = if self.remove_diagonal {
            // Position i against position j, from running counts of the rows.
            let ones = g.ones_like(labels)?;
            let counts = g.cumsum(ones, 0, false, false)?;
            let (i, j) = (g.expand_dims(counts, 1)?, g.expand_dims(counts, 0)?);
            let off_diagonal = g.not_equal(i, j)?;
            g.logical_and(same, off_diagonal)?
        } else {
            same
        };
        let mut sums = Vec::with_capacity(2);
        let margin = self.margin;
        for (mask, optimum, middle, sign) in
            [(positive, margin, margin, 1.0), (negative, -1.0 - margin, 1.0 - margin, -1.0)]
        {
            let (optimum, middle) = (number(g, optimum)?, number(g, middle)?);
            let sign_value = number(g, sign)?;
            let weight = g.add(distance, optimum)?;
            let weight = g.multiply(weight, sign_value)?;
            let weight = g.maximum(weight, zero)?;
            let gap = g.subtract(middle, distance)?;
            let product = g.multiply(weight, gap)?;
            let gamma = number(g, -sign * self.gamma)?;
            let scores = g.multiply(product, gamma)?;
            let nothing = g.fill_like(scores, -1e30)?;
            let scores = g.select(mask, scores, nothing)?;
            let largest = g.reduce_max(scores, &[1], true)?;
            let largest = g.stop_gradient(largest)?;
            let shifted = g.subtract(scores, largest)?;
            let powers = g.exp(shifted)?;
            let sum = g.reduce_sum(powers, &[1], false)?;
            let log = g.log(sum)?;
            let largest = g.squeeze(largest, &[1])?;
            sums.push(g.add(log, largest)?);
        }
        let sum = g.add(sums[0], sums[1])?;
        let losses = g.softplus(sum)?;
        let counts = g.greater(losses, zero)?;
        cx.set_mask(losses, Some(counts));
        Ok(losses)
    }
}
