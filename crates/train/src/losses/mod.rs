//! Losses: what training makes small.

mod mean_squared_error;
mod reduction;
mod sparse_categorical_crossentropy;

use std::fmt;
use std::sync::Arc;

use kerox_config_json::{Config, Fields, Lookup, Node, Object, Registry, Value as Json};
use kerox_graph::Value;
use kerox_layers::Call;

pub use mean_squared_error::MeanSquaredError;
pub use reduction::Reduction;
pub(crate) use reduction::fit_rank;
pub use sparse_categorical_crossentropy::SparseCategoricalCrossentropy;

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
        let name = function.function_name().to_string();
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
        let make = registry().find(&Lookup::class(name))?;
        make(&Fields::of(&Config::new()))
    }

    /// Reads a name or object of either dialect.
    ///
    /// # Errors
    /// [`kerox_config_json::Error`] where it is neither or unknown.
    pub fn from_json(node: &Node<'_>) -> Result<Loss> {
        let object = Object::read(node)?;
        let make = registry().find(&object.lookup(None))?;
        let config = Config::new();
        let fields = if object.shorthand { Fields::of(&config) } else { object.fields()? };
        let mut loss = make(&fields)?;
        if let Some(name) = fields.opt_str("name")? {
            loss.name = name.to_string();
        }
        if let Some(node) = fields.get("reduction") {
            loss.reduction = node.one_of(Reduction::WORDS)?;
        }
        Ok(loss)
    }

    /// As Keras 2.15 writes it.
    pub fn to_json(&self) -> Json {
        let mut config = Config::new().with("reduction", self.reduction.word()).with("name", self.name.as_str());
        for (key, value) in self.function.config().iter() {
            config.insert(key, value.clone());
        }
        config.insert("fn", self.function.function_name());
        Object::builtin("keras.losses", self.function.class_name(), config).to_value()
    }

    /// Adds the reduced loss: a scalar, or one number a sample for [`Reduction::None`]. A mask on `y_pred` leaves
    /// samples out.
    ///
    /// # Errors
    /// Where `y_true` or `sample_weight` do not fit `y_pred`.
    pub fn call(&self, cx: &mut Call<'_>, y_true: Value, y_pred: Value, sample_weight: Option<Value>) -> Result<Value> {
        let losses = self.function.losses(cx, y_true, y_pred)?;
        let mask = cx.mask(y_pred);
        self.reduction.apply(cx.g, losses, sample_weight, mask)
    }
}

impl<F: LossFunction + 'static> From<F> for Loss {
    fn from(function: F) -> Loss {
        Loss::new(function)
    }
}

/// How the registry makes a loss from a configuration.
pub type FromConfig = fn(&Fields<'_>) -> Result<Loss>;

/// Every loss by class, function and alias.
pub fn registry() -> Registry<FromConfig> {
    Registry::new("loss function")
        .with("MeanSquaredError", MeanSquaredError::from_config as FromConfig)
        .with_alias("mean_squared_error", "MeanSquaredError")
        .with_alias("mse", "MeanSquaredError")
        .with_alias("MSE", "MeanSquaredError")
        .with("SparseCategoricalCrossentropy", SparseCategoricalCrossentropy::from_config as FromConfig)
        .with_alias("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy")
}
