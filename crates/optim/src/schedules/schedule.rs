//! What a schedule is.

use crate::{Config, Form};

/// A learning rate as a function of the number of steps taken. Rates are computed in float32, as Keras does.
pub trait Schedule: Send + Sync {
    /// The rate of the step after `step` steps.
    fn learning_rate(&self, step: i64) -> f64;

    /// Keras's class name.
    fn class_name(&self) -> &str;

    /// The config, as `get_config()` gives it in that generation of Keras.
    fn config(&self, form: Form) -> Config;
}
