//! One node: what the importer does itself, and what it leaves to the graph's operations.

use std::sync::Arc;

use kerox_format_savedmodel::messages::NodeDef;
use kerox_format_savedmodel::ops::Attrs as NodeAttrs;
use kerox_graph::{Dims, Graph, Op, ops};
use kerox_tensor::{Tensor, Variable};

use crate::attrs::{attrs_of, dims_of};
use crate::handle::{Handle, Slot, Stored};
use crate::import::Importer;
use crate::library::Body;
use crate::{Error, Result};

/// Operations that are no nodes of the imported graph, or others there.
const HERE: &[&str] = &[
    "Assign",
    "AssignAdd",
    "AssignAddVariableOp",
    "AssignSub",
    "AssignSubVariableOp",
    "AssignVariableOp",
    "AutoReloadVariable",
    "ControlTrigger",
    "DestroyResourceOp",
    "DisableCopyOnRead",
    "Einsum",
    "IdentityN",
    "IsVariableInitialized",
    "NoOp",
    "PartitionedCall",
    "PlaceholderWithDefault",
    "PlaceholderV2",
    "ReadVariableOp",
    "ResourceGather",
    "Restore",
    "RestoreSlice",
    "RestoreV2",
    "StatefulPartitionedCall",
    "VarHandleOp",
    "VarIsInitializedOp",
    "Variable",
    "VariableShape",
    "VariableV2",
];

/// Whether the importer knows that operation without the graph's table.
pub(crate) fn is_imported_here(op: &str) -> bool {
    HERE.contains(&op)
}

/// Operations whose object, a table, lives as long as the model and is shared by name.
fn is_resource(op: &str) -> bool {
    matches!(
        op,
        "HashTable"
            | "HashTableV2"
            | "MutableHashTable"
            | "MutableHashTableV2"
            | "MutableDenseHashTableV2"
            | "AnonymousHashTable"
            | "AnonymousMutableHashTable"
    )
}

impl<'a> Importer<'_, 'a> {
    /// Imports a node and gives its outputs. Calls inside calls nest here, so that it needs little of the stack.
    pub(crate) fn node(
        &mut self,
        g: &mut Graph,
        body: &Body<'a>,
        node: &'a NodeDef,
        inputs: Vec<Slot>,
    ) -> Result<Vec<Slot>> {
        let function = match node.op.as_str() {
            "PartitionedCall" | "StatefulPartitionedCall" => {
                NodeAttrs::new(node, self.library.spec(&node.op)).func("f")?.name.as_str()
            }
            name if self.library.function(name).is_some() => name,
            _ => return self.operation(g, body, node, inputs),
        };
        self.call(g, function, &inputs, &node.name)
    }

    fn operation(&mut self, g: &mut Graph, body: &Body<'a>, node: &'a NodeDef, inputs: Vec<Slot>) -> Result<Vec<Slot>> {
        let spec = self.library.spec(&node.op);
        let named = NodeAttrs::new(node, spec);
        let arity = |n: usize| match inputs.len() >= n {
            true => Ok(()),
            false => {
                Err(Error::invalid("node", &node.name, format!("{n} inputs of {}", node.op), inputs.len().to_string()))
            }
        };
        let is_list = node.op.starts_with("TensorList") || matches!(inputs.first(), Some(Slot::List(_)));
        if self.unrolls
            && is_list
            && let Some(slot) = self.list_operation(g, node, &attrs_of(node, spec)?, &inputs)?
        {
            return Ok(vec![slot]);
        }
        match node.op.as_str() {
            "Einsum" => {
                let values = inputs.iter().map(|slot| self.value(g, slot, &node.name)).collect::<Result<Vec<_>>>()?;
                let value = crate::einsum::einsum(g, &node.name, named.string("equation")?, &values)?;
                Ok(vec![Slot::Value(value)])
            }
            "NoOp" | "ControlTrigger" | "DestroyResourceOp" | "DisableCopyOnRead" => Ok(Vec::new()),
            "IdentityN" => Ok(inputs),
            "Identity" if matches!(inputs[..], [Slot::Stored(_)]) => Ok(inputs),
            "Identity" if matches!(&inputs[..], [Slot::Variable(handle)] if !handle.is_ref) => Ok(inputs),
            "PlaceholderWithDefault" => {
                arity(1)?;
                Ok(inputs)
            }
            "Const" | "Placeholder" | "PlaceholderV2"
                if body.function.is_none() && self.state.assets.contains_key(&node.name) =>
            {
                let path = self.state.assets[&node.name].to_string_lossy().into_owned();
                let value = Tensor::from_strings([path.as_bytes()], [])?;
                Ok(vec![self.constant(g, &node.name, value)?])
            }
            "Placeholder" | "PlaceholderV2" => {
                let attrs = attrs_of(node, spec)?;
                let dims = self.placeholder_dims(node)?;
                Ok(vec![Slot::Value(g.placeholder(&node.name, attrs.dtype("dtype")?, dims)?)])
            }
            "If" | "StatelessIf" | "Case" | "StatelessCase" | "While" | "StatelessWhile" => {
                if self.unrolls
                    && node.op.ends_with("While")
                    && let Some(results) = self.unrolled(g, node, &inputs)?
                {
                    return Ok(results);
                }
                let attrs = attrs_of(node, spec)?;
                self.control(g, node, attrs, inputs)
            }
            "VarHandleOp" | "VariableV2" | "Variable" | "AutoReloadVariable" => {
                let shared = named.string("shared_name").unwrap_or("");
                let name = if shared.is_empty() { &node.name } else { shared };
                let dtype = attrs_of(node, spec)?.dtype("dtype")?;
                let dims = dims_of(&node.name, named.shape("shape")?)?;
                // Old graphs write the shape of a scalar where they know none.
                let is_ref = node.op != "VarHandleOp";
                let dims = if node.op == "Variable" && dims.rank() == Some(0) { Dims::unknown() } else { dims };
                Ok(vec![Slot::Variable(Arc::new(Handle { name: name.to_owned(), key: None, dtype, dims, is_ref }))])
            }
            "ReadVariableOp" => {
                arity(1)?;
                let handle = self.handle(node, &inputs[0])?;
                Ok(vec![Slot::Value(self.read(g, &handle)?)])
            }
            "VariableShape" => {
                arity(1)?;
                let handle = self.handle(node, &inputs[0])?;
                let value = self.read(g, &handle)?;
                let out_type = attrs_of(node, spec)?.dtype_or("out_type", kerox_tensor::DType::I32)?;
                let op = ops::build(
                    "Shape",
                    &kerox_graph::Attrs::new("Shape", node.name.as_str())
                        .with("out_type", kerox_graph::Attr::Type(out_type)),
                )?;
                self.add(g, &node.name, op, &[Slot::Value(value)])
            }
            "VarIsInitializedOp" | "IsVariableInitialized" => {
                Ok(vec![self.constant(g, &node.name, Tensor::scalar(true))?])
            }
            "ResourceGather" => {
                arity(2)?;
                let handle = self.handle(node, &inputs[0])?;
                let params = self.read(g, &handle)?;
                let batch_dims = attrs_of(node, spec)?.int_or("batch_dims", 0)?;
                let axis = i32::try_from(batch_dims).unwrap_or(i32::MAX);
                let axis = self.constant(g, "axis", Tensor::scalar(axis))?;
                let op = Arc::new(ops::Gather { batch_dims });
                self.add(g, &node.name, op, &[Slot::Value(params), inputs[1].clone(), axis])
            }
            "Assign" | "AssignVariableOp" => {
                arity(2)?;
                let handle = self.handle(node, &inputs[0])?;
                if let Slot::Stored(stored) = &inputs[1] {
                    self.state.bind(&handle, stored);
                } else {
                    let value = self.value(g, &inputs[1], &node.name)?;
                    let known = handle.dims.merge(g.dims(value)).unwrap_or_else(|| handle.dims.clone());
                    let target = Handle {
                        name: handle.name.clone(),
                        key: handle.key.clone(),
                        dtype: handle.dtype,
                        dims: known,
                        is_ref: handle.is_ref,
                    };
                    let variable = self.state.variable(&target, true)?;
                    self.assign(g, &variable, value)?;
                }
                Ok(if node.op == "Assign" { vec![inputs[0].clone()] } else { Vec::new() })
            }
            "AssignAdd" | "AssignAddVariableOp" | "AssignSub" | "AssignSubVariableOp" => {
                arity(2)?;
                let handle = self.handle(node, &inputs[0])?;
                let before = self.read(g, &handle)?;
                let by = self.value(g, &inputs[1], &node.name)?;
                let name = if node.op.starts_with("AssignAdd") { "AddV2" } else { "Sub" };
                let op = ops::build(name, &kerox_graph::Attrs::new(name, node.name.as_str()))?;
                let id = g.add_node(&node.name, op, &[before, by])?;
                let after = g.values(id)[0];
                let variable = self.state.variable(&handle, false)?;
                self.assign(g, &variable, after)?;
                Ok(if node.op.ends_with("VariableOp") { Vec::new() } else { vec![inputs[0].clone()] })
            }
            "Restore" | "RestoreSlice" | "RestoreV2" => {
                arity(1)?;
                let names = self.strings(g, node, &inputs[0])?;
                let slices = match inputs.get(1) {
                    Some(slices) => self.strings(g, node, slices)?,
                    None => vec![String::new(); names.len()],
                };
                if names.len() != slices.len() {
                    let expected = format!("{} slices", names.len());
                    return Err(Error::invalid("node", &node.name, expected, slices.len().to_string()));
                }
                let stored = names.into_iter().zip(slices);
                Ok(stored.map(|(key, slice)| Slot::Stored(Arc::new(Stored { key, slice }))).collect())
            }
            op if is_resource(op) => {
                let shared = named.string("shared_name").unwrap_or("");
                let name = if shared.is_empty() { &node.name } else { shared };
                let attrs = attrs_of(node, spec)?;
                let op = self.state.resource(&node.op, name, || Ok(ops::build(&node.op, &attrs)?))?;
                self.add(g, &node.name, op, &inputs)
            }
            _ => {
                let op = ops::build(&node.op, &attrs_of(node, spec)?)?;
                self.add(g, &node.name, op, &inputs)
            }
        }
    }

    fn add(&mut self, g: &mut Graph, name: &str, op: Arc<dyn Op>, inputs: &[Slot]) -> Result<Vec<Slot>> {
        let values = inputs.iter().map(|slot| self.value(g, slot, name)).collect::<Result<Vec<_>>>()?;
        let id = g.add_node(name, op, &values)?;
        let outputs: Vec<Slot> = g.values(id).into_iter().map(Slot::Value).collect();
        if outputs.is_empty() {
            g.effects.push(id);
        }
        Ok(outputs)
    }

    fn constant(&mut self, g: &mut Graph, name: &str, value: Tensor) -> Result<Slot> {
        let id = g.add_node(name, Arc::new(ops::Const { value }), &[])?;
        Ok(Slot::Value(g.values(id)[0]))
    }

    fn assign(&mut self, g: &mut Graph, variable: &Variable, value: kerox_graph::Value) -> Result<()> {
        g.assign(variable, value)?;
        self.written.insert(variable.id());
        Ok(())
    }

    fn handle(&self, node: &NodeDef, slot: &Slot) -> Result<Arc<Handle>> {
        match slot {
            Slot::Variable(handle) => Ok(handle.clone()),
            _ => Err(Error::invalid("node", &node.name, format!("a variable as input of {}", node.op), "a tensor")),
        }
    }

    fn strings(&mut self, g: &mut Graph, node: &NodeDef, slot: &Slot) -> Result<Vec<String>> {
        let value = self.value(g, slot, &node.name)?;
        let wrong = || Error::invalid("node", &node.name, "constant names of tensors", "another input");
        let tensor = g.info(value).tensor().ok_or_else(wrong)?;
        let strings = tensor.as_slice::<Vec<u8>>()?.iter().map(|s| String::from_utf8(s.clone()).map_err(|_| wrong()));
        strings.collect()
    }
}
