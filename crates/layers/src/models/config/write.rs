//! The neutral form of models.

use std::collections::HashMap;
use std::sync::Arc;

use kerox_config_json::dialect::KERAS3;
use kerox_config_json::model::{
    self, FunctionalConfig, LayerCall, LayerConfig, SequentialConfig, TensorRef, TensorSpec,
};
use kerox_config_json::{Config, Form, ModelConfig, Object, Path, Value as Json};
use kerox_graph::Dims;

use crate::base::dims_to_json;
use crate::core::InputLayer;
use crate::models::{Functional, Sequential};
use crate::op_lambda::OpLambda;
use crate::registry::{self, LayerEntry};
use crate::{Arg, CallNode, Error, KerasTensor, Layer, LayerExt, LayerRef, Result};

/// The configuration of a Sequential or functional model, with shape and type of every tensor between its layers.
///
/// # Errors
/// [`Error::Topology`] where the layer is no such model; errors of layers that cannot be described by plain data.
///
/// # Source
/// `keras.Model.get_config`.
pub fn to_config(model: &LayerRef) -> Result<ModelConfig> {
    match (model.downcast::<Sequential>(), model.downcast::<Functional>()) {
        (Some(model), _) => sequential_config(model).map(ModelConfig::Sequential),
        (_, Some(model)) => functional_config(model).map(ModelConfig::Functional),
        _ => Err(Error::Topology {
            model: model.name().into(),
            expected: "a Sequential or functional model".into(),
            found: format!("a `{}`", model.class_name()),
        }),
    }
}

pub(in crate::models) fn sequential_config(model: &Sequential) -> Result<SequentialConfig> {
    let mut layers = Vec::new();
    let all = model.all_layers();
    if let (Some(info), false) = (model.input_info(), all.first().is_some_and(is_input)) {
        let input = InputLayer::of(info.dims, info.dtype).name(model.input_name());
        layers.push(entry(&input.into(), Vec::new())?);
    }
    for layer in &all {
        layers.push(entry(layer, Vec::new())?);
    }
    Ok(SequentialConfig { name: Some(model.base().name().into()), layers, extra: model.base().rest().clone() })
}

fn is_input(layer: &LayerRef) -> bool {
    layer.downcast::<InputLayer>().is_some()
}

pub(in crate::models) fn functional_config(model: &Functional) -> Result<FunctionalConfig> {
    let index: HashMap<usize, usize> = model.layers().iter().enumerate().map(|(i, layer)| (layer.id(), i)).collect();
    let mut calls: Vec<Vec<&Arc<CallNode>>> = vec![Vec::new(); model.layers().len()];
    for node in model.calls() {
        if let (Some(&at), false) = (index.get(&node.layer.id()), is_input(&node.layer)) {
            calls[at].push(node);
        }
    }
    let mut places = HashMap::new();
    for calls in &mut calls {
        calls.sort_by_key(|node| node.node_index);
        places.extend(calls.iter().enumerate().map(|(call, node)| (Arc::as_ptr(node), call)));
    }
    let reference = |tensor: &KerasTensor| -> TensorRef {
        TensorRef {
            layer: index.get(&tensor.node.layer.id()).copied().unwrap_or(usize::MAX),
            call: places.get(&Arc::as_ptr(&tensor.node)).copied().unwrap_or(0),
            tensor: tensor.index,
            spec: spec(tensor),
        }
    };
    let mut layers = Vec::with_capacity(calls.len());
    for (layer, calls) in model.layers().iter().zip(&calls) {
        let calls = calls.iter().map(|node| {
            let args = node.args.args.iter().map(|arg| argument(arg, &reference)).collect();
            let kwargs = node.args.kwargs.iter().map(|(key, arg)| (key.clone(), argument(arg, &reference)));
            LayerCall::new(args, kwargs.collect())
        });
        layers.push(entry(layer, calls.collect())?);
    }
    Ok(FunctionalConfig {
        name: model.base().name().into(),
        trainable: Some(model.base().trainable()),
        layers,
        inputs: argument(model.input_structure(), &reference),
        outputs: argument(model.output_structure(), &reference),
        extra: model.base().rest().clone(),
    })
}

/// What `get_config` gives: the configuration without class.
pub(in crate::models) fn bare(config: &ModelConfig) -> Result<Config> {
    match config.to_config(Form::Keras2Keras, false)? {
        Json::Map(config) => Ok(config),
        _ => Ok(Config::new()),
    }
}

fn spec(tensor: &KerasTensor) -> Option<TensorSpec> {
    Some(TensorSpec { shape: tensor.shape().axes()?.to_vec(), dtype: tensor.dtype().name().into() })
}

fn argument(arg: &Arg<KerasTensor>, reference: &impl Fn(&KerasTensor) -> TensorRef) -> model::Arg {
    match arg {
        Arg::Tensor(tensor) => model::Arg::Tensor(reference(tensor)),
        Arg::Const(value) => model::Arg::Constant(value.clone()),
        Arg::None => model::Arg::Constant(Json::Null),
        // Without a tensor inside it is a constant as a whole.
        Arg::List(items) if arg.tensors().is_empty() => {
            let items = items.iter().map(|item| argument(item, reference)).map(constant);
            model::Arg::Constant(Json::List(items.collect()))
        }
        Arg::List(items) => model::Arg::List(items.iter().map(|item| argument(item, reference)).collect()),
        Arg::Map(items) if arg.tensors().is_empty() => {
            let items = items.iter().map(|(key, item)| (key.clone(), constant(argument(item, reference))));
            model::Arg::Constant(items.collect::<Config>().into())
        }
        Arg::Map(items) => {
            model::Arg::Map(items.iter().map(|(key, item)| (key.clone(), argument(item, reference))).collect())
        }
    }
}

fn constant(arg: model::Arg) -> Json {
    match arg {
        model::Arg::Constant(value) => value,
        _ => Json::Null,
    }
}

fn entry(layer: &LayerRef, calls: Vec<LayerCall>) -> Result<LayerConfig> {
    let (object, model) = match layer.downcast::<Sequential>().is_some() || layer.downcast::<Functional>().is_some() {
        true => {
            let config = to_config(layer)?;
            let mut object = Object::new(config.class_name(), Config::new());
            object.build_config = build_config(layer);
            (object, Some(Box::new(config)))
        }
        false => (layer_object(layer)?, None),
    };
    Ok(LayerConfig { name: layer.name().into(), object, model, calls, path: Path::root() })
}

/// A layer as an object: module, class, configuration, registered name and the shapes it was built for.
pub(crate) fn layer_object(layer: &LayerRef) -> Result<Object> {
    if layer.downcast::<Sequential>().is_some() || layer.downcast::<Functional>().is_some() {
        let config = to_config(layer)?;
        let functional = matches!(config, ModelConfig::Functional(_));
        let module = if functional { "keras.src.engine.functional" } else { "keras" };
        let mut object = Object::builtin(module, config.class_name(), config.to_config(Form::Keras2Keras, false)?);
        if functional {
            object.registered_name = Some(Some("Functional".into()));
        }
        object.build_config = build_config(layer);
        return Ok(object);
    }
    if let Some(operation) = layer.downcast::<OpLambda>() {
        let mut object = operation.object()?;
        object.build_config = build_config(layer);
        return Ok(object);
    }
    let (class_name, config) = (layer.class_name(), layer.config()?);
    let mut object = match registry::registry().builtin(class_name) {
        Some(LayerEntry { module, .. }) if !registry::is_registered(class_name) => {
            let mut object = Object::builtin(module, class_name, config);
            // Only what is part of Keras's public interface goes by its module alone.
            if module.starts_with("keras.src") {
                object.registered_name = Some(Some(class_name.into()));
            }
            object
        }
        _ => Object::registered(class_name, config, registry::registered_name(class_name)),
    };
    if !is_input(layer) {
        object.build_config = build_config(layer);
    }
    Ok(object)
}

/// `{"input_shape": [null, 784]}`, a list of shapes for several inputs; nothing before the layer is built. What Keras 3
/// writes instead stands beside it.
pub(super) fn build_config(layer: &LayerRef) -> Option<Json> {
    let built: Vec<Dims> = layer.base().built()?;
    let shape = match (built.as_slice(), layer.downcast::<Functional>().map(Functional::input_structure)) {
        (_, Some(Arg::Map(entries))) => {
            let shapes = entries.iter().map(|(key, arg)| {
                let shape = arg.tensors().first().map_or(Json::Null, |tensor| dims_to_json(tensor.shape()));
                (key.clone(), shape)
            });
            shapes.collect::<Config>().into()
        }
        // An operation whose first argument is a number.
        ([], _) if layer.downcast::<OpLambda>().is_some() => Json::List(Vec::new()),
        ([], _) => return None,
        ([_], _) if initial_states(layer).len() > 1 => {
            Json::List(initial_states(layer).iter().map(|tensor| dims_to_json(tensor.shape())).collect())
        }
        ([one], _) => dims_to_json(one),
        (many, _) => Json::List(many.iter().map(dims_to_json).collect()),
    };
    let mut config = Config::new().with("input_shape", shape);
    if let Some(shapes) = shapes_by_name(layer) {
        config.insert(KERAS3, Config::new().with("shapes_dict", shapes));
    }
    Some(config.into())
}

/// The shapes of all tensors that an attention or recurrent layer was first called with, by the names that Keras 3 gives
/// them when it builds the layer for more than one.
fn shapes_by_name(layer: &LayerRef) -> Option<Config> {
    let node = layer.base().nodes().into_iter().next()?;
    let args = &node.args;
    let shapes = match layer.class_name() {
        "MultiHeadAttention" | "GroupQueryAttention" => vec![
            ("query_shape", args.get(0, "query")),
            ("value_shape", args.get(1, "value")),
            ("key_shape", args.get(2, "key")),
        ],
        _ => vec![("sequences_shape", args.args.first()), ("initial_state_shape", args.kwarg("initial_state"))],
    };
    let shapes = shapes.into_iter().filter_map(|(name, arg)| Some((name.to_string(), shapes_of(arg?)?)));
    let shapes: Config = shapes.collect();
    (shapes.len() > 1).then_some(shapes)
}

fn shapes_of(arg: &Arg<KerasTensor>) -> Option<Json> {
    match arg {
        Arg::Tensor(tensor) => Some(dims_to_json(tensor.shape())),
        Arg::List(items) => items.iter().map(shapes_of).collect::<Option<Vec<Json>>>().map(Json::List),
        Arg::Map(_) | Arg::Const(_) | Arg::None => None,
    }
}

/// The input and the initial states that a recurrent layer was first called with: Keras 2 builds it for all of them.
fn initial_states(layer: &LayerRef) -> Vec<KerasTensor> {
    let node = layer.base().nodes().into_iter().next();
    let node = node.filter(|node| node.args.kwarg("initial_state").is_some());
    node.map(|node| node.args.tensors().into_iter().cloned().collect()).unwrap_or_default()
}
