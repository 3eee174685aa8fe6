//! What can go wrong with optimizers.

use kerox_tensor::{DType, Shape};

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Errors of this crate. State is as it was before the operation that failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument of a constructor or a key of a config is out of its range or of the wrong type.
    #[error("make {class} argument `{argument}`: expected {expected}, found {found}")]
    Argument {
        /// The class.
        class: String,
        /// The argument, which is also the config key.
        argument: String,
        /// What is allowed.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A config key that the class does not have.
    #[error("make {class} from config: unknown key `{key}`; it takes {known}")]
    UnknownKey {
        /// The class.
        class: String,
        /// The key.
        key: String,
        /// The keys there are.
        known: String,
    },
    /// A class that this crate does not have.
    #[error("find {kind} `{name}`: expected one of {known}, found `{name}`{hint}")]
    UnknownClass {
        /// `optimizer` or `learning-rate schedule`.
        kind: &'static str,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
        /// `; did you mean ...` or nothing.
        hint: String,
    },
    /// A variable that was not in the list at build.
    #[error(
        "apply gradients with {optimizer} to variable `{variable}`: expected one of the {known} variables it was built \
         with; build it with all variables before the first step"
    )]
    UnknownVariable {
        /// The optimizer's name.
        optimizer: String,
        /// The variable's name.
        variable: String,
        /// How many variables it knows.
        known: usize,
    },
    /// Not one variable has a gradient.
    #[error(
        "apply gradients with {optimizer}: expected a gradient for one variable at least, found none for {variables}"
    )]
    NoGradients {
        /// The optimizer's name.
        optimizer: String,
        /// The variables' names.
        variables: String,
    },
    /// The number of gradients is not the number of variables.
    #[error("apply gradients with {optimizer}: expected {expected} gradients (one a variable), found {found}")]
    GradientCount {
        /// The optimizer's name.
        optimizer: String,
        /// Variables given.
        expected: usize,
        /// Gradients given.
        found: usize,
    },
    /// A gradient whose number of elements does not fit its variable.
    #[error("apply gradient to variable `{variable}` of shape {shape}: expected {expected}, found {found}")]
    Gradient {
        /// The variable's name.
        variable: String,
        /// Its shape.
        shape: Shape,
        /// What would fit.
        expected: String,
        /// What was given.
        found: String,
    },
    /// A variable of a type no optimizer updates.
    #[error("update variable `{variable}`: expected a floating-point type, found {found}")]
    VariableType {
        /// The variable's name.
        variable: String,
        /// Its type.
        found: DType,
    },
    /// A learning rate was set where a schedule decides it.
    #[error(
        "set learning rate of {optimizer}: expected a constant, found the schedule {schedule}; make the optimizer with \
         a number to be able to set it"
    )]
    Scheduled {
        /// The optimizer's name.
        optimizer: String,
        /// The schedule's class.
        schedule: String,
    },
    /// Something that has to happen before variables exist was asked for after.
    #[error("{operation} of {optimizer}: expected it before the optimizer is built, found it built")]
    Built {
        /// What was asked for.
        operation: &'static str,
        /// The optimizer's name.
        optimizer: String,
    },
    /// State was given to an optimizer without variables.
    #[error("load state into {optimizer}: expected it built, found it without variables; build it first")]
    NotBuilt {
        /// The optimizer's name.
        optimizer: String,
    },
    /// The number of saved tensors fits no layout of the optimizer.
    #[error("load state into {optimizer} from {layout}: expected {expected} tensors, found {found}{hint}")]
    StateCount {
        /// The optimizer's name.
        optimizer: String,
        /// The layout in words.
        layout: String,
        /// Tensors that layout has.
        expected: usize,
        /// Tensors there are.
        found: usize,
        /// What may explain it, or nothing.
        hint: String,
    },
    /// A saved tensor that does not fit the variable it is for.
    #[error("load state into {optimizer} variable `{variable}` from {place}: expected {expected}, found {found}")]
    StateShape {
        /// The optimizer's name.
        optimizer: String,
        /// The optimizer's variable.
        variable: String,
        /// Position or key of the saved tensor.
        place: String,
        /// Shape or type needed.
        expected: String,
        /// Shape or type found.
        found: String,
    },
    /// The saved state lacks a tensor.
    #[error("load state into {optimizer} variable `{variable}`: expected {expected}, found nothing under that name")]
    StateMissing {
        /// The optimizer's name.
        optimizer: String,
        /// The optimizer's variable.
        variable: String,
        /// The key or slot looked for.
        expected: String,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] kerox_tensor::Error),
}
