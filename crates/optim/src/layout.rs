//! Which variables an optimizer has, under which names and in which order, in each form.

use kerox_tensor::{DType, Shape, Variable};

use crate::Form;
use crate::algorithm::{Rule, SlotSpec};
use crate::options::{LearningRate, Options};

/// What a variable of an optimizer is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The number of steps.
    Iterations,
    /// The learning rate.
    LearningRate,
    /// A moving average of a model variable.
    Average {
        /// Position of the model variable.
        variable: usize,
    },
    /// The sum of gradients since the last update.
    Accumulator {
        /// Position of the model variable.
        variable: usize,
    },
    /// A slot.
    Slot {
        /// What the slot is: `momentum`.
        role: &'static str,
        /// Position of the model variable.
        variable: usize,
    },
    /// A scalar that is there for its position only.
    Placeholder {
        /// The slot it stands for.
        role: &'static str,
        /// Position of the model variable.
        variable: usize,
    },
    /// The algorithm's scalar state.
    Scalar,
    /// A variable of a wrapper around the optimizer.
    Wrapper,
}

/// One variable of an optimizer.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// What it is for.
    pub target: Target,
    /// TensorFlow's name without `:0`, or Keras 3's path.
    pub name: String,
    /// The lengths of the axes.
    pub shape: Shape,
    /// The type of the elements.
    pub dtype: DType,
    /// Whether `optimizer.variables` has it; the others appear in checkpoints only.
    pub listed: bool,
    /// Whether a saved state may lack it.
    pub optional: bool,
}

/// `variables` is the model's list; `scope` the optimizer's name, or empty for names without prefix.
pub(crate) fn layout(
    rule: &dyn Rule,
    options: &Options,
    form: Form,
    variables: &[Variable],
    scope: &str,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    let prefixed = |name: String| if scope.is_empty() { name } else { format!("{scope}/{name}") };
    let constant = matches!(options.learning_rate, LearningRate::Constant(_));
    let mut push = |target, name, shape, dtype, listed, optional| {
        entries.push(Entry { target, name, shape, dtype, listed, optional })
    };
    let scalar_dtype = variables.first().map_or(DType::F32, Variable::dtype);
    let scalar = rule.scalar(form);

    let (iteration, rate) = match form {
        Form::Keras2 if constant => ("iteration".to_string(), "learning_rate".to_string()),
        Form::Keras2 => ("iteration".to_string(), "current_learning_rate".to_string()),
        Form::Legacy => (prefixed("iter".into()), prefixed("learning_rate".into())),
        Form::Keras3 => (prefixed("iteration".into()), prefixed("learning_rate".into())),
    };
    push(Target::Iterations, iteration, Shape::scalar(), DType::I64, true, false);
    if constant || form == Form::Keras2 {
        push(Target::LearningRate, rate, Shape::scalar(), DType::F32, form == Form::Keras3, true);
    }
    if let (Form::Legacy, Some(scalar)) = (form, scalar) {
        push(Target::Scalar, prefixed(scalar.name.into()), Shape::scalar(), scalar_dtype, true, true);
    }
    if options.use_ema && form != Form::Legacy {
        for (i, variable) in variables.iter().enumerate() {
            let name = prefixed(slot_name(form, variable, "average"));
            push(Target::Average { variable: i }, name, variable.shape().clone(), variable.dtype(), true, false);
        }
    }
    if options.gradient_accumulation_steps.is_some_and(|every| every > 0) && form == Form::Keras3 {
        for (i, variable) in variables.iter().enumerate() {
            let name = prefixed(slot_name(form, variable, "gradient_accumulator"));
            push(Target::Accumulator { variable: i }, name, variable.shape().clone(), variable.dtype(), true, true);
        }
    }
    let slots = rule.slots(form);
    for group in slots.chunk_by(|a, b| a.group == b.group) {
        for (i, variable) in variables.iter().enumerate() {
            for slot in group {
                let (role, dtype) = (slot.role, variable.dtype());
                let name = slot_variable_name(form, slot, variable);
                match rule.slot_shape(slot, variable) {
                    Some(shape) => {
                        push(Target::Slot { role, variable: i }, prefixed(name), shape, dtype, true, slot.optional)
                    }
                    None if rule.placeholder(slot) => push(
                        Target::Placeholder { role, variable: i },
                        prefixed(name),
                        Shape::scalar(),
                        DType::I32,
                        form == Form::Keras3,
                        true,
                    ),
                    None => {}
                }
            }
        }
    }
    if let (Form::Keras2 | Form::Keras3, Some(scalar)) = (form, scalar) {
        push(Target::Scalar, prefixed(scalar.name.into()), Shape::scalar(), scalar_dtype, form == Form::Keras3, true);
    }
    entries
}

/// A slot without a word of its own carries the bare name of its variable (Adafactor in Keras 3).
fn slot_variable_name(form: Form, slot: &SlotSpec, variable: &Variable) -> String {
    if slot.name.is_empty() {
        return variable.name().rsplit('/').next().unwrap_or_default().to_string();
    }
    slot_name(form, variable, slot.name)
}

fn slot_name(form: Form, variable: &Variable, slot: &str) -> String {
    match form {
        Form::Keras2 => format!("{slot}/{}", variable.name()),
        Form::Legacy => format!("{}/{slot}", variable.name()),
        Form::Keras3 => format!("{}_{slot}", variable.name().replace('/', "_")),
    }
}
