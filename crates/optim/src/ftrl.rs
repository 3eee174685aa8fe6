//! Ftrl.

use crate::adam::square;
use crate::algorithm::in_range;
use crate::real::via_f32;
use crate::{Algorithm, Builder, Cells, Field, Form, LearningRate, Real, Result, SlotInit, SlotSpec, SparseRule, Step};

/// Follow the regularized leader: sparse weights by l1 regularization.
///
/// Slots: `accumulator`, which begins with `initial_accumulator_value`, and `linear`.
///
/// # Errors
/// `into_optimizer` refuses negative strengths and a positive `learning_rate_power`.
///
/// # Example
/// ```
/// use kerox_optim::{Ftrl, IntoOptimizer};
///
/// let optimizer = Ftrl::new(0.1).l1_regularization_strength(0.01).into_optimizer()?;
/// assert_eq!(optimizer.class_name(), "Ftrl");
/// # Ok::<(), kerox_optim::Error>(())
/// ```
///
/// # Source
/// keras/src/optimizers/ftrl.py
pub type Ftrl = Builder<FtrlRule>;

/// The algorithm of [`Ftrl`].
#[derive(Clone, Debug)]
pub struct FtrlRule {
    learning_rate_power: f64,
    initial_accumulator_value: f64,
    l1_regularization_strength: f64,
    l2_regularization_strength: f64,
    l2_shrinkage_regularization_strength: f64,
    beta: f64,
}

impl Default for FtrlRule {
    fn default() -> Self {
        FtrlRule {
            learning_rate_power: -0.5,
            initial_accumulator_value: 0.1,
            l1_regularization_strength: 0.0,
            l2_regularization_strength: 0.0,
            l2_shrinkage_regularization_strength: 0.0,
            beta: 0.0,
        }
    }
}

impl Default for Ftrl {
    /// Keras's defaults: learning rate 0.001.
    fn default() -> Self {
        Ftrl::new(0.001)
    }
}

impl Ftrl {
    /// With Keras's default arguments.
    pub fn new(learning_rate: impl Into<LearningRate>) -> Ftrl {
        Builder::of(FtrlRule::default(), learning_rate)
    }

    /// Exponent of the accumulator; not positive.
    pub fn learning_rate_power(mut self, learning_rate_power: f64) -> Self {
        self.algorithm.learning_rate_power = learning_rate_power;
        self
    }

    /// What the sums begin with.
    pub fn initial_accumulator_value(mut self, initial_accumulator_value: f64) -> Self {
        self.algorithm.initial_accumulator_value = initial_accumulator_value;
        self
    }

    /// Strength of l1 regularization.
    pub fn l1_regularization_strength(mut self, l1_regularization_strength: f64) -> Self {
        self.algorithm.l1_regularization_strength = l1_regularization_strength;
        self
    }

    /// Strength of l2 regularization.
    pub fn l2_regularization_strength(mut self, l2_regularization_strength: f64) -> Self {
        self.algorithm.l2_regularization_strength = l2_regularization_strength;
        self
    }

    /// Strength of a penalty that shrinks gradients.
    pub fn l2_shrinkage_regularization_strength(mut self, l2_shrinkage_regularization_strength: f64) -> Self {
        self.algorithm.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength;
        self
    }

    /// Adds to the l2 regularization, divided by the learning rate.
    pub fn beta(mut self, beta: f64) -> Self {
        self.algorithm.beta = beta;
        self
    }
}

impl Algorithm for FtrlRule {
    fn class_name(&self) -> &str {
        "Ftrl"
    }

    fn fields(&mut self, form: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        // Legacy configs list the same keys in another order.
        let legacy = form == Form::Legacy;
        if legacy {
            visit("initial_accumulator_value", Field::Float(&mut self.initial_accumulator_value));
        }
        visit("learning_rate_power", Field::Hyper(&mut self.learning_rate_power));
        if !legacy {
            visit("initial_accumulator_value", Field::Float(&mut self.initial_accumulator_value));
        }
        visit("l1_regularization_strength", Field::Hyper(&mut self.l1_regularization_strength));
        visit("l2_regularization_strength", Field::Hyper(&mut self.l2_regularization_strength));
        if legacy {
            visit("beta", Field::Hyper(&mut self.beta));
        }
        let shrinkage = Field::Float(&mut self.l2_shrinkage_regularization_strength);
        visit("l2_shrinkage_regularization_strength", shrinkage);
        if !legacy {
            visit("beta", Field::Hyper(&mut self.beta));
        }
    }

    fn slots(&self, form: Form) -> Vec<SlotSpec> {
        let given = self.initial_accumulator_value;
        let init = SlotInit::Value(if form == Form::Legacy { given } else { given as f32 as f64 });
        vec![
            SlotSpec::new("accumulator", "accumulator", "_accumulators").init(init),
            SlotSpec::new("linear", "linear", "_linears"),
        ]
    }

    fn sparse_rule(&self, form: Form) -> SparseRule {
        if form == Form::Legacy { SparseRule::Rows } else { SparseRule::Dense }
    }

    fn check(&self, _: Form) -> Result<()> {
        in_range("Ftrl", "learning_rate_power", self.learning_rate_power, f64::NEG_INFINITY..=0.0)?;
        for (argument, value) in [
            ("initial_accumulator_value", self.initial_accumulator_value),
            ("l1_regularization_strength", self.l1_regularization_strength),
            ("l2_regularization_strength", self.l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", self.l2_shrinkage_regularization_strength),
        ] {
            in_range("Ftrl", argument, value, 0.0..=f64::INFINITY)?;
        }
        Ok(())
    }

    fn update<T: Real>(&self, step: &Step, cells: Cells<'_, T>) {
        let rate = T::of(step.learning_rate);
        let two = T::of(2.0);
        let given: T = match step.form {
            Form::Legacy => via_f32(self.l2_shrinkage_regularization_strength),
            _ => T::of(self.l2_shrinkage_regularization_strength),
        };
        let shrinkage = two * given;
        let l1 = T::of(self.l1_regularization_strength);
        let l2 = T::of(self.l2_regularization_strength) + T::of(self.beta) / (two * rate);
        let exponent = T::of(-self.learning_rate_power);
        let root = self.learning_rate_power == -0.5;
        let power = move |x: T| if root { x.sqrt() } else { x.pow(exponent) };
        let is_legacy = step.form == Form::Legacy;
        let l1_is_nan = self.l1_regularization_strength.is_nan();
        cells.each2_apart([0, 1], square, |w, g, gg, sum, linear| {
            let new_sum = *sum + gg;
            *linear = *linear + (g + shrinkage * w) - (power(new_sum) - power(*sum)) / rate * w;
            *sum = new_sum;
            let clipped = if *linear > l1 {
                l1
            } else if *linear < -l1 {
                -l1
            } else if is_legacy {
                return T::of(0.0);
            } else if l1_is_nan {
                l1
            } else {
                *linear
            };
            (clipped - *linear) / (power(new_sum) / rate + two * l2)
        });
    }
}
