//! How often the right class is among the largest predictions.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;
use kerox_tensor::DType;

use super::{MeanMetric, Metric};
use crate::Result;
use crate::losses::{class_numbers, last_length};

/// Whether fewer than `k` classes have a larger prediction than the right one, as `tf.math.in_top_k` counts ties.
fn in_top_k(cx: &mut Call<'_>, what: &str, labels: Value, y_pred: Value, k: usize) -> Result<Value> {
    let classes = last_length(cx.g, what, y_pred)?;
    let one_hot = cx.g.one_hot(labels, classes, -1, cx.g.dtype(y_pred))?;
    let zero = crate::losses::number_like(cx.g, one_hot, 0.0)?;
    let is_right = cx.g.greater(one_hot, zero)?;
    let zeros = cx.g.zeros_like(y_pred)?;
    let right = cx.g.select(is_right, y_pred, zeros)?;
    let right = cx.g.reduce_sum(right, &[-1], true)?;
    let larger = cx.g.greater(y_pred, right)?;
    let larger = cx.g.cast(larger, DType::F32)?;
    let count = cx.g.reduce_sum(larger, &[-1], false)?;
    let k = cx.g.number(k as f64, DType::F32)?;
    let inside = cx.g.less(count, k)?;
    // No class of a row is among the largest where one of its predictions is not finite.
    let finite = cx.g.is_finite(y_pred)?;
    let finite = cx.g.reduce_all(finite, &[-1], false)?;
    let inside = cx.g.logical_and(inside, finite)?;
    Ok(cx.g.cast(inside, DType::F32)?)
}

macro_rules! top_k {
    ($($(#[$doc:meta])* $class:ident, $name:literal, $labels:expr;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Source
            #[doc = concat!("`keras.metrics.", stringify!($class), "`.")]
            #[derive(Clone, Copy, Debug)]
            pub struct $class {
                /// How many of the largest predictions count; 5 by default.
                pub k: usize,
            }

            impl Default for $class {
                fn default() -> Self {
                    $class { k: 5 }
                }
            }

            impl $class {
                pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
                    Ok($class { k: fields.positive_or("k", 5)? }.into())
                }
            }

            impl MeanMetric for $class {
                fn class_name(&self) -> &str {
                    stringify!($class)
                }
                fn default_name(&self) -> String {
                    $name.into()
                }
                fn config(&self) -> Config {
                    Config::new().with("k", self.k)
                }
                fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
                    let labels: fn(&mut Call<'_>, Value, Value) -> Result<Value> = $labels;
                    let labels = labels(cx, y_true, y_pred)?;
                    in_top_k(cx, stringify!($class), labels, y_pred, self.k)
                }
            }
        )*
    };
}
// A line expands to a metric: its class, its default name, how class numbers are taken from the targets.
top_k! {
    /// How often the class of one-hot targets is among the `k` largest predictions.
    TopKCategoricalAccuracy, "top_k_categorical_accuracy", |cx, y_true, _| Ok(cx.g.argmax(y_true, -1)?);
    /// How often the class is among the `k` largest predictions.
    SparseTopKCategoricalAccuracy, "sparse_top_k_categorical_accuracy",
        |cx, y_true, y_pred| class_numbers(cx, "SparseTopKCategoricalAccuracy", y_true, y_pred);
}
