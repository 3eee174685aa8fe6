//! tensorflow/core/protobuf/saved_object_graph.proto

use super::trackable_object_graph::{ObjectReference, SlotVariableReference};
use super::{
    Any, DataType, StructuredValue, TensorShapeProto, VariableAggregation, VariableSynchronization, VersionDef,
};
use crate::wire::Map;

message! {
    /// The objects of a SavedModel, node 0 being the root.
    SavedObjectGraph {
        /// The objects.
        repeated 1 nodes: SavedObject,
        /// From functions of the library to what they capture.
        map 2 concrete_functions: Map<String, SavedConcreteFunction>,
    }
}

message! {
    /// An object.
    SavedObject {
        /// The objects it names.
        repeated 1 children: ObjectReference,
        /// Of an optimizer in the legacy form: its slot variables.
        repeated 3 slot_variables: SlotVariableReference,
        /// What it is.
        oneof 4|5|6|7|8|9|10|12 kind: Kind,
        /// From names to the functions that save and restore it.
        map 11 saveable_objects: Map<String, SaveableObject>,
        /// Name under which its class is registered.
        single 13 registered_name: String,
        /// What the class saved of itself.
        message 14 serialized_user_proto: Any,
        /// Children that have to exist before it.
        repeated 15 dependencies: ObjectReference,
        /// Name of its own way of saving.
        single 16 registered_saver: String,
    }
}

oneof! {
    /// The kinds of [`SavedObject`].
    Kind {
        /// An object of a class.
        4 UserObject user_object: SavedUserObject,
        /// A file.
        5 Asset asset: SavedAsset,
        /// A `tf.function`.
        6 Function function: SavedFunction,
        /// A variable.
        7 Variable variable: SavedVariable,
        /// One traced function.
        8 BareConcreteFunction bare_concrete_function: SavedBareConcreteFunction,
        /// A constant.
        9 Constant constant: SavedConstant,
        /// A resource such as a table.
        10 Resource resource: SavedResource,
        /// A tensor that a function captured.
        12 CapturedTensor captured_tensor: CapturedTensor,
    }
}

message! {
    /// An object of a class.
    SavedUserObject {
        /// The class's identifier, such as `_tf_keras_layer`.
        single 1 identifier: String,
        /// Version of the class.
        message 2 version: VersionDef,
        /// Up to TensorFlow 2.4: Keras's JSON.
        single 3 metadata: String,
    }
}

message! {
    /// A file.
    SavedAsset {
        /// Its place in `MetaGraphDef.asset_file_def`.
        single 1 asset_file_def_index: i32,
    }
}

message! {
    /// A `tf.function` with its traces.
    SavedFunction {
        /// Names of its traces.
        repeated 1 concrete_functions: String,
        /// Its Python signature.
        message 2 function_spec: FunctionSpec,
    }
}

message! {
    /// A tensor that a function captured.
    CapturedTensor {
        /// The tensor.
        single 1 name: String,
        /// The function.
        single 2 concrete_function: String,
    }
}

message! {
    /// What a function of the library needs and how it is called.
    SavedConcreteFunction {
        /// Nodes whose values are the last arguments, in order.
        repeated 2 bound_inputs: i32,
        /// The arguments: a tuple of positional ones and a dictionary of the others.
        message 3 canonicalized_input_signature: StructuredValue,
        /// The result.
        message 4 output_signature: StructuredValue,
    }
}

message! {
    /// One traced function, callable alone.
    SavedBareConcreteFunction {
        /// The function of the library.
        single 1 concrete_function_name: String,
        /// Names of the arguments.
        repeated 2 argument_keywords: String,
        /// How many may be given by position.
        single 3 allowed_positional_arguments: i64,
        /// Its Python signature.
        message 4 function_spec: FunctionSpec,
    }
}

message! {
    /// A constant.
    SavedConstant {
        /// The graph's node.
        single 1 operation: String,
    }
}

message! {
    /// A variable.
    SavedVariable {
        /// The type of the elements.
        single 1 dtype: DataType,
        /// The lengths of the axes.
        message 2 shape: TensorShapeProto,
        /// Whether training changes it.
        single 3 trainable: bool,
        /// How copies are kept equal.
        single 4 synchronization: VariableSynchronization,
        /// How copies become one.
        single 5 aggregation: VariableAggregation,
        /// The name, without `:0`.
        single 6 name: String,
        /// The device.
        single 7 device: String,
        /// The copies.
        repeated 8 experimental_distributed_variable_components: SavedVariable,
    }
}

enumeration! {
    /// Whether XLA compiles a function.
    JitCompile { 0 DEFAULT, 1 ON, 2 OFF, }
}

message! {
    /// A Python signature.
    FunctionSpec {
        /// A named tuple like `inspect.FullArgSpec`.
        message 1 fullargspec: StructuredValue,
        /// Whether the first argument was `self`.
        single 2 is_method: bool,
        /// The signature the user fixed, or `None`.
        message 5 input_signature: StructuredValue,
        /// Whether XLA compiles it.
        single 6 jit_compile: JitCompile,
    }
}

message! {
    /// A resource.
    SavedResource {
        /// The device.
        single 1 device: String,
    }
}

message! {
    /// How an object is saved and restored.
    SaveableObject {
        /// The node of the function that saves.
        single 2 save_function: i32,
        /// The node of the function that restores.
        single 3 restore_function: i32,
    }
}
