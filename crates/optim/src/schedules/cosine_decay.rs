//! Cosine decay with warm-up.

use super::Declared;
use crate::{Config, Field, Form, Schedule};

/// Half a cosine from `initial_learning_rate` to `alpha` times it. With `warmup_target`, first a line to it over
/// `warmup_steps`, then the cosine from there.
///
/// # Example
/// ```
/// use kerox_optim::Schedule;
/// use kerox_optim::schedules::CosineDecay;
///
/// let schedule = CosineDecay::new(0.0, 10.0).warmup_target(1.0).warmup_steps(4.0);
/// assert_eq!([schedule.learning_rate(2), schedule.learning_rate(4), schedule.learning_rate(14)], [0.5, 1.0, 0.0]);
/// ```
///
/// # Source
/// keras/src/optimizers/schedules/learning_rate_schedule.py
#[derive(Clone, Debug, PartialEq)]
pub struct CosineDecay {
    initial_learning_rate: f64,
    decay_steps: f64,
    alpha: f64,
    name: Option<String>,
    warmup_target: Option<f64>,
    warmup_steps: f64,
}

impl Default for CosineDecay {
    fn default() -> Self {
        CosineDecay {
            initial_learning_rate: 0.0,
            decay_steps: 1.0,
            alpha: 0.0,
            name: None,
            warmup_target: None,
            warmup_steps: 0.0,
        }
    }
}

impl CosineDecay {
    /// Made of the arguments that have no default.
    pub fn new(initial_learning_rate: f64, decay_steps: f64) -> Self {
        CosineDecay { initial_learning_rate, decay_steps, ..Self::default() }
    }

    /// The last rate as a part of the first.
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// The name in configs.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The rate at the end of the warm-up.
    pub fn warmup_target(mut self, warmup_target: impl Into<Option<f64>>) -> Self {
        self.warmup_target = warmup_target.into();
        self
    }

    /// The length of the warm-up.
    pub fn warmup_steps(mut self, warmup_steps: f64) -> Self {
        self.warmup_steps = warmup_steps;
        self
    }
}

impl Declared for CosineDecay {
    const CLASS: &'static str = "CosineDecay";

    fn fields(&mut self, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("initial_learning_rate", Field::Float(&mut self.initial_learning_rate));
        visit("decay_steps", Field::Count(&mut self.decay_steps));
        visit("alpha", Field::Float(&mut self.alpha));
        visit("name", Field::OptionalString(&mut self.name));
        visit("warmup_target", Field::OptionalFloat(&mut self.warmup_target));
        visit("warmup_steps", Field::Count(&mut self.warmup_steps));
    }
}

impl Schedule for CosineDecay {
    fn class_name(&self) -> &str {
        Self::CLASS
    }

    fn config(&self, form: Form) -> Config {
        super::write(self, form)
    }

    fn learning_rate(&self, step: i64) -> f64 {
        let (steps, step, first) = (self.decay_steps as f32, step as f32, self.initial_learning_rate as f32);
        let cosine = |step: f32, from: f32| {
            let wave = 0.5 * (1.0 + (std::f32::consts::PI * (step / steps)).cos());
            (from * ((1.0 - self.alpha as f32) * wave + self.alpha as f32)) as f64
        };
        let Some(target) = self.warmup_target else {
            return cosine(step.min(steps), first);
        };
        let (warmup, target) = (self.warmup_steps as f32, target as f32);
        let step = step.min(steps + warmup);
        if step < warmup { ((target - first) * (step / warmup) + first) as f64 } else { cosine(step - warmup, target) }
    }
}
