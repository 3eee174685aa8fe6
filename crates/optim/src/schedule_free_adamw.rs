//! Schedule-free AdamW.

use crate::adam::{moments, square};
use crate::real::via_f32;
use crate::{Algorithm, Builder, Cells, Field, Form, LearningRate, Real, SlotInit, SlotSpec, Step};

/// AdamW that averages its own path and so needs no learning-rate schedule. Keras 3 only.
///
/// Slots: `momentum` (the path, which begins at the weights), `velocity`.
///
/// # Example
/// ```
/// use kerox_optim::{ScheduleFreeAdamW, IntoOptimizer};
///
/// let optimizer = ScheduleFreeAdamW::new(0.0025).warmup_steps(100).into_optimizer()?;
/// assert_eq!(optimizer.class_name(), "ScheduleFreeAdamW");
/// # Ok::<(), kerox_optim::Error>(())
/// ```
///
/// # Source
/// keras/src/optimizers/schedule_free_adamw.py of Keras 3
pub type ScheduleFreeAdamW = Builder<ScheduleFreeAdamWRule>;

/// The algorithm of [`ScheduleFreeAdamW`].
#[derive(Clone, Debug)]
pub struct ScheduleFreeAdamWRule {
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    warmup_steps: i64,
}

impl Default for ScheduleFreeAdamWRule {
    fn default() -> Self {
        ScheduleFreeAdamWRule { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, warmup_steps: 0 }
    }
}

impl Default for ScheduleFreeAdamW {
    /// Keras's defaults: learning rate 0.0025.
    fn default() -> Self {
        ScheduleFreeAdamW::new(0.0025)
    }
}

impl ScheduleFreeAdamW {
    /// With Keras's default arguments.
    pub fn new(learning_rate: impl Into<LearningRate>) -> ScheduleFreeAdamW {
        Builder::of(ScheduleFreeAdamWRule::default(), learning_rate)
    }

    /// Decay of the mean of gradients.
    pub fn beta_1(mut self, beta_1: f64) -> Self {
        self.algorithm.beta_1 = beta_1;
        self
    }

    /// Decay of the mean of squared gradients.
    pub fn beta_2(mut self, beta_2: f64) -> Self {
        self.algorithm.beta_2 = beta_2;
        self
    }

    /// Is added to the denominator.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.algorithm.epsilon = epsilon;
        self
    }

    /// Steps over which the learning rate rises from 0.
    pub fn warmup_steps(mut self, warmup_steps: i64) -> Self {
        self.algorithm.warmup_steps = warmup_steps;
        self
    }
}

impl Algorithm for ScheduleFreeAdamWRule {
    fn class_name(&self) -> &str {
        "ScheduleFreeAdamW"
    }

    fn fields(&mut self, _: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("beta_1", Field::Hyper(&mut self.beta_1));
        visit("beta_2", Field::Hyper(&mut self.beta_2));
        visit("epsilon", Field::Float(&mut self.epsilon));
        visit("warmup_steps", Field::Int(&mut self.warmup_steps));
    }

    fn slots(&self, form: Form) -> Vec<SlotSpec> {
        let mut slots = moments(form);
        slots[0].init = SlotInit::Variable;
        slots
    }

    fn update<T: Real>(&self, step: &Step, cells: Cells<'_, T>) {
        let number = T::of(step.number);
        let (beta_1, beta_2, epsilon) =
            (via_f32::<T>(self.beta_1), via_f32::<T>(self.beta_2), via_f32::<T>(self.epsilon));
        let mut rate = T::of(step.learning_rate);
        if self.warmup_steps > 0 {
            rate = rate * (number / T::of(self.warmup_steps as f64)).smaller(T::ONE);
        }
        let correction = T::ONE - beta_2.pow(number);
        let part = T::ONE / number;
        cells.each2_apart([0, 1], square, |w, g, gg, path, v| {
            *v = *v + (gg - *v) * (T::ONE - beta_2);
            *path = *path - rate * g / ((*v / correction).sqrt() + epsilon);
            // Keras, on every backend tried, sees the new path here where the paper has the old one.
            let old_mean = (w - (T::ONE - beta_1) * *path) / beta_1;
            let mean = (T::ONE - part) * old_mean + part * *path;
            (T::ONE - beta_1) * *path + beta_1 * mean
        });
    }
}
