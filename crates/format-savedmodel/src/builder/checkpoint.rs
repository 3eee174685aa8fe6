//! The checkpoint's part: keys, values, and its own graph of objects.

use kerox_tensor::{DType, Tensor};

use super::numbering::Numbering;
use super::{Kind, NodeId, SavedModelBuilder};
use crate::messages::trackable_object_graph::{BoolValue, ObjectReference, SerializedTensor, SlotVariableReference};
use crate::messages::{TrackableObject, TrackableObjectGraph};
use crate::{Error, Result};

/// Values by key and the objects that lead to them.
pub(super) struct CheckpointPart {
    pub(super) graph: TrackableObjectGraph,
    pub(super) tensors: Vec<(String, Tensor)>,
    /// Variables and their keys.
    pub(super) keys: Vec<(NodeId, String)>,
}

pub(super) fn build(builder: &SavedModelBuilder) -> Result<CheckpointPart> {
    // Functions have no values.
    let stateful = |node: &&(String, NodeId)| {
        !matches!(builder.nodes.get(node.1.0).map(|n| &n.kind), Some(Kind::Function { .. } | Kind::Bare { .. }))
    };
    let edges = |node: NodeId| -> Vec<&(String, NodeId)> {
        let node = builder.nodes.get(node.0);
        node.iter().flat_map(|n| n.children.iter().chain(&n.checkpoint_children)).filter(stateful).collect()
    };
    let mut numbering = Numbering::new(builder, edges)?;
    let slots = place_slots(builder, &mut numbering)?;
    let mut part = CheckpointPart { graph: TrackableObjectGraph::default(), tensors: Vec::new(), keys: Vec::new() };
    for (number, &id) in numbering.order.iter().enumerate() {
        let mut object = TrackableObject::default();
        for (name, child) in edges(id) {
            if let Some(node_id) = numbering.number(*child) {
                object.children.push(ObjectReference { node_id, local_name: name.clone(), ..Default::default() });
            }
        }
        if let Some(data) = builder.variable_data(id) {
            let path = match slots.iter().find(|slot| slot.variable == id) {
                Some(slot) => slot.path.clone(),
                None => joined(&numbering.path(number)),
            };
            let key = format!("{path}/.ATTRIBUTES/VARIABLE_VALUE");
            object.attributes.push(SerializedTensor {
                name: "VARIABLE_VALUE".into(),
                full_name: data.name.clone(),
                checkpoint_key: key.clone(),
                ..Default::default()
            });
            part.tensors.push((key.clone(), data.value.clone()));
            part.keys.push((id, key));
        }
        if let Some(Kind::Counts(keys)) = builder.nodes.get(id.0).map(|node| &node.kind) {
            let key = format!("{}/.ATTRIBUTES/table", joined(&numbering.path(number)));
            object.attributes.push(SerializedTensor {
                name: "table".into(),
                checkpoint_key: key.clone(),
                ..Default::default()
            });
            part.tensors.push((format!("{key}-keys"), Tensor::zeros(*keys, [0])?));
            part.tensors.push((format!("{key}-values"), Tensor::zeros(DType::I64, [0])?));
        }
        for slot in slots.iter().filter(|slot| slot.optimizer == id) {
            let number = |node| numbering.number(node).unwrap_or(0);
            object.slot_variables.push(SlotVariableReference {
                original_variable_node_id: number(slot.original),
                slot_name: slot.name.clone(),
                slot_variable_node_id: number(slot.variable),
                ..Default::default()
            });
        }
        part.graph.nodes.push(object);
    }
    mark(&mut part.graph);
    Ok(part)
}

struct Slot {
    optimizer: NodeId,
    original: NodeId,
    name: String,
    variable: NodeId,
    path: String,
}

/// Slot variables have no name in their optimizer; their keys are made of three.
fn place_slots(builder: &SavedModelBuilder, numbering: &mut Numbering) -> Result<Vec<Slot>> {
    let mut slots = Vec::new();
    for optimizer in numbering.order.clone() {
        let node = builder.nodes.get(optimizer.0);
        for (original, name, variable) in node.iter().flat_map(|node| &node.slots) {
            let path = |node| numbering.number(node).map(|number| joined(&numbering.path(number as usize)));
            let missing = || Error::build("slot", format!("`{name}`"), "a variable of the model", "another");
            let original_path = path(*original).ok_or_else(missing)?;
            if builder.variable_data(*variable).is_none() {
                return Err(missing());
            }
            let optimizer_path = path(optimizer).ok_or_else(missing)?;
            let path = format!("{original_path}/.OPTIMIZER_SLOT/{optimizer_path}/{}", escaped(name));
            slots.push(Slot { optimizer, original: *original, name: name.clone(), variable: *variable, path });
        }
    }
    for slot in &slots {
        if numbering.number(slot.variable).is_none() {
            numbering.append(slot.variable);
        }
    }
    Ok(slots)
}

fn escaped(name: &str) -> String {
    name.replace('.', "..").replace('/', ".S")
}

fn joined(path: &[&str]) -> String {
    path.iter().map(|name| escaped(name)).collect::<Vec<_>>().join("/")
}

/// Marks the objects that have a value or lead to one.
fn mark(graph: &mut TrackableObjectGraph) {
    let mut leads: Vec<bool> = graph.nodes.iter().map(|node| !node.attributes.is_empty()).collect();
    let mut parents = vec![Vec::new(); graph.nodes.len()];
    for (parent, node) in graph.nodes.iter().enumerate() {
        let slots = node.slot_variables.iter().map(|slot| slot.slot_variable_node_id);
        for child in node.children.iter().map(|edge| edge.node_id).chain(slots) {
            parents[child as usize].push(parent);
        }
    }
    let mut queue: Vec<usize> = (0..leads.len()).filter(|&node| leads[node]).collect();
    while let Some(node) = queue.pop() {
        for &parent in &parents[node] {
            if !std::mem::replace(&mut leads[parent], true) {
                queue.push(parent);
            }
        }
    }
    for (node, value) in graph.nodes.iter_mut().zip(leads) {
        node.has_checkpoint_values = Some(Box::new(BoolValue { value, ..BoolValue::default() }));
    }
}
