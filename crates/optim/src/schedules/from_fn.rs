//! A schedule from a closure.

use crate::{Config, Form, Schedule};

/// A schedule made by [`from_fn`].
pub struct FnSchedule<F> {
    name: String,
    function: F,
}

/// A schedule from a function of the number of steps taken. Its config is its name only.
///
/// # Example
/// ```
/// use kerox_optim::{IntoOptimizer, SGD, schedules::from_fn};
///
/// let optimizer = SGD::new(from_fn("Halving", |step| 0.5f64.powi(step as i32))).into_optimizer()?;
/// assert_eq!(optimizer.learning_rate(), 1.0);
/// # Ok::<(), kerox_optim::Error>(())
/// ```
pub fn from_fn<F: Fn(i64) -> f64 + Send + Sync>(name: impl Into<String>, function: F) -> FnSchedule<F> {
    FnSchedule { name: name.into(), function }
}

impl<F: Fn(i64) -> f64 + Send + Sync> Schedule for FnSchedule<F> {
    fn learning_rate(&self, step: i64) -> f64 {
        (self.function)(step)
    }

    fn class_name(&self) -> &str {
        &self.name
    }

    fn config(&self, _: Form) -> Config {
        Config::new()
    }
}
