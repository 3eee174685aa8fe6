//! Losses: what training makes small.

mod binary_crossentropy;
mod binary_focal_crossentropy;
mod categorical_crossentropy;
mod categorical_focal_crossentropy;
mod categorical_generalized_cross_entropy;
mod categorical_hinge;
mod circle;
mod cosine_similarity;
mod ctc;
mod dice;
mod function;
mod hinge;
mod huber;
mod kl_divergence;
mod log_cosh;
mod mean_absolute_error;
mod mean_absolute_percentage_error;
mod mean_squared_error;
mod mean_squared_logarithmic_error;
mod parts;
mod poisson;
mod reduction;
mod sparse_categorical_crossentropy;
mod squared_hinge;
mod tversky;

use std::fmt;
use std::sync::Arc;

use kerox_config_json::{Config, Fields, Lookup, Node, Object, Registry, Value as Json};
use kerox_graph::{Executor, Graph, Plan, Value};
use kerox_layers::Call;
use kerox_tensor::Tensor;

pub use binary_crossentropy::BinaryCrossentropy;
pub use binary_focal_crossentropy::BinaryFocalCrossentropy;
pub use categorical_crossentropy::CategoricalCrossentropy;
pub use categorical_focal_crossentropy::CategoricalFocalCrossentropy;
pub use categorical_generalized_cross_entropy::CategoricalGeneralizedCrossEntropy;
pub use categorical_hinge::CategoricalHinge;
pub use circle::Circle;
pub use cosine_similarity::CosineSimilarity;
pub use ctc::{CTC, ctc_batch_cost};
pub use dice::Dice;
pub use function::FnLoss;
pub use hinge::Hinge;
pub use huber::Huber;
pub use kl_divergence::KLDivergence;
pub use log_cosh::LogCosh;
pub use mean_absolute_error::MeanAbsoluteError;
pub use mean_absolute_percentage_error::MeanAbsolutePercentageError;
pub use mean_squared_error::MeanSquaredError;
pub use mean_squared_logarithmic_error::MeanSquaredLogarithmicError;
pub(crate) use parts::{
    EPSILON, class_numbers, last_length, mean_all, number_like, pair, spread, squeeze_pair, sum_all, unit,
};
use parts::{
    axes, axes_of, binary, categorical, last_mean, logits, margin, pair_of_same_shape, signs, smooth_binary,
    smooth_categorical, sparse,
};
pub use poisson::Poisson;
pub use reduction::Reduction;
pub(crate) use reduction::fit_rank;
pub use sparse_categorical_crossentropy::SparseCategoricalCrossentropy;
pub use squared_hinge::SquaredHinge;
pub use tversky::Tversky;

use crate::Result;

/// The function of a loss: one number a sample.
///
/// # Source
/// `keras.losses.Loss.call`.
pub trait LossFunction: fmt::Debug + Send + Sync {
    /// The class, as files name it: `MeanSquaredError`.
    fn class_name(&self) -> &str;
    /// The function and default name: `mean_squared_error`.
    fn function_name(&self) -> &str;
    /// The default name; the function's unless Keras has another.
    fn default_name(&self) -> &str {
        self.function_name()
    }
    /// Whether files know it by the name of a function alone, without arguments and reduction.
    fn is_function(&self) -> bool {
        false
    }
    /// Whether only Keras 3 knows it. Its configuration has no `fn` then.
    fn is_keras3(&self) -> bool {
        false
    }
    /// The constructor's arguments beside `reduction` and `name`, in Keras's order.
    fn config(&self) -> Config {
        Config::new()
    }
    /// Adds the losses of the samples: the shape of `y_pred` without its last axis.
    ///
    /// # Errors
    /// Where `y_true` does not fit `y_pred`.
    fn losses(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> Result<Value>;
}

/// A loss: a function, how its values become one, and a name.
#[derive(Clone, Debug)]
pub struct Loss {
    /// One number a sample.
    pub function: Arc<dyn LossFunction>,
    /// How they become one.
    pub reduction: Reduction,
    /// The name; the function's unless set.
    pub name: String,
}

impl Loss {
    /// With the default reduction and name.
    pub fn new(function: impl LossFunction + 'static) -> Loss {
        let name = function.default_name().to_string();
        Loss { function: Arc::new(function), reduction: Reduction::Auto, name }
    }

    /// How the values become one.
    #[must_use]
    pub fn reduction(mut self, reduction: Reduction) -> Loss {
        self.reduction = reduction;
        self
    }

    /// The name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Loss {
        self.name = name.into();
        self
    }

    /// The loss of that name or alias.
    ///
    /// # Errors
    /// [`kerox_config_json::Error`] where there is none.
    pub fn by_name(name: &str) -> Result<Loss> {
        if let Some(function) = custom(name) {
            return Ok(Loss::of(function));
        }
        let make = registry().find(&Lookup::class(name))?;
        make(&Fields::of(&Config::new()))
    }

    /// From a function of targets and predictions that gives one number a sample. Files know it by its name.
    ///
    /// # Example
    /// ```
    /// use kerox_tensor::Tensor;
    /// use kerox_train::losses::Loss;
    /// let absolute = Loss::from_fn("absolute", |cx, y_true, y_pred| {
    ///     let difference = cx.g.subtract(y_true, y_pred)?;
    ///     let size = cx.g.abs(difference)?;
    ///     Ok(cx.g.reduce_mean(size, &[-1], false)?)
    /// });
    /// let (y_true, y_pred) = (Tensor::full(1f32, [2, 1])?, Tensor::full(3f32, [2, 1])?);
    /// assert_eq!(absolute.compute(&y_true, &y_pred, None)?.to_scalar::<f32>()?, 2.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Source
    /// A function given as `loss`.
    pub fn from_fn<F>(name: impl Into<String>, function: F) -> Loss
    where
        F: Fn(&mut Call<'_>, Value, Value) -> Result<Value> + Send + Sync + 'static,
    {
        Loss::new(FnLoss::new(name, function))
    }

    fn of(function: Arc<dyn LossFunction>) -> Loss {
        let name = function.default_name().to_string();
        Loss { function, reduction: Reduction::Auto, name }
    }

    /// Reads a name or object of either dialect.
    ///
    /// # Errors
    /// [`kerox_config_json::Error`] where it is neither or unknown.
    pub fn from_json(node: &Node<'_>) -> Result<Loss> {
        let object = Object::read(node)?;
        if (object.shorthand || object.class_name == "function")
            && let Some(function) = custom(object.name())
        {
            return Ok(Loss::of(function));
        }
        let make = registry().find(&object.lookup(None))?;
        let config = Config::new();
        let fields = if object.shorthand { Fields::of(&config) } else { object.fields()? };
        let mut loss = make(&fields)?;
        if let Some(name) = fields.opt_str("name")? {
            loss.name = name.to_string();
        }
        if let Some(node) = fields.get("reduction") {
            loss.reduction = node.one_of(Reduction::WORDS)?;
            if loss.reduction == Reduction::SumOverBatchSize && fields.get("fn").is_none() {
                // Keras 3, which writes no `fn`, has no other word for Keras 2's default.
                loss.reduction = Reduction::Auto;
            }
        }
        Ok(loss)
    }

    /// As Keras 2.15 writes it.
    pub fn to_json(&self) -> Json {
        if self.function.is_function() {
            let name = self.function.function_name();
            let registered = kerox_config_json::registry::registered_name::<Arc<dyn LossFunction>>(name);
            return Object::function(registered.unwrap_or_else(|| name.to_owned())).to_value();
        }
        let mut config = Config::new().with("reduction", self.reduction.word()).with("name", self.name.as_str());
        for (key, value) in self.function.config().iter() {
            config.insert(key, value.clone());
        }
        let registry = registry();
        let class_name = self.function.class_name();
        if !self.function.is_keras3() && registry.canonical(class_name).is_some() {
            config.insert("fn", self.function.function_name());
        }
        Object::of_kind(&registry, "keras.losses", class_name, config).to_value()
    }

    /// Adds the reduced loss: a scalar, or one number a sample for [`Reduction::None`]. A mask on `y_pred` leaves
    /// samples out.
    ///
    /// # Errors
    /// Where `y_true` or `sample_weight` do not fit `y_pred`.
    pub fn call(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value, sample_weight: Option<Value>) -> Result<Value> {
        let mask = cx.mask(y_pred);
        let (y_true, y_pred) = squeeze_pair(cx.g, y_true, y_pred)?;
        let losses = self.function.losses(cx, y_true, y_pred)?;
        // A loss can leave samples out by itself.
        let mask = match (cx.mask(losses), mask) {
            (Some(own), Some(mask)) => {
                let mask = fit_rank(cx.g, mask, own)?;
                Some(cx.g.logical_and(own, mask)?)
            }
            (own, mask) => own.or(mask),
        };
        self.reduction.apply(cx.g, losses, sample_weight, mask)
    }
}

impl Loss {
    /// Computes the loss of one batch at once, outside of any model.
    ///
    /// # Errors
    /// As [`Loss::call`].
    ///
    /// # Example
    /// ```
    /// use kerox_tensor::Tensor;
    /// use kerox_train::losses::{Loss, MeanSquaredError};
    /// let (y_true, y_pred) = (Tensor::from_vec(vec![0f32, 1.0], [2, 1])?, Tensor::from_vec(vec![2f32, 1.0], [2, 1])?);
    /// let loss = Loss::from(MeanSquaredError).compute(&y_true, &y_pred, None)?;
    /// assert_eq!(loss.as_slice::<f32>()?, [2.0]);
    /// # Ok::<(), kerox_train::Error>(())
    /// ```
    pub fn compute(&self, y_true: &Tensor, y_pred: &Tensor, sample_weight: Option<&Tensor>) -> Result<Tensor> {
        let mut g = Graph::new();
        let y_true = g.constant(y_true.clone())?;
        let y_pred = g.constant(y_pred.clone())?;
        let sample_weight = sample_weight.map(|w| g.constant(w.clone())).transpose()?;
        let value = self.call(&mut Call::new(&mut g, false), y_true, y_pred, sample_weight)?;
        let mut executor = Executor::new(Plan::compile(&g, &[], &[], &[value], &[])?);
        executor.run(&[])?;
        Ok(executor.output(0).tensor()?)
    }
}

impl<F: LossFunction + 'static> From<F> for Loss {
    fn from(function: F) -> Loss {
        Loss::new(function)
    }
}

/// How the registry makes a loss from a configuration.
pub type FromConfig = fn(&Fields<'_>) -> Result<Loss>;

/// Every loss: the class, its constructor, the function's name and its aliases.
const TABLE: &[(&str, FromConfig, &[&str])] = &[
    ("BinaryCrossentropy", BinaryCrossentropy::from_config, &["binary_crossentropy"]),
    ("BinaryFocalCrossentropy", BinaryFocalCrossentropy::from_config, &["binary_focal_crossentropy"]),
    ("CTC", CTC::from_config, &["ctc"]),
    ("CategoricalCrossentropy", CategoricalCrossentropy::from_config, &["categorical_crossentropy"]),
    ("CategoricalFocalCrossentropy", CategoricalFocalCrossentropy::from_config, &["categorical_focal_crossentropy"]),
    (
        "CategoricalGeneralizedCrossEntropy",
        CategoricalGeneralizedCrossEntropy::from_config,
        &["categorical_generalized_cross_entropy"],
    ),
    ("CategoricalHinge", CategoricalHinge::from_config, &["categorical_hinge"]),
    ("Circle", Circle::from_config, &["circle"]),
    ("CosineSimilarity", CosineSimilarity::from_config, &["cosine_similarity", "cosine_proximity"]),
    ("Dice", Dice::from_config, &["dice"]),
    ("Hinge", Hinge::from_config, &["hinge"]),
    ("Huber", Huber::from_config, &["huber", "huber_loss"]),
    ("KLDivergence", KLDivergence::from_config, &["kl_divergence", "kullback_leibler_divergence", "kld", "KLD"]),
    ("LogCosh", LogCosh::from_config, &["log_cosh", "logcosh"]),
    ("MeanAbsoluteError", MeanAbsoluteError::from_config, &["mean_absolute_error", "mae", "MAE"]),
    (
        "MeanAbsolutePercentageError",
        MeanAbsolutePercentageError::from_config,
        &["mean_absolute_percentage_error", "mape", "MAPE"],
    ),
    ("MeanSquaredError", MeanSquaredError::from_config, &["mean_squared_error", "mse", "MSE"]),
    (
        "MeanSquaredLogarithmicError",
        MeanSquaredLogarithmicError::from_config,
        &["mean_squared_logarithmic_error", "msle", "MSLE"],
    ),
    ("Poisson", Poisson::from_config, &["poisson"]),
    ("SparseCategoricalCrossentropy", SparseCategoricalCrossentropy::from_config, &["sparse_categorical_crossentropy"]),
    ("SquaredHinge", SquaredHinge::from_config, &["squared_hinge"]),
    ("Tversky", Tversky::from_config, &["tversky"]),
];

/// The user's function of that name: by its registered name or its own.
fn custom(name: &str) -> Option<Arc<dyn LossFunction>> {
    kerox_config_json::registry::find_custom_object::<Arc<dyn LossFunction>>(name)
}

/// How a class of the user's is made from its configuration: the entry for `custom_objects`.
pub fn entry<T: LossFunction + kerox_layers::Configured + 'static>() -> FromConfig {
    |fields| Ok(T::from_fields(fields)?.into())
}

/// Writes `{module, class_name, config, registered_name}`.
///
/// # Source
/// `keras.losses.serialize`.
pub fn serialize(loss: &Loss) -> Json {
    loss.to_json()
}

/// Reads a name or object of either dialect.
///
/// # Errors
/// As [`Loss::from_json`].
///
/// # Source
/// `keras.losses.deserialize`.
pub fn deserialize(node: &Node<'_>) -> Result<Loss> {
    Loss::from_json(node)
}

/// Every loss by class, function and alias.
pub fn registry() -> Registry<FromConfig> {
    let mut registry = Registry::new("loss function");
    for (class_name, from_config, aliases) in TABLE {
        registry = registry.with(*class_name, *from_config);
        for alias in *aliases {
            registry = registry.with_alias(*alias, *class_name);
        }
    }
    registry
}
