//! The order in which the nodes of a body are imported.

use std::collections::HashSet;

use crate::library::{Body, Library, Source};
use crate::{Error, Result};

/// Inputs of a node that say only where a file is, which is known here.
pub(crate) fn skips_input(op: &str, input: usize) -> bool {
    matches!(op, "Restore" | "RestoreV2" | "RestoreSlice") && input == 0
}

/// The nodes that `roots` need, each after those it needs itself. What is `fed` needs nothing.
pub(crate) fn order(
    library: &Library<'_>,
    body: &Body<'_>,
    roots: &[Source],
    fed: &HashSet<Source>,
) -> Result<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; body.nodes.len()];
    let mut ordered = Vec::new();
    let node_of = |source: &Source| match *source {
        Source::Output(at, _) | Source::Control(at) if !fed.contains(source) => Some(at),
        _ => None,
    };
    for root in roots.iter().filter_map(node_of) {
        // Each entry: a node, its inputs, and how many of them have been followed.
        let mut stack: Vec<(usize, Vec<usize>, usize)> = Vec::new();
        let mut enter = Some(root);
        loop {
            if let Some(at) = enter.take() {
                match marks[at] {
                    Mark::Done => {}
                    Mark::Open => {
                        let name = &body.nodes[at].name;
                        return Err(Error::invalid("node", name, "a graph without cycles", "a node that needs itself"));
                    }
                    Mark::New => {
                        marks[at] = Mark::Open;
                        let node = &body.nodes[at];
                        let mut inputs = Vec::with_capacity(node.input.len());
                        let needed = node.input.iter().enumerate().filter(|(k, _)| !skips_input(&node.op, *k));
                        for (_, input) in needed {
                            inputs.extend(node_of(&body.source(library, input, &node.name)?));
                        }
                        stack.push((at, inputs, 0));
                    }
                }
            }
            let Some((at, inputs, followed)) = stack.last_mut() else { break };
            if let Some(&next) = inputs.get(*followed) {
                *followed += 1;
                enter = Some(next);
            } else {
                marks[*at] = Mark::Done;
                ordered.push(*at);
                stack.pop();
            }
        }
    }
    Ok(ordered)
}
