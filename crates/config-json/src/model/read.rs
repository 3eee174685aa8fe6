//! Models from JSON of any dialect.

use std::collections::HashMap;

use super::calls::{Names, name_states, read_call, read_ends};
use super::{Arg, FunctionalConfig, LayerConfig, ModelConfig, SequentialConfig};
use crate::dialect::normalize;
use crate::names::UniqueNames;
use crate::{Config, Error, Node, Object, Result, Value};

/// Models inside models, at most.
const MAX_NESTING: usize = 24;

impl ModelConfig {
    /// Whether a class with this configuration is one of Keras's own models, whose layers are in the configuration.
    pub fn is_model(class_name: &str, config: &Value) -> bool {
        match class_name {
            "Sequential" => matches!(config, Value::List(_)) || config.get("layers").is_some(),
            "Functional" | "Model" | "Container" | "Network" => config.get("layers").is_some(),
            _ => false,
        }
    }

    /// Reads a model from its serialized object: `{"class_name": "Sequential" | "Functional" | "Model", "config"}`.
    ///
    /// # Errors
    /// [`Error::Field`] and [`Error::Graph`] with layer and path.
    pub fn read(node: &Node) -> Result<ModelConfig> {
        let class_name = node.required("class_name")?.str()?;
        read_model(class_name, &node.required("config")?, 0)
    }

    /// Reads a model from its class and its configuration alone.
    ///
    /// # Errors
    /// As [`ModelConfig::read`].
    pub fn read_config(class_name: &str, config: &Node) -> Result<ModelConfig> {
        read_model(class_name, config, 0)
    }
}

fn read_model(class_name: &str, config: &Node, nesting: usize) -> Result<ModelConfig> {
    if nesting > MAX_NESTING {
        return Err(config
            .expected_with_help(format!("at most {MAX_NESTING} models inside each other"), "this file looks hostile"));
    }
    match class_name {
        "Sequential" => read_sequential(config, nesting).map(ModelConfig::Sequential),
        _ => read_functional(config, nesting).map(ModelConfig::Functional),
    }
}

fn read_sequential(config: &Node, nesting: usize) -> Result<SequentialConfig> {
    let (name, layers, extra) = match config.value() {
        Value::List(_) => (None, config.list()?, Config::new()),
        _ => {
            let fields = config.fields()?;
            let name = fields.opt_str("name")?.map(str::to_owned);
            (name, fields.required("layers")?.list()?, fields.rest())
        }
    };
    let mut auto = UniqueNames::new();
    let mut taken = HashMap::new();
    let mut read = Vec::with_capacity(layers.len());
    for (i, layer) in layers.iter().enumerate() {
        let layer = read_layer(layer, nesting, &mut auto)?;
        if layer.object.class_name == "Merge" {
            return Err(Error::Field {
                field: "class_name".into(),
                path: layer.path.key("class_name").to_string(),
                expected: "layers with one input each".into(),
                found: "a Keras 1 `Merge` of several models inside a Sequential".into(),
                help: "rebuild it as a Functional model".into(),
            });
        }
        if let Some(before) = taken.insert(layer.name.clone(), i) {
            return Err(duplicate(&layer, before));
        }
        read.push(layer);
    }
    Ok(SequentialConfig { name, layers: read, extra })
}

fn duplicate(layer: &LayerConfig, before: usize) -> Error {
    Error::Graph {
        layer: layer.name.clone(),
        path: layer.path.to_string(),
        expected: "a name of its own for every layer".into(),
        found: format!("the name of layer {before}"),
    }
}

fn read_functional(config: &Node, nesting: usize) -> Result<FunctionalConfig> {
    let fields = config.fields()?;
    let name = fields.str_or("name", "model")?.to_owned();
    let trainable = fields.opt_bool("trainable")?;
    let layer_nodes = fields.required("layers")?.list()?;
    let mut auto = UniqueNames::new();
    let mut names = Names::new();
    let mut layers = Vec::with_capacity(layer_nodes.len());
    for (i, node) in layer_nodes.iter().enumerate() {
        let layer = read_layer(node, nesting, &mut auto)?;
        if let Some(before) = names.insert(layer.name.clone(), i) {
            return Err(duplicate(&layer, before));
        }
        layers.push(layer);
    }
    for (layer, node) in layers.iter_mut().zip(&layer_nodes) {
        if let Some(inbound) = node.get("inbound_nodes").and_then(Node::not_null) {
            let n_constants = layer.object.config.get("num_constants").and_then(Value::as_i64);
            let n_constants = n_constants.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
            for node in inbound.list()? {
                let mut call = read_call(&node, &layer.name, &names)?;
                if matches!(node.value(), Value::List(_)) {
                    name_states(&layer.object.class_name, n_constants, &mut call);
                }
                layer.calls.push(call);
            }
        }
        layer.object.extra.remove("inbound_nodes");
    }
    let inputs = read_ends(&fields.required("input_layers")?, &name, &names)?;
    let outputs = read_ends(&fields.required("output_layers")?, &name, &names)?;
    let mut model = FunctionalConfig { name, trainable, layers, inputs, outputs, extra: fields.rest() };
    count_calls_from_zero(&mut model);
    check_calls(&model)?;
    model.call_order()?;
    Ok(model)
}

/// Whether Keras 2 counts the calls of a nested model from 1: a model with inputs has call 0 from its construction.
pub(super) fn counts_from_one(layer: &LayerConfig) -> bool {
    match layer.model.as_deref() {
        Some(ModelConfig::Functional(_)) => true,
        Some(ModelConfig::Sequential(model)) => model.layers.first().is_some_and(|first| {
            first.object.class_name == "InputLayer" || first.object.config.get("batch_input_shape").is_some()
        }),
        None => false,
    }
}

/// Counts calls of nested models from 0. What a file means is seen from the indices that it uses; only when both
/// countings would fit does the usual one of the dialect decide.
fn count_calls_from_zero(model: &mut FunctionalConfig) {
    let keras3 = model
        .layers
        .iter()
        .any(|layer| layer.calls.iter().any(|call| call.tensors().iter().any(|tensor| tensor.spec.is_some())));
    let nested: Vec<usize> = (0..model.layers.len()).filter(|i| model.layers[*i].model.is_some()).collect();
    for index in nested {
        let n_calls = model.layers[index].calls.len();
        let usual = counts_from_one(&model.layers[index]);
        let range = |tensors: Vec<&super::TensorRef>| -> Option<(usize, usize)> {
            let calls = tensors.iter().filter(|t| t.layer == index).map(|t| t.call);
            Some((calls.clone().min()?, calls.max()?))
        };
        let inner = range(model.layers.iter().flat_map(|l| &l.calls).flat_map(super::LayerCall::tensors).collect());
        let ends = range(model.inputs.tensors().into_iter().chain(model.outputs.tensors()).collect());
        let from_one = |range: Option<(usize, usize)>, usual: bool| match range {
            Some((0, _)) | None => false,
            Some((_, high)) => high >= n_calls || usual,
        };
        // Keras 3 counts from 0 between layers, and from 1 in `output_layers` when the nested model is Functional.
        let functional = matches!(model.layers[index].model.as_deref(), Some(ModelConfig::Functional(_)));
        let shift_inner = from_one(inner, usual && !keras3);
        let shift_ends = from_one(ends, if keras3 { functional } else { usual });
        let shift = |tensor: &mut super::TensorRef, by: bool| {
            if tensor.layer == index && by {
                tensor.call -= 1;
            }
        };
        for call in model.layers.iter_mut().flat_map(|l| &mut l.calls) {
            for arg in call.args.iter_mut().chain(call.kwargs.iter_mut().map(|(_, arg)| arg)) {
                arg.for_each_mut(&mut |tensor| shift(tensor, shift_inner));
            }
        }
        model.inputs.for_each_mut(&mut |tensor| shift(tensor, shift_ends));
        model.outputs.for_each_mut(&mut |tensor| shift(tensor, shift_ends));
    }
}

/// Every tensor must come from a call that exists; inputs have one call by nature.
fn check_calls(model: &FunctionalConfig) -> Result<()> {
    let check = |at: &LayerConfig, tensor: &super::TensorRef| -> Result<()> {
        let Some(source) = model.layers.get(tensor.layer) else { return Ok(()) };
        let n_calls = if source.object.class_name == "InputLayer" { 1 } else { source.calls.len() };
        if tensor.call < n_calls {
            return Ok(());
        }
        Err(Error::Graph {
            layer: at.name.clone(),
            path: at.path.to_string(),
            expected: format!("one of the {n_calls} calls of `{}`", source.name),
            found: format!("call {}", tensor.call),
        })
    };
    for layer in &model.layers {
        for tensor in layer.calls.iter().flat_map(super::LayerCall::tensors) {
            check(layer, tensor)?;
        }
    }
    for tensor in model.inputs.tensors().into_iter().chain(model.outputs.tensors()) {
        if let Some(layer) = model.layers.get(tensor.layer) {
            check(layer, tensor)?;
        }
    }
    Ok(())
}

/// Reads one layer, without its calls.
fn read_layer(node: &Node, nesting: usize, auto: &mut UniqueNames) -> Result<LayerConfig> {
    let mut object = Object::read(node)?;
    if object.shorthand {
        return Err(node.expected("a layer: an object with `class_name` and `config`"));
    }
    normalize(&mut object)?;
    let given = match object.extra.remove("name") {
        Some(Value::String(name)) => Some(name),
        _ => object.config.get("name").and_then(Value::as_str).map(str::to_owned),
    };
    let mut model = None;
    if ModelConfig::is_model(&object.class_name, &object.config) && object.lookup(None).may_be_builtin() {
        // The model is read from the document itself, so that paths stay right.
        let nested = read_model(&object.class_name, &node.required("config")?, nesting + 1)?;
        object.config = Value::Map(Config::new());
        model = Some(Box::new(nested));
    }
    let name = given
        .or_else(|| model.as_ref().and_then(|model| model.name()).map(str::to_owned))
        .unwrap_or_else(|| auto.of_class(&object.class_name));
    auto.reserve(&name);
    let path = node.path().clone();
    Ok(LayerConfig { name, object, model, calls: Vec::new(), path })
}

/// Whether an argument is one tensor alone.
pub(super) fn is_single(arg: &Arg) -> bool {
    matches!(arg, Arg::Tensor(_) | Arg::Constant(_))
}
