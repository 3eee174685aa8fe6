//! The order in which a graph's calls can be made.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{FunctionalConfig, LayerCall};
use crate::{Error, Result};

impl FunctionalConfig {
    /// The call behind a layer's index and the call's index; nothing for inputs.
    pub fn call(&self, layer: usize, call: usize) -> Option<&LayerCall> {
        self.layers.get(layer)?.calls.get(call)
    }

    /// All calls as `(layer, call)` in an order in which each call's tensors exist; among those possible, the file's
    /// order. Inputs have no calls and come first by nature.
    ///
    /// # Errors
    /// [`Error::Graph`] when the graph has a cycle; it names the layers on it.
    pub fn call_order(&self) -> Result<Vec<(usize, usize)>> {
        let mut first = Vec::with_capacity(self.layers.len());
        let mut all = Vec::new();
        for (layer, config) in self.layers.iter().enumerate() {
            first.push(all.len());
            all.extend((0..config.calls.len()).map(|call| (layer, call)));
        }
        let index_of = |layer: usize, call: usize| -> Option<usize> {
            let n_calls = self.layers.get(layer)?.calls.len();
            (call < n_calls).then(|| first.get(layer).map(|start| start + call)).flatten()
        };
        let mut waits_for = vec![0usize; all.len()];
        let mut wakes: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
        for (at, &(layer, call)) in all.iter().enumerate() {
            // Calls of one layer are made in order: their index is their identity.
            let before = call.checked_sub(1).and_then(|before| index_of(layer, before));
            let tensors = self.call(layer, call).map(LayerCall::tensors).unwrap_or_default();
            for source in tensors.iter().filter_map(|t| index_of(t.layer, t.call)).chain(before) {
                waits_for[at] += 1;
                wakes[source].push(at);
            }
        }
        let mut ready: BinaryHeap<Reverse<usize>> =
            (0..all.len()).filter(|at| waits_for[*at] == 0).map(Reverse).collect();
        let mut order = Vec::with_capacity(all.len());
        while let Some(Reverse(at)) = ready.pop() {
            order.push(all[at]);
            for &next in &wakes[at] {
                waits_for[next] -= 1;
                if waits_for[next] == 0 {
                    ready.push(Reverse(next));
                }
            }
        }
        if order.len() == all.len() {
            return Ok(order);
        }
        let stuck: Vec<usize> = (0..all.len()).filter(|at| waits_for[*at] > 0).map(|at| all[at].0).collect();
        let mut names: Vec<&str> = stuck.iter().map(|layer| self.layers[*layer].name.as_str()).collect();
        names.dedup();
        let more = names.len().saturating_sub(8);
        names.truncate(8);
        let layer = stuck.first().map(|layer| &self.layers[*layer]);
        Err(Error::Graph {
            layer: layer.map(|l| l.name.clone()).unwrap_or_default(),
            path: layer.map(|l| l.path.to_string()).unwrap_or_default(),
            expected: "inbound nodes without a cycle".into(),
            found: format!(
                "calls that wait for each other: {}{}",
                names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
                if more > 0 { format!(" and {more} more") } else { String::new() }
            ),
        })
    }
}
