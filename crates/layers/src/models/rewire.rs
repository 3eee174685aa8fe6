//! Models cut out of other models: new inputs in place of tensors in their midst.

use std::collections::HashMap;
use std::sync::Arc;

use crate::core::InputLayer;
use crate::{Arg, CallNode, KerasTensor};

type Replaced = HashMap<(usize, usize), KerasTensor>;

/// Gives every input that is not the output of an input layer one of its own, and repeats the calls from there to the
/// outputs. The layers stay the same.
///
/// # Source
/// `keras.engine.functional_utils.clone_graph_nodes`.
pub(super) fn rewire(inputs: Arg<KerasTensor>, outputs: Arg<KerasTensor>) -> (Arg<KerasTensor>, Arg<KerasTensor>) {
    let is_input = |tensor: &KerasTensor| tensor.node.layer.downcast::<InputLayer>().is_some();
    if inputs.tensors().into_iter().all(is_input) {
        return (inputs, outputs);
    }
    let mut replaced = Replaced::new();
    for tensor in inputs.tensors() {
        let new = match is_input(tensor) {
            true => tensor.clone(),
            false => InputLayer::of(tensor.shape().clone(), tensor.dtype()).tensor(),
        };
        replaced.entry(tensor.id()).or_insert(new);
    }
    for output in outputs.tensors() {
        // A stack of its own: models may be deeper than the thread's.
        let mut stack: Vec<(Arc<CallNode>, usize)> = Vec::new();
        if !replaced.contains_key(&output.id()) {
            stack.push((output.node.clone(), 0));
        }
        while let Some((node, next)) = stack.pop() {
            let parents = node.args.tensors();
            match parents.get(next) {
                Some(parent) => {
                    let parent = (*parent).clone();
                    stack.push((node.clone(), next + 1));
                    if !replaced.contains_key(&parent.id()) {
                        stack.push((parent.node, 0));
                    }
                }
                None => repeat(&node, &mut replaced),
            }
        }
    }
    (swap(&inputs, &replaced), swap(&outputs, &replaced))
}

/// Repeats a call whose arguments have been replaced already.
fn repeat(node: &Arc<CallNode>, replaced: &mut Replaced) {
    let id = |index| KerasTensor { node: node.clone(), index }.id();
    // An input layer that is not among the inputs stays; the model will say that it is not connected.
    if node.layer.downcast::<InputLayer>().is_some() || (0..node.outputs.len()).all(|i| replaced.contains_key(&id(i))) {
        return;
    }
    let new = |tensor: &KerasTensor| -> Result<KerasTensor, std::convert::Infallible> {
        Ok(replaced.get(&tensor.id()).unwrap_or(tensor).clone())
    };
    let Ok(args) = node.args.try_map(new);
    for (index, tensor) in KerasTensor::record(&node.layer, args, node.outputs.clone()).into_iter().enumerate() {
        replaced.entry(id(index)).or_insert(tensor);
    }
}

fn swap(tree: &Arg<KerasTensor>, replaced: &Replaced) -> Arg<KerasTensor> {
    let new = &mut |tensor: &KerasTensor| -> Result<KerasTensor, std::convert::Infallible> {
        Ok(replaced.get(&tensor.id()).unwrap_or(tensor).clone())
    };
    let Ok(tree) = tree.try_map(new);
    tree
}
