//! Cosine decay with restarts.

use super::Declared;
use crate::{Config, Field, Form, Schedule};

/// Cosine decay that starts again, each period `t_mul` times as long and `m_mul` times as high as the one before.
///
/// # Example
/// ```
/// use kerox_optim::Schedule;
/// use kerox_optim::schedules::CosineDecayRestarts;
///
/// let schedule = CosineDecayRestarts::new(1.0, 4.0).t_mul(1.0).m_mul(0.5);
/// assert_eq!([schedule.learning_rate(0), schedule.learning_rate(4)], [1.0, 0.5]);
/// ```
///
/// # Source
/// keras/src/optimizers/schedules/learning_rate_schedule.py
#[derive(Clone, Debug, PartialEq)]
pub struct CosineDecayRestarts {
    initial_learning_rate: f64,
    first_decay_steps: f64,
    t_mul: f64,
    m_mul: f64,
    alpha: f64,
    name: Option<String>,
}

impl Default for CosineDecayRestarts {
    fn default() -> Self {
        CosineDecayRestarts {
            initial_learning_rate: 0.0,
            first_decay_steps: 1.0,
            t_mul: 2.0,
            m_mul: 1.0,
            alpha: 0.0,
            name: None,
        }
    }
}

impl CosineDecayRestarts {
    /// Made of the arguments that have no default.
    pub fn new(initial_learning_rate: f64, first_decay_steps: f64) -> Self {
        CosineDecayRestarts { initial_learning_rate, first_decay_steps, ..Self::default() }
    }

    /// Growth of the periods.
    pub fn t_mul(mut self, t_mul: f64) -> Self {
        self.t_mul = t_mul;
        self
    }

    /// Growth of the first rate of a period.
    pub fn m_mul(mut self, m_mul: f64) -> Self {
        self.m_mul = m_mul;
        self
    }

    /// The last rate of a period as a part of the first.
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// The name in configs.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

impl Declared for CosineDecayRestarts {
    const CLASS: &'static str = "CosineDecayRestarts";

    fn fields(&mut self, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("initial_learning_rate", Field::Float(&mut self.initial_learning_rate));
        visit("first_decay_steps", Field::Count(&mut self.first_decay_steps));
        visit("t_mul", Field::Float(&mut self.t_mul));
        visit("m_mul", Field::Float(&mut self.m_mul));
        visit("alpha", Field::Float(&mut self.alpha));
        visit("name", Field::OptionalString(&mut self.name));
    }
}

impl Schedule for CosineDecayRestarts {
    fn class_name(&self) -> &str {
        Self::CLASS
    }

    fn config(&self, form: Form) -> Config {
        super::write(self, form)
    }

    fn learning_rate(&self, step: i64) -> f64 {
        let (t_mul, m_mul, alpha) = (self.t_mul as f32, self.m_mul as f32, self.alpha as f32);
        let mut done = step as f32 / self.first_decay_steps as f32;
        let restarts = if t_mul == 1.0 {
            let restarts = done.floor();
            done -= restarts;
            restarts
        } else {
            let restarts = ((1.0 - done * (1.0 - t_mul)).ln() / t_mul.ln()).floor();
            let before = (1.0 - t_mul.powf(restarts)) / (1.0 - t_mul);
            done = (done - before) / t_mul.powf(restarts);
            restarts
        };
        let wave = 0.5 * m_mul.powf(restarts) * (1.0 + (std::f32::consts::PI * done).cos());
        (self.initial_learning_rate as f32 * ((1.0 - alpha) * wave + alpha)) as f64
    }
}
