//! Models from the neutral form.

use kerox_config_json::model::{FunctionalConfig, LayerConfig, SequentialConfig};
use kerox_config_json::{ModelConfig, Node, Value as Json, model};
use kerox_graph::{Dims, ValueInfo};

use crate::core::InputLayer;
use crate::models::{Functional, Sequential};
use crate::{Arg, Args, DTypePolicy, Error, KerasTensor, LayerRef, Result, registry};

/// Builds a model from its configuration; weights are fresh.
///
/// # Errors
/// [`Error::Config`] where a class is unknown or a field wrong, with its place in the document; errors of the layers
/// where they cannot be called as the configuration says.
///
/// # Example
/// ```
/// use kerox_config_json::ModelDocument;
/// let text = r#"{"class_name": "Sequential", "config": {"name": "s", "layers": [
///     {"class_name": "Dense", "config": {"name": "d", "units": 2, "batch_input_shape": [null, 3]}}]}}"#;
/// let document = ModelDocument::parse(text.as_bytes())?;
/// let model = kerox_layers::models::from_config(document.architecture()?)?;
/// assert_eq!(model.count_params()?, 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.Model.from_config`.
pub fn from_config(config: &ModelConfig) -> Result<LayerRef> {
    named(config, None)
}

fn named(config: &ModelConfig, name: Option<&str>) -> Result<LayerRef> {
    match config {
        ModelConfig::Sequential(config) => sequential(config, name.or(config.name.as_deref())),
        ModelConfig::Functional(config) => functional(config, name.unwrap_or(&config.name)),
    }
}

/// The layer of one entry of a model; the entry's name counts.
fn layer(config: &LayerConfig) -> Result<LayerRef> {
    if let Some(model) = &config.model {
        return named(model, Some(&config.name));
    }
    let known = config.object.config.get("name").and_then(Json::as_str) == Some(&config.name);
    if known {
        return registry::deserialize_object(&config.object);
    }
    let mut object = config.object.clone();
    if let Json::Map(fields) = &mut object.config {
        fields.insert("name", config.name.as_str());
    }
    registry::deserialize_object(&object)
}

fn sequential(config: &SequentialConfig, name: Option<&str>) -> Result<LayerRef> {
    let mut model = Sequential::new();
    let base = crate::Layer::base_mut(&mut model);
    if let Some(name) = name {
        base.set_name(name);
    }
    let mut rest = config.extra.clone();
    let trainable = rest.remove("trainable").and_then(|value| value.as_bool());
    let policy = rest.remove("dtype");
    let policy = policy.as_ref().and_then(|p| p.as_str().or_else(|| p.get("config")?.get("name")?.as_str()));
    if let Some(policy) = policy.and_then(DTypePolicy::from_name) {
        base.set_policy(policy);
    }
    let shape = rest.remove("build_input_shape");
    base.set_trainable(trainable.unwrap_or(true));
    base.set_rest(rest);
    for entry in &config.layers {
        model.add(layer(entry)?);
    }
    model.ensure_built()?;
    if let (Some(shape), true) = (shape.filter(|shape| !shape.is_null()), model.input_info().is_none()) {
        // A model that had been built without saying its input's shape.
        let dims: Option<Dims> = Node::root(&shape).shape().ok().map(|shape| shape.into_iter().collect());
        if let (Some(dims), Some(first)) = (dims, model.layers().first()) {
            model.build_for(&[ValueInfo::new(first.input_dtype(), dims)])?;
        }
    }
    Ok(model.into())
}

/// The symbolic tensor of an input layer; the same one however often it is asked for while in use.
pub(crate) fn input_tensor(layer: &LayerRef) -> Option<KerasTensor> {
    let input = layer.downcast::<InputLayer>()?;
    if let Some(node) = layer.base().nodes().first() {
        return Some(KerasTensor { node: node.clone(), index: 0 });
    }
    let info = ValueInfo::new(input.data_type(), input.dims());
    layer.base().set_built(vec![info.dims.clone()]);
    Some(KerasTensor::record(layer, Args::default(), vec![info]).swap_remove(0))
}

/// The outputs of every call made so far, by layer, call and output.
type Made = Vec<Vec<Vec<KerasTensor>>>;

fn functional(config: &FunctionalConfig, name: &str) -> Result<LayerRef> {
    let layers: Vec<LayerRef> = config.layers.iter().map(layer).collect::<Result<_>>()?;
    let mut made: Made = vec![Vec::new(); layers.len()];
    for (made, layer) in made.iter_mut().zip(&layers) {
        made.extend(input_tensor(layer).map(|tensor| vec![tensor]));
    }
    for (at, call) in config.call_order()? {
        let (Some(layer), Some(entry), Some(call)) = (layers.get(at), config.layers.get(at), config.call(at, call))
        else {
            continue;
        };
        if layer.downcast::<InputLayer>().is_some() {
            continue;
        }
        let args = Args {
            args: call.args.iter().map(|arg| argument(arg, &made, config, entry)).collect::<Result<_>>()?,
            kwargs: call
                .kwargs
                .iter()
                .map(|(key, arg)| Ok((key.clone(), argument(arg, &made, config, entry)?)))
                .collect::<Result<_>>()?,
        };
        let outputs = layer.call(args)?;
        made[at].push(outputs);
    }
    let whole = LayerConfig {
        name: name.to_owned(),
        object: Default::default(),
        model: None,
        calls: Vec::new(),
        path: config.layers.first().map(|layer| layer.path.clone()).unwrap_or_default(),
    };
    let inputs = argument(&config.inputs, &made, config, &whole)?;
    let outputs = argument(&config.outputs, &made, config, &whole)?;
    let mut model = Functional::with_structure(inputs, outputs)?;
    // Layers that lead to no output: losses and metrics added to the model.
    let known: Vec<_> = model.calls().to_vec();
    let ends = made.iter().flatten().filter_map(|outputs| outputs.first());
    let is_apart = |tensor: &&KerasTensor| !known.iter().any(|node| std::sync::Arc::ptr_eq(node, &tensor.node));
    let ends: Vec<KerasTensor> = ends.filter(is_apart).cloned().collect();
    let ends: Vec<KerasTensor> =
        ends.into_iter().filter(|tensor| tensor.node.layer.downcast::<InputLayer>().is_none()).collect();
    if !ends.is_empty() {
        model.connect(ends)?;
    }
    let base = crate::Layer::base_mut(&mut model);
    base.set_name(name);
    base.set_trainable(config.trainable.unwrap_or(true));
    base.set_rest(config.extra.clone());
    Ok(model.into())
}

/// An argument with the tensors that have been made.
fn argument(arg: &model::Arg, made: &Made, config: &FunctionalConfig, at: &LayerConfig) -> Result<Arg<KerasTensor>> {
    Ok(match arg {
        model::Arg::Tensor(tensor) => {
            let outputs = made.get(tensor.layer).and_then(|calls| calls.get(tensor.call));
            let found = outputs.and_then(|outputs| outputs.get(tensor.tensor)).cloned();
            Arg::Tensor(found.ok_or_else(|| {
                let name = config.layers.get(tensor.layer).map_or("?", |layer| &layer.name);
                Error::Config(kerox_config_json::Error::Graph {
                    layer: at.name.clone(),
                    path: at.path.to_string(),
                    expected: match outputs {
                        Some(outputs) => format!("one of the {} outputs of `{name}`", outputs.len()),
                        None => format!("a call of `{name}` that has been made before"),
                    },
                    found: format!("call {} output {}", tensor.call, tensor.tensor),
                })
            })?)
        }
        model::Arg::Constant(Json::Null) => Arg::None,
        model::Arg::Constant(value) => Arg::Const(value.clone()),
        model::Arg::List(items) | model::Arg::Tuple(items) => {
            Arg::List(items.iter().map(|item| argument(item, made, config, at)).collect::<Result<_>>()?)
        }
        model::Arg::Map(items) => Arg::Map(
            items
                .iter()
                .map(|(key, item)| Ok((key.clone(), argument(item, made, config, at)?)))
                .collect::<Result<_>>()?,
        ),
    })
}
