//! The order of the layers and calls of a functional model.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::{CallNode, Error, KerasTensor, LayerRef, Result};

/// What a set of inputs and outputs spans.
pub(super) struct Topology {
    /// Calls in the order in which they can be made.
    pub calls: Vec<Arc<CallNode>>,
    /// Layers from the inputs to the outputs, as Keras lists them.
    pub layers: Vec<LayerRef>,
    /// One call after the other, each of a layer of its own with one input.
    pub is_linear: bool,
}

fn key(node: &Arc<CallNode>) -> usize {
    Arc::as_ptr(node).cast::<()>() as usize
}

impl Topology {
    /// Follows the outputs back to the inputs and sorts by depth: the longest way to an output. Layers of one depth
    /// come in the order in which they were first met.
    ///
    /// # Errors
    /// [`Error::Topology`] where an output does not depend on the inputs alone or two layers have one name.
    ///
    /// # Source
    /// `keras.engine.functional._map_graph_network`.
    pub fn new(model: &str, inputs: &[KerasTensor], outputs: &[KerasTensor]) -> Result<Topology> {
        let wrong =
            |expected: &str, found: String| Error::Topology { model: model.into(), expected: expected.into(), found };
        if inputs.is_empty() || outputs.is_empty() {
            let found = format!("{} inputs and {} outputs", inputs.len(), outputs.len());
            return Err(wrong("at least one input and one output", found));
        }
        let is_input = |node: &Arc<CallNode>| inputs.iter().any(|t| Arc::ptr_eq(&t.node, node));
        let mut order: Vec<Arc<CallNode>> = Vec::new();
        let mut finished: HashSet<usize> = HashSet::new();
        let mut first_met: HashMap<usize, usize> = HashMap::new();
        // Depth first with a stack of its own: models may be deeper than the thread's stack.
        for output in outputs {
            let mut stack: Vec<(Arc<CallNode>, usize)> = vec![(output.node.clone(), 0)];
            while let Some((node, next)) = stack.pop() {
                if next == 0 {
                    if finished.contains(&key(&node)) {
                        continue;
                    }
                    let n = first_met.len();
                    first_met.entry(node.layer.id()).or_insert(n);
                }
                let parents = if is_input(&node) { Vec::new() } else { node.args.tensors() };
                match parents.get(next) {
                    Some(parent) => {
                        let parent = parent.node.clone();
                        stack.push((node, next + 1));
                        stack.push((parent, 0));
                    }
                    None => {
                        if !is_input(&node) && node.layer.class_name() == "InputLayer" {
                            let found = format!("input `{}`, which is not among them", node.layer.name());
                            return Err(wrong("outputs that depend on the given inputs alone", found));
                        }
                        finished.insert(key(&node));
                        order.push(node);
                    }
                }
            }
        }
        let mut call_depth: HashMap<usize, usize> = HashMap::new();
        // The order in which calls are met from the outputs: Keras makes those of one depth in it.
        let mut met_calls: HashMap<usize, usize> = HashMap::new();
        let mut layer_depth: HashMap<usize, usize> = HashMap::new();
        for node in order.iter().rev() {
            let depth = call_depth.get(&key(node)).copied().unwrap_or(0);
            let depth = depth.max(layer_depth.get(&node.layer.id()).copied().unwrap_or(0));
            layer_depth.insert(node.layer.id(), depth);
            call_depth.insert(key(node), depth);
            let n = met_calls.len();
            met_calls.entry(key(node)).or_insert(n);
            if is_input(node) {
                continue;
            }
            for parent in node.args.tensors() {
                let parent_depth = call_depth.entry(key(&parent.node)).or_insert(0);
                *parent_depth = (*parent_depth).max(depth + 1);
                let n = met_calls.len();
                met_calls.entry(key(&parent.node)).or_insert(n);
            }
        }
        let mut layers: Vec<LayerRef> = Vec::new();
        for layer in order.iter().map(|node| &node.layer) {
            if !layers.contains(layer) {
                layers.push(layer.clone());
            }
        }
        for input in inputs {
            if !layers.contains(&input.node.layer) {
                layers.push(input.node.layer.clone());
                layer_depth.insert(input.node.layer.id(), 0);
                order.insert(0, input.node.clone());
            }
        }
        let met = |layer: &LayerRef| first_met.get(&layer.id()).map_or(-1, |&n| n as i64);
        layers.sort_by_key(|layer| (std::cmp::Reverse(layer_depth[&layer.id()]), met(layer)));
        let mut depths = HashSet::new();
        let mut called = HashSet::new();
        let is_linear = order.iter().all(|node| {
            let alone = depths.insert(call_depth.get(&key(node)).copied().unwrap_or(0));
            let once = called.insert(node.layer.id());
            alone && once && node.args.tensors().len() <= 1
        });
        order.sort_by_key(|node| {
            let (depth, met) = (call_depth.get(&key(node)), met_calls.get(&key(node)));
            (std::cmp::Reverse(depth.copied().unwrap_or(usize::MAX)), met.copied().unwrap_or(0))
        });
        let mut names = HashSet::new();
        if let Some(twice) = layers.iter().find(|layer| !names.insert(layer.name())) {
            let found = format!("the name `{}` twice; name the layers", twice.name());
            return Err(wrong("layers with names of their own", found));
        }
        Ok(Topology { calls: order, layers, is_linear })
    }
}
