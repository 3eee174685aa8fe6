//! Means of what losses compute.

use std::sync::Arc;

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;

use super::{MeanMetric, Metric};
use crate::losses::{self, LossFunction};
use crate::{Error, Result};

macro_rules! of_loss {
    ($($class:ident, $name:literal, $loss:ident;)*) => {
        $(
            #[doc = concat!("The mean of [`losses::", stringify!($loss), "`] over the samples.")]
            ///
            /// # Source
            #[doc = concat!("`keras.metrics.", stringify!($class), "`.")]
            #[derive(Clone, Copy, Debug, Default)]
            pub struct $class;

            impl $class {
                pub(super) fn from_config(_: &Fields<'_>) -> Result<Metric> {
                    Ok($class.into())
                }
            }

            impl MeanMetric for $class {
                fn class_name(&self) -> &str {
                    stringify!($class)
                }
                fn default_name(&self) -> String {
                    $name.into()
                }
                fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
                    losses::$loss.losses(cx, y_true, y_pred)
                }
            }
        )*
    };
}
// A line expands to a metric without arguments: its class, its default name, the loss.
of_loss! {
    MeanSquaredError, "mean_squared_error", MeanSquaredError;
    MeanAbsoluteError, "mean_absolute_error", MeanAbsoluteError;
    MeanAbsolutePercentageError, "mean_absolute_percentage_error", MeanAbsolutePercentageError;
    MeanSquaredLogarithmicError, "mean_squared_logarithmic_error", MeanSquaredLogarithmicError;
    LogCoshError, "logcosh", LogCosh;
    Poisson, "poisson", Poisson;
    KLDivergence, "kullback_leibler_divergence", KLDivergence;
    Hinge, "hinge", Hinge;
    SquaredHinge, "squared_hinge", SquaredHinge;
    CategoricalHinge, "categorical_hinge", CategoricalHinge;
}

/// The mean of a loss's function that is no metric class of its own: `huber` or `binary_focal_crossentropy` by name.
#[derive(Clone, Debug)]
pub struct LossMetric(pub Arc<dyn LossFunction>);

impl MeanMetric for LossMetric {
    fn class_name(&self) -> &str {
        self.0.class_name()
    }
    fn default_name(&self) -> String {
        self.0.function_name().into()
    }
    fn config(&self) -> Config {
        self.0.config()
    }
    fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        self.0.losses(cx, y_true, y_pred)
    }
}

/// Keras writes a smoothing of nothing as the integer 0.
fn smoothing(value: f64) -> kerox_config_json::Value {
    if value == 0.0 { 0.into() } else { value.into() }
}

/// The mean binary cross entropy.
///
/// # Source
/// `keras.metrics.BinaryCrossentropy`.
#[derive(Clone, Copy, Debug, Default)]
pub struct BinaryCrossentropy {
    /// Whether predictions are logits.
    pub from_logits: bool,
    /// How far targets are moved towards 1/2.
    pub label_smoothing: f64,
}

impl BinaryCrossentropy {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        let from_logits = fields.bool_or("from_logits", false)?;
        Ok(BinaryCrossentropy { from_logits, label_smoothing: fields.float_or("label_smoothing", 0.0)? }.into())
    }
}

impl MeanMetric for BinaryCrossentropy {
    fn class_name(&self) -> &str {
        "BinaryCrossentropy"
    }
    fn default_name(&self) -> String {
        "binary_crossentropy".into()
    }
    fn config(&self) -> Config {
        Config::new().with("from_logits", self.from_logits).with("label_smoothing", smoothing(self.label_smoothing))
    }
    fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (from_logits, label_smoothing) = (self.from_logits, self.label_smoothing);
        losses::BinaryCrossentropy { from_logits, label_smoothing, axis: -1 }.losses(cx, y_true, y_pred)
    }
}

/// The mean categorical cross entropy.
///
/// # Source
/// `keras.metrics.CategoricalCrossentropy`.
#[derive(Clone, Copy, Debug)]
pub struct CategoricalCrossentropy {
    /// Whether predictions are logits.
    pub from_logits: bool,
    /// How far targets are moved towards the uniform distribution.
    pub label_smoothing: f64,
    /// The axis of the classes.
    pub axis: i64,
}

impl Default for CategoricalCrossentropy {
    fn default() -> Self {
        CategoricalCrossentropy { from_logits: false, label_smoothing: 0.0, axis: -1 }
    }
}

impl CategoricalCrossentropy {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        let from_logits = fields.bool_or("from_logits", false)?;
        let label_smoothing = fields.float_or("label_smoothing", 0.0)?;
        Ok(CategoricalCrossentropy { from_logits, label_smoothing, axis: fields.int_or("axis", -1)? }.into())
    }
}

impl MeanMetric for CategoricalCrossentropy {
    fn class_name(&self) -> &str {
        "CategoricalCrossentropy"
    }
    fn default_name(&self) -> String {
        "categorical_crossentropy".into()
    }
    fn config(&self) -> Config {
        Config::new()
            .with("from_logits", self.from_logits)
            .with("label_smoothing", smoothing(self.label_smoothing))
            .with("axis", self.axis)
    }
    fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (from_logits, label_smoothing, axis) = (self.from_logits, self.label_smoothing, self.axis);
        losses::CategoricalCrossentropy { from_logits, label_smoothing, axis }.losses(cx, y_true, y_pred)
    }
}

/// The mean cross entropy between class numbers and predictions.
///
/// # Source
/// `keras.metrics.SparseCategoricalCrossentropy`.
#[derive(Clone, Copy, Debug)]
pub struct SparseCategoricalCrossentropy {
    /// Whether predictions are logits.
    pub from_logits: bool,
    /// A class that counts for nothing.
    pub ignore_class: Option<i64>,
    /// The axis of the classes, negative from the end.
    pub axis: i64,
}

impl Default for SparseCategoricalCrossentropy {
    fn default() -> SparseCategoricalCrossentropy {
        SparseCategoricalCrossentropy { from_logits: false, ignore_class: None, axis: -1 }
    }
}

impl SparseCategoricalCrossentropy {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        Ok(SparseCategoricalCrossentropy {
            from_logits: fields.bool_or("from_logits", false)?,
            ignore_class: fields.opt_int("ignore_class")?,
            axis: fields.int_or("axis", -1)?,
        }
        .into())
    }
}

impl MeanMetric for SparseCategoricalCrossentropy {
    fn class_name(&self) -> &str {
        "SparseCategoricalCrossentropy"
    }
    fn default_name(&self) -> String {
        "sparse_categorical_crossentropy".into()
    }
    fn config(&self) -> Config {
        Config::new()
            .with("from_logits", self.from_logits)
            .with("ignore_class", self.ignore_class)
            .with("axis", self.axis)
    }
    fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (from_logits, ignore_class) = (self.from_logits, self.ignore_class);
        let y_pred = classes_last(cx, y_pred, self.axis)?;
        losses::SparseCategoricalCrossentropy { from_logits, ignore_class }.losses(cx, y_true, y_pred)
    }
}

/// The mean cosine of the angle between target and prediction.
///
/// # Source
/// `keras.metrics.CosineSimilarity`.
#[derive(Clone, Copy, Debug)]
pub struct CosineSimilarity {
    /// The axis of the vectors.
    pub axis: i64,
}

impl Default for CosineSimilarity {
    fn default() -> Self {
        CosineSimilarity { axis: -1 }
    }
}

impl CosineSimilarity {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        Ok(CosineSimilarity { axis: fields.int_or("axis", -1)? }.into())
    }
}

impl MeanMetric for CosineSimilarity {
    fn class_name(&self) -> &str {
        "CosineSimilarity"
    }
    fn default_name(&self) -> String {
        "cosine_similarity".into()
    }
    fn config(&self) -> Config {
        Config::new().with("axis", self.axis)
    }
    fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let negative = losses::CosineSimilarity { axis: self.axis }.losses(cx, y_true, y_pred)?;
        Ok(cx.g.negate(negative)?)
    }
}

/// Predictions with the axis of the classes moved to the end.
fn classes_last(cx: &mut Call<'_>, y_pred: Value, axis: i64) -> Result<Value> {
    let rank = cx.g.dims(y_pred).rank().unwrap_or(1) as i64;
    let at = if axis < 0 { axis + rank } else { axis };
    if at == rank - 1 {
        return Ok(y_pred);
    }
    if !(0..rank).contains(&at) {
        let expected = format!("an axis in -{rank}..{rank}");
        return Err(Error::argument("SparseCategoricalCrossentropy", "axis", expected, axis.to_string()));
    }
    let perm: Vec<i64> = (0..rank).filter(|&i| i != at).chain([at]).collect();
    Ok(cx.g.transpose(y_pred, &perm)?)
}
