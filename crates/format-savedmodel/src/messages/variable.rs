//! tensorflow/core/framework/variable.proto

enumeration! {
    /// How copies of a variable are kept equal.
    VariableSynchronization {
        0 VARIABLE_SYNCHRONIZATION_AUTO, 1 VARIABLE_SYNCHRONIZATION_NONE, 2 VARIABLE_SYNCHRONIZATION_ON_WRITE,
        3 VARIABLE_SYNCHRONIZATION_ON_READ,
    }
}

enumeration! {
    /// How copies of a variable become one.
    VariableAggregation {
        0 VARIABLE_AGGREGATION_NONE, 1 VARIABLE_AGGREGATION_SUM, 2 VARIABLE_AGGREGATION_MEAN,
        3 VARIABLE_AGGREGATION_ONLY_FIRST_REPLICA,
    }
}

message! {
    /// A variable of a TensorFlow 1 graph.
    VariableDef {
        /// The tensor that is the variable, or of a resource variable its handle.
        single 1 variable_name: String,
        /// The node that initializes it.
        single 2 initializer_name: String,
        /// The tensor that reads it.
        single 3 snapshot_name: String,
        /// Which part of a partitioned variable this is.
        message 4 save_slice_info_def: SaveSliceInfoDef,
        /// Whether it is a resource variable.
        single 5 is_resource: bool,
        /// The tensor that holds its initial value.
        single 6 initial_value_name: String,
        /// Whether training changes it.
        single 7 trainable: bool,
        /// How copies are kept equal.
        single 8 synchronization: VariableSynchronization,
        /// How copies become one.
        single 9 aggregation: VariableAggregation,
    }
}

message! {
    /// A part of a partitioned variable.
    SaveSliceInfoDef {
        /// The whole variable's name, which is its key in checkpoints.
        single 1 full_name: String,
        /// The whole variable's shape.
        repeated 2 full_shape: i64,
        /// Where this part begins.
        repeated 3 var_offset: i64,
        /// This part's shape.
        repeated 4 var_shape: i64,
    }
}
