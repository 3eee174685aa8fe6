//! Patterns of operations that one kernel computes better.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use kerox_tensor::Shape;
use kerox_tensor::kernels::unary::{Unary as Function, bias_forward_in_place};

use super::dispatch::for_float;
use super::{BiasAdd, Conv, ConvKind, MatMul, Unary};
use crate::{Graph, Infer, Node, NodeId, Op, Result, Run, Value, ValueInfo};

/// `_Fused(inputs of the product..., bias)`: a matrix product or convolution whose result gets a bias and an
/// activation in one more pass over it, instead of two through memory.
#[derive(Clone, Debug)]
pub struct Fused {
    /// The product: `MatMul` or a convolution.
    pub product: Arc<dyn Op>,
    /// What is applied after the bias.
    pub activation: Function,
}

impl Op for Fused {
    fn name(&self) -> &'static str {
        "_Fused"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let n = cx.inputs().len().saturating_sub(1);
        self.product.infer(&Infer::new(self.name(), "", &cx.inputs()[..n]))
    }
    fn scratch(&self, inputs: &[&Shape], outputs: &[&Shape]) -> usize {
        self.product.scratch(&inputs[..inputs.len() - 1], outputs)
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (bias, inputs) = match run.inputs {
            [inputs @ .., bias] => (bias, inputs),
            [] => return Ok(()),
        };
        let mut product = Run { inputs, outputs: &mut *run.outputs, scratch: &mut *run.scratch };
        if let Some(conv) = (&*self.product as &dyn Any).downcast_ref::<Conv>() {
            return conv.run_with(&mut product, Some((bias, self.activation)));
        }
        self.product.run(&mut product)?;
        for_float!(run.dtype(), self.name(), T => {
            bias_forward_in_place(self.activation, bias.slice::<T>()?, run.outputs[0].slice::<T>()?);
            Ok(())
        })
    }
}

/// The operation of a node, where it is of that kind.
fn of<T: Op>(node: &Node) -> Option<&T> {
    (&*node.op as &dyn Any).downcast_ref()
}

fn is_product(node: &Node) -> bool {
    let convolves = of::<Conv>(node).is_some_and(|conv| conv.kind == ConvKind::Forward);
    let multiplies = of::<MatMul>(node).is_some() && node.outputs[0].dtype.is_float();
    convolves || multiplies
}

/// The nodes that become one: the last of them, the product, the bias and the activation.
struct Found {
    product: usize,
    bias: Value,
    activation: Function,
}

/// For each node that ends a pattern, the pattern; and which nodes are swallowed by one.
fn find(g: &Graph) -> (HashMap<usize, Found>, Vec<bool>) {
    let mut uses: HashMap<Value, usize> = HashMap::new();
    for &value in g.nodes().iter().flat_map(|node| &node.inputs).chain(&g.outputs) {
        *uses.entry(value).or_default() += 1;
    }
    let only = |value: Value| uses.get(&value) == Some(&1);
    let mut found: HashMap<usize, Found> = HashMap::new();
    let mut gone = vec![false; g.nodes().len()];
    for (i, node) in g.nodes().iter().enumerate() {
        if let Some(BiasAdd { channels_first: false }) = of(node) {
            let (value, bias) = (node.inputs[0], node.inputs[1]);
            if only(value) && is_product(g.node(value.node)) && node.outputs[0].dtype.is_float() {
                gone[value.node.index()] = true;
                found.insert(i, Found { product: value.node.index(), bias, activation: Function::Identity });
            }
        } else if let Some(&Unary(activation)) = of(node) {
            let value = node.inputs[0];
            if only(value)
                && let Some(mut pattern) = found.remove(&value.node.index())
            {
                if pattern.activation == Function::Identity {
                    pattern.activation = activation;
                    gone[value.node.index()] = true;
                    found.insert(i, pattern);
                } else {
                    found.insert(value.node.index(), pattern);
                }
            }
        }
    }
    (found, gone)
}

/// Replaces the known patterns of a concrete graph.
pub(crate) fn fuse(g: Graph) -> Result<Graph> {
    let (found, gone) = find(&g);
    if found.is_empty() {
        return Ok(g);
    }
    let mut fused = Graph::new();
    let mut map: HashMap<Value, Value> = HashMap::new();
    let mut nodes: HashMap<NodeId, NodeId> = HashMap::new();
    for (i, node) in g.nodes().iter().enumerate() {
        if gone[i] {
            continue;
        }
        let id = NodeId(i as u32);
        let new = match found.get(&i) {
            Some(pattern) => {
                let product = &g.nodes()[pattern.product];
                let inputs: Vec<Value> = product.inputs.iter().chain([&pattern.bias]).map(|v| map[v]).collect();
                let op = Fused { product: product.op.clone(), activation: pattern.activation };
                fused.add_node(&node.name, Arc::new(op), &inputs)?
            }
            None => {
                let inputs: Vec<Value> = node.inputs.iter().map(|v| map[v]).collect();
                fused.add_node(&node.name, node.op.clone(), &inputs)?
            }
        };
        nodes.insert(id, new);
        for output in 0..node.outputs.len() as u32 {
            map.insert(Value { node: id, output }, Value { node: new, output });
        }
    }
    fused.inputs = g.inputs.iter().map(|v| map[v]).collect();
    fused.outputs = g.outputs.iter().map(|v| map[v]).collect();
    fused.effects = g.effects.iter().map(|id| nodes[id]).collect();
    Ok(fused)
}
