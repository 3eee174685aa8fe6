//! What every layer of the registry keeps to: it builds from Keras's default configuration, its configuration survives
//! both dialects, its shape rule says what comes out, and batches of one sample and of none are batches.
//! (`golden.rs` holds the values against Keras's.)

#[allow(dead_code, reason = "other tests compare numbers with it")]
mod common;

use std::collections::{BTreeMap, BTreeSet};

use kerox_config_json::{Config, Form, Node, Object, Value as Json};
use kerox_graph::{Dims, Executor, Graph, Interpreter, Plan, Value};
use kerox_layers::models::{self, Sequential};
use kerox_layers::{Arg, Args, Call, LayerRef, registry};
use kerox_tensor::{DType, Shape, Tensor};

use common::{AnyResult, golden, text};

/// Classes that are no layers of a model by themselves, each with its reason.
const NOT_ALONE: &[(&str, &str)] = &[
    ("AddLoss", "is made by `add_loss`"),
    ("AddMetric", "is made by `add_metric`"),
    ("InputLayer", "is what a model begins with"),
    ("SlicingOpLambda", "is made by indexing symbolic tensors"),
    ("TFOpLambda", "is made by functions of symbolic tensors"),
];

#[test]
fn the_registry_is_sorted_and_names_are_unique() {
    let names: Vec<&str> = registry::ALL.iter().map(|entry| entry.class_name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names, sorted);
}

/// The default configurations of a version of Keras, as objects by class.
fn defaults(file: &str) -> BTreeMap<String, Json> {
    let file = golden(&format!("config/{file}"));
    let layers = file.get("layers").and_then(Json::as_map).unwrap();
    let object = |(class, entry): (&str, &Json)| Some((class.to_string(), entry.get("serialized")?.clone()));
    layers.iter().filter_map(object).filter(|(_, object)| object.get("config").is_some()).collect()
}

/// The layer in a dialect's words.
fn written(layer: &LayerRef, form: Form) -> AnyResult<Json> {
    let model = LayerRef::from(Sequential::new().with(layer.clone()));
    let text = models::to_json(&model, form)?;
    let document = Json::parse(&text)?;
    let layers = document.get("config").and_then(|config| config.get("layers")).and_then(Json::as_list);
    Ok(layers.and_then(<[Json]>::last).cloned().ok_or("no layers")?)
}

/// Names are counted, and shared objects numbered.
fn without_marks(value: &Json) -> Json {
    match value {
        Json::Map(map) => {
            let kept = map.iter().filter(|(key, _)| !matches!(*key, "shared_object_id" | "build_config" | "name"));
            Json::Map(kept.map(|(key, value)| (key.to_string(), without_marks(value))).collect())
        }
        Json::List(items) => Json::List(items.iter().map(without_marks).collect()),
        other => other.clone(),
    }
}

#[test]
fn default_configurations_build_and_survive_both_dialects() {
    let (keras2, keras3) = (defaults("keras215_default_configs.json"), defaults("keras3_default_configs.json"));
    let mut problems = Vec::new();
    let mut sloped = BTreeSet::new();
    let mut count = 0;
    for entry in registry::ALL {
        let class = entry.class_name;
        if NOT_ALONE.iter().any(|(name, _)| *name == class) {
            continue;
        }
        for (defaults, own) in [(&keras2, Form::Keras2Json), (&keras3, Form::Keras3Json)] {
            let Some(object) = defaults.get(class) else { continue };
            count += 1;
            let layer = match registry::deserialize(&Node::root(object)) {
                Ok(layer) => layer,
                Err(error) => {
                    problems.push(format!("{class} of {own:?}: {}", text(&error)));
                    continue;
                }
            };
            for form in [Form::Keras2Json, Form::Keras3Json] {
                let first = match written(&layer, form) {
                    Ok(first) => first,
                    // A class that the other Keras does not have.
                    Err(_) if form != own && !keras2.contains_key(class) => continue,
                    Err(_) if form != own && !keras3.contains_key(class) => continue,
                    Err(error) if form != own && text(&*error).contains("which has another slope") => {
                        sloped.insert(class);
                        continue;
                    }
                    Err(error) => {
                        problems.push(format!("{class} as {form:?}: {}", text(&*error)));
                        continue;
                    }
                };
                let again = registry::deserialize(&Node::root(&first)).map_err(Into::into);
                match again.and_then(|again| written(&again, form)) {
                    Ok(second) if without_marks(&first) == without_marks(&second) => {}
                    Ok(second) => problems.push(format!("{class} as {form:?}:\n  {first}\n  {second}")),
                    Err(error) => problems.push(format!("{class} as {form:?} again: {}", text(&*error))),
                }
            }
        }
    }
    println!("{count} configurations");
    // Their default `hard_sigmoid` is another function in the other Keras.
    assert_eq!(sloped, BTreeSet::from(["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]));
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// Arguments that are kept unread, as they change no number of what is computed here.
const WITHOUT_EFFECT: &[&str] = &["renorm", "renorm_clipping", "renorm_momentum", "seed"];

#[test]
fn no_argument_of_keras_is_passed_over() {
    let mut passed_over = Vec::new();
    for file in ["keras215_default_configs.json", "keras3_default_configs.json"] {
        for (class, object) in defaults(file) {
            let Ok(layer) = registry::deserialize(&Node::root(&object)) else { continue };
            let rest = layer.base().rest().iter().map(|(key, _)| key).filter(|key| !WITHOUT_EFFECT.contains(key));
            passed_over.extend(rest.map(|key| format!("{class}: {key}")));
        }
    }
    assert!(passed_over.is_empty(), "{}", passed_over.join("\n"));
}

#[test]
fn arguments_without_a_counterpart_are_refused_by_name() {
    let (keras3, mut problems) = (defaults("keras3_default_configs.json"), Vec::new());
    for (class, key, value) in [
        ("BatchNormalization", "virtual_batch_size", Json::Int(2)),
        ("Dense", "quantization_config", Json::from("int8")),
        ("Embedding", "quantization_config", Json::from("int8")),
    ] {
        let mut object = keras3[class].clone();
        let Json::Map(object_map) = &mut object else { panic!("{class} is no object") };
        let Some(Json::Map(config)) = object_map.get_mut("config") else { panic!("{class} has no configuration") };
        config.insert(key, value);
        match registry::deserialize(&Node::root(&object)) {
            Err(error) if text(&error).contains(&format!("`{key}`")) => {}
            Err(error) => problems.push(format!("{class}/{key}: {}", text(&error))),
            Ok(_) => problems.push(format!("{class}/{key}: expected an error")),
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn automatic_names_are_those_of_keras() {
    let mut problems = Vec::new();
    for defaults in [defaults("keras3_default_configs.json"), defaults("keras215_default_configs.json")] {
        for (class, object) in defaults {
            let Some(Json::Map(config)) = object.get("config") else { continue };
            let Some(expected) = config.get("name").and_then(Json::as_str) else { continue };
            // Cells and wrapped layers were made before; Keras 3 names what a model begins with in another way.
            let expected = expected.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_');
            if registry::registry().builtin(&class).is_none() || class == "InputLayer" {
                continue;
            }
            let unnamed = config.iter().filter(|(key, _)| *key != "name");
            let unnamed: Config = unnamed.map(|(key, value)| (key.to_string(), value.clone())).collect();
            let object = Object::builtin("keras.layers", &class, unnamed).to_value();
            kerox_layers::clear_session();
            let layer = registry::deserialize(&Node::root(&object)).unwrap_or_else(|e| panic!("{class}: {}", text(&e)));
            let found = layer.name().trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_').to_string();
            if found != expected {
                problems.push(format!("{class}: expected {expected}, found {found}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn number(value: &Json) -> f64 {
    match value {
        Json::Bool(b) => f64::from(u8::from(*b)),
        Json::String(text) if text == "-inf" => f64::NEG_INFINITY,
        Json::String(text) if text == "inf" => f64::INFINITY,
        Json::String(_) => f64::NAN,
        other => Node::root(other).float().unwrap(),
    }
}

/// The first `batch` samples of a recorded array.
fn samples(array: &Json, batch: usize) -> AnyResult<Tensor> {
    let axes = array.get("shape").and_then(Json::as_list).ok_or("no shape")?;
    let mut shape: Vec<usize> = axes.iter().map(|d| number(d) as usize).collect();
    let rows = shape.first().copied().unwrap_or(0);
    let data = array.get("data").and_then(Json::as_list).ok_or("no data")?;
    let kept = data.len().checked_div(rows).unwrap_or(0) * batch.min(rows);
    let data = data.get(..kept).ok_or("too short")?;
    shape[0] = batch;
    let dtype = array.get("dtype").and_then(Json::as_str).ok_or("no dtype")?;
    let shape = Shape::from(shape);
    if dtype == "string" {
        return Ok(Tensor::from_strings(data.iter().map(|s| s.as_str().unwrap_or_default()), shape)?);
    }
    let dtype = DType::from_name(dtype).ok_or("unknown dtype")?;
    Ok(Tensor::from_vec(data.iter().map(number).collect::<Vec<f64>>(), shape)?.cast(dtype)?)
}

struct Traced {
    g: Graph,
    feeds: Vec<Value>,
    outputs: Vec<Value>,
}

fn trace(layer: &LayerRef, inputs: &[Tensor], is_list: bool) -> AnyResult<Traced> {
    let mut g = Graph::new();
    let mut feeds = Vec::new();
    for input in inputs {
        let dims: Dims = std::iter::once(None).chain(input.shape().iter().skip(1).map(|&d| Some(d))).collect();
        feeds.push(g.placeholder("input", input.dtype(), dims)?);
    }
    let args = match is_list {
        true => Args::list(feeds.iter().copied()),
        false => Args { args: vec![Arg::Tensor(feeds[0])], kwargs: Vec::new() },
    };
    let outputs = Call::new(&mut g, false).apply(layer, &args)?;
    Ok(Traced { g, feeds, outputs })
}

impl Traced {
    fn run(&self, inputs: &[Tensor]) -> AnyResult<Vec<Tensor>> {
        let shapes: Vec<Shape> = inputs.iter().map(|t| t.shape().clone()).collect();
        let plan = match Plan::compile(&self.g, &self.feeds, &shapes, &self.outputs, &[]) {
            Err(kerox_graph::Error::UnknownShape { .. }) => {
                let feeds = inputs.iter().map(|t| t.clone().into()).collect();
                let results = Interpreter::new(&self.g, &self.feeds, &self.outputs, &[]).run(feeds)?;
                return Ok(results.into_iter().map(|v| v.into_tensor()).collect::<Result<_, _>>()?);
            }
            plan => plan?,
        };
        let mut executor = Executor::new(plan);
        executor.run(&inputs.iter().collect::<Vec<_>>())?;
        (0..self.outputs.len()).map(|i| Ok(executor.output(i).tensor()?)).collect()
    }
}

/// The first recorded case whose first axis is the batch and that takes nothing but inputs.
fn plain_case(file: &Json) -> Option<Json> {
    let is_plain = |case: &&Json| {
        let is_empty =
            |key: &str| case.get(key).is_none_or(|v| v.is_null() || v.as_map().is_some_and(|m| m.is_empty()));
        let shapes = case.get("output_shape").and_then(Json::as_list).unwrap_or_default();
        let batched = |shape: &Json| shape.as_list().and_then(<[Json]>::first).is_some_and(Json::is_null);
        let inputs = case.get("inputs").and_then(Json::as_list).unwrap_or_default();
        let arrays =
            inputs.iter().all(|array| array.get("shape").and_then(Json::as_list).is_some_and(|s| !s.is_empty()));
        let config = case.get("config");
        let stateful = config.and_then(|c| c.get("stateful")).and_then(Json::as_bool).unwrap_or(false);
        let learns = config.and_then(|c| c.get("vocabulary")).is_some_and(Json::is_null)
            || config.and_then(|c| c.get("num_bins")).is_some_and(|n| !n.is_null())
                && config.and_then(|c| c.get("bin_boundaries")).is_some_and(Json::is_null);
        is_empty("call")
            && is_empty("stateful")
            && !shapes.is_empty()
            && shapes.iter().all(batched)
            && arrays
            && !inputs.is_empty()
            && !stateful
            && !learns
    };
    file.get("cases").and_then(Json::as_list)?.iter().find(is_plain).cloned()
}

#[test]
fn shape_rules_hold_for_batches_of_one_and_of_none() {
    let mut problems = Vec::new();
    let mut without = Vec::new();
    let mut count = 0;
    for entry in registry::ALL {
        let class = entry.class_name;
        if NOT_ALONE.iter().any(|(name, _)| *name == class) {
            continue;
        }
        let name = kerox_config_json::names::snake_case(class);
        let Some(case) = plain_case(&golden(&format!("layers/{name}.json"))) else {
            without.push(class);
            continue;
        };
        count += 1;
        if let Err(error) = check(class, &case) {
            let case = case.get("name").and_then(Json::as_str).unwrap_or_default();
            problems.push(format!("{class}/{case}: {}", text(&*error)));
        }
    }
    println!("{count} classes; without a plain case: {without:?}");
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

fn check(class: &str, case: &Json) -> AnyResult<()> {
    let config = case.get("config").ok_or("no config")?.clone();
    let object = Object::builtin("keras.layers", class, config).to_value();
    let layer = registry::deserialize(&Node::root(&object))?;
    let arrays = case.get("inputs").and_then(Json::as_list).ok_or("no inputs")?;
    let is_list = case.get("inputs_form").and_then(Json::as_str) == Some("list");
    let of = |batch: usize| arrays.iter().map(|array| samples(array, batch)).collect::<AnyResult<Vec<Tensor>>>();
    let traced = trace(&layer, &of(1)?, is_list)?;
    for batch in [1, 0] {
        let found = traced.run(&of(batch)?).map_err(|e| format!("batch of {batch}: {}", text(&*e)))?;
        for (output, &value) in found.iter().zip(&traced.outputs) {
            let rule = traced.g.dims(value);
            if !rule.admits(output.shape()) || output.dtype() != traced.g.dtype(value) {
                let found = format!("{} {}", output.dtype(), output.shape());
                return Err(
                    format!("batch of {batch}: expected {} {rule}, found {found}", traced.g.dtype(value)).into()
                );
            }
            if output.shape().first() != Some(&batch) {
                return Err(format!("batch of {batch}: found shape {}", output.shape()).into());
            }
        }
    }
    Ok(())
}
