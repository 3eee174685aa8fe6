//! Polynomial decay.

use super::Declared;
use crate::{Config, Field, Form, Schedule};

/// From `initial_learning_rate` to `end_learning_rate` along `(1 - step / decay_steps) ^ power`.
///
/// # Example
/// ```
/// use kerox_optim::Schedule;
/// use kerox_optim::schedules::PolynomialDecay;
///
/// let schedule = PolynomialDecay::new(1.0, 4.0).end_learning_rate(0.5);
/// assert_eq!([schedule.learning_rate(2), schedule.learning_rate(9)], [0.75, 0.5]);
/// ```
///
/// # Source
/// keras/src/optimizers/schedules/learning_rate_schedule.py
#[derive(Clone, Debug, PartialEq)]
pub struct PolynomialDecay {
    initial_learning_rate: f64,
    decay_steps: f64,
    end_learning_rate: f64,
    power: f64,
    cycle: bool,
    name: Option<String>,
}

impl Default for PolynomialDecay {
    fn default() -> Self {
        PolynomialDecay {
            initial_learning_rate: 0.0,
            decay_steps: 1.0,
            end_learning_rate: 0.0001,
            power: 1.0,
            cycle: false,
            name: None,
        }
    }
}

impl PolynomialDecay {
    /// Made of the arguments that have no default.
    pub fn new(initial_learning_rate: f64, decay_steps: f64) -> Self {
        PolynomialDecay { initial_learning_rate, decay_steps, ..Self::default() }
    }

    /// The rate after `decay_steps`.
    pub fn end_learning_rate(mut self, end_learning_rate: f64) -> Self {
        self.end_learning_rate = end_learning_rate;
        self
    }

    /// The exponent; 1 is a line.
    pub fn power(mut self, power: f64) -> Self {
        self.power = power;
        self
    }

    /// Starts again, with ever longer periods.
    pub fn cycle(mut self, cycle: bool) -> Self {
        self.cycle = cycle;
        self
    }

    /// The name in configs.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Declared for PolynomialDecay {
    const CLASS: &'static str = "PolynomialDecay";

    fn fields(&mut self, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("initial_learning_rate", Field::Float(&mut self.initial_learning_rate));
        visit("decay_steps", Field::Count(&mut self.decay_steps));
        visit("end_learning_rate", Field::Float(&mut self.end_learning_rate));
        visit("power", Field::Float(&mut self.power));
        visit("cycle", Field::Bool(&mut self.cycle));
        visit("name", Field::OptionalString(&mut self.name));
    }
}

impl Schedule for PolynomialDecay {
    fn class_name(&self) -> &str {
        Self::CLASS
    }

    fn config(&self, form: Form) -> Config {
        super::write(self, form)
    }

    fn learning_rate(&self, step: i64) -> f64 {
        let (mut steps, mut step) = (self.decay_steps as f32, step as f32);
        if self.cycle {
            // The first period is never empty, also at step 0.
            steps *= if step == 0.0 { 1.0 } else { (step / steps).ceil() };
        } else {
            step = step.min(steps);
        }
        let (first, last) = (self.initial_learning_rate as f32, self.end_learning_rate as f32);
        ((first - last) * (1.0 - step / steps).powf(self.power as f32) + last) as f64
    }
}
