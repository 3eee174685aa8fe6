//! Gradient descent with momentum.

use crate::algorithm::in_range;
use crate::real::via_f32;
use crate::{Algorithm, Builder, Cells, Field, Form, LearningRate, Real, Result, SlotSpec, SparseRule, Step};

/// Gradient descent: `m = momentum * m - learning_rate * g`, `w += m`.
///
/// With `nesterov`, `w += momentum * m - learning_rate * g`. Slot: `momentum` (in Keras 2.15 always, in the other forms
/// where `momentum` is not 0).
///
/// # Errors
/// `into_optimizer` refuses a `momentum` outside 0 to 1.
///
/// # Example
/// ```
/// use kerox_optim::{IntoOptimizer, SGD};
///
/// let optimizer = SGD::new(0.01).momentum(0.9).nesterov(true).into_optimizer()?;
/// assert_eq!(optimizer.name(), "SGD");
/// # Ok::<(), kerox_optim::Error>(())
/// ```
///
/// # Source
/// keras/src/optimizers/sgd.py
pub type SGD = Builder<SgdRule>;

/// The algorithm of [`SGD`].
#[derive(Clone, Debug)]
pub struct SgdRule {
    momentum: f64,
    nesterov: bool,
}

impl Default for SGD {
    /// Keras's defaults: learning rate 0.01, no momentum.
    fn default() -> Self {
        SGD::new(0.01)
    }
}

impl SGD {
    /// Without momentum.
    pub fn new(learning_rate: impl Into<LearningRate>) -> SGD {
        Builder::of(SgdRule { momentum: 0.0, nesterov: false }, learning_rate)
    }

    /// Part of the last movement in the next.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.algorithm.momentum = momentum;
        self
    }

    /// Looks one movement ahead.
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.algorithm.nesterov = nesterov;
        self
    }
}

impl Algorithm for SgdRule {
    fn class_name(&self) -> &str {
        "SGD"
    }

    fn fields(&mut self, _: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("momentum", Field::Hyper(&mut self.momentum));
        visit("nesterov", Field::Bool(&mut self.nesterov));
    }

    fn slots(&self, form: Form) -> Vec<SlotSpec> {
        if form != Form::Keras2 && self.momentum == 0.0 {
            return Vec::new();
        }
        let name = if form == Form::Keras2 { "m" } else { "momentum" };
        vec![SlotSpec::new("momentum", name, "momentums").optional(self.momentum == 0.0)]
    }

    fn sparse_rule(&self, form: Form) -> SparseRule {
        if form == Form::Legacy { SparseRule::Rows } else { SparseRule::Dense }
    }

    fn check(&self, _: Form) -> Result<()> {
        in_range("SGD", "momentum", self.momentum, 0.0..=1.0)
    }

    fn update<T: Real>(&self, step: &Step, cells: Cells<'_, T>) {
        let (rate, momentum) = (T::of(step.learning_rate), via_f32::<T>(self.momentum));
        // The legacy optimizer takes what is no number for none.
        if !cells.has_slot(0) || step.form == Form::Legacy && self.momentum.is_nan() {
            return cells.each0(|w, g| w - g * rate);
        }
        if self.nesterov {
            cells.each1(0, |w, g, m| {
                *m = *m * momentum - g * rate;
                w + (*m * momentum - g * rate)
            });
        } else {
            cells.each1(0, |w, g, m| {
                *m = *m * momentum - g * rate;
                w + *m
            });
        }
    }
}
