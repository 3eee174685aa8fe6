//! Metrics of values alone: `Mean`, `Sum`, `MeanTensor`.
//!
//! They look at the predictions; targets are not used.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_layers::Call;
use kerox_tensor::{DType, Shape};
use smallvec::smallvec;

use super::mean::{ratio, totals};
use super::regression::floats;
use super::{Metric, MetricFunction, Numbers, State};
use crate::Result;
use crate::losses::{fit_rank, spread, sum_all};

fn weights(cx: &mut Call<'_>, values: Value, weight: Option<Value>) -> Result<Option<Value>> {
    let Some(weight) = weight else { return Ok(None) };
    let weight = cx.g.cast(weight, DType::F32)?;
    Ok(Some(fit_rank(cx.g, weight, values)?))
}

/// The weighted mean of values.
///
/// # Source
/// `keras.metrics.Mean`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mean;

impl Mean {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Metric> {
        Ok(Mean.into())
    }
}

impl MetricFunction for Mean {
    fn class_name(&self) -> &str {
        "Mean"
    }
    fn default_name(&self) -> String {
        "mean".into()
    }
    fn states(&self) -> Vec<State> {
        vec![State::scalar("total"), State::scalar("count")]
    }
    fn contribute(&self, cx: &mut Call<'_>, _: Value, y_pred: Value, weight: Option<Value>) -> Result<Vec<Value>> {
        let values = floats(cx, y_pred)?;
        let weight = weights(cx, values, weight)?;
        totals(cx, values, weight)
    }
    fn result(&self, sums: &[Vec<f64>]) -> Numbers {
        smallvec![ratio(sums[0][0], sums[1][0])]
    }
}

/// The weighted sum of values.
///
/// # Source
/// `keras.metrics.Sum`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum;

impl Sum {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Metric> {
        Ok(Sum.into())
    }
}

impl MetricFunction for Sum {
    fn class_name(&self) -> &str {
        "Sum"
    }
    fn default_name(&self) -> String {
        "sum".into()
    }
    fn states(&self) -> Vec<State> {
        vec![State::scalar("total")]
    }
    fn contribute(&self, cx: &mut Call<'_>, _: Value, y_pred: Value, weight: Option<Value>) -> Result<Vec<Value>> {
        let mut values = floats(cx, y_pred)?;
        if let Some(weight) = weights(cx, values, weight)? {
            values = cx.g.multiply(values, weight)?;
        }
        Ok(vec![sum_all(cx.g, values)?])
    }
    fn result(&self, sums: &[Vec<f64>]) -> Numbers {
        smallvec![sums[0][0]]
    }
}

/// The weighted mean of tensors of one shape, element by element.
///
/// # Source
/// `keras.metrics.MeanTensor`.
#[derive(Clone, Debug, Default)]
pub struct MeanTensor {
    /// The shape, where it is fixed before there are values.
    pub shape: Option<Vec<usize>>,
}

impl MeanTensor {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        let shape = fields.opt_shape("shape")?.map(|shape| shape.into_iter().flatten().collect());
        Ok(MeanTensor { shape }.into())
    }
}

impl MetricFunction for MeanTensor {
    fn class_name(&self) -> &str {
        "MeanTensor"
    }
    fn default_name(&self) -> String {
        "mean_tensor".into()
    }
    fn config(&self) -> Config {
        Config::new().with_some("shape", self.shape.clone())
    }
    fn states(&self) -> Vec<State> {
        let shape = self.shape.clone().map_or(Shape::scalar(), Shape::from);
        ["total", "count"].map(|name| State::of_shape(name, shape.clone())).into()
    }
    fn contribute(&self, cx: &mut Call<'_>, _: Value, y_pred: Value, weight: Option<Value>) -> Result<Vec<Value>> {
        let values = floats(cx, y_pred)?;
        Ok(match weights(cx, values, weight)? {
            Some(weight) => {
                let weight = spread(cx.g, weight, values)?;
                vec![cx.g.multiply(values, weight)?, weight]
            }
            None => vec![values, cx.g.ones_like(values)?],
        })
    }
    fn result(&self, sums: &[Vec<f64>]) -> Numbers {
        sums[0].iter().zip(&sums[1]).map(|(&total, &count)| ratio(total, count)).collect()
    }
}
