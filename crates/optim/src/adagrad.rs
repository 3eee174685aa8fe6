//! Adagrad.

use crate::adam::square;
use crate::algorithm::in_range;
use crate::{Algorithm, Builder, Cells, Field, Form, LearningRate, Real, Result, SlotInit, SlotSpec, SparseRule, Step};

/// Divides by the root of the sum of all squared gradients.
///
/// Slot: `accumulator`, which begins with `initial_accumulator_value`.
///
/// # Example
/// ```
/// use kerox_optim::{Adagrad, IntoOptimizer};
///
/// let optimizer = Adagrad::new(0.1).initial_accumulator_value(0.5).into_optimizer()?;
/// assert_eq!(optimizer.class_name(), "Adagrad");
/// # Ok::<(), kerox_optim::Error>(())
/// ```
///
/// # Source
/// keras/src/optimizers/adagrad.py
pub type Adagrad = Builder<AdagradRule>;

/// The algorithm of [`Adagrad`].
#[derive(Clone, Debug)]
pub struct AdagradRule {
    initial_accumulator_value: f64,
    epsilon: f64,
}

impl Default for AdagradRule {
    fn default() -> Self {
        AdagradRule { initial_accumulator_value: 0.1, epsilon: 1e-7 }
    }
}

impl Default for Adagrad {
    /// Keras's defaults: learning rate 0.001.
    fn default() -> Self {
        Adagrad::new(0.001)
    }
}

impl Adagrad {
    /// With Keras's default arguments.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Adagrad {
        Builder::of(AdagradRule::default(), learning_rate)
    }

    /// What the sums begin with.
    pub fn initial_accumulator_value(mut self, initial_accumulator_value: f64) -> Self {
        self.algorithm.initial_accumulator_value = initial_accumulator_value;
        self
    }

    /// Is added to the denominator.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.algorithm.epsilon = epsilon;
        self
    }
}

impl Algorithm for AdagradRule {
    fn class_name(&self) -> &str {
        "Adagrad"
    }

    fn fields(&mut self, _: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        visit("initial_accumulator_value", Field::Float(&mut self.initial_accumulator_value));
        visit("epsilon", Field::Float(&mut self.epsilon));
    }

    fn slots(&self, form: Form) -> Vec<SlotSpec> {
        let given = self.initial_accumulator_value;
        let init = SlotInit::Value(if form == Form::Keras3 { given as f32 as f64 } else { given });
        vec![SlotSpec::new("accumulator", "accumulator", "_accumulators").init(init)]
    }

    fn sparse_rule(&self, form: Form) -> SparseRule {
        if form == Form::Legacy { SparseRule::Rows } else { SparseRule::Dense }
    }

    fn check(&self, form: Form) -> Result<()> {
        // Only the legacy optimizer looks.
        let low = if form == Form::Legacy { 0.0 } else { f64::NEG_INFINITY };
        in_range("Adagrad", "initial_accumulator_value", self.initial_accumulator_value, low..=f64::INFINITY)
    }

    fn update<T: Real>(&self, step: &Step, cells: Cells<'_, T>) {
        let (rate, epsilon) = (T::of(step.learning_rate), T::of(self.epsilon));
        if step.form == Form::Legacy {
            cells.each1_apart(0, square, |w, g, gg, sum| {
                *sum = *sum + gg;
                w - rate * g / (sum.sqrt() + epsilon)
            });
        } else {
            cells.each1_apart(0, square, |w, g, gg, sum| {
                *sum = *sum + gg;
                w - rate * g / (*sum + epsilon).sqrt()
            });
        }
    }
}
