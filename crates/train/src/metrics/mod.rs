//! Metrics: what is watched while training.

mod accumulator;
mod accuracy;
mod auc;
mod confusion;
mod f_score;
mod iou;
mod mean;
mod of_loss;
mod r2_score;
mod regression;
mod thresholds;
mod top_k;
mod values;
mod wrapper;

use std::fmt;
use std::sync::Arc;

use kerox_config_json::{Config, Fields, Lookup, Node, Object, Registry, Value as Json};
use kerox_graph::{Dims, Value};
use kerox_layers::Call;
use kerox_tensor::{DType, Shape};

pub use accumulator::Accumulator;
pub use accuracy::{Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy};
pub use auc::{Auc, Curve, Summation};
pub use confusion::{
    FalseNegatives, FalsePositives, Precision, PrecisionAtRecall, Recall, RecallAtPrecision, SensitivityAtSpecificity,
    SpecificityAtSensitivity, TrueNegatives, TruePositives,
};
pub use f_score::{Average, F1Score, FBetaScore};
pub use iou::{BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU};
pub use mean::MeanMetric;
pub use of_loss::{
    BinaryCrossentropy, CategoricalCrossentropy, CategoricalHinge, CosineSimilarity, Hinge, KLDivergence, LogCoshError,
    LossMetric, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredError, MeanSquaredLogarithmicError, Poisson,
    SparseCategoricalCrossentropy, SquaredHinge,
};
pub use r2_score::{Aggregation, R2Score};
pub use regression::{ConcordanceCorrelation, MeanRelativeError, PearsonCorrelation, RootMeanSquaredError};
pub use thresholds::Thresholds;
pub use top_k::{SparseTopKCategoricalAccuracy, TopKCategoricalAccuracy};
pub use values::{Mean, MeanTensor, Sum};
pub use wrapper::MeanMetricWrapper;

use crate::Result;

/// One accumulated tensor of a metric, as files name it (`total`, `count`, `true_positives`).
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The variable's name within the metric.
    pub name: String,
    /// The lengths of its axes; those of a scalar where they depend on the data.
    pub shape: Shape,
    /// The type in which Keras keeps it.
    pub dtype: DType,
}

impl State {
    /// A scalar.
    pub fn scalar(name: &str) -> State {
        State { name: name.into(), shape: Shape::scalar(), dtype: DType::F32 }
    }

    /// A tensor of that shape.
    pub fn of_shape(name: &str, shape: impl Into<Shape>) -> State {
        State { shape: shape.into(), ..State::scalar(name) }
    }

    /// A tensor whose shape is that of the first contribution.
    pub fn of_data(name: &str) -> State {
        State::scalar(name)
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
    /// The keys of the configuration that Keras writes before `name` and `dtype`.
    fn leading(&self) -> &[&str] {
        &[]
    }
    /// What is added up.
    fn states(&self) -> Vec<State>;
    /// What is added up for predictions whose last axis has that length: some metrics have a variable a class.
    fn states_for(&self, outputs: usize) -> Vec<State> {
        let _ = outputs;
        self.states()
    }
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
    fn result(&self, sums: &[Vec<f64>]) -> Numbers;
}

/// The result of a metric; one number needs no memory of its own.
pub type Numbers = smallvec::SmallVec<[f64; 1]>;

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
        let registry = registry();
        let config = Config::new();
        if let Some(make) = registry.custom(name) {
            return make(&Fields::of(&config));
        }
        if registry.canonical(name) == Some(name) {
            return registry.find(&Lookup::class(name))?(&Fields::of(&config));
        }
        // Function names are kept as given (`mae`, `MSE`); class names become the default name.
        match MeanMetricWrapper::by_function(name, &Fields::of(&config))? {
            Some(metric) => Ok(metric.name(name)),
            None => registry.find(&Lookup::class(name))?(&Fields::of(&config)),
        }
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

    /// From a function of targets and predictions that gives one number a sample; the metric is their mean. Files know
    /// it by its name.
    ///
    /// # Source
    /// A function in `metrics`, which Keras wraps in `MeanMetricWrapper`.
    pub fn from_fn<F>(name: impl Into<String>, function: F) -> Metric
    where
        F: Fn(&mut Call<'_>, Value, Value) -> Result<Value> + Send + Sync + 'static,
    {
        Metric::new(MeanMetricWrapper::of(Arc::new(crate::losses::FnLoss::new(name, function))))
    }

    /// As Keras 2.15 writes it.
    pub fn to_json(&self) -> Json {
        let own = self.function.config();
        let leading = self.function.leading();
        let mut config = Config::new();
        for (key, value) in own.iter().filter(|(key, _)| leading.contains(key)) {
            config.insert(key, value.clone());
        }
        config.insert("name", self.name.as_str());
        config.insert("dtype", "float32");
        for (key, value) in own.iter().filter(|(key, _)| !leading.contains(key)) {
            config.insert(key, value.clone());
        }
        Object::of_kind(&registry(), "keras.metrics", self.function.class_name(), config).to_value()
    }
}

impl<F: MetricFunction + 'static> From<F> for Metric {
    fn from(function: F) -> Metric {
        Metric::new(function)
    }
}

/// How the registry makes a metric from a configuration.
pub type FromConfig = fn(&Fields<'_>) -> Result<Metric>;

/// Every metric: the class, its constructor, the names of its function, the one in files first.
const TABLE: &[(&str, FromConfig, &[&str])] = &[
    ("Accuracy", Accuracy::from_config, &[]),
    ("AUC", Auc::from_config, &[]),
    ("BinaryAccuracy", BinaryAccuracy::from_config, &["binary_accuracy"]),
    ("BinaryCrossentropy", BinaryCrossentropy::from_config, &["binary_crossentropy"]),
    ("BinaryIoU", BinaryIoU::from_config, &[]),
    ("CategoricalAccuracy", CategoricalAccuracy::from_config, &["categorical_accuracy"]),
    ("CategoricalCrossentropy", CategoricalCrossentropy::from_config, &["categorical_crossentropy"]),
    ("CategoricalHinge", CategoricalHinge::from_config, &["categorical_hinge"]),
    ("ConcordanceCorrelation", ConcordanceCorrelation::from_config, &["concordance_correlation"]),
    ("CosineSimilarity", CosineSimilarity::from_config, &["cosine_similarity", "cosine_proximity"]),
    ("F1Score", F1Score::from_config, &[]),
    ("FBetaScore", FBetaScore::from_config, &[]),
    ("FalseNegatives", FalseNegatives::from_config, &[]),
    ("FalsePositives", FalsePositives::from_config, &[]),
    ("Hinge", Hinge::from_config, &["hinge"]),
    ("IoU", IoU::from_config, &[]),
    ("KLDivergence", KLDivergence::from_config, &["kl_divergence", "kullback_leibler_divergence", "kld", "KLD"]),
    ("LogCoshError", LogCoshError::from_config, &["log_cosh", "logcosh"]),
    ("Mean", Mean::from_config, &[]),
    ("MeanAbsoluteError", MeanAbsoluteError::from_config, &["mean_absolute_error", "mae", "MAE"]),
    (
        "MeanAbsolutePercentageError",
        MeanAbsolutePercentageError::from_config,
        &["mean_absolute_percentage_error", "mape", "MAPE"],
    ),
    ("MeanIoU", MeanIoU::from_config, &[]),
    ("MeanMetricWrapper", MeanMetricWrapper::from_config, &[]),
    ("MeanRelativeError", MeanRelativeError::from_config, &[]),
    ("MeanSquaredError", MeanSquaredError::from_config, &["mean_squared_error", "mse", "MSE"]),
    (
        "MeanSquaredLogarithmicError",
        MeanSquaredLogarithmicError::from_config,
        &["mean_squared_logarithmic_error", "msle", "MSLE"],
    ),
    ("MeanTensor", MeanTensor::from_config, &[]),
    ("OneHotIoU", OneHotIoU::from_config, &[]),
    ("OneHotMeanIoU", OneHotMeanIoU::from_config, &[]),
    ("PearsonCorrelation", PearsonCorrelation::from_config, &["pearson_correlation"]),
    ("Poisson", Poisson::from_config, &["poisson"]),
    ("Precision", Precision::from_config, &[]),
    ("PrecisionAtRecall", PrecisionAtRecall::from_config, &[]),
    ("R2Score", R2Score::from_config, &[]),
    ("Recall", Recall::from_config, &[]),
    ("RecallAtPrecision", RecallAtPrecision::from_config, &[]),
    ("RootMeanSquaredError", RootMeanSquaredError::from_config, &[]),
    ("SensitivityAtSpecificity", SensitivityAtSpecificity::from_config, &[]),
    ("SparseCategoricalAccuracy", SparseCategoricalAccuracy::from_config, &["sparse_categorical_accuracy"]),
    ("SparseCategoricalCrossentropy", SparseCategoricalCrossentropy::from_config, &["sparse_categorical_crossentropy"]),
    (
        "SparseTopKCategoricalAccuracy",
        SparseTopKCategoricalAccuracy::from_config,
        &["sparse_top_k_categorical_accuracy"],
    ),
    ("SpecificityAtSensitivity", SpecificityAtSensitivity::from_config, &[]),
    ("SquaredHinge", SquaredHinge::from_config, &["squared_hinge"]),
    ("Sum", Sum::from_config, &[]),
    ("TopKCategoricalAccuracy", TopKCategoricalAccuracy::from_config, &["top_k_categorical_accuracy"]),
    ("TrueNegatives", TrueNegatives::from_config, &[]),
    ("TruePositives", TruePositives::from_config, &[]),
];

/// How a class of the user's is made from its configuration: the entry for `custom_objects`.
pub fn entry<T: MetricFunction + kerox_layers::Configured + 'static>() -> FromConfig {
    |fields| Ok(T::from_fields(fields)?.into())
}

/// Writes `{module, class_name, config, registered_name}`.
///
/// # Source
/// `keras.metrics.serialize`.
pub fn serialize(metric: &Metric) -> Json {
    metric.to_json()
}

/// Reads a name or object of either dialect.
///
/// # Errors
/// As [`Metric::from_json`].
///
/// # Source
/// `keras.metrics.deserialize`.
pub fn deserialize(node: &Node<'_>) -> Result<Metric> {
    Metric::from_json(node)
}

/// Every metric by class, function and alias.
pub fn registry() -> Registry<FromConfig> {
    let mut registry = Registry::new("metric function");
    for (class_name, from_config, aliases) in TABLE {
        registry = registry.with(*class_name, *from_config);
        for alias in *aliases {
            registry = registry.with_alias(*alias, *class_name);
        }
    }
    registry
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
