//! Lamb.

use crate::adam::{moments, one_minus, square};
use crate::real::via_f32;
use crate::{Algorithm, Builder, Cells, Field, Form, LearningRate, Real, SlotSpec, Step};

/// Adam whose movement of each variable is scaled to the variable's norm. Keras 3 only.
///
/// Slots: `momentum`, `velocity`.
///
/// # Example
/// ```
/// use kerox_optim::{Lamb, IntoOptimizer};
///
/// let optimizer = Lamb::new(0.001).beta_1(0.8).into_optimizer()?;
/// assert_eq!(optimizer.class_name(), "Lamb");
/// # Ok::<(), kerox_optim::Error>(())
/// ```
///
/// # Source
/// keras/src/optimizers/lamb.py of Keras 3
pub type Lamb = Builder<LambRule>;

/// The algorithm of [`Lamb`].
#[derive(Clone, Debug)]
pub struct LambRule {
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
}

impl Default for LambRule {
    fn default() -> Self {
        LambRule { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }
    }
}

impl Default for Lamb {
    /// Keras's defaults: learning rate 0.001.
    fn default() -> Self {
        Lamb::new(0.001)
    }
}

impl Lamb {
    /// With Keras's default arguments.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Lamb {
        Builder::of(LambRule::default(), learning_rate)
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
}

impl Algorithm for LambRule {
    fn class_name(&self) -> &str {
        "Lamb"
    }

    fn fields(&mut self, _: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("beta_1", Field::Hyper(&mut self.beta_1));
        visit("beta_2", Field::Hyper(&mut self.beta_2));
        visit("epsilon", Field::Float(&mut self.epsilon));
    }

    fn slots(&self, form: Form) -> Vec<SlotSpec> {
        moments(form)
    }

    fn update<T: Real>(&self, step: &Step, mut cells: Cells<'_, T>) {
        let number = T::of(step.number);
        let correction_1 = T::ONE - via_f32::<T>(self.beta_1).pow(number);
        let correction_2 = T::ONE - via_f32::<T>(self.beta_2).pow(number);
        let (new_1, new_2) = (one_minus::<T>(step.form, self.beta_1), one_minus::<T>(step.form, self.beta_2));
        let epsilon = T::of(self.epsilon);
        let movement = |m: T, v: T| (m / correction_1) / ((v / correction_2).sqrt() + epsilon);
        let apart = cells.apart(square);
        let (weights, gradient, mut slots) = cells.whole();
        let [m, v, ..] = &mut slots;
        let (mut weight_norm, mut movement_norm) = (0.0, 0.0);
        for i in 0..weights.len() {
            let g = gradient(i);
            m[i] = m[i] + (g - m[i]) * new_1;
            v[i] = v[i] + (apart.map_or(g * g, |sums| sums[i]) - v[i]) * new_2;
            weight_norm += weights[i].wide().powi(2);
            movement_norm += movement(m[i], v[i]).wide().powi(2);
        }
        let ratio = if weight_norm > 0.0 && movement_norm > 0.0 { (weight_norm / movement_norm).sqrt() } else { 1.0 };
        let rate = T::of(ratio) * T::of(step.learning_rate);
        for (w, (m, v)) in weights.iter_mut().zip(m.iter().zip(v.iter())) {
            *w = *w - rate * movement(*m, *v);
        }
    }
}
