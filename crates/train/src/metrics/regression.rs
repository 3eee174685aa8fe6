//! Means over elements, and correlations.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Graph, Value};
use kerox_layers::Call;
use kerox_tensor::{DType, Tensor};

use super::{MeanMetric, Metric};
use crate::Result;
use crate::losses::{EPSILON, number_like, pair};

/// The square root of the mean squared difference of all elements.
///
/// # Source
/// `keras.metrics.RootMeanSquaredError`.
#[derive(Clone, Copy, Debug, Default)]
pub struct RootMeanSquaredError;

impl RootMeanSquaredError {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Metric> {
        Ok(RootMeanSquaredError.into())
    }
}

impl MeanMetric for RootMeanSquaredError {
    fn class_name(&self) -> &str {
        "RootMeanSquaredError"
    }
    fn default_name(&self) -> String {
        "root_mean_squared_error".into()
    }
    fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, "RootMeanSquaredError", y_true, y_pred)?;
        Ok(cx.g.squared_difference(y_pred, y_true)?)
    }
    fn finish(&self, mean: f64) -> f64 {
        mean.sqrt()
    }
}

/// The mean of the absolute differences in units of a normalizer.
///
/// # Source
/// `keras.metrics.MeanRelativeError`.
#[derive(Clone, Debug, Default)]
pub struct MeanRelativeError {
    /// What the differences are divided by; it is broadcast against the predictions.
    pub normalizer: Vec<f64>,
}

impl MeanRelativeError {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        let list = fields.required("normalizer")?.list()?;
        let normalizer = list.iter().map(|n| n.float()).collect::<Result<Vec<f64>, _>>()?;
        Ok(MeanRelativeError { normalizer }.into())
    }
}

impl MeanMetric for MeanRelativeError {
    fn class_name(&self) -> &str {
        "MeanRelativeError"
    }
    fn default_name(&self) -> String {
        "mean_relative_error".into()
    }
    fn config(&self) -> Config {
        Config::new().with("normalizer", self.normalizer.clone())
    }
    fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
        let (y_true, y_pred) = pair(cx, "MeanRelativeError", y_true, y_pred)?;
        let n = self.normalizer.len();
        let normalizer = Tensor::from_vec(self.normalizer.iter().map(|&x| x as f32).collect(), [n])?;
        let normalizer = cx.g.constant(normalizer)?;
        let normalizer = cx.g.cast(normalizer, cx.g.dtype(y_pred))?;
        let difference = cx.g.subtract(y_true, y_pred)?;
        let size = cx.g.abs(difference)?;
        Ok(cx.g.div_no_nan(size, normalizer)?)
    }
}

/// Mean and differences from it along an axis.
fn centred(g: &mut Graph, x: Value, axis: i64) -> Result<(Value, Value)> {
    let mean = g.reduce_mean(x, &[axis], true)?;
    let rest = g.subtract(x, mean)?;
    Ok((mean, rest))
}

fn variance(g: &mut Graph, centred: Value, axis: i64) -> Result<Value> {
    let square = g.square(centred)?;
    Ok(g.reduce_mean(square, &[axis], true)?)
}

macro_rules! correlations {
    ($($(#[$doc:meta])* $class:ident, $name:literal, $values:expr;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Source
            #[doc = concat!("`keras.metrics.", stringify!($class), "` of Keras 3.")]
            #[derive(Clone, Copy, Debug)]
            pub struct $class {
                /// The axis of what is compared.
                pub axis: i64,
            }

            impl Default for $class {
                fn default() -> Self {
                    $class { axis: -1 }
                }
            }

            impl $class {
                pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
                    Ok($class { axis: fields.int_or("axis", -1)? }.into())
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
                    Config::new().with("axis", self.axis)
                }
                fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value> {
                    let (y_true, y_pred) = pair(cx, stringify!($class), y_true, y_pred)?;
                    let values: fn(&mut Graph, Value, Value, i64) -> Result<Value> = $values;
                    values(cx.g, y_true, y_pred, self.axis)
                }
            }
        )*
    };
}
// A line expands to a metric: its class, its default name, what it computes.
correlations! {
    /// Pearson's correlation coefficient.
    PearsonCorrelation, "pearson_correlation", |g, y_true, y_pred, axis| {
        let ((_, a), (_, b)) = (centred(g, y_true, axis)?, centred(g, y_pred, axis)?);
        let (va, vb) = (variance(g, a, axis)?, variance(g, b, axis)?);
        let (sa, sb) = (g.sqrt(va)?, g.sqrt(vb)?);
        let (a, b) = (g.divide(a, sa)?, g.divide(b, sb)?);
        let product = g.multiply(a, b)?;
        Ok(g.reduce_mean(product, &[axis], false)?)
    };
    /// Lin's concordance correlation coefficient.
    ConcordanceCorrelation, "concordance_correlation", |g, y_true, y_pred, axis| {
        let ((ma, a), (mb, b)) = (centred(g, y_true, axis)?, centred(g, y_pred, axis)?);
        let (va, vb) = (variance(g, a, axis)?, variance(g, b, axis)?);
        let shift = g.squared_difference(ma, mb)?;
        let sum = g.add(va, vb)?;
        let sum = g.add(sum, shift)?;
        let epsilon = number_like(g, sum, EPSILON)?;
        let sum = g.add(sum, epsilon)?;
        let product = g.multiply(a, b)?;
        let two = number_like(g, product, 2.0)?;
        let twice = g.multiply(two, product)?;
        let values = g.divide(twice, sum)?;
        Ok(g.reduce_mean(values, &[axis], false)?)
    };
}

/// The predictions themselves as f32, for metrics of values alone.
pub(super) fn floats(cx: &mut Call<'_>, value: Value) -> Result<Value> {
    Ok(cx.g.cast(value, DType::F32)?)
}
