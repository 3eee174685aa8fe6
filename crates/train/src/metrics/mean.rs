//! Metrics that are a mean over the samples.

use kerox_graph::{Graph, Value};
use kerox_layers::Call;
use kerox_tensor::DType;
use smallvec::smallvec;

use super::{MetricFunction, Numbers, State};
use crate::Result;
use crate::losses::{fit_rank, spread, squeeze_pair, sum_all};

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
    /// What becomes of the mean in the end.
    fn finish(&self, mean: f64) -> f64 {
        mean
    }
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
        let (y_true, y_pred) = (single(cx.g, y_true)?, cx.g.cast(y_pred, DType::F32)?);
        let (y_true, y_pred) = squeeze_pair(cx.g, y_true, y_pred)?;
        let values = self.values(cx, y_true, y_pred)?;
        let mask = cx.mask(values);
        let values = cx.g.cast(values, DType::F32)?;
        let mut weights = None;
        for weight in [mask, sample_weight].into_iter().flatten() {
            let weight = cx.g.cast(weight, DType::F32)?;
            let weight = fit_rank(cx.g, weight, values)?;
            weights = Some(match weights {
                Some(other) => cx.g.multiply(other, weight)?,
                None => weight,
            });
        }
        totals(cx, values, weights)
    }
    fn result(&self, sums: &[Vec<f64>]) -> Numbers {
        smallvec![self.finish(ratio(sums[0][0], sums[1][0]))]
    }
}

/// Numbers in the type in which Keras computes metrics, whatever the model's. Integers, which may be class numbers of
/// more digits than that has, stay.
pub(super) fn single(g: &mut Graph, value: Value) -> Result<Value> {
    Ok(match g.dtype(value) {
        DType::F64 | DType::F16 | DType::BF16 | DType::Bool => g.cast(value, DType::F32)?,
        _ => value,
    })
}

/// The weighted sum of values and the sum of the weights. Weights of fewer axes count for all the values they are
/// spread over.
pub(super) fn totals(cx: &mut Call<'_>, values: Value, weights: Option<Value>) -> Result<Vec<Value>> {
    let (values, weights) = match weights {
        Some(weights) => {
            let weights = spread(cx.g, weights, values)?;
            (cx.g.multiply(values, weights)?, weights)
        }
        None => (values, cx.g.ones_like(values)?),
    };
    Ok(vec![sum_all(cx.g, values)?, sum_all(cx.g, weights)?])
}

/// `a / b`, 0 where `b` is 0.
pub(super) fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}
