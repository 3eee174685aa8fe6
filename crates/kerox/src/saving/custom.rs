//! Objects of the user's, by kind: what goes into `custom_objects` and into the process's register.

use std::sync::Arc;

use kerox_config_json::{CustomObjects, Fields};
use kerox_graph::Value;
use kerox_layers::activations::{self, Activate};
use kerox_layers::constraints::{self, Constrain};
use kerox_layers::initializers::{self, Initialize};
use kerox_layers::registry::LayerEntry;
use kerox_layers::regularizers::{self, Regularize};
use kerox_layers::{Call, Configured, FromConfig};
use kerox_optim::schedules::ScheduleConstructor;
use kerox_optim::{Config, OptimizerConstructor, Schedule};
use kerox_train::losses::{self, LossFunction};
use kerox_train::metrics::{self, MetricFunction};

/// Adds objects of every kind to a set of custom objects. The set is the `custom_objects` of [`super::LoadOptions`] and
/// [`super::custom_object_scope`]; [`CustomObjects::register`] makes it known to the whole process.
///
/// # Example
/// A loss that is a function, and what uses it:
/// ```
/// use kerox::graph::Value;
/// use kerox::layers::Call;
/// use kerox::losses::Loss;
/// use kerox::prelude::*;
/// use kerox::saving::{CustomObjects, LoadOptions, load_model};
///
/// fn absolute(cx: &mut Call<'_>, y_true: Value, y_pred: Value) -> kerox::train::Result<Value> {
///     let difference = cx.g.subtract(y_true, y_pred)?;
///     let size = cx.g.abs(difference)?;
///     Ok(cx.g.reduce_mean(size, &[-1], false)?)
/// }
///
/// let mut model = Sequential::new().add(Dense::new(1).input_shape([2]));
/// model.compile("sgd", Loss::from_fn("absolute", absolute), ())?;
/// let path = std::env::temp_dir().join("kerox-custom-loss.keras");
/// model.save(&path)?;
/// let error = load_model(&path, LoadOptions::new()).err().unwrap().to_string();
/// assert!(error.starts_with("Unknown loss function: 'absolute'. Please ensure"), "{error}");
/// let mine = CustomObjects::new().with_loss_function("absolute", absolute);
/// let again = load_model(&path, LoadOptions::new().custom_objects(mine))?;
/// assert!(again.compiled().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// The `custom_objects` argument of Keras's functions.
pub trait CustomObjectKinds: Sized {
    /// A layer or model.
    #[must_use]
    fn with_layer<L: FromConfig>(self) -> Self;

    /// An activation, by the name in files.
    #[must_use]
    fn with_activation<F>(self, name: &str, function: F) -> Self
    where
        F: Fn(&mut Call<'_>, Value) -> kerox_layers::Result<Value> + Send + Sync + 'static;

    /// An initializer.
    #[must_use]
    fn with_initializer<T: Initialize + Configured + 'static>(self) -> Self;

    /// A regularizer.
    #[must_use]
    fn with_regularizer<T: Regularize + Configured + 'static>(self) -> Self;

    /// A constraint.
    #[must_use]
    fn with_constraint<T: Constrain + Configured + 'static>(self) -> Self;

    /// A loss with a configuration.
    #[must_use]
    fn with_loss<T: LossFunction + Configured + 'static>(self) -> Self;

    /// A loss or metric that is a function of targets and predictions, by the name in files.
    #[must_use]
    fn with_loss_function<F>(self, name: &str, function: F) -> Self
    where
        F: Fn(&mut Call<'_>, Value, Value) -> kerox_train::Result<Value> + Send + Sync + 'static;

    /// A metric with a configuration.
    #[must_use]
    fn with_metric<T: MetricFunction + Configured + 'static>(self) -> Self;

    /// An optimizer, by the name of its class.
    #[must_use]
    fn with_optimizer(self, class_name: &str, make: OptimizerConstructor) -> Self;

    /// A learning-rate schedule.
    #[must_use]
    fn with_schedule<T: Schedule + Configured + 'static>(self) -> Self;
}

impl CustomObjectKinds for CustomObjects {
    fn with_layer<L: FromConfig>(self) -> Self {
        self.with(L::CLASS_NAME, LayerEntry::of::<L>())
    }

    fn with_activation<F>(self, name: &str, function: F) -> Self
    where
        F: Fn(&mut Call<'_>, Value) -> kerox_layers::Result<Value> + Send + Sync + 'static,
    {
        let function: Arc<dyn Activate> = activations::from_fn(name, function);
        self.with(name, function)
    }

    fn with_initializer<T: Initialize + Configured + 'static>(self) -> Self {
        self.with(T::CLASS_NAME, initializers::entry::<T>())
    }

    fn with_regularizer<T: Regularize + Configured + 'static>(self) -> Self {
        self.with(T::CLASS_NAME, regularizers::entry::<T>())
    }

    fn with_constraint<T: Constrain + Configured + 'static>(self) -> Self {
        self.with(T::CLASS_NAME, constraints::entry::<T>())
    }

    fn with_loss<T: LossFunction + Configured + 'static>(self) -> Self {
        self.with(T::CLASS_NAME, losses::entry::<T>())
    }

    fn with_loss_function<F>(self, name: &str, function: F) -> Self
    where
        F: Fn(&mut Call<'_>, Value, Value) -> kerox_train::Result<Value> + Send + Sync + 'static,
    {
        let function: Arc<dyn LossFunction> = Arc::new(losses::FnLoss::new(name, function));
        self.with(name, function)
    }

    fn with_metric<T: MetricFunction + Configured + 'static>(self) -> Self {
        self.with(T::CLASS_NAME, metrics::entry::<T>())
    }

    fn with_optimizer(self, class_name: &str, make: OptimizerConstructor) -> Self {
        self.with(class_name, make)
    }

    fn with_schedule<T: Schedule + Configured + 'static>(self) -> Self {
        self.with(T::CLASS_NAME, schedule_entry::<T>())
    }
}

fn schedule_entry<T: Schedule + Configured + 'static>() -> ScheduleConstructor {
    |config: &Config| match T::from_fields(&Fields::of(config)) {
        Ok(schedule) => Ok(Arc::new(schedule)),
        Err(error) => Err(kerox_optim::Error::Argument {
            class: T::CLASS_NAME.into(),
            argument: "config".into(),
            expected: "the schedule's arguments".into(),
            found: error.to_string(),
        }),
    }
}
