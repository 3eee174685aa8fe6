//! The layers of a model and what flows from one to the next.

use std::collections::HashMap;
use std::sync::Arc;

use kerox_layers::models::{Functional, Sequential};
use kerox_layers::{CallNode, LayerRef};
use kerox_train::Model;

use crate::saving::Result;

/// A call of a layer.
pub(super) struct LayerBox {
    pub name: String,
    pub class_name: String,
    /// Types and shapes of what goes in and comes out; empty where they are not known.
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    pub params: Option<usize>,
    /// The boxes whose outputs go in.
    pub from: Vec<usize>,
}

/// The calls a model is made of, each after those it depends on. A model of one's own class is a list of its layers.
pub(super) fn boxes(model: &Model) -> Result<Vec<LayerBox>> {
    model.ensure_built()?;
    let network = model.network();
    let calls: Vec<Arc<CallNode>> = if let Some(functional) = network.downcast::<Functional>() {
        functional.calls().to_vec()
    } else if let Some((input, tensors)) = network.downcast::<Sequential>().and_then(|s| s.symbolic().ok()) {
        std::iter::once(input.node.clone()).chain(tensors.iter().map(|tensor| tensor.node.clone())).collect()
    } else {
        return Ok(model.layers().iter().map(alone).collect());
    };
    let key = |node: &Arc<CallNode>| Arc::as_ptr(node).cast::<()>() as usize;
    let places: HashMap<usize, usize> = calls.iter().enumerate().map(|(i, call)| (key(call), i)).collect();
    let text = |info: &kerox_graph::ValueInfo| format!("{} {}", info.dtype, info.dims);
    let one = |call: &Arc<CallNode>| {
        let tensors = call.args.tensors();
        let mut from: Vec<usize> = tensors.iter().filter_map(|t| places.get(&key(&t.node)).copied()).collect();
        from.dedup();
        let inputs = tensors.iter().filter_map(|t| t.node.outputs.get(t.index)).map(text).collect();
        let outputs = call.outputs.iter().map(text).collect();
        LayerBox { inputs, outputs, from, ..alone(&call.layer) }
    };
    Ok(calls.iter().map(one).collect())
}

fn alone(layer: &LayerRef) -> LayerBox {
    LayerBox {
        name: layer.name().to_owned(),
        class_name: layer.class_name().to_owned(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        params: layer.count_params().ok(),
        from: Vec::new(),
    }
}
