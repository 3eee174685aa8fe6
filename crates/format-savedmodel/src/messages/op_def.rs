//! tensorflow/core/framework/op_def.proto

use super::{AttrValue, DataType, DtypeAndShape};

message! {
    /// The declaration of an operation, and a function's signature.
    OpDef {
        /// The name.
        single 1 name: String,
        /// Inputs.
        repeated 2 input_arg: ArgDef,
        /// Outputs.
        repeated 3 output_arg: ArgDef,
        /// Attributes.
        repeated 4 attr: AttrDef,
        /// One line for people.
        single 5 summary: String,
        /// More for people.
        single 6 description: String,
        /// Since when it should not be used.
        message 8 deprecation: OpDeprecation,
        /// Whether it adds up any number of inputs of one type.
        single 16 is_aggregate: bool,
        /// Whether it has state or effects.
        single 17 is_stateful: bool,
        /// Whether its two inputs may be exchanged.
        single 18 is_commutative: bool,
        /// Whether inputs may be variables without value.
        single 19 allows_uninitialized_input: bool,
        /// Of a function: names of its control outputs, keys of `control_ret`.
        repeated 20 control_output: String,
        /// Whether it talks to other machines.
        single 21 is_distributed_communication: bool,
    }
}

message! {
    /// An input or output. (`OpDef.ArgDef`.)
    ArgDef {
        /// The name.
        single 1 name: String,
        /// For people.
        single 2 description: String,
        /// The type, when it is fixed.
        single 3 r#type: DataType,
        /// The attribute that holds the type.
        single 4 type_attr: String,
        /// The attribute that holds the number of tensors.
        single 5 number_attr: String,
        /// The attribute that holds the list of types.
        single 6 type_list_attr: String,
        /// Of a resource: what it holds.
        repeated 7 handle_data: DtypeAndShape,
        /// Whether it is a reference to a variable (TensorFlow 1).
        single 16 is_ref: bool,
    }
}

message! {
    /// An attribute. (`OpDef.AttrDef`.)
    AttrDef {
        /// The name.
        single 1 name: String,
        /// `int`, `list(type)` and so on.
        single 2 r#type: String,
        /// The value of a missing attribute.
        message 3 default_value: AttrValue,
        /// For people.
        single 4 description: String,
        /// Whether `minimum` counts.
        single 5 has_minimum: bool,
        /// The lowest number or the shortest list.
        single 6 minimum: i64,
        /// A list of the values allowed.
        message 7 allowed_values: AttrValue,
    }
}

message! {
    /// Since when an operation should not be used.
    OpDeprecation {
        /// Graph version.
        single 1 version: i32,
        /// What to use instead.
        single 2 explanation: String,
    }
}

message! {
    /// Operations.
    OpList {
        /// The operations.
        repeated 1 op: OpDef,
    }
}
