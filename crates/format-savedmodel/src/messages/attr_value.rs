//! tensorflow/core/framework/attr_value.proto

use super::{DataType, TensorProto, TensorShapeProto};
use crate::wire::Map;

message! {
    /// The value of an attribute.
    AttrValue {
        /// The value; the attribute's declaration says which kind it has to be.
        oneof 1|2|3|4|5|6|7|8|9|10 value: Value,
    }
}

oneof! {
    /// The kinds of [`AttrValue`].
    Value {
        /// `list(...)`.
        1 List list: Box<AttrList>,
        /// `string`.
        2 S s: Vec<u8>,
        /// `int`.
        3 I i: i64,
        /// `float`.
        4 F f: f32,
        /// `bool`.
        5 B b: bool,
        /// `type`.
        6 Type r#type: DataType,
        /// `shape`.
        7 Shape shape: Box<TensorShapeProto>,
        /// `tensor`.
        8 Tensor tensor: Box<TensorProto>,
        /// In a function: the name of the function's attribute that is to take this place.
        9 Placeholder placeholder: String,
        /// `func`: a function and its attributes.
        10 Func func: Box<NameAttrList>,
    }
}

message! {
    /// A list; one of the fields holds it, and an empty list is of any kind. (`AttrValue.ListValue`.)
    AttrList {
        /// `list(string)`.
        repeated 2 s: Vec<u8>,
        /// `list(int)`.
        repeated 3 i: i64,
        /// `list(float)`.
        repeated 4 f: f32,
        /// `list(bool)`.
        repeated 5 b: bool,
        /// `list(type)`.
        repeated 6 r#type: DataType,
        /// `list(shape)`.
        repeated 7 shape: TensorShapeProto,
        /// `list(tensor)`.
        repeated 8 tensor: TensorProto,
        /// `list(func)`.
        repeated 9 func: NameAttrList,
    }
}

message! {
    /// A function's name and attributes.
    NameAttrList {
        /// The name.
        single 1 name: String,
        /// The attributes.
        map 2 attr: Map<String, AttrValue>,
    }
}
