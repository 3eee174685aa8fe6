//! Attributes of nodes as the graph's operations take them.

use kerox_format_savedmodel::messages::attr_value::Value;
use kerox_format_savedmodel::messages::{AttrList, AttrValue, DataType, NodeDef, TensorShapeProto};
use kerox_format_savedmodel::ops::{AttrSpec, OpSpec};
use kerox_graph::{Attr, Attrs, Dims};
use kerox_tensor::DType;

use crate::{Error, Result};

/// All attributes of a node, those with default values included, functions without their bodies.
pub(crate) fn attrs_of(node: &NodeDef, spec: Option<&OpSpec>) -> Result<Attrs> {
    let mut attrs = Attrs::new(node.op.as_str(), node.name.as_str());
    for attr in spec.iter().flat_map(|spec| &spec.attrs) {
        match (node.attr.get(&attr.name), &attr.default) {
            (Some(given), _) => check_kind(node, attr, given)?,
            (None, Some(default)) => {
                if let Some(value) = attr_of(node, &attr.name, default)? {
                    attrs.insert(attr.name.as_str(), value);
                }
            }
            (None, None) => return Err(wrong(node, &attr.name, &format!("a value of kind {}", attr.ty), "none")),
        }
    }
    for (name, value) in node.attr.iter().filter(|(name, _)| !name.starts_with('_')) {
        if let Some(value) = attr_of(node, name, value)? {
            attrs.insert(name.as_str(), value);
        }
    }
    Ok(attrs)
}

/// Whether a value is of the kind that the operation declares, as TensorFlow checks when it loads a graph.
fn check_kind(node: &NodeDef, attr: &AttrSpec, given: &AttrValue) -> Result<()> {
    let kind = match &given.value {
        Some(Value::S(_)) => "string",
        Some(Value::I(_)) => "int",
        Some(Value::F(_)) => "float",
        Some(Value::B(_)) => "bool",
        Some(Value::Type(_)) => "type",
        Some(Value::Shape(_)) => "shape",
        Some(Value::Tensor(_)) => "tensor",
        Some(Value::Func(_)) => "func",
        Some(Value::List(_)) => "list",
        Some(_) => "another",
        None => "none",
    };
    let fits = if attr.ty.starts_with("list(") { kind == "list" } else { kind == attr.ty };
    match fits {
        true => Ok(()),
        false => Err(wrong(node, &attr.name, &format!("a value of kind {}", attr.ty), format!("one of kind {kind}"))),
    }
}

fn wrong(node: &NodeDef, name: &str, expected: &str, found: impl Into<String>) -> Error {
    Error::invalid("node", &node.name, format!("{expected} in attribute `{name}` of {}", node.op), found)
}

fn attr_of(node: &NodeDef, name: &str, value: &AttrValue) -> Result<Option<Attr>> {
    let Some(value) = &value.value else { return Ok(None) };
    Ok(Some(match value {
        Value::S(s) => Attr::String(s.clone()),
        Value::I(i) => Attr::Int(*i),
        Value::F(f) => Attr::Float(*f),
        Value::B(b) => Attr::Bool(*b),
        Value::Type(dtype) => Attr::Type(dtype_of(node, name, *dtype)?),
        Value::Shape(shape) => Attr::Shape(dims_of(&node.name, shape)?),
        Value::Tensor(tensor) => Attr::Tensor(tensor.to_tensor(&node.name)?),
        Value::Func(func) => Attr::Func(func.name.clone(), None),
        Value::List(list) => Attr::List(list_of(node, name, list)?),
        _ => return Err(wrong(node, name, "a value", "a parameter of the function or another kind")),
    }))
}

fn list_of(node: &NodeDef, name: &str, list: &AttrList) -> Result<Vec<Attr>> {
    let mut items = Vec::new();
    items.extend(list.s.iter().map(|s| Attr::String(s.clone())));
    items.extend(list.i.iter().map(|&i| Attr::Int(i)));
    items.extend(list.f.iter().map(|&f| Attr::Float(f)));
    items.extend(list.b.iter().map(|&b| Attr::Bool(b)));
    for &dtype in &list.r#type {
        items.push(Attr::Type(dtype_of(node, name, dtype)?));
    }
    for shape in &list.shape {
        items.push(Attr::Shape(dims_of(&node.name, shape)?));
    }
    for tensor in &list.tensor {
        items.push(Attr::Tensor(tensor.to_tensor(&node.name)?));
    }
    items.extend(list.func.iter().map(|func| Attr::Func(func.name.clone(), None)));
    Ok(items)
}

fn dtype_of(node: &NodeDef, name: &str, dtype: DataType) -> Result<DType> {
    dtype.dtype().ok_or_else(|| wrong(node, name, "a type this library has", format!("{dtype:?}")))
}

/// A shape as the graph knows it.
pub(crate) fn dims_of(place: &str, shape: &TensorShapeProto) -> Result<Dims> {
    if let Some(axis) = shape.dim.iter().find(|axis| axis.size < -1) {
        return Err(Error::invalid(
            "node",
            place,
            "lengths of axes from 0 on, or -1 for unknown",
            axis.size.to_string(),
        ));
    }
    let Some(axes) = shape.dims() else { return Ok(Dims::unknown()) };
    Ok(axes.into_iter().map(|axis| axis.and_then(|n| usize::try_from(n).ok())).collect())
}
