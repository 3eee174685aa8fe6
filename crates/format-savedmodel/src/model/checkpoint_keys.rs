//! Which tensor of the checkpoint belongs to which object.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Objects;
use crate::messages::TrackableObjectGraph;

/// The tensors of the objects of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckpointKeys {
    /// From object numbers to the names and keys of their values. A variable has one value, `VARIABLE_VALUE`; a table
    /// has several.
    pub objects: BTreeMap<usize, Vec<(String, String)>>,
    /// Slots of optimizers in the legacy form: numbers of optimizer and variable, the slot's name, the key.
    pub slots: Vec<(usize, usize, String, String)>,
    /// Values that no object of the model leads to, with the path in the checkpoint: an optimizer that is kept in the
    /// checkpoint only. Slot variables of the legacy form have the path `variable/.OPTIMIZER_SLOT/optimizer/slot`.
    pub others: Vec<(String, String)>,
}

impl CheckpointKeys {
    /// The key of a variable.
    pub fn variable(&self, object: usize) -> Option<&str> {
        self.objects.get(&object).and_then(|values| values.first()).map(|(_, key)| key.as_str())
    }
}

/// Bytes of the paths in [`CheckpointKeys::others`]: those of a hostile chain of objects would fill the memory.
const LONGEST_PATH: usize = 1024;

/// Walks the objects of a model and those of its checkpoint side by side, from the roots and by equal names.
///
/// Numbers of the two graphs need not agree, and either may have objects that the other has not. `checkpoint` is the
/// content of the checkpoint's entry `_CHECKPOINTABLE_OBJECT_GRAPH`; edges in it that lead nowhere are passed over.
pub fn checkpoint_keys(objects: Objects<'_>, checkpoint: &TrackableObjectGraph) -> CheckpointKeys {
    let node = |id: i32| usize::try_from(id).ok().and_then(|id| Some((id, checkpoint.nodes.get(id)?)));
    let mut keys = CheckpointKeys::default();
    let mut pairs: HashMap<usize, usize> = HashMap::new();
    let mut names: HashMap<usize, HashMap<&str, i32>> = HashMap::new();
    let mut met = HashSet::new();
    let mut queue = vec![(0usize, 0usize)];
    while let Some((ours, theirs)) = queue.pop() {
        let (Some(object), Some(tracked)) = (objects.get(ours), checkpoint.nodes.get(theirs)) else { continue };
        if !met.insert(ours) {
            continue;
        }
        pairs.insert(theirs, ours);
        if !tracked.attributes.is_empty() {
            let values = tracked.attributes.iter().map(|a| (a.name.clone(), a.checkpoint_key.clone())).collect();
            keys.objects.insert(ours, values);
        }
        // Several of our objects may meet one of theirs: its names are sorted in once.
        let children = names.entry(theirs).or_insert_with(|| {
            tracked.children.iter().rev().map(|edge| (edge.local_name.as_str(), edge.node_id)).collect()
        });
        for (name, child) in object.children() {
            if let Some((id, _)) = children.get(name).and_then(|&id| node(id)) {
                queue.push((child.id, id));
            }
        }
    }
    let first_key = |id: i32| Some(node(id)?.1.attributes.first()?.checkpoint_key.clone());
    let mut matched_slots = HashSet::new();
    for (theirs, tracked) in checkpoint.nodes.iter().enumerate() {
        let Some(&optimizer) = pairs.get(&theirs) else { continue };
        for slot in &tracked.slot_variables {
            let original = node(slot.original_variable_node_id).and_then(|(id, _)| pairs.get(&id));
            if let (Some(&original), Some(key)) = (original, first_key(slot.slot_variable_node_id)) {
                keys.slots.push((optimizer, original, slot.slot_name.clone(), key));
                matched_slots.extend(usize::try_from(slot.slot_variable_node_id));
            }
        }
    }
    // What is left has a path of its own in the checkpoint.
    let mut seen = HashSet::new();
    let mut queue = std::collections::VecDeque::from([(0usize, String::new())]);
    while let Some((theirs, path)) = queue.pop_front() {
        let Some(tracked) = checkpoint.nodes.get(theirs) else { continue };
        if !seen.insert(theirs) {
            continue;
        }
        if !pairs.contains_key(&theirs) && !matched_slots.contains(&theirs) {
            keys.others.extend(tracked.attributes.iter().map(|value| (path.clone(), value.checkpoint_key.clone())));
        }
        for edge in &tracked.children {
            if let Some((id, _)) = node(edge.node_id).filter(|_| path.len() < LONGEST_PATH) {
                let slash = if path.is_empty() { "" } else { "/" };
                queue.push_back((id, format!("{path}{slash}{}", edge.local_name)));
            }
        }
        // No name leads to slot variables; their keys say what they are.
        for slot in &tracked.slot_variables {
            if let (Some((id, _)), Some(key)) =
                (node(slot.slot_variable_node_id), first_key(slot.slot_variable_node_id))
            {
                let path = key.split("/.ATTRIBUTES/").next().unwrap_or_default();
                queue.push_back((id, path.to_owned()));
            }
        }
    }
    keys
}
