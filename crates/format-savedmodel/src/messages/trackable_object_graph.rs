//! tensorflow/core/protobuf/trackable_object_graph.proto

message! {
    /// The objects of a checkpoint, node 0 being the root.
    TrackableObjectGraph {
        /// The objects.
        repeated 1 nodes: TrackableObject,
    }
}

message! {
    /// An object. (`TrackableObjectGraph.TrackableObject`.)
    TrackableObject {
        /// The objects it names.
        repeated 1 children: ObjectReference,
        /// Its values.
        repeated 2 attributes: SerializedTensor,
        /// Of an optimizer: its slot variables.
        repeated 3 slot_variables: SlotVariableReference,
        /// Its own way of saving.
        message 4 registered_saver: RegisteredSaver,
        /// Whether it or an object below it has values.
        message 5 has_checkpoint_values: BoolValue,
    }
}

message! {
    /// A named edge to an object.
    ObjectReference {
        /// The object.
        single 1 node_id: i32,
        /// The name: a Python attribute, or the place in a list.
        single 2 local_name: String,
    }
}

message! {
    /// A value in the checkpoint.
    SerializedTensor {
        /// `VARIABLE_VALUE` for variables.
        single 1 name: String,
        /// The variable's name.
        single 2 full_name: String,
        /// The key in the checkpoint.
        single 3 checkpoint_key: String,
    }
}

message! {
    /// A slot variable of an optimizer.
    SlotVariableReference {
        /// The variable the slot belongs to.
        single 1 original_variable_node_id: i32,
        /// The slot's name: `m`, `v`.
        single 2 slot_name: String,
        /// The slot.
        single 3 slot_variable_node_id: i32,
    }
}

message! {
    /// An own way of saving.
    RegisteredSaver {
        /// Its registered name.
        single 1 name: String,
        /// The object's name in it.
        single 2 object_name: String,
    }
}

message! {
    /// A bool whose presence counts. (`google.protobuf.BoolValue`.)
    BoolValue {
        /// The bool.
        single 1 value: bool,
    }
}
