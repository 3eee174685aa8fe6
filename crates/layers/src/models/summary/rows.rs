//! What a summary says, whatever its style.

use std::sync::Arc;

use crate::core::InputLayer;
use crate::models::{Functional, Sequential};
use crate::{Arg, CallNode, Error, KerasTensor, LayerRef, Result, Weight};

/// One layer.
pub(super) struct Row {
    /// `dense (Dense)`.
    pub title: String,
    /// The shape as Python prints it, or `multiple`.
    pub shape: String,
    /// Number of numbers in the weights, or `0 (unused)`.
    pub params: String,
    /// `dense[0][0]`: what the layer is applied to.
    pub connections: Vec<String>,
    /// Whether it is trained.
    pub trainable: bool,
    /// The layers inside, where it is a model.
    pub nested: Vec<Row>,
}

/// Numbers and bytes of a set of weights.
#[derive(Clone, Copy, Default)]
pub(super) struct Total {
    pub params: usize,
    pub bytes: usize,
}

/// A whole model.
pub(super) struct Table {
    pub name: String,
    /// One layer after the other: no column of connections.
    pub is_sequence: bool,
    pub rows: Vec<Row>,
    pub trainable: Total,
    pub frozen: Total,
}

impl Table {
    /// Layers without weights yet are listed where `unbuilt` says so.
    pub fn of(model: &LayerRef, range: Option<&(String, String)>, unbuilt: bool) -> Result<Table> {
        if let Some(model) = model.downcast::<Sequential>() {
            model.ensure_built()?;
        }
        let is_built = model.base().built().is_some();
        if !is_built && !unbuilt {
            return Err(Error::NotBuilt);
        }
        let graph = model.downcast::<Functional>();
        let layers = layers_of(model)?;
        let layers = match range {
            Some((first, last)) => between(&layers, first, last)?,
            None => &layers,
        };
        let calls = graph.map(Functional::calls).unwrap_or_default();
        Ok(Table {
            name: model.name().to_string(),
            is_sequence: graph.is_none_or(Functional::is_linear),
            rows: layers.iter().map(|layer| row(layer, calls, is_built)).collect::<Result<_>>()?,
            trainable: total(&model.trainable_weights()),
            frozen: total(&model.non_trainable_weights()),
        })
    }
}

/// The layers of a model, after their shapes have been found out.
fn layers_of(model: &LayerRef) -> Result<Vec<LayerRef>> {
    if let Some(model) = model.downcast::<Sequential>()
        && model.input_info().is_some()
    {
        model.symbolic()?;
    }
    Ok(model.layers_inside())
}

/// The layers from the first whose name begins with `first` to the last whose name begins with `last`.
fn between<'a>(layers: &'a [LayerRef], first: &str, last: &str) -> Result<&'a [LayerRef]> {
    let places = |name: &str| -> Result<(usize, usize)> {
        let mut found = (0..layers.len()).filter(|&i| layers[i].name().starts_with(name));
        let low = found.next();
        match (low, found.next_back().or(low)) {
            (Some(low), Some(high)) => Ok((low, high)),
            _ => Err(crate::layer::no_such_layer(name, layers)),
        }
    };
    let ((low, last_of_first), (first_of_last, high)) = (places(first)?, places(last)?);
    Ok(if low <= high { &layers[low..=high] } else { &layers[first_of_last..=last_of_first] })
}

fn total(weights: &[Weight]) -> Total {
    let mut total = Total::default();
    for weight in weights {
        let params = weight.variable.shape().elements();
        total.params += params;
        total.bytes += params * weight.variable.dtype().size().unwrap_or(0);
    }
    total
}

fn row(layer: &LayerRef, calls: &[Arc<CallNode>], in_built: bool) -> Result<Row> {
    let nested = if layer.is_model() { layers_of(layer)? } else { Vec::new() };
    let is_graph = layer.downcast::<Functional>().is_some();
    let is_bare = layer.base().built().is_none() && !is_graph;
    let params = match (is_bare, in_built) {
        (true, true) => "0 (unused)".to_string(),
        (true, false) => "unbuilt".to_string(),
        (false, _) => layer.count_params()?.to_string(),
    };
    let mut inbound: Vec<&Arc<CallNode>> = calls.iter().filter(|node| node.layer == *layer).collect();
    inbound.sort_by_key(|node| node.node_index);
    let inbound = inbound.into_iter().flat_map(|node| node.args.tensors());
    let name =
        |tensor: &KerasTensor| format!("{}[{}][{}]", tensor.node.layer.name(), tensor.node.node_index, tensor.index);
    Ok(Row {
        title: format!("{} ({})", layer.name(), layer.class_name()),
        shape: if is_bare && !in_built { "?".to_string() } else { shape_text(layer) },
        params,
        connections: inbound.map(name).collect(),
        trainable: layer.trainable(),
        nested: nested.iter().map(|inner| row(inner, &[], in_built)).collect::<Result<_>>()?,
    })
}

/// The output's shape as Python prints it; `multiple` where it is not the same everywhere or nobody knows.
fn shape_text(layer: &LayerRef) -> String {
    if let Some(model) = layer.downcast::<Functional>() {
        return tree_text(model.output_structure());
    }
    if let Some((_, tensors)) = layer.downcast::<Sequential>().and_then(|model| model.symbolic().ok()) {
        return tensors.last().map_or_else(|| "multiple".into(), |tensor| tensor.shape().to_string());
    }
    let mut texts: Vec<String> = layer.base().nodes().iter().map(|node| node_text(node)).collect();
    texts.dedup();
    match texts.as_slice() {
        [one] => one.clone(),
        _ => "multiple".into(),
    }
}

fn node_text(node: &CallNode) -> String {
    let shapes: Vec<String> = node.outputs.iter().map(|info| info.dims.to_string()).collect();
    match shapes.as_slice() {
        [one] if node.layer.downcast::<InputLayer>().is_none() => one.clone(),
        many => {
            // Attention gives a tuple of outputs and scores, everything else lists.
            let tuple = node.layer.class_name().ends_with("Attention");
            let (open, close) = if tuple { ("(", ")") } else { ("[", "]") };
            format!("{open}{}{close}", many.join(", "))
        }
    }
}

fn tree_text(tree: &Arg<KerasTensor>) -> String {
    match tree {
        Arg::Tensor(tensor) => tensor.shape().to_string(),
        Arg::List(items) => match items.as_slice() {
            [one] => tree_text(one),
            many => format!("[{}]", many.iter().map(tree_text).collect::<Vec<_>>().join(", ")),
        },
        Arg::Map(items) => {
            let items: Vec<String> = items.iter().map(|(key, item)| format!("'{key}': {}", tree_text(item))).collect();
            format!("{{{}}}", items.join(", "))
        }
        Arg::Const(_) | Arg::None => "None".into(),
    }
}
