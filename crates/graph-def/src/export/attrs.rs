//! The values of attributes.

use kerox_format_savedmodel::messages::attr_value::Value;
use kerox_format_savedmodel::messages::{AttrList, AttrValue, NameAttrList, TensorProto, TensorShapeProto};
use kerox_graph::{Attr, Dims};

use crate::{Error, Result};

/// A shape as a message.
pub(super) fn shape_of(dims: &Dims) -> TensorShapeProto {
    match dims.axes() {
        Some(axes) => TensorShapeProto::from_dims(&axes.iter().map(|a| a.map(|n| n as u64)).collect::<Vec<_>>()),
        None => TensorShapeProto::unknown(),
    }
}

/// An attribute as a message; the names of functions are replaced by those in the library.
pub(super) fn attr_of(node: &str, name: &str, attr: &Attr, functions: &[(String, String)]) -> Result<AttrValue> {
    let function = |name: &str| {
        let found = functions.iter().find(|(old, _)| old == name);
        found.map_or_else(|| name.to_string(), |(_, new)| new.clone())
    };
    Ok(match attr {
        Attr::Int(i) => AttrValue::int(*i),
        Attr::Float(f) => AttrValue::float(*f),
        Attr::Bool(b) => AttrValue::boolean(*b),
        Attr::String(s) => AttrValue::string(s),
        Attr::Type(dtype) => AttrValue::dtype(*dtype),
        Attr::Shape(dims) => AttrValue::shape(shape_of(dims)),
        Attr::Tensor(tensor) => AttrValue::tensor(tensor),
        Attr::Func(name, _) => AttrValue::func(function(name)),
        Attr::List(items) => {
            let mut list = AttrList::default();
            for item in items {
                match item {
                    Attr::Int(i) => list.i.push(*i),
                    Attr::Float(f) => list.f.push(*f),
                    Attr::Bool(b) => list.b.push(*b),
                    Attr::String(s) => list.s.push(s.clone()),
                    Attr::Type(dtype) => list.r#type.push((*dtype).into()),
                    Attr::Shape(dims) => list.shape.push(shape_of(dims)),
                    Attr::Tensor(tensor) => list.tensor.push(TensorProto::from_tensor(tensor)),
                    Attr::Func(name, _) => {
                        list.func.push(NameAttrList { name: function(name), ..NameAttrList::default() });
                    }
                    Attr::List(_) => {
                        let expected = format!("plain values in attribute `{name}`");
                        return Err(Error::export("node", node, expected, "lists in a list"));
                    }
                }
            }
            Value::List(Box::new(list)).into()
        }
    })
}
