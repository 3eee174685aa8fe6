//! Recurrent layers, attention and preprocessing against what Keras computed: `golden/layers/*.json`.

use std::path::PathBuf;

use kerox_config_json::{Object, Style, Value as Json};
use kerox_graph::{Dims, Executor, Graph, Interpreter, Plan, Value, gradients};
use kerox_layers::{Arg, Args, Call, LayerRef, registry};
use kerox_tensor::{DType, Shape, Tensor};

type Fallible<T> = Result<T, Box<dyn std::error::Error>>;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/layers"))
}

fn field<'a>(json: &'a Json, key: &str) -> Option<&'a Json> {
    json.get(key).filter(|value| !value.is_null())
}

/// An array in the form of golden files.
fn tensor(json: &Json) -> Fallible<Tensor> {
    let dtype = json.get("dtype").and_then(Json::as_str).ok_or("an array without type")?;
    let shape: Shape = list(json, "shape").iter().map(|d| d.as_i64().unwrap_or(0) as usize).collect();
    let data = list(json, "data");
    let number = |v: &Json| match v.as_str() {
        Some("nan") => f64::NAN,
        Some("inf") => f64::INFINITY,
        Some("-inf") => f64::NEG_INFINITY,
        _ => v.as_f64().unwrap_or(0.0),
    };
    let ints = || data.iter().map(|v| v.as_i64().unwrap_or(0));
    Ok(match dtype {
        "float32" => Tensor::from_vec(data.iter().map(|v| number(v) as f32).collect(), shape)?,
        "float64" => Tensor::from_vec(data.iter().map(number).collect::<Vec<f64>>(), shape)?,
        "int32" => Tensor::from_vec(ints().map(|i| i as i32).collect(), shape)?,
        "int64" => Tensor::from_vec(ints().collect(), shape)?,
        "bool" => Tensor::from_vec(data.iter().map(|v| v.as_bool().unwrap_or(false)).collect(), shape)?,
        "string" => Tensor::from_strings(data.iter().map(|v| v.as_str().unwrap_or("")), shape)?,
        other => return Err(format!("an array of {other}").into()),
    })
}

fn list<'a>(json: &'a Json, key: &str) -> &'a [Json] {
    json.get(key).and_then(Json::as_list).unwrap_or(&[])
}

/// The elements as f64.
fn numbers(tensor: &Tensor) -> Fallible<Vec<f64>> {
    Ok(match tensor.dtype() {
        DType::F32 => tensor.as_slice::<f32>()?.iter().map(|&v| f64::from(v)).collect(),
        DType::F64 => tensor.as_slice::<f64>()?.to_vec(),
        DType::I32 => tensor.as_slice::<i32>()?.iter().map(|&v| f64::from(v)).collect(),
        DType::I64 => tensor.as_slice::<i64>()?.iter().map(|&v| v as f64).collect(),
        DType::Bool => tensor.as_slice::<bool>()?.iter().map(|&v| f64::from(u8::from(v))).collect(),
        other => return Err(format!("numbers of {other}").into()),
    })
}

fn compare(what: &str, found: &Tensor, expected: &Json, tolerance: f64) -> Fallible<()> {
    let expected = tensor(expected)?;
    if found.shape() != expected.shape() || found.dtype() != expected.dtype() {
        let (a, b) = (expected.shape(), found.shape());
        return Err(format!("{what}: expected {} {a}, found {} {b}", expected.dtype(), found.dtype()).into());
    }
    if expected.dtype() == DType::String {
        if found != &expected {
            return Err(format!("{what}: expected {expected:?}, found {found:?}").into());
        }
        return Ok(());
    }
    for (i, (a, b)) in numbers(found)?.into_iter().zip(numbers(&expected)?).enumerate() {
        let near = (a - b).abs() <= tolerance * (1.0 + b.abs()) || a == b || (a.is_nan() && b.is_nan());
        if !near {
            return Err(format!("{what} element {i}: expected {b}, found {a}").into());
        }
    }
    Ok(())
}

/// Runs what depends on feeds, in a plan where there can be one.
fn evaluate(g: &Graph, feeds: &[Value], given: &[Tensor], fetches: &[Value]) -> Fallible<Vec<Tensor>> {
    let shapes: Vec<Shape> = given.iter().map(|t| t.shape().clone()).collect();
    if let Ok(plan) = Plan::compile(g, feeds, &shapes, fetches, &g.effects) {
        let mut executor = Executor::new(plan);
        executor.run(&given.iter().collect::<Vec<_>>())?;
        return (0..fetches.len()).map(|i| Ok(executor.output(i).tensor()?)).collect();
    }
    let feed = given.iter().map(|t| t.clone().into()).collect();
    let results = Interpreter::new(g, feeds, fetches, &g.effects).run(feed)?;
    results.into_iter().map(|value| Ok(value.into_tensor()?)).collect()
}

/// Feeds of a traced call.
#[derive(Default)]
struct Feeds {
    values: Vec<Value>,
    given: Vec<Tensor>,
}

impl Feeds {
    fn add(&mut self, g: &mut Graph, json: &Json, batch: bool) -> Fallible<Value> {
        let tensor = tensor(json)?;
        let unknown = |(i, &d): (usize, &usize)| if i == 0 && batch { None } else { Some(d) };
        let dims: Dims = tensor.shape().iter().enumerate().map(unknown).collect();
        let value = g.placeholder("input", tensor.dtype(), dims)?;
        self.values.push(value);
        self.given.push(tensor);
        Ok(value)
    }

    fn arg(&mut self, g: &mut Graph, json: &Json, batch: bool) -> Fallible<Arg<Value>> {
        if json.get("dtype").is_some() {
            return Ok(Arg::Tensor(self.add(g, json, batch)?));
        }
        Ok(match json.as_list() {
            Some(items) => Arg::List(items.iter().map(|i| self.arg(g, i, batch)).collect::<Fallible<_>>()?),
            None if json.is_null() => Arg::None,
            None => Arg::Const(json.clone()),
        })
    }

    fn args(&mut self, g: &mut Graph, case: &Json, batch: bool) -> Fallible<Args<Value>> {
        let inputs = list(case, "inputs").iter().map(|i| self.arg(g, i, batch)).collect::<Fallible<Vec<_>>>()?;
        let is_list = case.get("inputs_form").and_then(Json::as_str) == Some("list");
        let first = if is_list { Arg::List(inputs) } else { inputs.into_iter().next().unwrap_or(Arg::None) };
        let mut args = Args { args: vec![first], kwargs: Vec::new() };
        for (name, json) in case.get("call").and_then(Json::as_map).into_iter().flat_map(|map| map.iter()) {
            let arg = self.arg(g, json, batch)?;
            args = args.with(name, arg);
        }
        Ok(args)
    }
}

fn set_weights(layer: &LayerRef, case: &Json) -> Fallible<()> {
    let (weights, expected) = (layer.weights(), list(case, "weights"));
    let names = |n: usize| format!("expected {} weights, found {n}", expected.len());
    if weights.len() != expected.len() {
        return Err(names(weights.len()).into());
    }
    for (weight, expected) in weights.iter().zip(expected) {
        let name = expected.get("name").and_then(Json::as_str).unwrap_or("");
        if weight.variable.name() != name {
            return Err(format!("expected weight `{name}`, found `{}`", weight.variable.name()).into());
        }
        let value = tensor(expected.get("value").ok_or("a weight without value")?)?;
        if *weight.variable.shape() != *value.shape() {
            let (a, b) = (value.shape(), weight.variable.shape());
            return Err(format!("`{name}`: expected {a}, found {b}").into());
        }
        weight.variable.assign(value)?;
    }
    Ok(())
}

fn make(class_name: &str, case: &Json) -> Fallible<LayerRef> {
    let config = case.get("config").cloned().ok_or("a case without config")?;
    Ok(registry::deserialize_object(&Object::new(class_name, config))?)
}

fn check_case(class_name: &str, case: &Json) -> Fallible<()> {
    kerox_layers::clear_session();
    let layer = make(class_name, case)?;
    let config = Json::from(layer.config()?);
    let expected = case.get("config").ok_or("a case without config")?;
    let is_keras2 = case.get("keras").and_then(Json::as_str).is_some_and(|version| version.starts_with('2'));
    if is_keras2 && config != *expected {
        let (a, b) = (expected.to_json(Style::Python), config.to_json(Style::Python));
        return Err(format!("expected config {a}, found {b}").into());
    }
    let stateful = field(case, "stateful").is_some();
    let mut g = Graph::new();
    let mut feeds = Feeds::default();
    let args = feeds.args(&mut g, case, false)?;
    let mut cx = Call::new(&mut g, false);
    let outputs = cx.apply(&layer, &args)?;
    let masks: Vec<Option<Value>> = outputs.iter().map(|&v| cx.mask(v)).collect();
    set_weights(&layer, case)?;
    let expected = list(case, "outputs");
    if outputs.len() != expected.len() {
        return Err(format!("expected {} outputs, found {}", expected.len(), outputs.len()).into());
    }
    layer.reset_states();
    let found = evaluate(&g, &feeds.values, &feeds.given, &outputs)?;
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        compare(&format!("output {i}"), found, expected, 1e-5)?;
    }
    let expected_masks = list(case, "output_mask");
    for (i, mask) in masks.iter().enumerate() {
        match (mask, expected_masks.get(i).filter(|m| !m.is_null())) {
            (None, None) => {}
            (Some(mask), Some(expected)) => {
                let found = evaluate(&g, &feeds.values, &feeds.given, &[*mask])?;
                compare(&format!("mask {i}"), &found[0], expected, 0.0)?;
            }
            (found, expected) => {
                return Err(format!("mask {i}: expected {}, found {}", expected.is_some(), found.is_some()).into());
            }
        }
    }
    if stateful {
        return check_stateful(&layer, case);
    }
    check_gradients(&mut g, &layer, case, &args, &outputs, &feeds)?;
    check_shapes(&layer, case)
}

fn check_stateful(layer: &LayerRef, case: &Json) -> Fallible<()> {
    layer.reset_states();
    for (i, step) in list(case, "stateful").iter().enumerate() {
        let mut g = Graph::new();
        let mut feeds = Feeds::default();
        let inputs = step.get("inputs").ok_or("a step without inputs")?;
        let x = match inputs.as_list() {
            Some([x]) => feeds.add(&mut g, x, false)?,
            _ => feeds.add(&mut g, inputs, false)?,
        };
        let outputs = Call::new(&mut g, false).apply(layer, &Args::one(x))?;
        let found = evaluate(&g, &feeds.values, &feeds.given, &outputs)?;
        let expected = step.get("outputs").ok_or("a step without outputs")?;
        let expected = expected.as_list().and_then(|list| list.first()).unwrap_or(expected);
        compare(&format!("step {i}"), &found[0], expected, 1e-5)?;
    }
    Ok(())
}

fn check_gradients(
    g: &mut Graph,
    layer: &LayerRef,
    case: &Json,
    args: &Args<Value>,
    outputs: &[Value],
    feeds: &Feeds,
) -> Fallible<()> {
    let Some(expected) = field(case, "gradients") else { return Ok(()) };
    let cotangents = list(case, "cotangents");
    let mut seeds = Feeds { values: feeds.values.clone(), given: feeds.given.clone() };
    let (mut ys, mut dys) = (Vec::new(), Vec::new());
    for (&output, cotangent) in outputs.iter().zip(cotangents) {
        if g.dtype(output).is_float() && !cotangent.is_null() {
            ys.push(output);
            dys.push(seeds.add(g, cotangent, false)?);
        }
    }
    let inputs: Vec<Value> = args.first().into_iter().copied().collect();
    let mut xs = inputs.clone();
    for weight in layer.trainable_weights() {
        xs.push(g.read(&weight.variable)?);
    }
    let mut wanted: Vec<&Json> = list(expected, "inputs").iter().collect();
    wanted.extend(list(expected, "weights"));
    for (name, arg) in &args.kwargs {
        let Some(expected) = expected.get("call").and_then(|call| call.get(name)) else { continue };
        let expected = if expected.get("dtype").is_some() { vec![expected] } else { flatten(expected) };
        xs.extend(arg.tensors().into_iter().copied());
        wanted.extend(expected);
    }
    if xs.len() != wanted.len() {
        return Err(format!("expected {} gradients, found {}", wanted.len(), xs.len()).into());
    }
    let found = gradients(g, &ys, Some(&dys), &xs)?;
    for (i, (found, expected)) in found.iter().zip(wanted).enumerate() {
        if expected.is_null() {
            continue;
        }
        let is_zero = |expected: &Json| {
            Ok::<_, Box<dyn std::error::Error>>(numbers(&tensor(expected)?)?.iter().all(|&v| v == 0.0))
        };
        match found {
            Some(value) => {
                let found = evaluate(g, &seeds.values, &seeds.given, &[*value])?;
                compare(&format!("gradient {i}"), &found[0], expected, 1e-4)?;
            }
            None if is_zero(expected)? => {}
            None => return Err(format!("gradient {i}: expected one, found none").into()),
        }
    }
    Ok(())
}

fn flatten(json: &Json) -> Vec<&Json> {
    match json.as_list() {
        Some(items) => items.iter().flat_map(flatten).collect(),
        None => vec![json],
    }
}

/// Shapes with an unknown batch.
fn check_shapes(layer: &LayerRef, case: &Json) -> Fallible<()> {
    let mut g = Graph::new();
    let args = Feeds::default().args(&mut g, case, true)?;
    let outputs = Call::new(&mut g, false).apply(layer, &args)?;
    for (&output, expected) in outputs.iter().zip(list(case, "output_shape")) {
        let expected: Dims = expected.as_list().unwrap_or(&[]).iter().map(|d| d.as_i64().map(|d| d as usize)).collect();
        if expected.axes().is_some_and(|axes| axes.first() == Some(&None)) && *g.dims(output) != expected {
            return Err(format!("expected shape {expected}, found {}", g.dims(output)).into());
        }
    }
    Ok(())
}

fn check_file(name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap_or_default();
    let json = Json::parse(&text).unwrap_or(Json::Null);
    let class_name = json.get("class_name").and_then(Json::as_str).unwrap_or("");
    let mut failures = Vec::new();
    let cases = list(&json, "cases");
    assert!(!cases.is_empty(), "golden/layers/{name}.json has no cases");
    for case in cases {
        if let Err(error) = check_case(class_name, case) {
            let source = error.source().map(|s| format!(": {s}")).unwrap_or_default();
            let label = case.get("name").and_then(Json::as_str).unwrap_or("?");
            failures.push(format!("{name}/{label}: {error}{source}"));
        }
    }
    failures
}

fn check_files(names: &[&str]) {
    let failures: Vec<String> = names.iter().flat_map(|name| check_file(name)).collect();
    assert!(failures.is_empty(), "{} cases differ:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn embedding() {
    check_files(&["embedding"]);
}

#[test]
fn recurrent_layers() {
    check_files(&["simple_rnn", "lstm", "gru", "lstmv1", "gruv1"]);
}

#[test]
fn cells_and_rnn() {
    check_files(&["simple_rnn_cell", "lstm_cell", "gru_cell", "stacked_rnn_cells", "rnn"]);
}

#[test]
fn wrappers() {
    check_files(&["bidirectional", "time_distributed"]);
}

#[test]
fn attention() {
    check_files(&["attention", "additive_attention", "multi_head_attention", "group_query_attention"]);
}

#[test]
fn convolutional_recurrent_layers() {
    check_files(&["conv_lstm1d", "conv_lstm2d", "conv_lstm3d"]);
}
