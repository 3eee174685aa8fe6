//! What a declaration of the table says.

use super::table::OPERATIONS;
use super::values::Spelling;

/// In which direction an operation can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Each Keras's becomes the other's.
    Both,
    /// The function of TensorFlow becomes operations of Keras 3.
    ToKeras3,
    /// The operation of Keras 3 becomes a function of TensorFlow.
    ToKeras2,
}

/// The types of elements for which both compute the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Types {
    Any,
    /// Floating-point numbers, `int32` and `int64`: smaller integers grow in Keras 3.
    Numbers,
    Floats,
    Bools,
}

/// What Keras 3 does to the types of tensors before it computes, and TensorFlow does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Casts {
    /// Nothing: tensors are taken as they are.
    None,
    /// Tensors become of the type of the result.
    ToResult,
    /// Tensors become of the type where theirs meet, which the result does not tell.
    ToCommon,
    /// Tensors become truth values.
    ToBool,
    /// The first becomes truth values, the others of the type of the result.
    Select,
}

/// Where Keras 3 has an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A tensor or a constant, in the call.
    Tensor,
    /// A list of tensors, in the call.
    Tensors,
    /// A constant in the call.
    Call,
    /// A constant in the configuration.
    Config,
    /// Only TensorFlow has it: it must have its default.
    Tf,
    /// Only Keras 3 has it: it must have its default.
    Keras,
}

/// One argument.
#[derive(Debug)]
pub(super) struct Argument {
    /// What TensorFlow calls it, and what older versions did.
    pub tf: &'static [&'static str],
    pub keras: &'static str,
    pub place: Place,
    /// As JSON; what the argument is when it is not given. Empty where it has to be.
    pub tf_default: &'static str,
    pub keras_default: &'static str,
    pub spelling: Spelling,
}

/// What stands for an operation on the other side, where it is more than a change of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    /// `(a - b)²`.
    SquaredDifference,
    /// `a + b + ...`.
    Sum,
    /// Transposed factors.
    Product,
    /// Places of 64 bits.
    Place64,
    /// Two axes change places.
    Swapaxes,
    /// A slice by its beginnings, ends and steps.
    Strides,
}

/// One operation of both.
#[derive(Debug)]
pub struct Operation {
    /// The function's names within `tf`: the one that is written, then the last parts of those that are read.
    pub(super) function: &'static str,
    pub(super) aliases: &'static [&'static str],
    /// The classes: the one that is written, then others that are read.
    pub(super) classes: &'static [&'static str],
    /// The module within `keras.src.ops`.
    pub(super) module: &'static str,
    pub(super) arguments: &'static [Argument],
    pub(super) types: Types,
    pub(super) casts: Casts,
    pub(super) form: Form,
    pub(super) way: Way,
}

impl Operation {
    /// The function's name within `tf`.
    pub fn function(&self) -> &'static str {
        self.function
    }

    /// The class of Keras 3.
    pub fn class_name(&self) -> &'static str {
        self.classes[0]
    }

    /// In which direction it can be written.
    pub fn way(&self) -> Way {
        self.way
    }

    /// The operation of a function of TensorFlow.
    pub fn of_function(function: &str) -> Option<&'static Operation> {
        let key = last(function);
        // What an image is resized with is another matter than the size of a tensor.
        let same = |row: &&Operation| last(row.function) == key || row.aliases.contains(&key);
        OPERATIONS
            .iter()
            .filter(|row| {
                row.way != Way::ToKeras2 && function.starts_with("image.") == row.function.starts_with("image.")
            })
            .find(same)
    }

    /// The operation of a class of Keras 3.
    pub fn of_class(class_name: &str) -> Option<&'static Operation> {
        OPERATIONS.iter().filter(|row| row.way != Way::ToKeras3).find(|row| row.classes.contains(&class_name))
    }
}

fn last(function: &str) -> &str {
    function.rsplit('.').next().unwrap_or(function)
}

pub(super) const fn tensor(tf: &'static [&'static str], keras: &'static str) -> Argument {
    Argument { tf, keras, place: Place::Tensor, tf_default: "", keras_default: "", spelling: Spelling::Same }
}

pub(super) const fn config(tf: &'static [&'static str], keras: &'static str, default: &'static str) -> Argument {
    Argument { tf, keras, place: Place::Config, tf_default: default, keras_default: default, spelling: Spelling::Same }
}

pub(super) const fn only_tf(tf: &'static [&'static str], default: &'static str) -> Argument {
    Argument { tf, keras: "", place: Place::Tf, tf_default: default, keras_default: "", spelling: Spelling::Same }
}

pub(super) const fn only_keras(keras: &'static str, default: &'static str) -> Argument {
    Argument { tf: &[], keras, place: Place::Keras, tf_default: "", keras_default: default, spelling: Spelling::Same }
}

impl Argument {
    pub(super) const fn spelled(mut self, spelling: Spelling) -> Argument {
        self.spelling = spelling;
        self
    }

    pub(super) const fn keras_default(mut self, default: &'static str) -> Argument {
        self.keras_default = default;
        self
    }

    pub(super) const fn at(mut self, place: Place) -> Argument {
        self.place = place;
        self
    }
}

pub(super) const fn row(
    function: &'static str,
    aliases: &'static [&'static str],
    classes: &'static [&'static str],
    module: &'static str,
    arguments: &'static [Argument],
    (types, casts): (Types, Casts),
) -> Operation {
    Operation { function, aliases, classes, module, arguments, types, casts, form: Form::Plain, way: Way::Both }
}

impl Operation {
    pub(super) const fn form(mut self, form: Form) -> Operation {
        self.form = form;
        self
    }

    pub(super) const fn only(mut self, way: Way) -> Operation {
        self.way = way;
        self
    }
}
