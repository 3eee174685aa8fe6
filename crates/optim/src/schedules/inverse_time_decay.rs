//! Inverse time decay.

use super::Declared;
use crate::{Config, Field, Form, Schedule};

/// `initial_learning_rate / (1 + decay_rate * step / decay_steps)`.
///
/// # Example
/// ```
/// use kerox_optim::Schedule;
/// use kerox_optim::schedules::InverseTimeDecay;
///
/// let schedule = InverseTimeDecay::new(1.0, 2.0, 0.5);
/// assert_eq!(schedule.learning_rate(4), 0.5);
/// ```
///
/// # Source
/// keras/src/optimizers/schedules/learning_rate_schedule.py
#[derive(Clone, Debug, PartialEq)]
pub struct InverseTimeDecay {
    initial_learning_rate: f64,
    decay_steps: f64,
    decay_rate: f64,
    staircase: bool,
    name: Option<String>,
}

impl Default for InverseTimeDecay {
    fn default() -> Self {
        InverseTimeDecay { initial_learning_rate: 0.0, decay_steps: 1.0, decay_rate: 0.0, staircase: false, name: None }
    }
}

impl InverseTimeDecay {
    /// Made of the arguments that have no default.
    pub fn new(initial_learning_rate: f64, decay_steps: f64, decay_rate: f64) -> Self {
        InverseTimeDecay { initial_learning_rate, decay_steps, decay_rate, ..Self::default() }
    }

    /// Changes the rate in jumps of `decay_steps`.
    pub fn staircase(mut self, staircase: bool) -> Self {
        self.staircase = staircase;
        self
    }

    /// The name in configs.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Declared for InverseTimeDecay {
    const CLASS: &'static str = "InverseTimeDecay";

    fn fields(&mut self, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("initial_learning_rate", Field::Float(&mut self.initial_learning_rate));
        visit("decay_steps", Field::Count(&mut self.decay_steps));
        visit("decay_rate", Field::Float(&mut self.decay_rate));
        visit("staircase", Field::Bool(&mut self.staircase));
        visit("name", Field::OptionalString(&mut self.name));
    }
}

impl Schedule for InverseTimeDecay {
    fn class_name(&self) -> &str {
        Self::CLASS
    }

    fn config(&self, form: Form) -> Config {
        super::write(self, form)
    }

    fn learning_rate(&self, step: i64) -> f64 {
        let mut periods = step as f32 / self.decay_steps as f32;
        if self.staircase {
            periods = periods.floor();
        }
        (self.initial_learning_rate as f32 / (1.0 + self.decay_rate as f32 * periods)) as f64
    }
}
