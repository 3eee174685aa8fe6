//! tensorflow/core/protobuf/struct.proto

use super::{DataType, TensorProto, TensorShapeProto};
use crate::wire::{Map, Zigzag};

message! {
    /// A Python value made of lists, tuples, dictionaries and leaves.
    StructuredValue {
        /// The value.
        oneof 1|11|12|13|14|31|32|33|34|35|51|52|53|54|55|56 kind: Kind,
    }
}

oneof! {
    /// The kinds of [`StructuredValue`].
    Kind {
        /// `None`.
        1 None none_value: NoneValue,
        /// A float.
        11 Float64 float64_value: f64,
        /// An integer.
        12 Int64 int64_value: Zigzag,
        /// A string.
        13 String string_value: String,
        /// A bool.
        14 Bool bool_value: bool,
        /// A shape.
        31 TensorShape tensor_shape_value: Box<TensorShapeProto>,
        /// A type of elements.
        32 TensorDtype tensor_dtype_value: DataType,
        /// A `tf.TensorSpec`.
        33 TensorSpec tensor_spec_value: Box<TensorSpecProto>,
        /// Any other `tf.TypeSpec`.
        34 TypeSpec type_spec_value: Box<TypeSpecProto>,
        /// A `BoundedTensorSpec`.
        35 BoundedTensorSpec bounded_tensor_spec_value: Box<BoundedTensorSpecProto>,
        /// A list.
        51 List list_value: ListValue,
        /// A tuple.
        52 Tuple tuple_value: TupleValue,
        /// A dictionary.
        53 Dict dict_value: DictValue,
        /// A named tuple.
        54 NamedTuple named_tuple_value: Box<NamedTupleValue>,
        /// A `tf.Tensor`.
        55 Tensor tensor_value: Box<TensorProto>,
        /// A numpy array.
        56 Numpy numpy_value: Box<TensorProto>,
    }
}

message! {
    /// `None`.
    NoneValue {}
}

message! {
    /// A list.
    ListValue {
        /// The elements.
        repeated 1 values: StructuredValue,
    }
}

message! {
    /// A tuple.
    TupleValue {
        /// The elements.
        repeated 1 values: StructuredValue,
    }
}

message! {
    /// A dictionary.
    DictValue {
        /// The entries.
        map 1 fields: Map<String, StructuredValue>,
    }
}

message! {
    /// A field of a named tuple.
    PairValue {
        /// The name.
        single 1 key: String,
        /// The value.
        message 2 value: StructuredValue,
    }
}

message! {
    /// A named tuple.
    NamedTupleValue {
        /// The type's name.
        single 1 name: String,
        /// The fields.
        repeated 2 values: PairValue,
    }
}

message! {
    /// A `tf.TensorSpec`.
    TensorSpecProto {
        /// The name.
        single 1 name: String,
        /// The lengths of the axes.
        message 2 shape: TensorShapeProto,
        /// The type of the elements.
        single 3 dtype: DataType,
    }
}

message! {
    /// A `BoundedTensorSpec`.
    BoundedTensorSpecProto {
        /// The name.
        single 1 name: String,
        /// The lengths of the axes.
        message 2 shape: TensorShapeProto,
        /// The type of the elements.
        single 3 dtype: DataType,
        /// The lowest values.
        message 4 minimum: TensorProto,
        /// The highest values.
        message 5 maximum: TensorProto,
    }
}

enumeration! {
    /// The classes of [`TypeSpecProto`].
    TypeSpecClass {
        0 UNKNOWN, 1 SPARSE_TENSOR_SPEC, 2 INDEXED_SLICES_SPEC, 3 RAGGED_TENSOR_SPEC, 4 TENSOR_ARRAY_SPEC,
        5 DATA_DATASET_SPEC, 6 DATA_ITERATOR_SPEC, 7 OPTIONAL_SPEC, 8 PER_REPLICA_SPEC, 9 VARIABLE_SPEC,
        10 ROW_PARTITION_SPEC, 12 REGISTERED_TYPE_SPEC, 13 EXTENSION_TYPE_SPEC,
    }
}

message! {
    /// A `tf.TypeSpec`.
    TypeSpecProto {
        /// Its class.
        single 1 type_spec_class: TypeSpecClass,
        /// Its content.
        message 2 type_state: StructuredValue,
        /// Its class's name.
        single 3 type_spec_class_name: String,
        /// Tensors a value has.
        single 4 num_flat_components: i32,
    }
}
