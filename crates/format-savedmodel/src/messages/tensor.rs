//! tensorflow/core/framework/tensor.proto

use super::{DataType, ResourceHandleProto, TensorShapeProto};

message! {
    /// A tensor with its elements, either as bytes or one by one.
    TensorProto {
        /// The type of the elements.
        single 1 dtype: DataType,
        /// The lengths of the axes.
        message 2 tensor_shape: TensorShapeProto,
        /// Version of the form; 0.
        single 3 version_number: i32,
        /// All elements, little-endian, row-major; when empty, one of the lists below holds them.
        single 4 tensor_content: Vec<u8>,
        /// float. As in all these lists, a list shorter than the tensor repeats its last value.
        repeated 5 float_val: f32,
        /// double.
        repeated 6 double_val: f64,
        /// int32, int16, uint16, int8, uint8 and the quantized types.
        repeated 7 int_val: i32,
        /// string.
        repeated 8 string_val: Vec<u8>,
        /// complex64: real and imaginary part in turn.
        repeated 9 scomplex_val: f32,
        /// int64.
        repeated 10 int64_val: i64,
        /// bool.
        repeated 11 bool_val: bool,
        /// complex128: real and imaginary part in turn.
        repeated 12 dcomplex_val: f64,
        /// half and bfloat16: the bits.
        repeated 13 half_val: i32,
        /// resource.
        repeated 14 resource_handle_val: ResourceHandleProto,
        /// variant.
        repeated 15 variant_val: VariantTensorDataProto,
        /// uint32.
        repeated 16 uint32_val: u32,
        /// uint64.
        repeated 17 uint64_val: u64,
        /// The 8-bit floats: one byte each.
        single 18 float8_val: Vec<u8>,
    }
}

message! {
    /// A value of type variant.
    VariantTensorDataProto {
        /// The C++ type's name.
        single 1 type_name: String,
        /// What is not a tensor.
        single 2 metadata: Vec<u8>,
        /// What is.
        repeated 3 tensors: TensorProto,
    }
}
