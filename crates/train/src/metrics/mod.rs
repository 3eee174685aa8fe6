//! Metrics: what is watched while training.

mod mean;

use std::fmt;
use std::sync::Arc;

use kerox_config_json::{Config, Fields, Lookup, Node, Object, Registry, Value as Json};
use kerox_graph::{Dims, Value};
use kerox_layers::Call;
use kerox_tensor::Shape;

pub use mean::{MeanMetric, SparseCategoricalAccuracy};

use crate::Result;

/// One accumulated tensor of a metric, as files name it (`total`, `count`, `true_positives`).
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The variable's name within the metric.
    pub name: String,
    /// The lengths of its axes.
    pub shape: Shape,
}

impl State {
    /// A scalar.
    pub fn scalar(name: &str) -> State {
        State { name: name.into(), shape: Shape::scalar() }
    }
}

/// The function of a metric. A batch contributes tensors; they are added up over the batches; the result is computed
/// from the sums.
///
/// # Source
/// `keras.metrics.Metric`.
pub trait MetricFunction: fmt::Debug + Send + Sync {
    /// The class, as files name it: `AUC`.
    fn class_name(&self) -> &str;
    /// The default name.
    fn default_name(&self) -> String;
    /// The constructor's arguments beside `name` and `dtype`, in Keras's order.
    fn config(&self) -> Config {
        Config::new()
    }
    /// What is added up.
    fn states(&self) -> Vec<State>;
    /// Adds to the graph what a batch contributes: one value for each of [`MetricFunction::states`], of its shape.
    ///
    /// # Errors
    /// Where `y_true` does not fit `y_pred`.
    fn contribute(
        &self,
        cx: &mut Call<'_>,
        y_true: Value,
        y_pred: Value,
        sample_weight: Option<Value>,
    ) -> Result<Vec<Value>>;
    /// The result from the sums, one slice a state. Most metrics have one number; some have several.
    fn result(&self, sums: &[Vec<f64>]) -> Vec<f64>;
}

/// A metric: a function and a name.
#[derive(Clone, Debug)]
pub struct Metric {
    /// What it computes.
    pub function: Arc<dyn MetricFunction>,
    /// The name under which it is logged.
    pub name: String,
}

impl Metric {
    /// With the default name.
    pub fn new(function: impl MetricFunction + 'static) -> Metric {
        let name = function.default_name();
        Metric { function: Arc::new(function), name }
    }

    /// The name under which it is logged.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Metric {
        self.name = name.into();
        self
    }

    /// The metric of that name or alias, logged under the name as given.
    ///
    /// # Errors
    /// [`kerox_config_json::Error`] where there is none.
    pub fn by_name(name: &str) -> Result<Metric> {
        let make = registry().find(&Lookup::class(name))?;
        let metric = make(&Fields::of(&Config::new()))?;
        // Function names are kept as given (`mae`, `MSE`); class names become the default name.
        Ok(if registry().canonical(name) == Some(name) { metric } else { metric.name(name) })
    }

    /// Reads a name or object of either dialect.
    ///
    /// # Errors
    /// [`kerox_config_json::Error`] where it is neither or unknown.
    pub fn from_json(node: &Node<'_>) -> Result<Metric> {
        let object = Object::read(node)?;
        if object.shorthand {
            return Metric::by_name(&object.class_name);
        }
        let fields = object.fields()?;
        let make = registry().find(&object.lookup(None))?;
        let metric = make(&fields)?;
        Ok(match fields.opt_str("name")? {
            Some(name) => metric.name(name),
            None => metric,
        })
    }

    /// As Keras 2.15 writes it.
    pub fn to_json(&self) -> Json {
        let mut config = Config::new().with("name", self.name.as_str()).with("dtype", "float32");
        for (key, value) in self.function.config().iter() {
            config.insert(key, value.clone());
        }
        Object::builtin("keras.metrics", self.function.class_name(), config).to_value()
    }
}

impl<F: MetricFunction + 'static> From<F> for Metric {
    fn from(function: F) -> Metric {
        Metric::new(function)
    }
}

/// How the registry makes a metric from a configuration.
pub type FromConfig = fn(&Fields<'_>) -> Result<Metric>;

/// Every metric by class, function and alias.
pub fn registry() -> Registry<FromConfig> {
    Registry::new("metric")
        .with("SparseCategoricalAccuracy", SparseCategoricalAccuracy::from_config as FromConfig)
        .with_alias("sparse_categorical_accuracy", "SparseCategoricalAccuracy")
}

/// Whether a name stands for different metrics depending on the shapes of the data.
pub(crate) fn depends_on_shapes(name: &str) -> bool {
    matches!(name, "accuracy" | "acc" | "crossentropy" | "ce")
}

/// The metric of a specification; `accuracy` and `crossentropy` by the shapes of targets and predictions.
///
/// # Source
/// `keras.engine.compile_utils.MetricsContainer._get_metric_object`.
pub(crate) fn resolve(spec: &crate::model::MetricSpec, y_true: &Dims, y_pred: &Dims) -> Result<Metric> {
    use crate::model::MetricSpec;
    let name = match spec {
        MetricSpec::Object(metric) => return Ok(metric.clone()),
        MetricSpec::Named(name) if !depends_on_shapes(name) => return Metric::by_name(name),
        MetricSpec::Named(name) => name,
    };
    let last = |dims: &Dims| dims.axes().and_then(|axes| axes.last().copied().flatten());
    let (true_rank, pred_rank) = (y_true.rank().unwrap_or(0), y_pred.rank().unwrap_or(0));
    let kind = match (last(y_true), last(y_pred)) {
        (_, Some(1)) => "binary",
        (Some(1), Some(n)) if n > 1 => "sparse_categorical",
        _ if true_rank < pred_rank => "sparse_categorical",
        _ => "categorical",
    };
    let function = if name.starts_with("acc") { "accuracy" } else { "crossentropy" };
    Ok(Metric::by_name(&format!("{kind}_{function}"))?.name(name.as_str()))
}
