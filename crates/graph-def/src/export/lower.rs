//! A graph in TensorFlow's operations, of what is needed.

use std::collections::{HashMap, HashSet};

use kerox_graph::{Graph, NodeId, Value};

use crate::{Error, Result};

/// A graph with its ends.
pub(super) struct Lowered {
    pub graph: Graph,
    pub inputs: Vec<Value>,
    pub outputs: Vec<Value>,
    pub effects: Vec<NodeId>,
}

/// Rounds after which operations are taken to be made of themselves.
const MAX_ROUNDS: usize = 16;

/// Copies what outputs and effects need, operations that TensorFlow lacks replaced by what they are made of.
pub(super) fn lower(graph: &Graph, inputs: &[Value], outputs: &[Value], effects: &[NodeId]) -> Result<Lowered> {
    let (mut lowered, mut again) = round(graph, inputs, outputs, effects)?;
    let mut rounds = 0;
    while again {
        rounds += 1;
        if rounds > MAX_ROUNDS {
            return Err(Error::export("graph", "", "operations that are made of others", "one made of itself"));
        }
        (lowered, again) = round(&lowered.graph, &lowered.inputs, &lowered.outputs, &lowered.effects)?;
    }
    Ok(lowered)
}

/// Which nodes are needed.
fn needed(graph: &Graph, inputs: &[Value], outputs: &[Value], effects: &[NodeId]) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes().len()];
    let mut queue: Vec<usize> =
        outputs.iter().chain(inputs).map(|v| v.node.index()).chain(effects.iter().map(|id| id.index())).collect();
    while let Some(at) = queue.pop() {
        if !std::mem::replace(&mut needed[at], true) {
            queue.extend(graph.nodes()[at].inputs.iter().map(|v| v.node.index()));
        }
    }
    needed
}

fn round(graph: &Graph, inputs: &[Value], outputs: &[Value], effects: &[NodeId]) -> Result<(Lowered, bool)> {
    let needed = needed(graph, inputs, outputs, effects);
    let ends: HashSet<usize> = inputs.iter().map(|v| v.node.index()).collect();
    let mut new = Graph::new();
    let mut values: HashMap<(usize, u32), Value> = HashMap::new();
    let mut nodes: HashMap<usize, NodeId> = HashMap::new();
    let mut again = false;
    for (at, node) in graph.nodes().iter().enumerate().filter(|(at, _)| needed[*at]) {
        let given: Vec<Value> = node.inputs.iter().map(|v| values[&(v.node.index(), v.output)]).collect();
        if !ends.contains(&at) {
            // What an operation is made of bears its name.
            new.enter_scope(&scope(&node.name));
            let made = node.op.lower(&mut new, &given);
            new.leave_scope();
            if let Some(made) = made? {
                again = true;
                values.extend(made.into_iter().enumerate().map(|(output, value)| ((at, output as u32), value)));
                continue;
            }
        }
        let id = new.add_node(&node.name, node.op.clone(), &given)?;
        nodes.insert(at, id);
        values.extend(new.values(id).into_iter().map(|value| ((at, value.output), value)));
    }
    let map = |list: &[Value]| list.iter().map(|v| values[&(v.node.index(), v.output)]).collect::<Vec<Value>>();
    // Checks that operations are made of, among other things, are effects too.
    let made = std::mem::take(&mut new.effects);
    let effects = effects.iter().filter_map(|id| nodes.get(&id.index()).copied()).chain(made).collect();
    let (inputs, outputs) = (map(inputs), map(outputs));
    Ok((Lowered { graph: new, inputs, outputs, effects }, again))
}

/// A node's name without the sign of operations that are not TensorFlow's.
fn scope(name: &str) -> String {
    name.split('/').map(|part| part.trim_start_matches('_')).collect::<Vec<_>>().join("/")
}
