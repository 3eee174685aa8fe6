//! Making and reading values of attributes.

use crate::messages::attr_value::Value;
use crate::messages::{AttrList, AttrValue, DataType, NameAttrList, TensorProto, TensorShapeProto};

impl From<Value> for AttrValue {
    fn from(value: Value) -> AttrValue {
        AttrValue { value: Some(value), ..AttrValue::default() }
    }
}

impl AttrValue {
    /// An `int`.
    pub fn int(value: i64) -> AttrValue {
        Value::I(value).into()
    }

    /// A `float`.
    pub fn float(value: f32) -> AttrValue {
        Value::F(value).into()
    }

    /// A `bool`.
    pub fn boolean(value: bool) -> AttrValue {
        Value::B(value).into()
    }

    /// A `string`.
    pub fn string(value: impl AsRef<[u8]>) -> AttrValue {
        Value::S(value.as_ref().to_vec()).into()
    }

    /// A `type`.
    pub fn dtype(value: impl Into<DataType>) -> AttrValue {
        Value::Type(value.into()).into()
    }

    /// A `shape`.
    pub fn shape(value: TensorShapeProto) -> AttrValue {
        Value::Shape(Box::new(value)).into()
    }

    /// A `tensor`.
    pub fn tensor(value: &kerox_tensor::Tensor) -> AttrValue {
        Value::Tensor(Box::new(TensorProto::from_tensor(value))).into()
    }

    /// A `func` without attributes.
    pub fn func(name: impl Into<String>) -> AttrValue {
        Value::Func(Box::new(NameAttrList { name: name.into(), ..NameAttrList::default() })).into()
    }

    /// A `list(int)`.
    pub fn ints(values: impl IntoIterator<Item = i64>) -> AttrValue {
        AttrValue::list(AttrList { i: values.into_iter().collect(), ..AttrList::default() })
    }

    /// A `list(type)`.
    pub fn dtypes(values: impl IntoIterator<Item = DataType>) -> AttrValue {
        AttrValue::list(AttrList { r#type: values.into_iter().collect(), ..AttrList::default() })
    }

    /// A `list(shape)`.
    pub fn shapes(values: impl IntoIterator<Item = TensorShapeProto>) -> AttrValue {
        AttrValue::list(AttrList { shape: values.into_iter().collect(), ..AttrList::default() })
    }

    /// A list of any type.
    pub fn list(list: AttrList) -> AttrValue {
        Value::List(Box::new(list)).into()
    }

    /// The shape, where this is one.
    pub fn as_shape(&self) -> Option<&TensorShapeProto> {
        match &self.value {
            Some(Value::Shape(shape)) => Some(shape),
            _ => None,
        }
    }

    /// The function's name, where this is a `func`.
    pub fn as_func(&self) -> Option<&str> {
        match &self.value {
            Some(Value::Func(func)) => Some(&func.name),
            _ => None,
        }
    }
}
