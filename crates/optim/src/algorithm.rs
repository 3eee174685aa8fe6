//! What one optimization algorithm declares; everything else about an optimizer is the engine's.

use kerox_tensor::{Shape, Variable};

use crate::{Cells, Form, Real, Result};

/// A constructor argument of an algorithm, as it appears in configs.
pub enum Field<'a> {
    /// A number that legacy optimizers keep in a float32 variable (`beta_1`), so that checkpoints carry it.
    Hyper(&'a mut f64),
    /// A number.
    Float(&'a mut f64),
    /// A number or `null`.
    OptionalFloat(&'a mut Option<f64>),
    /// A whole number.
    Int(&'a mut i64),
    /// A number that is written without fraction where it has none (`decay_steps`).
    Count(&'a mut f64),
    /// A string or `null`.
    OptionalString(&'a mut Option<String>),
    /// A list of numbers, whole where all are.
    Counts(&'a mut Vec<f64>),
    /// A list of numbers.
    Floats(&'a mut Vec<f64>),
    /// A flag.
    Bool(&'a mut bool),
    /// A list of strings.
    Strings(&'a mut Vec<String>),
}

/// How a slot begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SlotInit {
    /// Every element this number.
    Value(f64),
    /// A copy of the variable.
    Variable,
}

/// A tensor an algorithm keeps for each variable.
#[derive(Clone, Debug)]
pub struct SlotSpec {
    /// What it is, whatever its name in a file: Keras 3's word (`momentum`, `velocity`, `accumulator`).
    pub role: &'static str,
    /// The word in the variable's name in the form asked for: `m`, `rms`.
    pub name: &'static str,
    /// The attribute that lists the slots: `_momentums`. Empty in the legacy form.
    pub list: &'static str,
    /// The first value.
    pub init: SlotInit,
    /// Slots of one group take turns, variable after variable; groups follow each other.
    pub group: u8,
    /// The algorithm computes the same without its old value: a saved state may lack it.
    pub optional: bool,
}

impl SlotSpec {
    /// A slot that begins with zeros.
    pub fn new(role: &'static str, name: &'static str, list: &'static str) -> SlotSpec {
        SlotSpec { role, name, list, init: SlotInit::Value(0.0), group: 0, optional: false }
    }

    /// Puts the slot into a group.
    pub fn group(mut self, group: u8) -> SlotSpec {
        self.group = group;
        self
    }

    /// Sets the first value.
    pub fn init(mut self, init: SlotInit) -> SlotSpec {
        self.init = init;
        self
    }

    /// Marks the slot as one a saved state may lack.
    pub fn optional(mut self, optional: bool) -> SlotSpec {
        self.optional = optional;
        self
    }
}

/// A scalar an algorithm keeps for all variables together (Nadam's product of momenta). It begins with 1.
#[derive(Clone, Copy, Debug)]
pub struct ScalarSpec {
    /// The variable's name.
    pub name: &'static str,
    /// The attribute that holds it.
    pub attribute: &'static str,
}

/// What gradients of some rows do to the other rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SparseRule {
    /// As a dense gradient of zeros: slots decay, weights move on by momentum.
    Dense,
    /// Other rows keep slots and weights.
    Rows,
    /// Slots of other rows decay, their weights stay.
    SlotsDense,
}

/// The scalars of one step.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The generation of Keras to follow.
    pub form: Form,
    /// Learning rate after schedule and decay.
    pub learning_rate: f64,
    /// Number of this step, counted from 1.
    pub number: f64,
    /// The new value of the scalar state, where the algorithm has one.
    pub scalar: f64,
    /// Whether a schedule decides the learning rate.
    pub scheduled: bool,
}

/// An optimization algorithm: its arguments, what it keeps, how it updates.
///
/// Keras's own are implemented with it, and so can be others: an implementation wrapped in [`crate::Builder`] is a whole
/// optimizer with clipping, weight decay, averages, schedules, state layouts and configs.
///
/// # Example
/// ```
/// use kerox_optim::{Algorithm, Builder, Cells, Field, Form, IntoOptimizer, Real, SlotSpec, Step};
///
/// /// w -= learning_rate * sign(g)
/// #[derive(Clone)]
/// struct SignDescent {
///     scale: f64,
/// }
///
/// impl Algorithm for SignDescent {
///     fn class_name(&self) -> &str {
///         "SignDescent"
///     }
///     fn fields(&mut self, _: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
///         visit("scale", Field::Float(&mut self.scale));
///     }
///     fn slots(&self, _: Form) -> Vec<SlotSpec> {
///         Vec::new()
///     }
///     fn update<T: Real>(&self, step: &Step, cells: Cells<'_, T>) {
///         let rate = T::of(step.learning_rate * self.scale);
///         cells.each0(|w, g| w - rate * g.signum_or_zero());
///     }
/// }
///
/// let optimizer = Builder::of(SignDescent { scale: 2.0 }, 0.1).weight_decay(0.01).into_optimizer()?;
/// assert_eq!(optimizer.class_name(), "SignDescent");
/// # Ok::<(), kerox_optim::Error>(())
/// ```
pub trait Algorithm: Clone + Send + Sync + 'static {
    /// Keras's class name.
    fn class_name(&self) -> &str;

    /// Calls `visit` with each argument under its config key, in the order in which configs list them.
    fn fields(&mut self, form: Form, visit: &mut dyn FnMut(&'static str, Field<'_>));

    /// The slots in creation order.
    fn slots(&self, form: Form) -> Vec<SlotSpec>;

    /// The shape of a slot; `None` where this variable has none. Usually the variable's.
    fn slot_shape(&self, slot: &SlotSpec, variable: &Variable) -> Option<Shape> {
        let _ = slot;
        Some(variable.shape().clone())
    }

    /// Whether a variable without this slot has an unused scalar in its place (Adafactor).
    fn placeholder(&self, slot: &SlotSpec) -> bool {
        let _ = slot;
        false
    }

    /// The scalar state, where there is one.
    fn scalar(&self, form: Form) -> Option<ScalarSpec> {
        let _ = form;
        None
    }

    /// The scalar's factor in step `number` (counted from 1).
    fn scalar_factor(&self, form: Form, number: f64) -> f64 {
        let _ = (form, number);
        1.0
    }

    /// What sparse gradients do.
    fn sparse_rule(&self, form: Form) -> SparseRule {
        let _ = form;
        SparseRule::Dense
    }

    /// The weight decay of one variable, where it is not that of the optimizer.
    fn weight_decay(&self, variable: &Variable, of_optimizer: Option<f64>) -> Option<f64> {
        let _ = variable;
        of_optimizer
    }

    /// Whether the config key `decay` is an argument of the algorithm and leaves the learning rate alone (Nadam).
    fn own_decay(&self, form: Form) -> bool {
        let _ = form;
        false
    }

    /// Whether the argument values are in range.
    ///
    /// # Errors
    /// [`crate::Error::Argument`].
    fn check(&self, form: Form) -> Result<()> {
        let _ = form;
        Ok(())
    }

    /// One step for one variable.
    fn update<T: Real>(&self, step: &Step, cells: Cells<'_, T>);
}

/// [`Algorithm`] behind a pointer.
pub(crate) trait Rule: Send + Sync {
    fn class_name(&self) -> &str;
    fn fields(&mut self, form: Form, visit: &mut dyn FnMut(&'static str, Field<'_>));
    fn slots(&self, form: Form) -> Vec<SlotSpec>;
    fn slot_shape(&self, slot: &SlotSpec, variable: &Variable) -> Option<Shape>;
    fn placeholder(&self, slot: &SlotSpec) -> bool;
    fn scalar(&self, form: Form) -> Option<ScalarSpec>;
    fn scalar_factor(&self, form: Form, number: f64) -> f64;
    fn sparse_rule(&self, form: Form) -> SparseRule;
    fn weight_decay(&self, variable: &Variable, of_optimizer: Option<f64>) -> Option<f64>;
    fn own_decay(&self, form: Form) -> bool;
    fn update_f32(&self, step: &Step, cells: Cells<'_, f32>);
    fn update_f64(&self, step: &Step, cells: Cells<'_, f64>);
    fn clone_box(&self) -> Box<dyn Rule>;
}

impl<A: Algorithm> Rule for A {
    fn class_name(&self) -> &str {
        Algorithm::class_name(self)
    }
    fn fields(&mut self, form: Form, visit: &mut dyn FnMut(&'static str, Field<'_>)) {
        Algorithm::fields(self, form, visit)
    }
    fn slots(&self, form: Form) -> Vec<SlotSpec> {
        Algorithm::slots(self, form)
    }
    fn slot_shape(&self, slot: &SlotSpec, variable: &Variable) -> Option<Shape> {
        Algorithm::slot_shape(self, slot, variable)
    }
    fn placeholder(&self, slot: &SlotSpec) -> bool {
        Algorithm::placeholder(self, slot)
    }
    fn scalar(&self, form: Form) -> Option<ScalarSpec> {
        Algorithm::scalar(self, form)
    }
    fn scalar_factor(&self, form: Form, number: f64) -> f64 {
        Algorithm::scalar_factor(self, form, number)
    }
    fn sparse_rule(&self, form: Form) -> SparseRule {
        Algorithm::sparse_rule(self, form)
    }
    fn weight_decay(&self, variable: &Variable, of_optimizer: Option<f64>) -> Option<f64> {
        Algorithm::weight_decay(self, variable, of_optimizer)
    }
    fn own_decay(&self, form: Form) -> bool {
        Algorithm::own_decay(self, form)
    }
    fn update_f32(&self, step: &Step, cells: Cells<'_, f32>) {
        self.update(step, cells)
    }
    fn update_f64(&self, step: &Step, cells: Cells<'_, f64>) {
        self.update(step, cells)
    }
    fn clone_box(&self) -> Box<dyn Rule> {
        Box::new(self.clone())
    }
}

/// A number of a config that has to lie in a range. What is no number passes, as with Keras, and makes none of the weights.
pub(crate) fn in_range(class: &str, argument: &str, value: f64, range: std::ops::RangeInclusive<f64>) -> Result<()> {
    let (&low, &high) = (range.start(), range.end());
    if !(value < low || value > high) {
        return Ok(());
    }
    let expected = match (low.is_finite(), high.is_finite()) {
        (true, false) => format!("a number of at least {low}"),
        (false, true) => format!("a number of at most {high}"),
        _ => format!("a number from {low} to {high}"),
    };
    Err(crate::Error::Argument { class: class.into(), argument: argument.into(), expected, found: value.to_string() })
}
