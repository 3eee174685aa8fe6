//! The graph of living objects, numbered and named as TensorFlow does it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use kerox_tensor::{Child, Tensor, Trackable, Variable};

use crate::layout::{ATTRIBUTES, OPTIMIZER_SLOT, VARIABLE_VALUE};
use crate::{Node, ObjectGraph, SlotNode};

/// A graph together with the values of its variables, ready to be written.
///
/// Values are taken when the graph is: a training step meanwhile does not change them.
#[derive(Clone, Debug)]
pub struct Tracked {
    /// The graph.
    pub graph: ObjectGraph,
    /// Keys and values, in the order in which TensorFlow writes them.
    pub tensors: Vec<(String, Tensor)>,
    /// The variable of every node that is one.
    pub variables: Vec<Option<Variable>>,
}

/// What makes two children one node.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    Object(usize),
    Variable(u64),
}

pub(crate) fn identity(child: &Child) -> Identity {
    match child {
        Child::Object(object) => Identity::Object(object.identity()),
        Child::Variable(variable) => Identity::Variable(variable.id()),
    }
}

/// Follows every edge from `root` breadth-first: nodes get numbers in the order in which they are found, keys from
/// the first path that leads to them.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use kerox_format_ckpt::track;
/// use kerox_tensor::{Child, Tensor, Variable, trackable::TrackableList};
///
/// let kernel = Variable::new("dense/kernel", Tensor::scalar(1f32), true);
/// let tracked = track(&Arc::new(TrackableList(vec![Child::Variable(kernel)])));
/// assert_eq!(tracked.tensors[0].0, "0/.ATTRIBUTES/VARIABLE_VALUE");
/// ```
pub fn track<T: Trackable + 'static>(root: &Arc<T>) -> Tracked {
    track_child(Child::Object(root.clone()))
}

/// As [`track`], for an object known as a child.
pub fn track_child(root: Child) -> Tracked {
    // Holding every child keeps addresses unique while they are compared.
    let mut found = vec![root.clone()];
    let mut ids = HashMap::from([(identity(&root), 0usize)]);
    let mut keys = vec![String::new()];
    let mut nodes = vec![Node::default()];
    let mut queue = VecDeque::from([0usize]);
    while let Some(id) = queue.pop_front() {
        let Child::Object(object) = found[id].clone() else { continue };
        for (name, child) in object.children() {
            let next = *ids.entry(identity(&child)).or_insert_with(|| {
                let escaped = escape(&name);
                keys.push(if keys[id].is_empty() { escaped } else { format!("{}/{escaped}", keys[id]) });
                nodes.push(Node::default());
                found.push(child);
                queue.push_back(found.len() - 1);
                found.len() - 1
            });
            nodes[id].children.push((name, next));
        }
    }
    // Slot variables come after everything else: slot name by slot name, each in the order of the variables.
    for id in 0..found.len() {
        let Child::Object(object) = found[id].clone() else { continue };
        let slots = object.slots();
        let mut names: Vec<&str> = Vec::new();
        for slot in &slots {
            if !names.contains(&slot.slot_name.as_str()) {
                names.push(&slot.slot_name);
            }
        }
        for name in names {
            let mut of_name: Vec<_> = slots
                .iter()
                .filter(|slot| slot.slot_name == name)
                .filter_map(|slot| Some((*ids.get(&Identity::Variable(slot.original.id()))?, slot)))
                .collect();
            of_name.sort_by_key(|(original, _)| *original);
            for (original, slot) in of_name {
                let child = Child::Variable(slot.variable.clone());
                let next = *ids.entry(identity(&child)).or_insert_with(|| {
                    keys.push(format!("{}{OPTIMIZER_SLOT}{}/{}", keys[original], keys[id], escape(name)));
                    nodes.push(Node::default());
                    found.push(child);
                    found.len() - 1
                });
                nodes[id].slots.push(SlotNode { original, slot_name: name.into(), slot: next });
            }
        }
    }
    let mut tensors = Vec::new();
    let mut variables = Vec::new();
    for ((child, node), key) in found.iter().zip(&mut nodes).zip(&keys) {
        let Child::Variable(variable) = child else {
            variables.push(None);
            continue;
        };
        let key = format!("{key}{ATTRIBUTES}{VARIABLE_VALUE}");
        *node = Node::variable(variable.name(), &key);
        tensors.push((key, variable.value()));
        variables.push(Some(variable.clone()));
    }
    let mut graph = ObjectGraph { nodes };
    graph.mark_values();
    Tracked { graph, tensors, variables }
}

/// A name as a part of a key: `.` becomes `..`, `/` becomes `.S`.
fn escape(name: &str) -> String {
    name.replace('.', "..").replace('/', ".S")
}
