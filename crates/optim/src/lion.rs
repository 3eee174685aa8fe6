//! Lion.

use crate::algorithm::in_range;
use crate::real::via_f32;
use crate::{Algorithm, Builder, Cells, Field, Form, LearningRate, Real, Result, SlotSpec, Step};

/// Moves by the sign of a mixture of mean and newest gradient.
///
/// Slot: `momentum`. The default learning rate is 0.0001 in Keras 2.15 and 0.001 in Keras 3.
///
/// # Errors
/// `into_optimizer` refuses a `beta_1` outside 0 to 1.
///
/// # Example
/// ```
/// use kerox_optim::{Lion, IntoOptimizer};
///
/// let optimizer = Lion::new(0.0001).beta_2(0.95).into_optimizer()?;
/// assert_eq!(optimizer.class_name(), "Lion");
/// # Ok::<(), kerox_optim::Error>(())
/// ```
///
/// # Source
/// keras/src/optimizers/lion.py
pub type Lion = Builder<LionRule>;

/// The algorithm of [`Lion`].
#[derive(Clone, Debug)]
pub struct LionRule {
    beta_1: f64,
    beta_2: f64,
}

impl Default for LionRule {
    fn default() -> Self {
        LionRule { beta_1: 0.9, beta_2: 0.99 }
    }
}

impl Default for Lion {
    /// Keras's defaults: learning rate 0.0001.
    fn default() -> Self {
        Lion::new(0.0001)
    }
}

impl Lion {
    /// With Keras's default arguments.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Lion {
        Builder::of(LionRule::default(), learning_rate)
    }

    /// Decay of the mean of gradients.
    pub fn beta_1(mut self, beta_1: f64) -> Self {
        self.algorithm.beta_1 = beta_1;
        self
    }

    /// Decay of the mean that is kept.
    pub fn beta_2(mut self, beta_2: f64) -> Self {
        self.algorithm.beta_2 = beta_2;
        self
    }
}

impl Algorithm for LionRule {
    fn class_name(&self) -> &str {
        "Lion"
    }

    fn fields(&mut self, _: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("beta_1", Field::Hyper(&mut self.beta_1));
        visit("beta_2", Field::Hyper(&mut self.beta_2));
    }

    fn slots(&self, form: Form) -> Vec<SlotSpec> {
        match form {
            Form::Keras3 => vec![SlotSpec::new("momentum", "momentum", "_momentums")],
            _ => vec![SlotSpec::new("momentum", "m", "momentums")],
        }
    }

    fn check(&self, _: Form) -> Result<()> {
        in_range("Lion", "beta_1", self.beta_1, 0.0..=1.0)
    }

    fn update<T: Real>(&self, step: &Step, cells: Cells<'_, T>) {
        let rate = T::of(step.learning_rate);
        let (beta_1, new_1) = (via_f32::<T>(self.beta_1), T::ONE - via_f32(self.beta_1));
        let (beta_2, new_2) = (via_f32::<T>(self.beta_2), T::ONE - via_f32(self.beta_2));
        cells.each1(0, |w, g, m| {
            let direction = (*m * beta_1 + g * new_1).signum_or_zero();
            *m = *m * beta_2 + g * new_2;
            w - rate * direction
        });
    }
}
