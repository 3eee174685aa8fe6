//! Adadelta.

use crate::adam::{one_minus, square};
use crate::{Algorithm, Builder, Cells, Field, Form, LearningRate, Real, SlotSpec, SparseRule, Step};

/// Movements scaled by the ratio of two running means: of squared movements and of squared gradients.
///
/// Slots: `accumulated_grad`, `accumulated_delta_var`.
///
/// # Example
/// ```
/// use kerox_optim::{Adadelta, IntoOptimizer};
///
/// let optimizer = Adadelta::new(1.0).rho(0.9).into_optimizer()?;
/// assert_eq!(optimizer.class_name(), "Adadelta");
/// # Ok::<(), kerox_optim::Error>(())
/// ```
///
/// # Source
/// keras/src/optimizers/adadelta.py
pub type Adadelta = Builder<AdadeltaRule>;

/// The algorithm of [`Adadelta`].
#[derive(Clone, Debug)]
pub struct AdadeltaRule {
    rho: f64,
    epsilon: f64,
}

impl Default for AdadeltaRule {
    fn default() -> Self {
        AdadeltaRule { rho: 0.95, epsilon: 1e-7 }
    }
}

impl Default for Adadelta {
    /// Keras's defaults: learning rate 0.001.
    fn default() -> Self {
        Adadelta::new(0.001)
    }
}

impl Adadelta {
    /// With Keras's default arguments.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Adadelta {
        Builder::of(AdadeltaRule::default(), learning_rate)
    }

    /// Decay of both means.
    pub fn rho(mut self, rho: f64) -> Self {
        self.algorithm.rho = rho;
        self
    }

    /// Is added to the denominator.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.algorithm.epsilon = epsilon;
        self
    }
}

impl Algorithm for AdadeltaRule {
    fn class_name(&self) -> &str {
        "Adadelta"
    }

    fn fields(&mut self, _: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("rho", Field::Hyper(&mut self.rho));
        visit("epsilon", Field::Float(&mut self.epsilon));
    }

    fn slots(&self, form: Form) -> Vec<SlotSpec> {
        let (grad, delta, group) = match form {
            Form::Legacy => ("accum_grad", "accum_var", 1),
            _ => ("accumulated_grad", "accumulated_delta_var", 0),
        };
        vec![
            SlotSpec::new("accumulated_grad", grad, "_accumulated_grads"),
            SlotSpec::new("accumulated_delta_var", delta, "_accumulated_delta_vars").group(group),
        ]
    }

    fn sparse_rule(&self, form: Form) -> SparseRule {
        if form == Form::Legacy { SparseRule::Rows } else { SparseRule::Dense }
    }

    fn update<T: Real>(&self, step: &Step, cells: Cells<'_, T>) {
        let (rate, epsilon) = (T::of(step.learning_rate), T::of(self.epsilon));
        let (rho, new) = (T::of(self.rho), one_minus::<T>(step.form, self.rho));
        cells.each2_apart([0, 1], square, |w, g, gg, grads, deltas| {
            *grads = rho * *grads + new * gg;
            let (reach, size) = (*deltas + epsilon, *grads + epsilon);
            let delta = -(reach.sqrt() * g / size.sqrt());
            *deltas = rho * *deltas + new * (reach * gg / size);
            w + rate * delta
        });
    }
}
