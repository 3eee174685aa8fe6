//! Numbering objects as TensorFlow does: breadth first from the root.

use std::collections::{HashMap, VecDeque};

use super::{NodeId, SavedModelBuilder};
use crate::{Error, Result};

/// The objects reached from the root: their order and the names that lead to them.
#[derive(Debug, Default)]
pub(super) struct Numbering {
    /// Objects by number.
    pub(super) order: Vec<NodeId>,
    numbers: HashMap<NodeId, i32>,
    /// By number: the number one step nearer to the root and the name.
    steps: Vec<Option<(usize, String)>>,
}

impl Numbering {
    /// Numbers what edges lead to.
    pub(super) fn new<'a>(
        builder: &'a SavedModelBuilder,
        mut edges: impl FnMut(NodeId) -> Vec<&'a (String, NodeId)>,
    ) -> Result<Numbering> {
        let mut numbering = Numbering::default();
        let mut queue = VecDeque::new();
        numbering.push(SavedModelBuilder::ROOT, None);
        queue.push_back(SavedModelBuilder::ROOT);
        while let Some(node) = queue.pop_front() {
            let parent = numbering.numbers.get(&node).map_or(0, |&number| number as usize);
            let edges = edges(node);
            for (place, (name, child)) in edges.iter().enumerate() {
                if child.0 >= builder.nodes.len() {
                    return Err(Error::build("child", format!("`{name}`"), "an object of this builder", "another's"));
                }
                if edges.iter().take(place).any(|(other, _)| other == name) {
                    return Err(Error::build("child", format!("`{name}`"), "names used once in an object", "it twice"));
                }
                if !numbering.numbers.contains_key(child) {
                    numbering.push(*child, Some((parent, name.clone())));
                    queue.push_back(*child);
                }
            }
        }
        Ok(numbering)
    }

    fn push(&mut self, node: NodeId, step: Option<(usize, String)>) {
        self.numbers.insert(node, self.order.len() as i32);
        self.order.push(node);
        self.steps.push(step);
    }

    /// Numbers an object that no name leads to.
    pub(super) fn append(&mut self, node: NodeId) {
        self.push(node, None);
    }

    /// The number of an object; `None` when it is not reached.
    pub(super) fn number(&self, node: NodeId) -> Option<i32> {
        self.numbers.get(&node).copied()
    }

    /// The names that lead to the object of a number.
    pub(super) fn path(&self, number: usize) -> Vec<&str> {
        let (mut names, mut at) = (Vec::new(), number);
        while let Some(Some((nearer, name))) = self.steps.get(at) {
            names.push(name.as_str());
            at = *nearer;
        }
        names.reverse();
        names
    }
}
