//! The declaration of an operation.

use crate::messages::{ArgDef, AttrValue, DataType, OpDef};

/// An operation.
#[derive(Clone, Debug, PartialEq)]
pub struct OpSpec {
    /// The name.
    pub name: String,
    /// Whether it has state or effects: it must not be removed or merged with another.
    pub stateful: bool,
    /// Inputs.
    pub inputs: Vec<ArgSpec>,
    /// Outputs.
    pub outputs: Vec<ArgSpec>,
    /// Attributes.
    pub attrs: Vec<AttrSpec>,
}

/// An input or output.
#[derive(Clone, Debug, PartialEq)]
pub struct ArgSpec {
    /// The name.
    pub name: String,
    /// The type of the elements.
    pub ty: ArgType,
    /// The attribute that holds the number of tensors, where it is not one.
    pub number_attr: Option<String>,
    /// Whether it is a reference to a variable (TensorFlow 1).
    pub is_ref: bool,
}

/// Where the type of an input or output comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgType {
    /// It is always this one.
    Fixed(DataType),
    /// An attribute of type `type`.
    Attr(String),
    /// An attribute of type `list(type)`: as many tensors as it has types.
    List(String),
}

/// An attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct AttrSpec {
    /// The name.
    pub name: String,
    /// `int`, `list(type)` and so on.
    pub ty: String,
    /// The value of a missing attribute.
    pub default: Option<AttrValue>,
}

impl OpSpec {
    /// The declaration in a message: of an operation, or of a function.
    pub fn from_op_def(def: &OpDef) -> OpSpec {
        let attr = |attr: &crate::messages::AttrDef| AttrSpec {
            name: attr.name.clone(),
            ty: attr.r#type.clone(),
            default: attr.default_value.as_deref().cloned(),
        };
        OpSpec {
            name: def.name.clone(),
            stateful: def.is_stateful,
            inputs: def.input_arg.iter().map(ArgSpec::from_arg_def).collect(),
            outputs: def.output_arg.iter().map(ArgSpec::from_arg_def).collect(),
            attrs: def.attr.iter().map(attr).collect(),
        }
    }

    /// An attribute by name.
    pub fn attr(&self, name: &str) -> Option<&AttrSpec> {
        self.attrs.iter().find(|attr| attr.name == name)
    }
}

impl ArgSpec {
    fn from_arg_def(def: &ArgDef) -> ArgSpec {
        let ty = match (def.type_attr.as_str(), def.type_list_attr.as_str()) {
            ("", "") => ArgType::Fixed(def.r#type),
            ("", list) => ArgType::List(list.to_owned()),
            (attr, _) => ArgType::Attr(attr.to_owned()),
        };
        let number_attr = Some(def.number_attr.clone()).filter(|attr| !attr.is_empty());
        ArgSpec { name: def.name.clone(), ty, number_attr, is_ref: def.is_ref }
    }
}
