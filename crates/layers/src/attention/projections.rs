//! The layers inside an attention of many heads.

use crate::{LayerRef, Tracked};

/// The projections of what comes in, and that of what goes out.
#[derive(Debug)]
pub(super) struct Projections {
    pub query: LayerRef,
    pub key: LayerRef,
    pub value: LayerRef,
    pub gate: Option<LayerRef>,
    pub output: LayerRef,
}

impl Projections {
    /// Under the names of Keras's attributes.
    pub fn tracked(&self) -> Vec<(String, Tracked)> {
        let pairs = [
            ("_query_dense", Some(&self.query)),
            ("_key_dense", Some(&self.key)),
            ("_gate_dense", self.gate.as_ref()),
            ("_value_dense", Some(&self.value)),
            ("_output_dense", Some(&self.output)),
        ];
        let there = pairs.into_iter().filter_map(|(name, layer)| Some((name, layer?.clone())));
        there.map(|(name, layer)| (name.to_string(), Tracked::Layer(layer))).collect()
    }
}
