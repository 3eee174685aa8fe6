//! Models: layers made of layers.

mod clone;
pub(crate) mod config;
mod functional;
mod rewire;
mod sequential;
mod summary;
mod topology;

pub use crate::lora::enable_lora;
pub use crate::quantization::quantize;
pub use clone::{clone_model, clone_model_with};
pub use config::{from_config, from_document, model_from_json, to_config, to_document, to_json};
pub use functional::Functional;
pub use sequential::Sequential;
pub use summary::{Summary, SummaryStyle, summary};

use crate::{LayerRef, Tracked};

/// The edges by which checkpoints reach the layers of a Sequential or functional model: for each layer `layer-i`, and
/// before it `layer_with_weights-k` where it has weights.
///
/// # Source
/// `keras.Model._trackable_children`.
pub(crate) fn numbered(layers: &[LayerRef]) -> Vec<(String, Tracked)> {
    let mut edges = Vec::with_capacity(2 * layers.len());
    let mut with_weights = 0;
    for (i, layer) in layers.iter().enumerate() {
        if !layer.weights().is_empty() || layer.state().is_some_and(|state| state.counts_as_weight()) {
            edges.push((format!("layer_with_weights-{with_weights}"), Tracked::Layer(layer.clone())));
            with_weights += 1;
        }
        edges.push((format!("layer-{i}"), Tracked::Layer(layer.clone())));
    }
    edges
}
