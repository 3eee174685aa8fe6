//! Metrics that are a mean over the samples.

use kerox_config_json::Fields;
use kerox_graph::Value;
use kerox_layers::Call;
use kerox_tensor::DType;

use super::{Metric, MetricFunction, State};
use crate::Result;
use crate::losses::fit_rank;

/// A metric that is the weighted mean of one number a sample.
pub trait MeanMetric: std::fmt::Debug + Send + Sync {
    /// The class, as files name it.
    fn class_name(&self) -> &str;
    /// The default name.
    fn default_name(&self) -> String;
    /// The constructor's arguments beside `name` and `dtype`.
    fn config(&self) -> kerox_config_json::Config {
        kerox_config_json::Config::new()
    }
    /// Adds one number a sample.
    ///
    /// # Errors
    /// Where `y_true` does not fit `y_pred`.
    fn values(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value>;
}

impl<M: MeanMetric> MetricFunction for M {
    fn class_name(&self) -> &str {
        MeanMetric::class_name(self)
    }
    fn default_name(&self) -> String {
        MeanMetric::default_name(self)
    }
    fn config(&self) -> kerox_config_json::Config {
        MeanMetric::config(self)
    }
    fn states(&self) -> Vec<State> {
        vec![State::scalar("total"), State::scalar("count")]
    }
    fn contribute(
        &self,
        cx: &mut Call<'_>,
        y_true: Value,
        y_pred: Value,
        sample_weight: Option<Value>,
    ) -> Result<Vec<Value>> {
        let values = self.values(cx, y_true, y_pred)?;
        let values = cx.g.cast(values, DType::F32)?;
        let (values, weights) = match sample_weight {
            Some(weight) => {
                let weight = cx.g.cast(weight, DType::F32)?;
                let weight = fit_rank(cx.g, weight, values)?;
                // Weights of fewer axes count for all the values they are spread over.
                let zeros = cx.g.zeros_like(values)?;
                let weight = cx.g.add(zeros, weight)?;
                (cx.g.multiply(values, weight)?, weight)
            }
            None => (values, cx.g.ones_like(values)?),
        };
        Ok(vec![cx.g.reduce_sum(values, &[], false)?, cx.g.reduce_sum(weights, &[], false)?])
    }
    fn result(&self, sums: &[Vec<f64>]) -> Vec<f64> {
        let (total, count) = (sums[0][0], sums[1][0]);
        vec![if count == 0.0 { 0.0 } else { total / count }]
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
        let mut labels = cx.g.cast(y_true, DType::I64)?;
        if cx.g.dims(labels).rank() == cx.g.dims(y_pred).rank() {
            labels = cx.g.squeeze(labels, &[-1])?;
        }
        let best = cx.g.argmax(y_pred, -1)?;
        let equal = cx.g.equal(labels, best)?;
        Ok(cx.g.cast(equal, DType::F32)?)
    }
}
