//! tensorflow/core/framework/function.proto

use super::{AttrValue, NodeDef, OpDef};
use crate::wire::Map;

message! {
    /// The functions of a graph.
    FunctionDefLibrary {
        /// Functions.
        repeated 1 function: FunctionDef,
        /// Which function is the gradient of which (TensorFlow 1).
        repeated 2 gradient: GradientDef,
        /// Gradients registered in Python.
        repeated 3 registered_gradients: RegisteredGradient,
    }
}

message! {
    /// A function: a graph with arguments and results.
    FunctionDef {
        /// Name, arguments and results.
        message 1 signature: OpDef,
        /// The nodes, in any order.
        repeated 3 node_def: NodeDef,
        /// From the name of a result to the tensor: `node:output:index` or an argument.
        map 4 ret: Map<String, String>,
        /// Attributes of the function.
        map 5 attr: Map<String, AttrValue>,
        /// From the name of a control output to the node that has to run.
        map 6 control_ret: Map<String, String>,
        /// From the index of an argument to its attributes.
        map 7 arg_attr: Map<u32, ArgAttrs>,
        /// From the index of a resource argument to a number that the same resource shares.
        map 8 resource_arg_unique_id: Map<u32, u32>,
    }
}

message! {
    /// Attributes of an argument. (`FunctionDef.ArgAttrs`.)
    ArgAttrs {
        /// The attributes.
        map 1 attr: Map<String, AttrValue>,
    }
}

message! {
    /// The gradient of a function.
    GradientDef {
        /// The function.
        single 1 function_name: String,
        /// Its gradient.
        single 2 gradient_func: String,
    }
}

message! {
    /// A gradient registered for an operation.
    RegisteredGradient {
        /// The function.
        single 1 gradient_func: String,
        /// The operation.
        single 2 registered_op_type: String,
    }
}
