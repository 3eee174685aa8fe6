//! AdamW.

use crate::adam::AdamRule;
use crate::{Algorithm, Builder, Cells, Field, Form, LearningRate, Real, SlotSpec, Step};

/// [`crate::Adam`] with weight decay of 0.004 where not set otherwise.
///
/// # Example
/// ```
/// use kerox_optim::{AdamW, IntoOptimizer};
///
/// let optimizer = AdamW::new(0.001).weight_decay(0.01).into_optimizer()?;
/// optimizer.exclude_from_weight_decay(&[], &["bias"])?;
/// # Ok::<(), kerox_optim::Error>(())
/// ```
///
/// # Source
/// keras/src/optimizers/adamw.py
pub type AdamW = Builder<AdamWRule>;

/// The algorithm of [`AdamW`].
#[derive(Clone, Debug, Default)]
pub struct AdamWRule(AdamRule);

impl Default for AdamW {
    /// Keras's defaults: learning rate 0.001, weight decay 0.004.
    fn default() -> Self {
        AdamW::new(0.001)
    }
}

impl AdamW {
    /// With Keras's default arguments.
    pub fn new(learning_rate: impl Into<LearningRate>) -> AdamW {
        Builder::of(AdamWRule::default(), learning_rate).weight_decay(0.004)
    }

    /// Decay of the mean of gradients.
    pub fn beta_1(mut self, beta_1: f64) -> Self {
        self.algorithm.0.beta_1 = beta_1;
        self
    }

    /// Decay of the mean of squared gradients.
    pub fn beta_2(mut self, beta_2: f64) -> Self {
        self.algorithm.0.beta_2 = beta_2;
        self
    }

    /// Is added to the denominator.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.algorithm.0.epsilon = epsilon;
        self
    }

    /// Divides by the largest mean of squares so far.
    pub fn amsgrad(mut self, amsgrad: bool) -> Self {
        self.algorithm.0.amsgrad = amsgrad;
        self
    }
}

impl Algorithm for AdamWRule {
    fn class_name(&self) -> &str {
        "AdamW"
    }

    fn fields(&mut self, form: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        self.0.fields(form, visit);
    }

    fn slots(&self, form: Form) -> Vec<SlotSpec> {
        self.0.slots(form)
    }

    fn update<T: Real>(&self, step: &Step, cells: Cells<'_, T>) {
        self.0.update(step, cells);
    }
}
