//! A recorded run as a model.

use kerox_config_json::{Config, Node, Value};
use kerox_layers::models::Sequential;
use kerox_tensor::Tensor;
use kerox_train::Model;
use kerox_train::losses::Loss;
use kerox_train::model::{CompileArgs, LossArg, LossSpec, MetricSpec, MetricsArg};

use super::{array, nested_shape, numbers, of_type, text};

/// The layers of the model's configuration.
pub fn layers(run: &Value) -> &[Value] {
    list(run.get("config").unwrap().get("config").unwrap(), "layers")
}

/// A list of it.
pub fn list<'a>(run: &'a Value, key: &str) -> &'a [Value] {
    run.get(key).unwrap().as_list().unwrap()
}

/// The model, compiled, with the weights before.
pub fn model(run: &Value) -> Model {
    let sequential = Sequential::new();
    for layer in layers(run).iter().filter(|l| text(l, "class_name") != "InputLayer") {
        sequential.add(kerox_layers::registry::deserialize(&Node::root(layer)).unwrap());
    }
    let mut model = Model::new(sequential);
    let input = layers(run)[0].get("config").unwrap();
    let shape: Vec<Option<usize>> =
        list(input, "batch_input_shape").iter().map(|d| d.as_i64().map(|d| d as usize)).collect();
    model.build(&[&shape]).unwrap();
    let of = |w: &Value| match w.as_map() {
        Some(_) => array(w).unwrap(),
        None => of_type("float32", numbers(w), nested_shape(w).into_iter().collect()),
    };
    let weights: Vec<Tensor> = list(run, "weights_before").iter().map(of).collect();
    model.ensure_built().unwrap();
    model.set_weights(&weights).unwrap();
    let optimizer = match run.get("optimizer").unwrap() {
        Value::String(name) => kerox_optim::IntoOptimizer::into_optimizer(name.as_str()).unwrap(),
        // The class beside the arguments.
        Value::Map(saved) if saved.contains_key("class") => {
            let mut config = saved.clone();
            let class = config.remove("class").unwrap();
            kerox_optim::from_config(class.as_str().unwrap(), &config, kerox_optim::Form::Keras2).unwrap()
        }
        saved => kerox_optim::deserialize(saved, None).unwrap(),
    };
    let loss = match run.get("loss").unwrap() {
        Value::String(name) => LossSpec::Named(name.clone()),
        object => {
            let name = object.get("class").or(object.get("class_name")).unwrap().clone();
            let config = object.get("config").unwrap_or(object).clone();
            let object = Value::Map(Config::new().with("class_name", name).with("config", config));
            LossSpec::Object(Loss::from_json(&Node::root(&object)).unwrap())
        }
    };
    let metrics = list(run, "metrics").iter().map(|m| match m {
        Value::String(name) => match name.as_str() {
            // The names of metric objects.
            "auc" => MetricSpec::Named("AUC".into()),
            "precision" => MetricSpec::Named("Precision".into()),
            "recall" => MetricSpec::Named("Recall".into()),
            name => MetricSpec::Named(name.into()),
        },
        object => MetricSpec::Object(kerox_train::metrics::Metric::from_json(&Node::root(object)).unwrap()),
    });
    let args = CompileArgs {
        optimizer: Some(optimizer),
        loss: LossArg::One(loss),
        metrics: MetricsArg::Flat(metrics.collect()),
        ..CompileArgs::default()
    };
    model.compile_with(args).unwrap();
    model
}
