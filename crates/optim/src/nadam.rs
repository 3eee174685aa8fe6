//! Nadam.

use crate::adam::{moments, square};
use crate::real::via_f32;
use crate::{Algorithm, Builder, Cells, Field, Form, LearningRate, Real, ScalarSpec, SlotSpec, SparseRule, Step};

/// Adam with Nesterov momentum.
///
/// Slots: `momentum`, `velocity`; besides a scalar, the product of all momenta so far (`_u_product`, in the legacy form
/// `momentum_cache`).
///
/// # Example
/// ```
/// use kerox_optim::{Nadam, IntoOptimizer};
///
/// let optimizer = Nadam::new(0.001).beta_1(0.8).into_optimizer()?;
/// assert_eq!(optimizer.class_name(), "Nadam");
/// # Ok::<(), kerox_optim::Error>(())
/// ```
///
/// # Source
/// keras/src/optimizers/nadam.py; differs: a restored product is multiplied once a step, where Keras 2.15
/// multiplies it once a variable.
pub type Nadam = Builder<NadamRule>;

/// The algorithm of [`Nadam`].
#[derive(Clone, Debug)]
pub struct NadamRule {
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    schedule_decay: f64,
}

impl Default for NadamRule {
    fn default() -> Self {
        NadamRule { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, schedule_decay: 0.004 }
    }
}

impl Default for Nadam {
    /// Keras's defaults: learning rate 0.001.
    fn default() -> Self {
        Nadam::new(0.001)
    }
}

impl Nadam {
    /// With Keras's default arguments.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Nadam {
        Builder::of(NadamRule::default(), learning_rate)
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

    /// Legacy form: pace at which the momentum rises. Its config key is `decay`.
    pub fn schedule_decay(mut self, schedule_decay: f64) -> Self {
        self.algorithm.schedule_decay = schedule_decay;
        self
    }
}

impl NadamRule {
    /// The momentum of a step.
    fn momentum_of(&self, form: Form, number: f64) -> f64 {
        let pace = if form == Form::Legacy { self.schedule_decay } else { 1.0 };
        let (beta, base) = (self.beta_1 as f32 as f64, 0.96f32 as f64);
        beta * (1.0 - 0.5 * base.powf(pace * number))
    }
}

/// Nadam's betas are tensors in every form.
fn one_minus_tensor<T: Real>(beta: f64) -> T {
    T::ONE - via_f32(beta)
}

impl Algorithm for NadamRule {
    fn class_name(&self) -> &str {
        "Nadam"
    }

    fn fields(&mut self, form: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        if form == Form::Legacy {
            visit("decay", Field::Float(&mut self.schedule_decay));
        }
        visit("beta_1", Field::Hyper(&mut self.beta_1));
        visit("beta_2", Field::Hyper(&mut self.beta_2));
        visit("epsilon", Field::Float(&mut self.epsilon));
    }

    fn slots(&self, form: Form) -> Vec<SlotSpec> {
        moments(form)
    }

    fn scalar(&self, form: Form) -> Option<ScalarSpec> {
        Some(match form {
            Form::Keras2 => ScalarSpec { name: "Variable", attribute: "_u_product" },
            Form::Legacy => ScalarSpec { name: "momentum_cache", attribute: "momentum_cache" },
            Form::Keras3 => ScalarSpec { name: "variable", attribute: "_u_product" },
        })
    }

    fn scalar_factor(&self, form: Form, number: f64) -> f64 {
        // Keras 3 computes the product from Python floats, everything else from tensors.
        if form == Form::Keras3 {
            return self.beta_1 * (1.0 - 0.5 * 0.96f64.powf(number));
        }
        self.momentum_of(form, number)
    }

    fn own_decay(&self, form: Form) -> bool {
        form == Form::Legacy
    }

    fn sparse_rule(&self, form: Form) -> SparseRule {
        if form == Form::Legacy { SparseRule::SlotsDense } else { SparseRule::Dense }
    }

    fn update<T: Real>(&self, step: &Step, cells: Cells<'_, T>) {
        let now = T::of(self.momentum_of(step.form, step.number));
        let next = T::of(self.momentum_of(step.form, step.number + 1.0));
        let product = T::of(step.scalar);
        let (left, left_next) = (T::ONE - product, T::ONE - product * next);
        let correction = T::ONE - via_f32::<T>(self.beta_2).pow(T::of(step.number));
        let (new_1, new_2) = (one_minus_tensor::<T>(self.beta_1), one_minus_tensor::<T>(self.beta_2));
        let (rate, epsilon) = (T::of(step.learning_rate), T::of(self.epsilon));
        cells.each2_apart([0, 1], square, |w, g, gg, m, v| {
            *m = *m + (g - *m) * new_1;
            *v = *v + (gg - *v) * new_2;
            let ahead = next * *m / left_next + (T::ONE - now) * g / left;
            w - ahead * rate / ((*v / correction).sqrt() + epsilon)
        });
    }
}
