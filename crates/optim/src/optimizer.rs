//! What every optimizer can do.

use std::sync::Arc;

use kerox_config_json::Value;
use kerox_tensor::{Tensor, Trackable, Variable};

use crate::{Config, Entry, Error, Form, GradientView, Migrated, Result, SavedState};

/// An optimizer with its state. Methods take `&self`: it is shared between training loop, model and checkpoints.
///
/// One step, in Keras's order: learning rate from the schedule, clipping, weight decay, update of each variable, moving
/// averages, `iterations += 1`. Constraints on weights come after and are the caller's.
///
/// # Example
/// ```
/// use kerox_optim::{GradientView, IntoOptimizer, SGD};
/// use kerox_tensor::{Tensor, Variable};
///
/// let sgd = SGD::new(0.5).into_optimizer()?;
/// let kernel = Variable::new("dense/kernel", Tensor::from_vec(vec![1f32, 2.0], [2])?, true);
/// sgd.apply_slices(&[kernel.clone()], &[GradientView::from(&[2f32, 4.0][..])])?;
/// assert_eq!(kernel.value().as_slice::<f32>()?, [0.0, 0.0]);
/// assert_eq!(sgd.iterations().value().to_scalar::<i64>()?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Optimizer: Trackable {
    /// Keras's class name: `Adam`.
    fn class_name(&self) -> String;

    /// The optimizer's name, the prefix of its variables' names.
    fn name(&self) -> String;

    /// The generation of Keras it follows.
    fn form(&self) -> Form;

    /// Creates the slots for all variables that will ever be updated. Does nothing the second time.
    ///
    /// Names are those that the first training step gives (`Adam/m/dense/kernel`).
    ///
    /// # Errors
    /// [`Error::VariableType`].
    fn build(&self, variables: &[Variable]) -> Result<()>;

    /// As [`Optimizer::build`], with another prefix of names: an empty one gives what a bare `optimizer.build(variables)`
    /// gives in Keras 2.15 (`m/dense/kernel`).
    ///
    /// # Errors
    /// As [`Optimizer::build`].
    fn build_in_scope(&self, variables: &[Variable], scope: &str) -> Result<()>;

    /// Whether the slots exist.
    fn built(&self) -> bool;

    /// One step from gradients in the caller's buffers; builds first where that has not happened. Allocates nothing when
    /// built, gradients are dense and of the variables' type, and nobody else holds the variables' values.
    ///
    /// No guard of a variable's value may be held meanwhile.
    ///
    /// # Errors
    /// [`Error::GradientCount`], [`Error::NoGradients`], [`Error::UnknownVariable`], [`Error::Gradient`].
    fn apply_slices(&self, variables: &[Variable], gradients: &[GradientView<'_>]) -> Result<()> {
        self.apply_scaled(variables, gradients, 1.0)
    }

    /// As [`Optimizer::apply_slices`], with the gradients first multiplied by a number (the inverse of a loss scale).
    ///
    /// # Errors
    /// As [`Optimizer::apply_slices`].
    fn apply_scaled(&self, variables: &[Variable], gradients: &[GradientView<'_>], factor: f64) -> Result<()>;

    /// One step from pairs of variable and dense gradient.
    ///
    /// # Errors
    /// As [`Optimizer::apply_slices`].
    fn apply(&self, gradients: &[(Variable, Tensor)]) -> Result<()> {
        let variables: Vec<Variable> = gradients.iter().map(|(variable, _)| variable.clone()).collect();
        let views: Vec<GradientView<'_>> = gradients
            .iter()
            .map(|(variable, gradient)| {
                GradientView::of(gradient).ok_or_else(|| Error::Gradient {
                    variable: variable.name().into(),
                    shape: variable.shape().clone(),
                    expected: "a floating-point type".into(),
                    found: gradient.dtype().to_string(),
                })
            })
            .collect::<Result<_>>()?;
        self.apply_slices(&variables, &views)
    }

    /// The number of steps taken: an int64 scalar.
    fn iterations(&self) -> Variable;

    /// The learning rate of the next step (of the last one where Keras 2.15 follows a schedule).
    fn learning_rate(&self) -> f64;

    /// Sets a constant learning rate.
    ///
    /// # Errors
    /// [`Error::Scheduled`].
    fn set_learning_rate(&self, learning_rate: f64) -> Result<()>;

    /// The float32 scalar that holds the learning rate; none with a schedule in Keras 3 and legacy.
    fn learning_rate_variable(&self) -> Option<Variable>;

    /// The variables in the order of files: `optimizer.variables`.
    fn variables(&self) -> Vec<Variable>;

    /// What `variables()` would be in another form, for these model variables.
    fn layout(&self, form: Form, variables: &[Variable]) -> Vec<Entry>;

    /// The model variables the optimizer was built with.
    fn model_variables(&self) -> Vec<Variable>;

    /// A slot of a variable by its role (`momentum`, `velocity`) or its name in this form (`m`, `v`).
    fn slot(&self, variable: &Variable, role: &str) -> Option<Variable>;

    /// The config, as `get_config()` gives it.
    fn config(&self) -> Config;

    /// The module in which Keras exports the class.
    fn module(&self) -> &'static str;

    /// The config with class: `{"module", "class_name", "config", "registered_name"}`.
    fn serialize(&self) -> Value {
        let class_name = self.class_name();
        match crate::registry::is_builtin(&class_name) {
            true => crate::config::object(self.module(), &class_name, self.config()),
            false => crate::config::custom_object::<crate::OptimizerConstructor>(&class_name, self.config()),
        }
    }

    /// The same optimizer without state in another form: its class and arguments, and the present learning rate.
    ///
    /// # Errors
    /// Where that form has no such class or argument.
    fn in_form(&self, form: Form) -> Result<std::sync::Arc<dyn Optimizer>> {
        crate::registry::from_config(&self.class_name(), &self.config(), form)
    }

    /// The class name as HDF5 and SavedModel files write it: `Custom>Adam` for the form of Keras 2.15.
    fn registered_class_name(&self) -> String {
        match self.form() {
            Form::Keras2 => format!("Custom>{}", self.class_name()),
            _ => self.class_name(),
        }
    }

    /// Puts the moving averages, where they are kept, into the variables.
    fn finalize_variable_values(&self, variables: &[Variable]);

    /// Keeps weight decay off these variables and those whose name a pattern matches (`bias`, regular expressions).
    ///
    /// # Errors
    /// [`Error::Built`], [`Error::Argument`].
    fn exclude_from_weight_decay(&self, variables: &[Variable], names: &[&str]) -> Result<()>;

    /// The number to multiply the loss by before gradients are taken.
    fn loss_scale(&self) -> f64;

    /// Replaces `variables()`, in their order.
    ///
    /// # Errors
    /// [`Error::NotBuilt`], [`Error::StateCount`], [`Error::StateShape`]; nothing has changed then.
    fn set_weights(&self, tensors: &[Tensor]) -> Result<()>;

    /// Fills the state from one saved in any form.
    ///
    /// # Errors
    /// [`Error::NotBuilt`], [`Error::StateCount`], [`Error::StateShape`], [`Error::StateMissing`]; nothing has changed then.
    fn load_state(&self, saved: &SavedState) -> Result<Migrated>;

    /// This object as a node of a checkpoint.
    fn as_trackable(self: Arc<Self>) -> Arc<dyn Trackable>;
}

/// What `compile` takes for an optimizer: a name (`"adam"`), a builder, or an optimizer.
pub trait IntoOptimizer {
    /// Makes the optimizer.
    ///
    /// # Errors
    /// [`Error::UnknownClass`], [`Error::Argument`].
    fn into_optimizer(self) -> Result<Arc<dyn Optimizer>>;
}

impl IntoOptimizer for Arc<dyn Optimizer> {
    fn into_optimizer(self) -> Result<Arc<dyn Optimizer>> {
        Ok(self)
    }
}

impl IntoOptimizer for &Arc<dyn Optimizer> {
    fn into_optimizer(self) -> Result<Arc<dyn Optimizer>> {
        Ok(self.clone())
    }
}

impl IntoOptimizer for &str {
    fn into_optimizer(self) -> Result<Arc<dyn Optimizer>> {
        crate::get(self, Form::Keras2)
    }
}

impl IntoOptimizer for String {
    fn into_optimizer(self) -> Result<Arc<dyn Optimizer>> {
        crate::get(&self, Form::Keras2)
    }
}
