//! tensorflow/core/framework/resource_handle.proto

use super::{DataType, TensorShapeProto};

message! {
    /// A handle to a resource of a device.
    ResourceHandleProto {
        /// The device.
        single 1 device: String,
        /// The container.
        single 2 container: String,
        /// The resource's name.
        single 3 name: String,
        /// Hash of the C++ type.
        single 4 hash_code: u64,
        /// Name of the C++ type, if known.
        single 5 maybe_type_name: String,
        /// Of a variable: what it holds.
        repeated 6 dtypes_and_shapes: DtypeAndShape,
    }
}

message! {
    /// What a resource holds.
    DtypeAndShape {
        /// The type of the elements.
        single 1 dtype: DataType,
        /// The lengths of the axes.
        message 2 shape: TensorShapeProto,
    }
}
