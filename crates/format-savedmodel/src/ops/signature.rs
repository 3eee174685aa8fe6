//! The tensors that go into and come out of one node.

use super::{ArgSpec, ArgType, Attrs, OpSpec};
use crate::messages::DataType;
use crate::{Error, Result};

/// Inputs and outputs of a node, lists of tensors resolved by the node's attributes.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSignature<'a> {
    /// Inputs in order.
    pub inputs: Vec<Port<'a>>,
    /// Outputs in order.
    pub outputs: Vec<Port<'a>>,
}

/// One named input or output.
#[derive(Clone, Debug, PartialEq)]
pub struct Port<'a> {
    /// The name.
    pub name: &'a str,
    /// Place of its first tensor, counted over all inputs or outputs.
    pub first: usize,
    /// The types of its tensors, `_ref` for references.
    pub types: Vec<DataType>,
}

impl<'a> NodeSignature<'a> {
    pub(super) fn new(spec: &'a OpSpec, attrs: &Attrs<'_>) -> Result<NodeSignature<'a>> {
        Ok(NodeSignature { inputs: ports(&spec.inputs, attrs)?, outputs: ports(&spec.outputs, attrs)? })
    }

    /// The place of `output:index`, counted over all outputs.
    pub fn output(&self, name: &str, index: usize) -> Option<usize> {
        let port = self.outputs.iter().find(|port| port.name == name)?;
        (index < port.types.len()).then_some(port.first + index)
    }
}

/// Tensors a node may have: a hostile `N` must not make a list of that length.
const MAX_TENSORS: i64 = 1 << 20;

fn ports<'a>(args: &'a [ArgSpec], attrs: &Attrs<'_>) -> Result<Vec<Port<'a>>> {
    let mut ports = Vec::with_capacity(args.len());
    let mut first = 0;
    for arg in args {
        let mut types = match &arg.ty {
            ArgType::Fixed(dtype) => vec![*dtype],
            ArgType::Attr(attr) => vec![attrs.dtype(attr)?],
            ArgType::List(attr) => attrs.dtypes(attr)?,
        };
        if let Some(attr) = &arg.number_attr {
            let number = attrs.int(attr)?;
            if !(0..=MAX_TENSORS).contains(&number) {
                let expected = format!("0 to {MAX_TENSORS} tensors");
                return Err(Error::invalid("attribute", format!("`{attr}`"), expected, number.to_string()));
            }
            types = types.repeat(number as usize);
        }
        if arg.is_ref {
            types.iter_mut().for_each(|dtype| *dtype = DataType(dtype.without_ref().0 + 100));
        }
        let length = types.len();
        ports.push(Port { name: &arg.name, first, types });
        first += length;
    }
    Ok(ports)
}
