//! Differentiation from graph to graph.

use std::collections::HashMap;

use crate::{Error, Grad, Graph, NodeId, Result, Value};

/// Adds to the graph the gradients of the sum of `ys` with respect to each of `xs`, by reverse accumulation.
///
/// `seeds` are the gradients of the `ys` (of their shapes); ones where not given. `None` stands for an `x` that no
/// `y` depends on.
///
/// # Errors
/// [`Error::NoGradient`] where an operation between `xs` and `ys` has none.
///
/// # Example
/// ```
/// use kerox_graph::{gradients, Dims, Graph};
/// use kerox_tensor::DType;
///
/// let mut g = Graph::new();
/// let x = g.placeholder("x", DType::F32, Dims::from([Some(2)]))?;
/// let y = g.multiply(x, x)?;
/// let dx = gradients(&mut g, &[y], None, &[x])?;
/// assert!(dx[0].is_some());
/// # Ok::<(), kerox_graph::Error>(())
/// ```
///
/// # Source
/// `tf.gradients`.
pub fn gradients(g: &mut Graph, ys: &[Value], seeds: Option<&[Value]>, xs: &[Value]) -> Result<Vec<Option<Value>>> {
    let depends = depends_on(g, xs);
    let mut pending: HashMap<Value, Vec<Value>> = HashMap::new();
    for (i, &y) in ys.iter().enumerate() {
        let seed = match seeds {
            Some(seeds) => *seeds.get(i).ok_or_else(|| Error::Argument {
                op: "gradients".into(),
                node: String::new(),
                argument: "seeds".into(),
                expected: ys.len().to_string(),
                found: seeds.len().to_string(),
            })?,
            None => g.ones_like(y)?,
        };
        pending.entry(y).or_default().push(seed);
    }
    let last = ys.iter().map(|y| y.node.index()).max();
    for index in (0..=last.unwrap_or(0)).rev() {
        let id = NodeId(index as u32);
        if !depends.get(index).copied().unwrap_or(false) {
            continue;
        }
        let outputs = g.values(id);
        // A wanted value keeps its sum; all others are consumed here.
        let upstream: Vec<Option<Value>> =
            outputs.iter().map(|value| sum(g, &mut pending, *value)).collect::<Result<_>>()?;
        let node = g.node(id).clone();
        if upstream.iter().all(Option::is_none) || node.inputs.iter().all(|v| !depends[v.node.index()]) {
            continue;
        }
        let mut cx = Grad { g, inputs: &node.inputs, outputs: &outputs, upstream: &upstream, node: id };
        let downstream = node.op.gradient(&mut cx)?;
        for (&input, gradient) in node.inputs.iter().zip(downstream) {
            if let Some(gradient) = gradient.filter(|_| depends[input.node.index()]) {
                pending.entry(input).or_default().push(gradient);
            }
        }
    }
    xs.iter().map(|&x| sum(g, &mut pending, x)).collect()
}

/// For each node, whether it depends on one of `xs` (or is one).
fn depends_on(g: &Graph, xs: &[Value]) -> Vec<bool> {
    let mut depends = vec![false; g.nodes().len()];
    for x in xs {
        depends[x.node.index()] = true;
    }
    for (i, node) in g.nodes().iter().enumerate() {
        depends[i] = depends[i] || node.inputs.iter().any(|v| depends[v.node.index()]);
    }
    depends
}

/// Adds up what has come for a value, and leaves the sum as the only entry.
fn sum(g: &mut Graph, pending: &mut HashMap<Value, Vec<Value>>, value: Value) -> Result<Option<Value>> {
    let Some(parts) = pending.get_mut(&value) else { return Ok(None) };
    let total = match parts[..] {
        [one] => one,
        _ => g.add_n(parts)?,
    };
    *parts = vec![total];
    Ok(Some(total))
}
