//! What Keras is to know of each object: `keras_metadata.pb`.

use kerox_config_json::{Form, Style, Value as Json};
use kerox_format_savedmodel::{NodeId, SavedModelBuilder};
use kerox_graph::Dims;
use kerox_layers::core::InputLayer;
use kerox_layers::models::{self, Functional, Sequential};
use kerox_layers::{Arg, Layer, LayerRef, registry};
use serde_json::{Value, json};

use super::trace::Input;
use super::write::Writer;
use super::write_functions::{RootTraces, is_graph};
use crate::saving::{Result, compiled};

/// Classes of layers that go over sequences.
const RECURRENT: &[&str] =
    &["RNN", "LSTM", "GRU", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "ConvLSTM2DCell"];

/// Classes that hold one operation: without their configuration nothing is left of them.
const OPERATIONS: &[&str] = &["TFOpLambda", "SlicingOpLambda"];

/// Classes whose vocabulary is in a table: in the configuration it would be a second one.
const LOOKUPS: &[&str] = &["StringLookup", "IntegerLookup", "TextVectorization"];

/// The identifier of a layer's class in the graph of objects.
pub(super) fn identifier(layer: &LayerRef, is_root: bool) -> &'static str {
    if layer.downcast::<Sequential>().is_some() {
        "_tf_keras_sequential"
    } else if layer.downcast::<Functional>().is_some() {
        "_tf_keras_network"
    } else if layer.downcast::<InputLayer>().is_some() {
        "_tf_keras_input_layer"
    } else if is_root || layer.is_model() {
        "_tf_keras_model"
    } else if RECURRENT.contains(&layer.class_name()) {
        "_tf_keras_rnn_layer"
    } else {
        "_tf_keras_layer"
    }
}

/// JSON as the metadata's writer takes it.
fn converted(value: &Json) -> Value {
    serde_json::from_str(&value.to_json(Style::default())).unwrap_or(Value::Null)
}

fn tuple(items: Vec<Value>) -> Value {
    json!({"class_name": "__tuple__", "items": items})
}

fn lengths(dims: &Dims) -> Value {
    match dims.axes() {
        Some(axes) => axes.iter().map(|axis| axis.map_or(Value::Null, Value::from)).collect(),
        None => Value::Null,
    }
}

/// Shapes in lists and dictionaries as Keras encodes them.
fn shapes(value: &Value) -> Value {
    match value {
        Value::Array(items) if items.iter().all(|item| item.is_null() || item.is_number()) => {
            json!({"class_name": "TensorShape", "items": items})
        }
        Value::Array(items) => items.iter().map(shapes).collect(),
        Value::Object(entries) => entries.iter().map(|(key, value)| (key.clone(), shapes(value))).collect(),
        other => other.clone(),
    }
}

/// A model's input as a `TensorSpec` in lists and dictionaries.
fn save_spec(arg: &Arg<Input>) -> Value {
    match arg {
        Arg::Tensor(input) => {
            let shape = json!({"class_name": "TensorShape", "items": lengths(&input.info.dims)});
            json!({"class_name": "TypeSpec", "type_spec": "tf.TensorSpec",
                "serialized": [shape, input.info.dtype.name(), input.name]})
        }
        Arg::List(items) => items.iter().map(save_spec).collect(),
        Arg::Map(entries) => entries.iter().map(|(key, arg)| (key.clone(), save_spec(arg))).collect(),
        Arg::Const(_) | Arg::None => Value::Null,
    }
}

/// The class and the configuration of a layer; no configuration for what cannot be described by plain data.
fn class_and_config(layer: &LayerRef) -> Result<(String, Option<Value>, Option<Value>)> {
    let document = models::to_document(layer)?;
    let build = document.object.build_config.as_ref().and_then(|build| build.get("input_shape"));
    let build = build.map(|shape| shapes(&converted(shape)));
    let written = document.write(Form::Keras2H5)?;
    let mut class_name = written.get("class_name").and_then(Json::as_str).unwrap_or(layer.class_name()).to_string();
    if registry::is_registered(layer.class_name()) {
        class_name = registry::registered_name(layer.class_name());
    }
    Ok((class_name, written.get("config").map(converted), build))
}

impl Writer<'_> {
    /// What is said of every layer.
    fn common(&self, layer: &LayerRef, takes_training: bool) -> Result<Value> {
        let (class_name, config, build) = class_and_config(layer)?;
        let base = layer.base();
        let must_restore = OPERATIONS.contains(&class_name.as_str());
        let batch_input_shape = base
            .batch_input_shape()
            .and_then(Dims::axes)
            .map(|axes| tuple(axes.iter().map(|axis| axis.map_or(Value::Null, Value::from)).collect()));
        let stateful = config.as_ref().and_then(|config| config.get("stateful")).and_then(Value::as_bool);
        let mut metadata = json!({
            "name": layer.name(),
            "trainable": layer.trainable(),
            "expects_training_arg": takes_training,
            "dtype": base.policy().name,
            "batch_input_shape": batch_input_shape,
            "stateful": stateful.unwrap_or(false),
            "must_restore_from_config": must_restore,
            "preserve_input_structure_in_config": must_restore,
            "autocast": layer.autocast(),
            "class_name": class_name,
        });
        if let Some(mut config) = config {
            if let (true, Some(map)) = (LOOKUPS.contains(&class_name.as_str()), config.as_object_mut()) {
                let given = map.insert("vocabulary".into(), Value::Null);
                map.insert("has_input_vocabulary".into(), given.is_some_and(|given| !given.is_null()).into());
            }
            metadata["config"] = config;
        }
        if let Some(regularizer) = layer.activity_regularizer() {
            metadata["activity_regularizer"] = converted(&regularizer.to_json());
        }
        if let Some(build) = build {
            metadata["build_input_shape"] = build;
        }
        Ok(metadata)
    }

    /// Tells of a layer.
    pub fn layer_metadata(&mut self, layer: &LayerRef, node: NodeId, takes_training: bool) -> Result<()> {
        let mut metadata = self.common(layer, takes_training)?;
        if is_graph(layer) {
            metadata["is_graph_network"] = true.into();
            metadata["expects_training_arg"] = true.into();
        }
        self.builder.set_metadata(node, metadata);
        Ok(())
    }

    /// Tells of an input.
    pub fn input_metadata(&mut self, input: &InputLayer, node: NodeId) -> Result<()> {
        let config = converted(&Json::Map(input.config()?));
        let axes = input.dims().axes().map(<[_]>::to_vec).unwrap_or_default();
        let shape = tuple(axes.into_iter().map(|axis| axis.map_or(Value::Null, Value::from)).collect());
        let metadata = json!({"class_name": "InputLayer", "name": input.base().name(),
            "dtype": input.data_type().name(), "sparse": false, "ragged": false, "batch_input_shape": shape,
            "config": config});
        self.builder.set_metadata(node, metadata);
        Ok(())
    }

    /// Tells of the model: as of a layer, with its inputs and what it was compiled with.
    pub fn root_metadata(&mut self, traces: &RootTraces) -> Result<()> {
        let network = self.model.network().clone();
        let mut metadata = self.common(&network, traces.takes_training)?;
        let is_graph = is_graph(&network);
        if let Some(map) = metadata.as_object_mut() {
            map.remove("stateful");
        }
        if let (false, Some(config)) = (is_graph, metadata.get_mut("config").and_then(Value::as_object_mut)) {
            // What the constructor of a class of the user's takes is what it declares itself.
            for key in ["name", "trainable", "dtype"] {
                config.remove(key);
            }
        }
        metadata["is_graph_network"] = is_graph.into();
        let spec = traces.inference.arguments.args.args.first().map_or(Value::Null, save_spec);
        metadata["full_save_spec"] = tuple(vec![json!([spec.clone()]), json!({})]);
        metadata["save_spec"] = spec;
        metadata["keras_version"] = "2.15.0".into();
        metadata["backend"] = "tensorflow".into();
        if let Some(config) = metadata.get("config").cloned() {
            metadata["model_config"] = json!({"class_name": metadata["class_name"], "config": config});
        }
        // As Keras has it: without the optimizer the model is one that was never compiled.
        if let Some(config) = compiled::to_training_config(self.model)?.filter(|_| self.options.include_optimizer) {
            metadata["training_config"] = converted(&config.write(Form::Keras2H5)?);
        }
        self.builder.set_metadata(SavedModelBuilder::ROOT, metadata);
        Ok(())
    }
}
