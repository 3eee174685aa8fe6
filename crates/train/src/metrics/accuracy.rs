//! How often predictions are right.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;
use kerox_tensor::DType;

use super::{MeanMetric, Metric};
use crate::Result;
use crate::losses::{class_numbers, number_like, pair};

fn as_float(cx: &mut Call<'_>, value: Value) -> Result<Value> {
    Ok(cx.g.cast(value, DType::F32)?)
}

/// How often predictions equal targets.
///
/// # Source
/// `keras.metrics.Accuracy`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Accuracy;

impl Accuracy {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Metric> {
        Ok(Accuracy.into())
    }
}

impl MeanMetric for Accuracy {
    fn class_name(&self) -> &str {
        "Accuracy"
    }
    fn default_name(&self) -> String {
        "accuracy".into()
    }
    fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, "Accuracy", y_true, y_pred)?;
        let equal = cx.g.equal(y_true, y_pred)?;
        as_float(cx, equal)
    }
}

/// How often predictions are on the right side of a threshold.
///
/// # Source
/// `keras.metrics.BinaryAccuracy`.
#[derive(Clone, Copy, Debug)]
pub struct BinaryAccuracy {
    /// Predictions above it count as 1.
    pub threshold: f64,
}

impl Default for BinaryAccuracy {
    fn default() -> Self {
        BinaryAccuracy { threshold: 0.5 }
    }
}

impl BinaryAccuracy {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        Ok(BinaryAccuracy { threshold: fields.float_or("threshold", 0.5)? }.into())
    }
}

impl MeanMetric for BinaryAccuracy {
    fn class_name(&self) -> &str {
        "BinaryAccuracy"
    }
    fn default_name(&self) -> String {
        "binary_accuracy".into()
    }
    fn config(&self) -> Config {
        Config::new().with("threshold", self.threshold)
    }
    fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, "BinaryAccuracy", y_true, y_pred)?;
        let threshold = number_like(cx.g, y_pred, self.threshold)?;
        let positive = cx.g.greater(y_pred, threshold)?;
        let positive = cx.g.cast(positive, cx.g.dtype(y_true))?;
        let equal = cx.g.equal(y_true, positive)?;
        as_float(cx, equal)
    }
}

/// How often the largest prediction is the right class of one-hot targets.
///
/// # Source
/// `keras.metrics.CategoricalAccuracy`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CategoricalAccuracy;

impl CategoricalAccuracy {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Metric> {
        Ok(CategoricalAccuracy.into())
    }
}

impl MeanMetric for CategoricalAccuracy {
    fn class_name(&self) -> &str {
        "CategoricalAccuracy"
    }
    fn default_name(&self) -> String {
        "categorical_accuracy".into()
    }
    fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let labels = cx.g.argmax(y_true, -1)?;
        let best = cx.g.argmax(y_pred, -1)?;
        let equal = cx.g.equal(labels, best)?;
        as_float(cx, equal)
    }
}

/// How often the largest prediction is the right class.
///
/// # Source
/// `keras.metrics.SparseCategoricalAccuracy`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SparseCategoricalAccuracy;

impl SparseCategoricalAccuracy {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Metric> {
        Ok(SparseCategoricalAccuracy.into())
    }
}

impl MeanMetric for SparseCategoricalAccuracy {
    fn class_name(&self) -> &str {
        "SparseCategoricalAccuracy"
    }
    fn default_name(&self) -> String {
        "sparse_categorical_accuracy".into()
    }
    fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let labels = class_numbers(cx, "SparseCategoricalAccuracy", y_true, y_pred)?;
        let best = cx.g.argmax(y_pred, -1)?;
        let equal = cx.g.equal(labels, best)?;
        as_float(cx, equal)
    }
}
