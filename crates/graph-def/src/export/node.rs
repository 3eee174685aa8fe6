//! One node as TensorFlow declares its operation.

use kerox_format_savedmodel::messages::{AttrValue, DataType, NodeDef};
use kerox_format_savedmodel::ops::{ArgSpec, ArgType, Attrs, OpSpec, known_ops};
use kerox_graph::ValueInfo;

use crate::{Error, Result};

/// What a node is made from.
pub(super) struct NodeParts<'a> {
    pub name: String,
    pub op: &'a str,
    pub attrs: Vec<(&'static str, AttrValue)>,
    /// The names of the tensors that go in, then control inputs.
    pub inputs: Vec<String>,
    pub input_infos: &'a [ValueInfo],
    pub output_infos: &'a [ValueInfo],
    /// Handles of variables among the inputs, behind those of `input_infos`.
    pub resources: usize,
}

/// Makes the node: attributes that hold types or numbers of inputs are filled in from these, defaults are left out.
///
/// # Errors
/// [`Error::Export`] where TensorFlow has no such operation or attribute, or one is missing.
pub(super) fn node_def(parts: NodeParts<'_>) -> Result<NodeDef> {
    let NodeParts { name, op, attrs, inputs, input_infos, output_infos, resources } = parts;
    let spec = known_ops().get(op).ok_or_else(|| {
        Error::export("node", &name, "an operation that TensorFlow has", format!("`{op}`, which cannot be replaced"))
    })?;
    let mut node = NodeDef { name, op: op.into(), input: inputs, ..NodeDef::default() };
    for (name, value) in attrs {
        let Some(attr) = spec.attr(name) else {
            let expected = format!("attributes of {op}");
            return Err(Error::export("node", &node.name, expected, format!("an attribute `{name}`")));
        };
        if attr.default.as_ref() != Some(&value) {
            node.attr.insert(name.to_owned(), value);
        }
    }
    let mut types: Vec<DataType> = input_infos.iter().map(|info| info.dtype.into()).collect();
    types.extend(std::iter::repeat_n(DataType::DT_RESOURCE, resources));
    deduce(&mut node, spec, &spec.inputs, &types);
    let results: Vec<DataType> = output_infos.iter().map(|info| info.dtype.into()).collect();
    deduce(&mut node, spec, &spec.outputs, &results);
    let missing = spec.attrs.iter().find(|attr| attr.default.is_none() && !node.attr.contains_key(&attr.name));
    if let Some(missing) = missing {
        let expected = format!("attribute `{}` of {op}", missing.name);
        return Err(Error::export("node", &node.name, expected, "none"));
    }
    Ok(node)
}

/// Fills in attributes that follow from types and number of the tensors.
fn deduce(node: &mut NodeDef, spec: &OpSpec, args: &[ArgSpec], types: &[DataType]) {
    let set = |node: &mut NodeDef, name: &str, value: AttrValue| {
        let default = spec.attr(name).and_then(|attr| attr.default.as_ref());
        if !node.attr.contains_key(name) && default != Some(&value) {
            node.attr.insert(name.to_owned(), value);
        }
    };
    let mut at = 0;
    for (place, arg) in args.iter().enumerate() {
        let after = args.len() - place - 1;
        let rest = types.len().saturating_sub(at + after);
        let count = match (&arg.number_attr, &arg.ty) {
            (Some(number), _) => {
                set(node, number, AttrValue::int(rest as i64));
                rest
            }
            (None, ArgType::List(list)) => {
                let part = types.get(at..at + rest).unwrap_or(&[]);
                set(node, list, AttrValue::dtypes(part.iter().copied()));
                rest
            }
            _ => 1,
        };
        if let (ArgType::Attr(attr), Some(&dtype)) = (&arg.ty, types.get(at)) {
            set(node, attr, AttrValue::dtype(dtype));
        }
        at += count;
    }
}

/// The tensors that come out of a node by the names with which functions refer to them: `node:output:index`.
///
/// # Errors
/// Where the node's attributes do not fit its operation.
pub(super) fn output_names(node: &NodeDef) -> Result<Vec<String>> {
    let signature = Attrs::new(node, known_ops().get(&node.op)).signature()?;
    let ports = signature.outputs.iter();
    Ok(ports.flat_map(|port| (0..port.types.len()).map(|k| format!("{}:{}:{k}", node.name, port.name))).collect())
}

/// Whether the operation has a state or changes something.
pub(super) fn is_stateful(op: &str) -> bool {
    known_ops().get(op).is_some_and(|spec| spec.stateful)
}
