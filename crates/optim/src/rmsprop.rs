//! RMSprop.

use crate::adam::{one_minus, square};
use crate::algorithm::in_range;
use crate::{Algorithm, Builder, Cells, Field, Form, LearningRate, Real, Result, SlotSpec, SparseRule, Step};

/// Divides by the root of a running mean of squared gradients.
///
/// Slots: `velocity`, with `momentum` also `momentum`, with `centered` also `average_gradient`. In Keras 2.15
/// `ema_overwrite_frequency` is 100 where it is not set.
///
/// # Errors
/// `into_optimizer` refuses a `momentum` outside 0 to 1.
///
/// # Example
/// ```
/// use kerox_optim::{RMSprop, IntoOptimizer};
///
/// let optimizer = RMSprop::new(0.001).rho(0.9).centered(true).into_optimizer()?;
/// assert_eq!(optimizer.class_name(), "RMSprop");
/// # Ok::<(), kerox_optim::Error>(())
/// ```
///
/// # Source
/// keras/src/optimizers/rmsprop.py
pub type RMSprop = Builder<RmspropRule>;

/// The algorithm of [`RMSprop`].
#[derive(Clone, Debug)]
pub struct RmspropRule {
    rho: f64,
    momentum: f64,
    epsilon: f64,
    centered: bool,
}

impl Default for RmspropRule {
    fn default() -> Self {
        RmspropRule { rho: 0.9, momentum: 0.0, epsilon: 1e-7, centered: false }
    }
}

impl Default for RMSprop {
    /// Keras's defaults: learning rate 0.001.
    fn default() -> Self {
        RMSprop::new(0.001)
    }
}

impl RMSprop {
    /// With Keras's default arguments.
    pub fn new(learning_rate: impl Into<LearningRate>) -> RMSprop {
        Builder::of(RmspropRule::default(), learning_rate)
    }

    /// Decay of the mean of squared gradients.
    pub fn rho(mut self, rho: f64) -> Self {
        self.algorithm.rho = rho;
        self
    }

    /// Part of the last movement in the next.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.algorithm.momentum = momentum;
        self
    }

    /// Is added to the denominator.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.algorithm.epsilon = epsilon;
        self
    }

    /// Subtracts the square of the mean gradient: divides by an estimate of the variance.
    pub fn centered(mut self, centered: bool) -> Self {
        self.algorithm.centered = centered;
        self
    }
}

impl Algorithm for RmspropRule {
    fn class_name(&self) -> &str {
        "RMSprop"
    }

    fn fields(&mut self, _: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("rho", Field::Hyper(&mut self.rho));
        visit("momentum", Field::Hyper(&mut self.momentum));
        visit("epsilon", Field::Float(&mut self.epsilon));
        visit("centered", Field::Bool(&mut self.centered));
    }

    fn slots(&self, form: Form) -> Vec<SlotSpec> {
        let legacy = form == Form::Legacy;
        let mut slots = vec![SlotSpec::new("velocity", if legacy { "rms" } else { "velocity" }, "_velocities")];
        if self.momentum > 0.0 {
            slots.push(SlotSpec::new("momentum", "momentum", "_momentums").group(1));
        }
        if self.centered {
            let name = if legacy { "mg" } else { "average_gradient" };
            slots.push(SlotSpec::new("average_gradient", name, "_average_gradients").group(2));
        }
        slots
    }

    fn sparse_rule(&self, form: Form) -> SparseRule {
        if form == Form::Legacy && self.momentum > 0.0 { SparseRule::Rows } else { SparseRule::Dense }
    }

    fn check(&self, form: Form) -> Result<()> {
        // Only the legacy optimizer looks.
        if form == Form::Legacy { in_range("RMSprop", "momentum", self.momentum, 0.0..=1.0) } else { Ok(()) }
    }

    fn update<T: Real>(&self, step: &Step, cells: Cells<'_, T>) {
        let rate = T::of(step.learning_rate);
        let (rho, new) = (T::of(self.rho), one_minus::<T>(step.form, self.rho));
        let (momentum, epsilon) = (T::of(self.momentum), T::of(self.epsilon));
        // Legacy adds epsilon to the root where there is no momentum, and under it where there is.
        let outside = step.form == Form::Legacy && self.momentum == 0.0;
        let movement = move |g: T, mean: T| {
            if outside { rate * g / (mean.sqrt() + epsilon) } else { rate * g / (mean + epsilon).sqrt() }
        };
        match (self.momentum > 0.0, self.centered) {
            (false, false) => cells.each1_apart(0, square, |w, g, gg, v| {
                *v = rho * *v + new * gg;
                w - movement(g, *v)
            }),
            (true, false) => cells.each2_apart([0, 1], square, |w, g, gg, v, last| {
                *v = rho * *v + new * gg;
                *last = momentum * *last + movement(g, *v);
                w - *last
            }),
            (false, true) => cells.each2_apart([0, 1], square, |w, g, gg, v, mean| {
                *v = rho * *v + new * gg;
                *mean = rho * *mean + new * g;
                w - movement(g, *v - *mean * *mean)
            }),
            (true, true) => cells.each3_apart([0, 1, 2], square, |w, g, gg, v, last, mean| {
                *v = rho * *v + new * gg;
                *mean = rho * *mean + new * g;
                *last = momentum * *last + movement(g, *v - *mean * *mean);
                w - *last
            }),
        }
    }
}
