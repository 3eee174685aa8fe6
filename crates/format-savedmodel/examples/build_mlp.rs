//! Writes a compiled Keras model of two Dense layers, and the same with a layer of a class that no loader knows,
//! from nothing but numbers: `cargo run -p kerox-format-savedmodel --example build_mlp -- <directory>`.
//!
//! The directory then holds `mlp` and `custom`, each a SavedModel with the state of an Adam optimizer.

use std::path::Path;

use kerox_format_ckpt::{BundleWriter, WriteOptions};
use kerox_format_savedmodel::messages::{ArgDef, AttrValue, DataType, FunctionDef, NodeDef, OpDef};
use kerox_format_savedmodel::wire::Message;
use kerox_format_savedmodel::{ArgSpec, NodeId, SavedModelBuilder, Structured, TensorSpec};
use kerox_tensor::Tensor;
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

/// A layer `activation(x * kernel + bias)`.
struct Layer {
    name: &'static str,
    class_name: &'static str,
    activation: Option<&'static str>,
    inputs: usize,
    units: usize,
}

const INPUT: &str = "dense_input";

fn main() -> Result<(), Failure> {
    let dir = std::env::args().nth(1).ok_or("expected a directory, found no argument")?;
    let dense = |name, activation, inputs, units| Layer { name, class_name: "Dense", activation, inputs, units };
    let first = dense("dense", Some("Relu"), 8, 6);
    let custom = Layer { class_name: "Custom>TanhLayer", ..dense("tanh_layer", Some("Tanh"), 6, 6) };
    write(&Path::new(&dir).join("mlp"), &[first, dense("dense_1", None, 6, 4)])?;
    let first = dense("dense", Some("Relu"), 8, 6);
    write(&Path::new(&dir).join("custom"), &[first, custom, dense("dense_1", None, 6, 4)])
}

fn write(dir: &Path, layers: &[Layer]) -> Result<(), Failure> {
    let files = build(layers)?;
    std::fs::create_dir_all(dir)?;
    files.write_without_variables(dir)?;
    let mut bundle = BundleWriter::create(dir.join("variables/variables"), &WriteOptions::new())?;
    bundle.put_all(&files.tensors)?;
    bundle.put("_CHECKPOINTABLE_OBJECT_GRAPH", &Tensor::scalar(files.checkpoint_graph.encode()))?;
    Ok(bundle.finish()?)
}

/// Numbers that look random.
fn numbers(shape: &[usize], seed: usize) -> Result<Tensor, Failure> {
    let count = shape.iter().product::<usize>();
    let value = |i: usize| ((i * 7919 + seed * 104_729) % 1000) as f32 / 1000.0 - 0.5;
    Ok(Tensor::from_vec((0..count).map(value).collect(), shape)?)
}

fn spec(name: &str, length: usize) -> Structured {
    Structured::Tensor(TensorSpec::float32(name, &[None, Some(length as u64)]))
}

fn build(layers: &[Layer]) -> Result<kerox_format_savedmodel::SavedModelFiles, Failure> {
    let root = SavedModelBuilder::ROOT;
    let mut builder = SavedModelBuilder::new("_tf_keras_sequential");
    let (mut objects, mut variables) = (Vec::new(), Vec::new());
    for (place, layer) in layers.iter().enumerate() {
        let object = builder.object("_tf_keras_layer");
        builder.child(root, format!("layer_with_weights-{place}"), object);
        builder.child(root, format!("layer-{place}"), object);
        let kernel = numbers(&[layer.inputs, layer.units], place)?;
        let kernel = builder.variable(format!("{}/kernel", layer.name), kernel, true);
        let bias = builder.variable(format!("{}/bias", layer.name), numbers(&[layer.units], place + 7)?, true);
        variables.extend([kernel, bias]);
        objects.push((object, kernel, bias));
    }
    lists(&mut builder, root, &variables);
    for (layer, &(object, kernel, bias)) in layers.iter().zip(&objects) {
        layer_functions(&mut builder, layer, object, kernel, bias);
        builder.set_metadata(object, layer_metadata(layer));
    }
    model_functions(&mut builder, layers, &variables);
    builder.set_metadata(root, model_metadata(layers));
    optimizer(&mut builder, layers, &variables)?;
    Ok(builder.build()?)
}

fn lists(builder: &mut SavedModelBuilder, object: NodeId, variables: &[NodeId]) {
    for (name, variables) in
        [("variables", variables), ("trainable_variables", variables), ("regularization_losses", &[])]
    {
        let list = builder.list(variables);
        builder.child(object, name, list);
    }
}

fn layer_functions(builder: &mut SavedModelBuilder, layer: &Layer, object: NodeId, kernel: NodeId, bias: NodeId) {
    builder.child(object, "kernel", kernel);
    builder.child(object, "bias", bias);
    lists(builder, object, &[kernel, bias]);
    let one = std::slice::from_ref(layer);
    let (call, losses) = (format!("__inference_{}_call_1", layer.name), format!("__inference_{}_losses_1", layer.name));
    let arguments = || vec![spec("inputs", layer.inputs)];
    for name in [&call, &losses] {
        builder.function_def(function(name, "inputs", one));
    }
    builder.concrete_function(&call, &[kernel, bias], arguments(), vec![], spec("unknown", layer.units));
    let output = Structured::Tuple(vec![spec("tensor_0", layer.units), Structured::List(vec![])]);
    builder.concrete_function(&losses, &[kernel, bias], arguments(), vec![], output);
    let spec = ArgSpec::positional(&["inputs"], vec![]);
    let call = builder.function(&[&call], spec.clone());
    let losses = builder.function(&[&losses], spec);
    keras_api(builder, object, call, losses);
}

fn keras_api(builder: &mut SavedModelBuilder, object: NodeId, call: NodeId, losses: NodeId) {
    let api = builder.object("_generic_user_object");
    builder.child(object, "keras_api", api);
    builder.child(object, "__call__", call);
    builder.child(object, "call_and_return_all_conditional_losses", losses);
    builder.child(api, "call_and_return_conditional_losses", losses);
    builder.child(api, "__call__", call);
}

fn model_functions(builder: &mut SavedModelBuilder, layers: &[Layer], variables: &[NodeId]) {
    let root = SavedModelBuilder::ROOT;
    let (inputs, units) = (layers[0].inputs, layers[layers.len() - 1].units);
    let output_name = layers[layers.len() - 1].name;
    let (mut calls, mut losses) = (Vec::new(), Vec::new());
    for training in [true, false] {
        let arguments = || vec![spec(INPUT, inputs), Structured::Bool(training), Structured::None];
        let name = format!("__inference_sequential_call_{}", usize::from(training));
        builder.function_def(function(&name, INPUT, layers));
        builder.concrete_function(&name, variables, arguments(), vec![], spec("unknown", units));
        calls.push(name);
        let name = format!("__inference_sequential_losses_{}", usize::from(training));
        builder.function_def(function(&name, INPUT, layers));
        let output = Structured::Tuple(vec![spec("tensor_0", units), Structured::List(vec![])]);
        builder.concrete_function(&name, variables, arguments(), vec![], output);
        losses.push(name);
    }
    let arguments =
        ArgSpec::positional(&["inputs", "training", "mask"], vec![Structured::Bool(false), Structured::None]);
    let call = builder.function(&[&calls[0], &calls[1]], arguments.clone());
    let losses = builder.function(&[&losses[0], &losses[1]], arguments);
    keras_api(builder, root, call, losses);
    let outputs = || Structured::Dict(vec![(output_name.into(), spec(output_name, units))]);
    let name = "__inference__wrapped_model_1";
    builder.function_def(function(name, INPUT, layers));
    builder.concrete_function(name, variables, vec![spec(INPUT, inputs)], vec![], outputs());
    let wrapped = builder.bare_function(name, &[INPUT], 1, ArgSpec::positional(&["args_0"], vec![]));
    builder.child(root, "_default_save_signature", wrapped);
    let name = "__inference_signature_wrapper_1";
    builder.function_def(function(name, INPUT, layers));
    builder.concrete_function(name, variables, vec![], vec![(INPUT.into(), spec(INPUT, inputs))], outputs());
    builder.signature("serving_default", name);
}

/// State of Adam after 37 steps, in the checkpoint only.
fn optimizer(builder: &mut SavedModelBuilder, layers: &[Layer], variables: &[NodeId]) -> Result<(), Failure> {
    let optimizer = builder.object("optimizer");
    builder.checkpoint_child(SavedModelBuilder::ROOT, "optimizer", optimizer);
    let iterations = builder.variable("iteration", Tensor::scalar(37i64), false);
    let rate = builder.variable("learning_rate", Tensor::scalar(0.004f32), false);
    let mut all = vec![iterations];
    for (place, _) in variables.iter().enumerate() {
        let layer = &layers[place / 2];
        let shape: &[usize] = if place % 2 == 0 { &[layer.inputs, layer.units] } else { &[layer.units] };
        for slot in ["m", "v"] {
            let seed = if slot == "m" { 100 } else { 200 } + place;
            let part = if place % 2 == 0 { "kernel" } else { "bias" };
            let mut value = numbers(shape, seed)?;
            value.as_mut_slice::<f32>()?.iter_mut().for_each(|v| *v = v.abs());
            all.push(builder.variable(format!("Adam/{slot}/{}/{part}", layer.name), value, false));
        }
    }
    let list = builder.list(&all);
    builder.child(optimizer, "_variables", list);
    builder.child(optimizer, "_iterations", iterations);
    builder.child(optimizer, "_learning_rate", rate);
    Ok(())
}

/// The layers as one function of the input and the variables.
fn function(name: &str, input: &str, layers: &[Layer]) -> FunctionDef {
    let mut def = FunctionDef::default();
    let argument = |name: &str, ty| ArgDef { name: name.into(), r#type: ty, ..ArgDef::default() };
    let mut signature = OpDef { name: name.into(), is_stateful: true, ..OpDef::default() };
    signature.input_arg.push(argument(input, DataType::DT_FLOAT));
    signature.output_arg.push(argument("identity", DataType::DT_FLOAT));
    let float = || AttrValue::dtype(DataType::DT_FLOAT);
    let mut node = |name: String, op: &str, input: Vec<String>| {
        let mut node = NodeDef { name, op: op.into(), input, ..NodeDef::default() };
        node.attr.insert(if op == "ReadVariableOp" { "dtype" } else { "T" }.into(), float());
        def.node_def.push(node);
    };
    let mut value = input.to_owned();
    for layer in layers {
        let path = |part: &str| format!("{}/{part}", layer.name);
        for part in ["kernel", "bias"] {
            let resource = format!("{}_{part}", layer.name);
            signature.input_arg.push(argument(&resource, DataType::DT_RESOURCE));
            node(path(part), "ReadVariableOp", vec![resource]);
        }
        node(path("MatMul"), "MatMul", vec![value, path("kernel:value:0")]);
        node(path("BiasAdd"), "BiasAdd", vec![path("MatMul:product:0"), path("bias:value:0")]);
        value = path("BiasAdd:output:0");
        if let Some(op) = layer.activation {
            node(path(op), op, vec![value]);
            value = path(if op == "Relu" { "Relu:activations:0" } else { "Tanh:y:0" });
        }
    }
    node("Identity".into(), "Identity", vec![value]);
    def.ret.insert("identity".into(), "Identity:output:0".into());
    def.signature = Some(Box::new(signature));
    def
}

fn shape(length: usize) -> Value {
    json!({"class_name": "TensorShape", "items": [null, length]})
}

fn config(layer: &Layer, first: bool) -> Value {
    let mut config = json!({"name": layer.name, "trainable": true, "dtype": "float32"});
    if first {
        config["batch_input_shape"] = json!({"class_name": "__tuple__", "items": [null, layer.inputs]});
    }
    config["units"] = layer.units.into();
    if layer.class_name == "Dense" {
        config["activation"] = layer.activation.map_or("linear".into(), str::to_lowercase).into();
        config["use_bias"] = true.into();
        config["kernel_initializer"] = json!({"class_name": "GlorotUniform", "config": {"seed": null}});
        config["bias_initializer"] = json!({"class_name": "Zeros", "config": {}});
    }
    config
}

fn layer_metadata(layer: &Layer) -> Value {
    json!({"name": layer.name, "trainable": true, "expects_training_arg": false, "dtype": "float32",
        "batch_input_shape": null, "stateful": false, "must_restore_from_config": false,
        "preserve_input_structure_in_config": false, "autocast": true, "class_name": layer.class_name,
        "config": config(layer, layer.name == "dense"), "build_input_shape": shape(layer.inputs)})
}

fn model_metadata(layers: &[Layer]) -> Value {
    let inputs = layers[0].inputs;
    let input = json!({"class_name": "InputLayer", "config": {"name": INPUT, "dtype": "float32", "sparse": false,
        "ragged": false, "batch_input_shape": {"class_name": "__tuple__", "items": [null, inputs]}}});
    let mut listed = vec![input];
    let layer = |layer: &Layer| json!({"class_name": layer.class_name, "config": config(layer, layer.name == "dense")});
    listed.extend(layers.iter().map(layer));
    let config = json!({"name": "sequential", "layers": listed});
    let spec = json!({"class_name": "TypeSpec", "type_spec": "tf.TensorSpec",
        "serialized": [shape(inputs), "float32", INPUT]});
    json!({"name": "sequential", "trainable": true, "expects_training_arg": true, "dtype": "float32",
        "batch_input_shape": null, "must_restore_from_config": false, "preserve_input_structure_in_config": false,
        "autocast": false, "class_name": "Sequential", "config": config, "build_input_shape": shape(inputs),
        "is_graph_network": true, "full_save_spec": {"class_name": "__tuple__", "items": [[spec], {}]},
        "save_spec": spec, "keras_version": "2.15.0", "backend": "tensorflow",
        "model_config": {"class_name": "Sequential", "config": config},
        "training_config": {
            "loss": {"class_name": "SparseCategoricalCrossentropy", "config": {"reduction": "auto",
                "name": "sparse_categorical_crossentropy", "from_logits": true, "ignore_class": null}},
            "metrics": [[{"class_name": "SparseCategoricalAccuracy",
                "config": {"name": "sparse_categorical_accuracy", "dtype": "float32"}}]],
            "weighted_metrics": null, "loss_weights": null,
            "optimizer_config": {"class_name": "Custom>Adam", "config": {"name": "Adam", "weight_decay": null,
                "clipnorm": null, "global_clipnorm": null, "clipvalue": null, "use_ema": false, "ema_momentum": 0.99,
                "ema_overwrite_frequency": null, "jit_compile": false, "is_legacy_optimizer": false,
                "learning_rate": 0.001, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": false}}}})
}
