//! Finding the patterns in a concrete graph and replacing them.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use kerox_tensor::kernels::unary::Unary as Function;
use kerox_tensor::kernels::window::Padding;

use super::super::{
    BiasAdd, Binary, BinaryKind, Conv, ConvKind, FusedBatchNorm, MatMul, Pad, PadMode, PoolGrad, Pooling, Unary,
    UnaryGrad,
};
use super::Fused;
use crate::{Graph, Node, NodeId, Op, Result, Value};

/// The operation of a node, where it is of that kind.
fn of<T: Op>(node: &Node) -> Option<&T> {
    (&*node.op as &dyn Any).downcast_ref()
}

fn forward_conv(node: &Node) -> Option<&Conv> {
    of::<Conv>(node).filter(|conv| conv.kind == ConvKind::Forward)
}

fn is_product(node: &Node) -> bool {
    let multiplies = of::<MatMul>(node).is_some() && node.outputs[0].dtype.is_float();
    forward_conv(node).is_some() || multiplies
}

/// The nodes that become one, with the product.
struct Found {
    product: usize,
    bias: Option<Value>,
    /// Scale, offset, mean and variance, and what is added to the variance.
    normalization: Option<([Value; 4], f32)>,
    /// What is added to the whole result.
    addend: Option<Value>,
    activation: Function,
}

impl Found {
    fn new(product: Value) -> Found {
        Found {
            product: product.node.index(),
            bias: None,
            normalization: None,
            addend: None,
            activation: Function::Identity,
        }
    }
}

/// What is to be replaced.
struct Patterns<'g> {
    g: &'g Graph,
    uses: HashMap<Value, usize>,
    /// For each node that ends a pattern, the pattern.
    found: HashMap<usize, Found>,
    /// Nodes that do the work of the one before as well: the operation and what it reads. Convolutions fill borders instead
    /// of reading a padded copy; gradients of pooling go through a relu.
    replaced: HashMap<usize, (Arc<dyn Op>, Vec<Value>)>,
    /// Which nodes are swallowed by a pattern.
    gone: Vec<bool>,
}

impl Patterns<'_> {
    fn find(g: &Graph) -> Patterns<'_> {
        let mut uses: HashMap<Value, usize> = HashMap::new();
        for &value in g.nodes().iter().flat_map(|node| &node.inputs).chain(&g.outputs) {
            *uses.entry(value).or_default() += 1;
        }
        let gone = vec![false; g.nodes().len()];
        let mut patterns = Patterns { g, uses, found: HashMap::new(), replaced: HashMap::new(), gone };
        for (i, node) in g.nodes().iter().enumerate() {
            patterns.look_at(i, node);
        }
        patterns
    }

    /// Whether a value is read once.
    fn only(&self, value: Value) -> bool {
        self.uses.get(&value) == Some(&1)
    }

    fn look_at(&mut self, i: usize, node: &Node) {
        if let Some(conv) = forward_conv(node) {
            let pad = node.inputs[0];
            if self.only(pad)
                && let Some((conv, value)) = self.with_padding(conv, self.g.node(pad.node))
            {
                self.gone[pad.node.index()] = true;
                let inputs = std::iter::once(value).chain(node.inputs.iter().skip(1).copied());
                self.replaced.insert(i, (conv, inputs.collect()));
            }
            return;
        }
        if let Some(Binary(BinaryKind::Add)) = of(node) {
            return self.look_at_sum(i, node);
        }
        let Some(&value) = node.inputs.first().filter(|&&value| self.only(value)) else { return };
        let before = value.node.index();
        if let Some(BiasAdd { channels_first: false }) = of(node) {
            if is_product(self.g.node(value.node)) && node.outputs[0].dtype.is_float() {
                self.extend(i, before, Found { bias: Some(node.inputs[1]), ..Found::new(value) });
            }
        } else if let Some(norm) = of::<FusedBatchNorm>(node) {
            let rest = (1..node.outputs.len() as u32).map(|output| Value { node: NodeId(i as u32), output });
            let unread = rest.into_iter().all(|output| !self.uses.contains_key(&output));
            if norm.is_training || norm.channels_first || !unread {
                return;
            }
            if let Some(pattern) =
                self.take(value, |pattern| pattern.normalization.is_none() && pattern.addend.is_none())
            {
                let vectors = [node.inputs[1], node.inputs[2], node.inputs[3], node.inputs[4]];
                self.extend(i, before, Found { normalization: Some((vectors, norm.epsilon)), ..pattern });
            }
        } else if let Some(UnaryGrad(Function::Relu)) = of(node) {
            // Where the largest element of a window is what the relu gave, its slope there is all that counts.
            let inner = self.g.node(value.node);
            if let Some(grad) = of::<PoolGrad>(inner)
                && grad.pool.pooling == Pooling::Max
                && node.inputs.get(1) == inner.inputs.get(1)
            {
                let op = PoolGrad { through_relu: true, ..grad.clone() };
                self.gone[before] = true;
                self.replaced.insert(i, (Arc::new(op), inner.inputs.to_vec()));
            }
        } else if let Some(&Unary(activation)) = of(node)
            && self.found.get(&before).is_some_and(|pattern| pattern.activation == Function::Identity)
            && let Some(pattern) = self.found.remove(&before)
        {
            self.extend(i, before, Found { activation, ..pattern });
        }
    }

    /// The pattern that ends with a value, to go on where it fits; a product is one by itself.
    fn take(&mut self, value: Value, fits: impl Fn(&Found) -> bool) -> Option<Found> {
        let at = value.node.index();
        match self.found.get(&at) {
            Some(pattern) if pattern.activation == Function::Identity && fits(pattern) => self.found.remove(&at),
            None if !self.gone[at] && is_product(self.g.node(value.node)) => Some(Found::new(value)),
            _ => None,
        }
    }

    /// A sum of two values of one shape: the one that is made last takes in the other.
    fn look_at_sum(&mut self, i: usize, node: &Node) {
        let &[a, b] = &node.inputs[..] else { return };
        let alike = self.g.info(a).dims == node.outputs[0].dims && self.g.info(b).dims == node.outputs[0].dims;
        if !alike || !node.outputs[0].dtype.is_float() {
            return;
        }
        let (last, other) = if a.node.index() > b.node.index() { (a, b) } else { (b, a) };
        for (value, addend) in [(last, other), (other, last)] {
            if self.only(value)
                && let Some(pattern) = self.take(value, |pattern| pattern.addend.is_none())
            {
                return self.extend(i, value.node.index(), Found { addend: Some(addend), ..pattern });
            }
        }
    }

    /// Notes that the pattern now ends at node `i`; the node before is swallowed.
    fn extend(&mut self, i: usize, before: usize, pattern: Found) {
        self.gone[before] = true;
        self.found.insert(i, pattern);
    }

    /// The convolution that does what this one does to a padded value, and that value.
    fn with_padding(&self, conv: &Conv, pad: &Node) -> Option<(Arc<dyn Op>, Value)> {
        let Pad { mode: PadMode::Constant } = of::<Pad>(pad)? else { return None };
        let &[value, paddings] = &pad.inputs[..] else { return None };
        let paddings: Option<Vec<usize>> =
            self.g.info(paddings).ints()?.into_iter().map(|n| usize::try_from(n?).ok()).collect();
        let paddings = paddings?;
        let pairs: Vec<(usize, usize)> = paddings.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
        let (Some(&(0, 0)), Some(&(0, 0)), Some(spatial)) =
            (pairs.first(), pairs.last(), pairs.get(1..pairs.len().saturating_sub(1)))
        else {
            return None;
        };
        let own: Vec<(usize, usize)> = match &conv.padding {
            Padding::Valid => vec![(0, 0); spatial.len()],
            Padding::Explicit(pairs) => pairs.clone(),
            Padding::Same => return None,
        };
        if own.len() != spatial.len() {
            return None;
        }
        let sums =
            own.iter().zip(spatial).map(|(own, pad)| Some((own.0.checked_add(pad.0)?, own.1.checked_add(pad.1)?)));
        let padding = Padding::Explicit(sums.collect::<Option<_>>()?);
        Some((Arc::new(Conv { padding, ..conv.clone() }), value))
    }
}

/// Replaces the known patterns of a concrete graph.
pub(crate) fn fuse(g: Graph) -> Result<Graph> {
    let patterns = Patterns::find(&g);
    if patterns.found.is_empty() && patterns.replaced.is_empty() {
        return Ok(g);
    }
    let mut fused = Graph::new();
    let mut map: HashMap<Value, Value> = HashMap::new();
    let mut nodes: HashMap<NodeId, NodeId> = HashMap::new();
    for (i, node) in g.nodes().iter().enumerate() {
        if patterns.gone[i] {
            continue;
        }
        let id = NodeId(i as u32);
        // The operation of a node and what it reads.
        let reads = |at: usize| match patterns.replaced.get(&at) {
            Some((op, inputs)) => (op.clone(), inputs.clone()),
            None => (g.nodes()[at].op.clone(), g.nodes()[at].inputs.to_vec()),
        };
        let (op, mut inputs): (Arc<dyn Op>, Vec<Value>) = match patterns.found.get(&i) {
            Some(pattern) => {
                let (product, mut inputs) = reads(pattern.product);
                inputs.extend(pattern.bias);
                inputs.extend(pattern.normalization.iter().flat_map(|(vectors, _)| vectors));
                inputs.extend(pattern.addend);
                let op = Fused {
                    product,
                    has_bias: pattern.bias.is_some(),
                    normalization: pattern.normalization.map(|(_, epsilon)| epsilon),
                    has_addend: pattern.addend.is_some(),
                    activation: pattern.activation,
                };
                (Arc::new(op), inputs)
            }
            None => reads(i),
        };
        inputs.iter_mut().for_each(|value| *value = map[value]);
        let new = fused.add_node(&node.name, op, &inputs)?;
        nodes.insert(id, new);
        for (output, value) in fused.values(new).into_iter().enumerate() {
            map.insert(Value { node: id, output: output as u32 }, value);
        }
    }
    fused.inputs = g.inputs.iter().map(|v| map[v]).collect();
    fused.outputs = g.outputs.iter().map(|v| map[v]).collect();
    fused.effects = g.effects.iter().map(|id| nodes[id]).collect();
    Ok(fused)
}

#[cfg(test)]
mod tests {
    use kerox_tensor::{DType, Shape, Tensor};

    use super::*;
    use crate::{Dims, Executor, Interpreter, Plan};

    fn numbers(shape: &[usize], seed: usize) -> Tensor {
        let n: usize = shape.iter().product();
        let values = (0..n).map(|i| (((i + seed * 37) * 7919 % 1009) as f32 / 504.5) - 1.0).collect();
        Tensor::from_vec(values, Shape::from(shape)).unwrap()
    }

    fn norm(g: &mut Graph, x: Value, channels: usize) -> Value {
        let mut vector = |seed: usize, shift: f32| {
            let values = numbers(&[channels], seed).as_slice::<f32>().unwrap().iter().map(|v| v + shift).collect();
            g.constant(Tensor::from_vec(values, [channels]).unwrap()).unwrap()
        };
        let vectors = [vector(1, 0.0), vector(2, 0.0), vector(3, 0.0), vector(4, 1.5)];
        g.batch_norm(x, vectors, 1e-3, 1.0, false).unwrap().y
    }

    /// Compiles, compares with the operations one by one, and gives the operations of the plan.
    fn check(shape: &[usize], build: impl Fn(&mut Graph, Value) -> Vec<Value>) -> Vec<&'static str> {
        let mut g = Graph::new();
        let x = g.placeholder("x", DType::F32, Dims::from(&Shape::from(shape))).unwrap();
        let outputs = build(&mut g, x);
        let feed = numbers(shape, 5);
        let plan = Plan::compile(&g, &[x], &[feed.shape().clone()], &outputs, &[]).unwrap();
        let names = plan.describe().into_iter().map(|(_, op)| op).collect();
        let mut executor = Executor::new(plan);
        executor.run(&[&feed]).unwrap();
        let expected = Interpreter::new(&g, &[x], &outputs, &[]).run(vec![feed.into()]).unwrap();
        for (i, expected) in expected.into_iter().enumerate() {
            let (found, expected) = (executor.output(i).tensor().unwrap(), expected.into_tensor().unwrap());
            assert_eq!(found.shape(), expected.shape());
            for (found, expected) in found.as_slice::<f32>().unwrap().iter().zip(expected.as_slice::<f32>().unwrap()) {
                assert!((found - expected).abs() < 1e-4, "output {i}: {found} {expected}");
            }
        }
        names
    }

    fn conv(g: &mut Graph, x: Value, filter: &[usize], depthwise: bool) -> Value {
        let kernel = g.constant(numbers(filter, 9)).unwrap();
        match depthwise {
            true => g.depthwise_conv(x, kernel, &[2, 2], Padding::Valid, &[1, 1]).unwrap(),
            false => g.conv(x, kernel, &[1, 1], Padding::Valid, &[1, 1]).unwrap(),
        }
    }

    #[test]
    fn normalization_and_activation_follow_a_convolution() {
        for depthwise in [false, true] {
            let filter = if depthwise { [3, 3, 5, 2] } else { [3, 3, 5, 10] };
            let names = check(&[2, 9, 8, 5], |g, x| {
                let x = g.pad(x, &[(0, 0), (0, 1), (2, 1), (0, 0)]).unwrap();
                let y = conv(g, x, &filter, depthwise);
                let y = norm(g, y, 10);
                vec![g.relu6(y).unwrap()]
            });
            assert_eq!(names, ["_Fused"]);
        }
    }

    #[test]
    fn a_bias_may_come_before() {
        let names = check(&[2, 12, 11, 70], |g, x| {
            let y = conv(g, x, &[1, 1, 70, 66], false);
            let bias = g.constant(numbers(&[66], 3)).unwrap();
            let y = g.bias_add(y, bias).unwrap();
            vec![norm(g, y, 66)]
        });
        assert_eq!(names, ["_Fused"]);
        let names = check(&[7, 20], |g, x| {
            let kernel = g.constant(numbers(&[20, 6], 3)).unwrap();
            let y = g.matmul(x, kernel, false, false).unwrap();
            let y = norm(g, y, 6);
            vec![g.tanh(y).unwrap()]
        });
        assert_eq!(names, ["_Fused"]);
    }

    #[test]
    fn a_sum_takes_in_the_product_that_is_made_last() {
        for filters in [6, 70] {
            let names = check(&[2, 9, 8, 5], |g, x| {
                let shortcut = conv(g, x, &[1, 1, 5, filters], false);
                let shortcut = norm(g, shortcut, filters);
                let y = conv(g, x, &[1, 1, 5, filters], false);
                let y = norm(g, y, filters);
                let y = g.add(shortcut, y).unwrap();
                let y = g.relu(y).unwrap();
                let padded = g.pad(y, &[(0, 0), (1, 1), (1, 1), (0, 0)]).unwrap();
                let z = conv(g, padded, &[3, 3, filters, filters], false);
                let sum = g.add(z, y).unwrap();
                let twice = g.add(sum, sum).unwrap();
                let doubled = conv(g, twice, &[1, 1, filters, filters], false);
                vec![g.add(doubled, twice).unwrap()]
            });
            assert_eq!(names, ["_Fused", "_Fused", "_Fused", "AddV2", "_Fused"]);
        }
    }

    #[test]
    fn a_sum_with_broadcasting_stays() {
        let names = check(&[2, 9, 8, 5], |g, x| {
            let y = conv(g, x, &[1, 1, 5, 6], false);
            let row = g.constant(numbers(&[1, 1, 8, 6], 3)).unwrap();
            let y = g.add(y, row).unwrap();
            vec![g.relu(y).unwrap()]
        });
        assert_eq!(names, ["Conv2D", "AddV2", "Relu"]);
    }

    #[test]
    fn a_sum_in_a_dense_network_and_depthwise() {
        let names = check(&[7, 6], |g, x| {
            let kernel = g.constant(numbers(&[6, 6], 3)).unwrap();
            let y = g.matmul(x, kernel, false, false).unwrap();
            let bias = g.constant(numbers(&[6], 3)).unwrap();
            let y = g.bias_add(y, bias).unwrap();
            let y = g.add(x, y).unwrap();
            vec![g.tanh(y).unwrap()]
        });
        assert_eq!(names, ["_Fused"]);
        let names = check(&[2, 9, 8, 5], |g, x| {
            let y = conv(g, x, &[3, 3, 5, 1], true);
            let pooled = g.max_pool(x, &[3, 3], &[2, 2], Padding::Valid).unwrap();
            vec![g.add(y, pooled).unwrap()]
        });
        assert!(names.contains(&"_Fused") && !names.contains(&"AddV2"), "{names:?}");
    }

    #[test]
    fn what_others_read_stays() {
        let names = check(&[1, 6, 6, 4], |g, x| {
            let padded = g.pad(x, &[(0, 0), (1, 1), (1, 1), (0, 0)]).unwrap();
            let y = conv(g, padded, &[3, 3, 4, 8], false);
            let z = norm(g, y, 8);
            let a = g.relu(z).unwrap();
            vec![g.add(y, a).unwrap(), padded, g.relu6(z).unwrap()]
        });
        for stays in ["Pad", "Conv2D", "FusedBatchNormV3"] {
            assert!(names.contains(&stays), "{names:?}");
        }
    }

    #[test]
    fn the_gradient_of_pooling_goes_through_a_relu() {
        let names = check(&[2, 6, 6, 3], |g, x| {
            let y = g.relu(x).unwrap();
            let pooled = g.max_pool(y, &[2, 2], &[2, 2], Padding::Valid).unwrap();
            let squares = g.multiply(pooled, pooled).unwrap();
            let loss = g.reduce_sum(squares, &[0, 1, 2, 3], false).unwrap();
            crate::gradients(g, &[loss], None, &[x]).unwrap().into_iter().flatten().collect()
        });
        assert!(names.contains(&"_PoolGrad") && !names.contains(&"_UnaryGrad"), "{names:?}");
    }

    #[test]
    fn a_filter_that_threads_share_out() {
        let names = check(&[3, 12, 12, 130], |g, x| {
            let y = conv(g, x, &[3, 3, 130, 260], false);
            let y = norm(g, y, 260);
            let y = conv(g, y, &[1, 1, 260, 1030], false);
            vec![norm(g, y, 1030)]
        });
        assert_eq!(names, ["_Fused", "_Fused"]);
    }
}
