//! Linear cosine decay.

use super::Declared;
use crate::{Config, Field, Form, Schedule};

/// `initial_learning_rate * ((alpha + linear) * cosine + beta)`; `keras.optimizers.schedules.experimental` had it.
///
/// # Example
/// ```
/// use kerox_optim::Schedule;
/// use kerox_optim::schedules::LinearCosineDecay;
///
/// let schedule = LinearCosineDecay::new(1.0, 4.0).beta(0.25);
/// assert_eq!(schedule.learning_rate(4), 0.25);
/// ```
///
/// # Source
/// keras/src/optimizers/schedules/learning_rate_schedule.py
#[derive(Clone, Debug, PartialEq)]
pub struct LinearCosineDecay {
    initial_learning_rate: f64,
    decay_steps: f64,
    num_periods: f64,
    alpha: f64,
    beta: f64,
    name: Option<String>,
}

impl Default for LinearCosineDecay {
    fn default() -> Self {
        LinearCosineDecay {
            initial_learning_rate: 0.0,
            decay_steps: 1.0,
            num_periods: 0.5,
            alpha: 0.0,
            beta: 0.001,
            name: None,
        }
    }
}

impl LinearCosineDecay {
    /// Made of the arguments that have no default.
    pub fn new(initial_learning_rate: f64, decay_steps: f64) -> Self {
        LinearCosineDecay { initial_learning_rate, decay_steps, ..Self::default() }
    }

    /// Periods of the cosine.
    pub fn num_periods(mut self, num_periods: f64) -> Self {
        self.num_periods = num_periods;
        self
    }

    /// Is added to the line.
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// Is added to the product.
    pub fn beta(mut self, beta: f64) -> Self {
        self.beta = beta;
        self
    }

    /// The name in configs.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Declared for LinearCosineDecay {
    const CLASS: &'static str = "LinearCosineDecay";

    fn fields(&mut self, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("initial_learning_rate", Field::Float(&mut self.initial_learning_rate));
        visit("decay_steps", Field::Count(&mut self.decay_steps));
        visit("num_periods", Field::Float(&mut self.num_periods));
        visit("alpha", Field::Float(&mut self.alpha));
        visit("beta", Field::Float(&mut self.beta));
        visit("name", Field::OptionalString(&mut self.name));
    }
}

impl Schedule for LinearCosineDecay {
    fn class_name(&self) -> &str {
        Self::CLASS
    }

    fn config(&self, form: Form) -> Config {
        super::write(self, form)
    }

    fn learning_rate(&self, step: i64) -> f64 {
        let steps = self.decay_steps as f32;
        let step = (step as f32).min(steps);
        let (line, done) = ((steps - step) / steps, step / steps);
        let wave = 0.5 * (1.0 + (std::f32::consts::PI * (2.0 * self.num_periods as f32 * done)).cos());
        (self.initial_learning_rate as f32 * ((self.alpha as f32 + line) * wave + self.beta as f32)) as f64
    }
}
