//! `MeanMetricWrapper`: a function made a metric.

use std::sync::Arc;

use kerox_config_json::{Config, Fields, function_name};
use kerox_graph::Value;
use kerox_layers::Call;

use super::{LossMetric, Metric, MetricFunction, Numbers, State, TABLE};
use crate::Result;
use crate::losses::Loss;

/// The mean of a function of targets and predictions: what a function's name stands for in `compile`, and what files
/// have for it.
///
/// # Source
/// `keras.metrics.MeanMetricWrapper`.
#[derive(Clone, Debug)]
pub struct MeanMetricWrapper {
    function: String,
    inner: Arc<dyn MetricFunction>,
}

impl MeanMetricWrapper {
    /// The metric of a function of the user's.
    pub(super) fn of(function: Arc<dyn crate::losses::LossFunction>) -> MeanMetricWrapper {
        let registered = kerox_config_json::registry::registered_name::<Arc<dyn crate::losses::LossFunction>>(
            function.function_name(),
        );
        let name = registered.unwrap_or_else(|| function.function_name().to_string());
        MeanMetricWrapper { function: name, inner: Arc::new(LossMetric(function)) }
    }

    /// The metric of a function; `None` where there is no such function.
    pub(super) fn by_function(name: &str, fields: &Fields<'_>) -> Result<Option<Metric>> {
        let known = TABLE.iter().find(|(_, _, names)| names.contains(&name));
        let (function, inner): (&str, Arc<dyn MetricFunction>) = match known {
            Some((_, make, names)) => (names[0], make(fields)?.function),
            None if name == "accuracy" => ("accuracy", Arc::new(super::Accuracy)),
            None => match Loss::by_name(name) {
                Ok(loss) if loss.function.is_function() => {
                    return Ok(Some(Metric::new(MeanMetricWrapper::of(loss.function))));
                }
                Ok(loss) if loss.function.class_name() != name => {
                    let function = loss.function.function_name().to_string();
                    let inner = Arc::new(LossMetric(loss.function));
                    return Ok(Some(Metric::new(MeanMetricWrapper { function, inner })));
                }
                _ => return Ok(None),
            },
        };
        Ok(Some(Metric::new(MeanMetricWrapper { function: function.to_string(), inner })))
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Metric> {
        let name = function_name(fields, "fn")?;
        MeanMetricWrapper::by_function(name, fields)?.ok_or_else(|| {
            let names: Vec<&str> = TABLE.iter().flat_map(|(_, _, names)| names.iter().copied()).collect();
            let expected = format!("one of {}", names.join(", "));
            crate::Error::argument("MeanMetricWrapper", "fn", expected, format!("`{name}`"))
        })
    }

    /// The function's name.
    pub fn function(&self) -> &str {
        &self.function
    }
}

impl MetricFunction for MeanMetricWrapper {
    fn class_name(&self) -> &str {
        "MeanMetricWrapper"
    }
    fn default_name(&self) -> String {
        self.function.rsplit('>').next().unwrap_or(&self.function).to_string()
    }
    fn config(&self) -> Config {
        Config::new().with("fn", self.function.as_str())
    }
    fn states(&self) -> Vec<State> {
        self.inner.states()
    }
    fn states_for(&self, outputs: usize) -> Vec<State> {
        self.inner.states_for(outputs)
    }
    fn contribute(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value, weight: Option<Value>) -> Result<Vec<Value>> {
        self.inner.contribute(cx, y_true, y_pred, weight)
    }
    fn result(&self, sums: &[Vec<f64>]) -> Numbers {
        self.inner.result(sums)
    }
}
