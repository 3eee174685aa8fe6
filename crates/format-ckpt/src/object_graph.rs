//! The graph of objects in a checkpoint.

use prost::Message;

use crate::proto;

/// The objects of a checkpoint and the names that lead from one to the other; node 0 is the root.
///
/// # Example
/// ```
/// use kerox_format_ckpt::{Node, ObjectGraph};
///
/// let mut root = Node::default();
/// root.children.push(("kernel".into(), 1));
/// let graph = ObjectGraph { nodes: vec![root, Node::variable("dense/kernel", "kernel/.ATTRIBUTES/VARIABLE_VALUE")] };
/// assert_eq!(ObjectGraph::decode(&graph.encode()).unwrap(), graph);
/// assert_eq!(graph.paths()[1].as_deref(), Some("kernel"));
/// ```
///
/// # Source
/// tensorflow/core/protobuf/trackable_object_graph.proto
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObjectGraph {
    /// The objects, by number.
    pub nodes: Vec<Node>,
}

/// An object of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Attribute names and the numbers of the objects they lead to.
    pub children: Vec<(String, usize)>,
    /// Values of the object itself: a variable has one, `VARIABLE_VALUE`.
    pub attributes: Vec<Attribute>,
    /// Slot variables, where the object is an optimizer of the legacy form.
    pub slots: Vec<SlotNode>,
    /// Name of a saving function of the object's own, and of the object it is registered under.
    pub registered_saver: Option<(String, String)>,
    /// Whether the object or one below it has a value; `None` in files older than TensorFlow 2.5.
    pub has_checkpoint_values: Option<bool>,
}

/// A value of an object of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attribute {
    /// `VARIABLE_VALUE`, or another name for objects that save themselves (tables, generators).
    pub name: String,
    /// The variable's name without `:0`; may be empty.
    pub full_name: String,
    /// The tensor's key in the checkpoint.
    pub checkpoint_key: String,
}

/// A slot variable in a checkpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SlotNode {
    /// The number of the variable it belongs to.
    pub original: usize,
    /// The slot's name: `m`, `v`, `momentum`.
    pub slot_name: String,
    /// The number of the slot variable.
    pub slot: usize,
}

impl Node {
    /// A variable.
    pub fn variable(full_name: impl Into<String>, checkpoint_key: impl Into<String>) -> Node {
        let name = crate::layout::VARIABLE_VALUE.into();
        let attribute = Attribute { name, full_name: full_name.into(), checkpoint_key: checkpoint_key.into() };
        Node { attributes: vec![attribute], ..Node::default() }
    }
}

impl ObjectGraph {
    /// Reads the message; the error says what is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<ObjectGraph, String> {
        let proto = proto::TrackableObjectGraph::decode(bytes).map_err(|e| e.to_string())?;
        let count = proto.nodes.len();
        let id = |number: i32| {
            usize::try_from(number)
                .ok()
                .filter(|&n| n < count)
                .ok_or_else(|| format!("an edge to node {number} of {count} nodes"))
        };
        let node = |node: proto::TrackableObject| {
            Ok(Node {
                children: node
                    .children
                    .into_iter()
                    .map(|child| Ok((child.local_name, id(child.node_id)?)))
                    .collect::<Result<_, String>>()?,
                attributes: node
                    .attributes
                    .into_iter()
                    .map(|a| Attribute { name: a.name, full_name: a.full_name, checkpoint_key: a.checkpoint_key })
                    .collect(),
                slots: node
                    .slot_variables
                    .into_iter()
                    .map(|slot| {
                        let (original, slot_node) = (slot.original_variable_node_id, slot.slot_variable_node_id);
                        Ok(SlotNode { original: id(original)?, slot_name: slot.slot_name, slot: id(slot_node)? })
                    })
                    .collect::<Result<_, String>>()?,
                registered_saver: node.registered_saver.map(|saver| (saver.name, saver.object_name)),
                has_checkpoint_values: node.has_checkpoint_values.map(|v| v.value),
            })
        };
        Ok(ObjectGraph { nodes: proto.nodes.into_iter().map(node).collect::<Result<_, String>>()? })
    }

    /// Writes the message.
    pub fn encode(&self) -> Vec<u8> {
        let node = |node: &Node| proto::TrackableObject {
            children: node
                .children
                .iter()
                .map(|(name, id)| proto::ObjectReference { node_id: *id as i32, local_name: name.clone() })
                .collect(),
            attributes: node
                .attributes
                .iter()
                .map(|a| proto::SerializedTensor {
                    name: a.name.clone(),
                    full_name: a.full_name.clone(),
                    checkpoint_key: a.checkpoint_key.clone(),
                })
                .collect(),
            slot_variables: node
                .slots
                .iter()
                .map(|slot| proto::SlotVariableReference {
                    original_variable_node_id: slot.original as i32,
                    slot_name: slot.slot_name.clone(),
                    slot_variable_node_id: slot.slot as i32,
                })
                .collect(),
            registered_saver: node.registered_saver.as_ref().map(|(name, object_name)| proto::RegisteredSaver {
                name: name.clone(),
                object_name: object_name.clone(),
            }),
            has_checkpoint_values: node.has_checkpoint_values.map(|value| proto::BoolValue { value }),
        };
        proto::TrackableObjectGraph { nodes: self.nodes.iter().map(node).collect() }.encode_to_vec()
    }

    /// Sets [`Node::has_checkpoint_values`] of every node from the values there are.
    pub fn mark_values(&mut self) {
        let mut parents = vec![Vec::new(); self.nodes.len()];
        let mut with_values = Vec::new();
        for (id, node) in self.nodes.iter().enumerate() {
            for (_, child) in &node.children {
                if let Some(list) = parents.get_mut(*child) {
                    list.push(id);
                }
            }
            if !node.attributes.is_empty() || !node.slots.is_empty() || node.registered_saver.is_some() {
                with_values.push(id);
            }
        }
        let mut marked = vec![false; self.nodes.len()];
        while let Some(id) = with_values.pop() {
            let first = marked.get_mut(id).is_some_and(|mark| !std::mem::replace(mark, true));
            if first {
                with_values.extend(parents.get(id).into_iter().flatten());
            }
        }
        for (node, mark) in self.nodes.iter_mut().zip(marked) {
            node.has_checkpoint_values = Some(mark);
        }
    }

    /// The path of every node, names joined by `.`, as TensorFlow's messages have it: the first that is found
    /// breadth-first. Slot variables are called `<optimizer>'s state '<slot>' for <variable>`; the root is empty.
    pub fn paths(&self) -> Vec<Option<String>> {
        let mut paths: Vec<Option<String>> = vec![None; self.nodes.len()];
        if let Some(root) = paths.first_mut() {
            *root = Some(String::new());
        }
        let mut queue = std::collections::VecDeque::from([0usize]);
        while let Some(id) = queue.pop_front() {
            let Some(node) = self.nodes.get(id) else { continue };
            let here = paths.get(id).cloned().flatten().unwrap_or_default();
            for (name, child) in &node.children {
                if let Some(path @ None) = paths.get_mut(*child) {
                    *path = Some(if here.is_empty() { name.clone() } else { format!("{here}.{name}") });
                    queue.push_back(*child);
                }
            }
        }
        for (id, node) in self.nodes.iter().enumerate() {
            for slot in &node.slots {
                let of = |id: usize| paths.get(id).cloned().flatten().unwrap_or_default();
                let name = format!("{}'s state '{}' for {}", of(id), slot.slot_name, of(slot.original));
                if let Some(path @ None) = paths.get_mut(slot.slot) {
                    *path = Some(name);
                }
            }
        }
        paths
    }
}
