//! Adam.

use crate::real::via_f32;
use crate::{Algorithm, Builder, Cells, Field, Form, LearningRate, Real, SlotSpec, Step};

/// Adaptive moments: `w -= a * m / (sqrt(v) + epsilon)` with running means `m` of gradients and `v` of their squares.
///
/// Slots: `momentum`, `velocity` and, with `amsgrad`, `velocity_hat` (the largest `velocity` so far).
///
/// # Example
/// ```
/// use kerox_optim::{Adam, IntoOptimizer};
///
/// let optimizer = Adam::new(0.001).beta_1(0.9).beta_2(0.999).epsilon(1e-7).amsgrad(true).into_optimizer()?;
/// assert_eq!(optimizer.registered_class_name(), "Custom>Adam");
/// # Ok::<(), kerox_optim::Error>(())
/// ```
///
/// # Source
/// keras/src/optimizers/adam.py
pub type Adam = Builder<AdamRule>;

/// The algorithm of [`Adam`].
#[derive(Clone, Debug)]
pub struct AdamRule {
    pub(crate) beta_1: f64,
    pub(crate) beta_2: f64,
    pub(crate) epsilon: f64,
    pub(crate) amsgrad: bool,
}

impl Default for AdamRule {
    fn default() -> Self {
        AdamRule { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false }
    }
}

impl Default for Adam {
    /// Keras's defaults: learning rate 0.001.
    fn default() -> Self {
        Adam::new(0.001)
    }
}

impl Adam {
    /// With Keras's default arguments.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Adam {
        Builder::of(AdamRule::default(), learning_rate)
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

    /// Divides by the largest mean of squares so far.
    pub fn amsgrad(mut self, amsgrad: bool) -> Self {
        self.algorithm.amsgrad = amsgrad;
        self
    }
}

/// `1 - beta`, rounded where the form rounds it: legacy betas are float32 tensors.
pub(crate) fn one_minus<T: Real>(form: Form, beta: f64) -> T {
    if form == Form::Legacy { T::ONE - T::of(beta) } else { T::of(1.0 - beta) }
}

/// What second moments are made of.
pub(crate) fn square<T: Real>(g: T) -> T {
    g * g
}

/// The two slots of Adam and its relatives.
pub(crate) fn moments(form: Form) -> Vec<SlotSpec> {
    match form {
        Form::Keras2 => {
            vec![SlotSpec::new("momentum", "m", "_momentums"), SlotSpec::new("velocity", "v", "_velocities")]
        }
        Form::Legacy => vec![SlotSpec::new("momentum", "m", ""), SlotSpec::new("velocity", "v", "").group(1)],
        Form::Keras3 => vec![
            SlotSpec::new("momentum", "momentum", "_momentums"),
            SlotSpec::new("velocity", "velocity", "_velocities"),
        ],
    }
}

/// The factor of the movement, with both bias corrections.
pub(crate) fn corrected_rate<T: Real>(step: &Step, rate: T, beta_1: f64, beta_2: f64) -> T {
    let number = T::of(step.number);
    let (power_1, power_2) = (via_f32::<T>(beta_1).pow(number), via_f32::<T>(beta_2).pow(number));
    rate * (T::ONE - power_2).sqrt() / (T::ONE - power_1)
}

impl Algorithm for AdamRule {
    fn class_name(&self) -> &str {
        "Adam"
    }

    fn fields(&mut self, _: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("beta_1", Field::Hyper(&mut self.beta_1));
        visit("beta_2", Field::Hyper(&mut self.beta_2));
        visit("epsilon", Field::Float(&mut self.epsilon));
        visit("amsgrad", Field::Bool(&mut self.amsgrad));
    }

    fn slots(&self, form: Form) -> Vec<SlotSpec> {
        let mut slots = moments(form);
        if self.amsgrad {
            let name = if form == Form::Keras3 { "velocity_hat" } else { "vhat" };
            slots.push(SlotSpec::new("velocity_hat", name, "_velocity_hats").group(2));
        }
        slots
    }

    fn update<T: Real>(&self, step: &Step, cells: Cells<'_, T>) {
        let alpha = corrected_rate(step, T::of(step.learning_rate), self.beta_1, self.beta_2);
        let (new_1, new_2) = (one_minus::<T>(step.form, self.beta_1), one_minus::<T>(step.form, self.beta_2));
        let epsilon = T::of(self.epsilon);
        if self.amsgrad {
            cells.each3_apart([0, 1, 2], square, |w, g, gg, m, v, largest| {
                *m = *m + (g - *m) * new_1;
                *v = *v + (gg - *v) * new_2;
                *largest = largest.larger(*v);
                w - *m * alpha / (largest.sqrt() + epsilon)
            });
        } else {
            cells.each2_apart([0, 1], square, |w, g, gg, m, v| {
                *m = *m + (g - *m) * new_1;
                *v = *v + (gg - *v) * new_2;
                w - *m * alpha / (v.sqrt() + epsilon)
            });
        }
    }
}
