//! Every layer against real Keras: outputs, shapes, masks, losses, gradients and updates of `golden/layers/*.json`.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use kerox_config_json::dialect::read_keras3;
use kerox_config_json::{Config, Limits, Node, Object, Value as Json};
use kerox_graph::ops::Tokens;
use kerox_graph::{Dims, Executor, Graph, Interpreter, Plan, Value, ValueInfo, gradients};
use kerox_layers::preprocessing::{IntegerLookup, StringLookup, TextVectorization};
use kerox_layers::{Arg, Args, Build, Call, LayerRef, registry};
use kerox_tensor::{Shape, Tensor};

use common::{AnyResult, GRADIENTS, OUTPUTS, compare, floats, list, number, tensor};

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/layers"))
}

fn is_array(value: &Json) -> bool {
    value.get("shape").is_some() && value.get("data").is_some()
}

/// Arguments of a call with a placeholder for each array; pushes placeholders and arrays.
fn argument(g: &mut Graph, value: &Json, feeds: &mut Vec<(Value, Tensor)>) -> AnyResult<Arg<Value>> {
    Ok(match value {
        Json::Null => Arg::None,
        Json::List(items) => {
            let items: AnyResult<Vec<_>> = items.iter().map(|item| argument(g, item, feeds)).collect();
            Arg::List(items?)
        }
        array if is_array(array) => {
            let tensor = tensor(array)?;
            // The batch is unknown, as in a model.
            let dims: Dims =
                tensor.shape().iter().enumerate().map(|(i, &d)| if i == 0 { None } else { Some(d) }).collect();
            let value = g.placeholder("input", tensor.dtype(), dims)?;
            feeds.push((value, tensor));
            Arg::Tensor(value)
        }
        other => Arg::Const(other.clone()),
    })
}

struct Traced {
    g: Graph,
    feeds: Vec<(Value, Tensor)>,
    inputs: usize,
    outputs: Vec<Value>,
    masks: Vec<Option<Value>>,
    losses: Vec<Value>,
}

fn trace(layer: &LayerRef, case: &Json, is_training: bool) -> AnyResult<Traced> {
    let mut g = Graph::new();
    let mut feeds = Vec::new();
    let arrays = list(case.get("inputs").expect("inputs"));
    let mut inputs = Vec::new();
    for array in arrays {
        inputs.push(argument(&mut g, array, &mut feeds)?);
    }
    let is_list = case.get("inputs_form").and_then(Json::as_str) == Some("list");
    let first = if is_list { Arg::List(inputs) } else { inputs.swap_remove(0) };
    let mut args = Args { args: vec![first], kwargs: Vec::new() };
    let n_inputs = feeds.len();
    if let Some(Json::Map(call)) = case.get("call") {
        for (name, value) in call.iter() {
            let arg = argument(&mut g, value, &mut feeds)?;
            args.kwargs.push((name.to_string(), arg));
        }
    }
    let mut cx = Call::new(&mut g, is_training);
    let outputs = cx.apply(layer, &args)?;
    let masks = outputs.iter().map(|&y| cx.mask(y)).collect();
    let losses = cx.losses.clone();
    Ok(Traced { g, feeds, inputs: n_inputs, outputs, masks, losses })
}

impl Traced {
    fn run(&self, fetches: &[Value], with_effects: bool) -> AnyResult<Vec<Tensor>> {
        let values: Vec<Value> = self.feeds.iter().map(|(v, _)| *v).collect();
        let shapes: Vec<Shape> = self.feeds.iter().map(|(_, t)| t.shape().clone()).collect();
        let effects = if with_effects { self.g.effects.clone() } else { Vec::new() };
        let tensors: Vec<&Tensor> = self.feeds.iter().map(|(_, t)| t).collect();
        let plan = match Plan::compile(&self.g, &values, &shapes, fetches, &effects) {
            // Texts have as many tokens as they have: no plan knows them before.
            Err(kerox_graph::Error::UnknownShape { .. }) => {
                let feeds = tensors.into_iter().map(|t| t.clone().into()).collect();
                let results = Interpreter::new(&self.g, &values, fetches, &effects).run(feeds)?;
                return results.into_iter().map(|value| Ok(value.into_tensor()?)).collect();
            }
            plan => plan?,
        };
        let mut executor = Executor::new(plan);
        executor.run(&tensors)?;
        (0..fetches.len()).map(|i| Ok(executor.output(i).tensor()?)).collect()
    }

    /// Compares gradients of `sum(outputs * cotangents)`.
    fn gradients(&mut self, layer: &LayerRef, case: &Json, record: &Json, problems: &mut Vec<String>) -> AnyResult<()> {
        let cotangents = list(case.get("cotangents").expect("cotangents"));
        let (mut ys, mut seeds) = (Vec::new(), Vec::new());
        for (&y, cotangent) in self.outputs.iter().zip(cotangents) {
            if self.g.dtype(y).is_float() {
                let seed = self.g.constant(tensor(cotangent)?)?;
                ys.push(y);
                seeds.push(seed);
            }
        }
        let mut xs: Vec<Value> = self.feeds.iter().take(self.inputs).map(|(v, _)| *v).collect();
        for weight in layer.trainable_weights() {
            xs.push(self.g.read(&weight.variable)?);
        }
        let found = gradients(&mut self.g, &ys, Some(&seeds), &xs)?;
        let inputs = record.get("inputs").map(list).unwrap_or_default();
        let weights = record.get("weights").map(list).unwrap_or_default();
        let expected = inputs.iter().chain(weights);
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            let what = if i < inputs.len() {
                format!("gradient of input {i}")
            } else {
                format!("gradient of weight {}", i - inputs.len())
            };
            match (found, expected) {
                (_, Json::Null) => {}
                // TensorFlow's gradient of `AdaptiveMaxPooling2D/one` holds memory that was never written.
                (_, expected) if floats(&tensor(expected)?).iter().any(|x| x.abs() > 1e20) => {}
                (None, expected) => {
                    if floats(&tensor(expected)?).iter().any(|&x| x != 0.0) {
                        problems.push(format!("{what}: found none"));
                    }
                }
                (Some(gradient), expected) => {
                    let found = self.run(&[*gradient], false)?;
                    problems.extend(compare(&what, &found[0], expected, GRADIENTS)?);
                }
            }
        }
        Ok(())
    }
}

/// Gives a layer what `adapt` had taught the one that was recorded.
fn teach(layer: &LayerRef, case: &Json) -> AnyResult<()> {
    let config = case.get("config").expect("config");
    // Variables made by `adapt` have no layer's name in theirs.
    let adapted = ["Normalization", "Discretization"].contains(&layer.class_name());
    if adapted && config.get("batch_input_shape").is_some() {
        let input = tensor(&list(case.get("inputs").expect("inputs"))[0])?;
        let info = ValueInfo::new(input.dtype(), Dims::from(input.shape()));
        Build::new().build_unscoped(layer, &[info])?;
    }
    let given = config.get("vocabulary").is_some_and(|v| !v.is_null());
    let Some(vocabulary) = case.get("vocabulary").filter(|v| !v.is_null() && !given) else { return Ok(()) };
    let lookup = layer.downcast::<StringLookup>();
    if let Some(lookup) = lookup.or_else(|| layer.downcast::<TextVectorization>().map(TextVectorization::lookup)) {
        let words = list(vocabulary).iter().map(|word| word.as_str().unwrap_or_default().as_bytes().to_vec());
        let words = Tokens::Strings(words.collect());
        match case.get("idf_weights").filter(|w| !w.is_null()) {
            Some(weights) => {
                let weights = tensor(weights)?;
                let weights = &weights.as_slice::<f32>()?[..words.len()];
                lookup.set_vocabulary_and_weights(words, weights)?;
            }
            None => lookup.set_vocabulary(words)?,
        }
    } else if let Some(lookup) = layer.downcast::<IntegerLookup>() {
        lookup.set_vocabulary(Tokens::Ints(list(vocabulary).iter().map(|n| number(n) as i64).collect()))?;
    }
    Ok(())
}

fn check(class_name: &str, case: &Json, problems: &mut Vec<String>) -> AnyResult<()> {
    let config = case.get("config").expect("config");
    let mut object = Object::builtin("keras.layers", class_name, config.clone()).to_value();
    if case.get("keras").and_then(Json::as_str).is_some_and(|version| version.starts_with('3')) {
        read_keras3(&mut object);
    }
    let layer = registry::deserialize(&Node::root(&object))?;
    teach(&layer, case)?;
    let mut traced = trace(&layer, case, false)?;
    let weights = list(case.get("weights").expect("weights"));
    let values = weights.iter().map(|w| tensor(w.get("value").expect("value"))).collect::<AnyResult<Vec<_>>>()?;
    let names: Vec<String> = layer.weights().iter().map(|w| w.variable.name().to_string()).collect();
    let expected: Vec<&str> = weights.iter().map(|w| w.get("name").and_then(Json::as_str).unwrap_or("")).collect();
    if case.get("keras").and_then(Json::as_str).is_some_and(|version| version.starts_with('2')) && names != expected {
        problems.push(format!("weights: expected {expected:?}, found {names:?}"));
    }
    layer.set_weights(&values)?;

    let shapes = list(case.get("output_shape").expect("output_shape"));
    for (i, (&y, shape)) in traced.outputs.iter().zip(shapes).enumerate() {
        let found = kerox_layers::dims_to_json(traced.g.dims(y));
        // A shape rule may know more than Keras says, never less or other.
        let found_axes = traced.g.dims(y).axes().unwrap_or_default();
        let is_fixed_batch = found_axes.first() == Some(&None) && !list(shape).first().is_some_and(Json::is_null);
        // A few cases have a fixed batch, which is not known here.
        let knows_more = list(shape).len() == found_axes.len()
            && list(shape).iter().zip(list(&found)).all(|(expected, found)| expected.is_null() || expected == found);
        if !(knows_more || is_fixed_batch && list(shape).len() == found_axes.len()) {
            problems.push(format!("shape of output {i}: expected {shape}, found {found}"));
        }
    }
    let outputs = list(case.get("outputs").expect("outputs"));
    if outputs.len() != traced.outputs.len() {
        problems.push(format!("expected {} outputs, found {}", outputs.len(), traced.outputs.len()));
    }
    let found = traced.run(&traced.outputs, false)?;
    for (i, (found, expected)) in found.iter().zip(outputs).enumerate() {
        problems.extend(compare(&format!("output {i}"), found, expected, OUTPUTS)?);
        let (is, dtype) = (found.dtype(), tensor(expected)?.dtype());
        if is != dtype {
            problems.push(format!("output {i}: expected {dtype}, found {is}"));
        }
    }
    match case.get("output_mask") {
        None | Some(Json::Null) => {
            if traced.masks.iter().any(Option::is_some) {
                problems.push("expected no mask, found one".into());
            }
        }
        Some(masks) => {
            for (i, (&found, expected)) in traced.masks.iter().zip(list(masks)).enumerate() {
                match (found, expected) {
                    (None, Json::Null) => {}
                    (Some(mask), expected) if !expected.is_null() => {
                        let found = traced.run(&[mask], false)?;
                        problems.extend(compare(&format!("mask {i}"), &found[0], expected, 0.0)?);
                    }
                    (found, _) => problems.push(format!("mask {i}: expected another, found {}", found.is_some())),
                }
            }
        }
    }
    if let Some(losses) = case.get("losses") {
        let mut found = traced.losses.clone();
        for weight in layer.trainable_weights() {
            if let Some(regularizer) = &weight.regularizer {
                let value = traced.g.read(&weight.variable)?;
                found.push(regularizer.penalty(&mut traced.g, value)?);
            }
        }
        let total = |values: &[f64]| values.iter().sum::<f64>();
        let found: Vec<f64> = traced.run(&found, false)?.iter().map(|t| floats(t)[0]).collect();
        let expected: Vec<f64> = list(losses).iter().map(|t| floats(&tensor(t).unwrap())[0]).collect();
        if (total(&found) - total(&expected)).abs() > OUTPUTS * (1.0 + total(&expected).abs()) {
            problems.push(format!("losses: expected {expected:?}, found {found:?}"));
        }
    }
    if let Some(record) = case.get("gradients").filter(|record| !record.is_null()) {
        traced.gradients(&layer, case, record, problems)?;
    }
    check_training(&layer, case, problems)
}

fn check_training(layer: &LayerRef, case: &Json, problems: &mut Vec<String>) -> AnyResult<()> {
    let (outputs, updates, record) = match case.get("training") {
        Some(Json::String(_)) => (list(case.get("outputs").expect("outputs")), &[][..], None),
        Some(Json::Map(map)) => (
            list(map.get("outputs").expect("outputs")),
            list(map.get("updates").expect("updates")),
            map.get("gradients"),
        ),
        _ => return Ok(()),
    };
    let mut traced = trace(layer, case, true)?;
    let before: Vec<Tensor> = layer.get_weights();
    let found = traced.run(&traced.outputs, true)?;
    for (i, (found, expected)) in found.iter().zip(outputs).enumerate() {
        problems.extend(compare(&format!("training: output {i}"), found, expected, OUTPUTS)?);
    }
    let weights = list(case.get("weights").expect("weights"));
    for (i, (weight, before)) in layer.weights().iter().zip(&before).enumerate() {
        // Keras 3 has names of its own.
        let name = weights.get(i).and_then(|w| w.get("name")).and_then(Json::as_str).unwrap_or_default();
        let value = weight.variable.value();
        match updates.iter().find(|u| u.get("name").and_then(Json::as_str) == Some(name)) {
            Some(update) => {
                let expected = update.get("value").expect("value");
                problems.extend(compare(&format!("training: update of {name}"), &value, expected, OUTPUTS)?);
            }
            None if value != *before => problems.push(format!("training: {name} has changed")),
            None => {}
        }
    }
    layer.set_weights(&before)?;
    if let Some(record) = record.filter(|record| !record.is_null()) {
        let mut found = Vec::new();
        traced.gradients(layer, case, record, &mut found)?;
        problems.extend(found.into_iter().map(|p| format!("training: {p}")));
    }
    Ok(())
}

#[test]
fn every_layer_is_equal_to_keras() {
    let only = std::env::var("KEROX_GOLDEN").ok();
    let mut missing = BTreeSet::new();
    let mut known: BTreeSet<&str> =
        include_str!("missing_cases.txt").lines().filter_map(|line| line.split_once(": ")).map(|(id, _)| id).collect();
    let mut failed = Vec::new();
    let mut count = 0;
    let mut files: Vec<PathBuf> = fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for path in files.iter().filter(|p| p.extension().is_some_and(|e| e == "json")) {
        let limits = Limits::default();
        let file = Json::parse_bytes(&fs::read(path).unwrap(), &limits).unwrap();
        let class_name = file.get("class_name").and_then(Json::as_str).unwrap().to_string();
        if only.as_ref().is_some_and(|only| !only.split(',').any(|name| name == class_name)) {
            continue;
        }
        if registry::registry().builtin(&class_name).is_none() {
            missing.insert(class_name);
            continue;
        }
        for case in list(file.get("cases").unwrap()) {
            let name = case.get("name").and_then(Json::as_str).unwrap();
            // Keras itself does not write the argument into the configuration.
            if class_name == "BatchNormalization" && name == "synchronized" {
                continue;
            }
            if case.get("stateful").is_some_and(|s| !s.is_null()) {
                continue;
            }
            // A model of operations, not a layer's configuration: `model_configs.rs` has those.
            if class_name == "TFOpLambda" {
                continue;
            }
            count += 1;
            let mut problems = Vec::new();
            if let Err(error) = check(&class_name, case, &mut problems) {
                let mut text = error.to_string();
                let mut source = error.source();
                while let Some(inner) = source {
                    text = format!("{text}: {inner}");
                    source = inner.source();
                }
                problems.push(text);
            }
            let id = format!("{class_name}/{name}");
            match (problems.is_empty(), known.remove(id.as_str())) {
                (true, true) => failed.push(format!("{id}: passes; take it off tests/missing_cases.txt")),
                (false, true) => println!("{id}: {}", problems.join("; ")),
                _ => failed.extend(problems.into_iter().map(|p| format!("{id}: {p}"))),
            }
        }
    }
    println!("{count} cases");
    assert!(failed.is_empty(), "{} problems in {count} cases:\n{}", failed.len(), failed.join("\n"));
    if only.is_none() {
        let listed: BTreeSet<String> = include_str!("missing.txt")
            .lines()
            .filter_map(|line| line.split(':').next())
            .map(|name| name.trim().to_string())
            .filter(|name| !name.is_empty() && !name.starts_with('#'))
            .collect();
        assert_eq!(
            missing, listed,
            "classes with golden cases that are not in the registry, against tests/missing.txt"
        );
    }
}

#[test]
fn configurations_survive() {
    let mut failed = Vec::new();
    for entry in registry::ALL {
        let name = kerox_config_json::names::snake_case(entry.class_name);
        let path = folder().join(format!("{name}.json"));
        let Ok(bytes) = fs::read(&path) else { continue };
        let limits = Limits::default();
        let file = Json::parse_bytes(&bytes, &limits).unwrap();
        for case in list(file.get("cases").unwrap()) {
            let Some(Json::Map(config)) = case.get("config") else { continue };
            // Keras 3 spells policies and arguments in its own way; that is the dialects' matter.
            if !case.get("keras").and_then(Json::as_str).is_some_and(|version| version.starts_with('2')) {
                continue;
            }
            if entry.class_name == "TFOpLambda" {
                continue;
            }
            let object = Object::builtin(entry.module, entry.class_name, config.clone()).to_value();
            let written: Result<Config, _> = registry::deserialize(&Node::root(&object)).and_then(|l| l.config());
            let case = case.get("name").and_then(Json::as_str).unwrap();
            match written {
                Ok(written) if written.to_string() == config.to_string() => {}
                Ok(written) => failed.push(format!("{}/{case}:\n  {config}\n  {written}", entry.class_name)),
                Err(error) => failed.push(format!("{}/{case}: {error}", entry.class_name)),
            }
        }
    }
    assert!(failed.is_empty(), "{} configurations:\n{}", failed.len(), failed.join("\n"));
}
