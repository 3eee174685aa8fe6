//! Adamax.

use crate::adam::one_minus;
use crate::real::via_f32;
use crate::{Algorithm, Builder, Cells, Field, Form, LearningRate, Real, SlotSpec, SparseRule, Step};

/// Adam with the largest recent gradient in place of the mean of squares.
///
/// Slots: `momentum`, `norm`.
///
/// # Example
/// ```
/// use kerox_optim::{Adamax, IntoOptimizer};
///
/// let optimizer = Adamax::new(0.002).beta_1(0.8).into_optimizer()?;
/// assert_eq!(optimizer.class_name(), "Adamax");
/// # Ok::<(), kerox_optim::Error>(())
/// ```
///
/// # Source
/// keras/src/optimizers/adamax.py
pub type Adamax = Builder<AdamaxRule>;

/// The algorithm of [`Adamax`].
#[derive(Clone, Debug)]
pub struct AdamaxRule {
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
}

impl Default for AdamaxRule {
    fn default() -> Self {
        AdamaxRule { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }
    }
}

impl Default for Adamax {
    /// Keras's defaults: learning rate 0.001.
    fn default() -> Self {
        Adamax::new(0.001)
    }
}

impl Adamax {
    /// With Keras's default arguments.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Adamax {
        Builder::of(AdamaxRule::default(), learning_rate)
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

impl Algorithm for AdamaxRule {
    fn class_name(&self) -> &str {
        "Adamax"
    }

    fn fields(&mut self, _: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("beta_1", Field::Hyper(&mut self.beta_1));
        visit("beta_2", Field::Hyper(&mut self.beta_2));
        visit("epsilon", Field::Float(&mut self.epsilon));
    }

    fn slots(&self, form: Form) -> Vec<SlotSpec> {
        match form {
            Form::Keras2 => vec![SlotSpec::new("momentum", "m", "_m"), SlotSpec::new("norm", "u", "_u")],
            Form::Legacy => vec![SlotSpec::new("momentum", "m", ""), SlotSpec::new("norm", "v", "").group(1)],
            Form::Keras3 => {
                vec![SlotSpec::new("momentum", "momentum", "_m"), SlotSpec::new("norm", "norm", "_u")]
            }
        }
    }

    fn sparse_rule(&self, form: Form) -> SparseRule {
        if form == Form::Legacy { SparseRule::Rows } else { SparseRule::Dense }
    }

    fn update<T: Real>(&self, step: &Step, cells: Cells<'_, T>) {
        let corrected = T::ONE - via_f32::<T>(self.beta_1).pow(T::of(step.number));
        let rate = T::of(step.learning_rate);
        let (new, beta_2, epsilon) = (one_minus::<T>(step.form, self.beta_1), T::of(self.beta_2), T::of(self.epsilon));
        cells.each2_apart(
            [0, 1],
            |g| g.abs(),
            |w, g, size, m, norm| {
                *m = *m + (g - *m) * new;
                *norm = (beta_2 * *norm).larger(size);
                w - rate * *m / (corrected * (*norm + epsilon))
            },
        );
    }
}
