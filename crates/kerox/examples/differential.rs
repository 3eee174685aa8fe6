//! Computes the cases that `interop/differential` and `interop/fit` had Keras compute, and prints where the results differ. A line of the
//! file is a case; models that were trained (`fit`) are files of Keras beside it.

#[path = "../../train/tests/common/mod.rs"]
mod common;

use std::error::Error;
use std::panic;

use common::{array, elements, numbers, text};
use kerox::prelude::*;
use kerox::saving::{LoadOptions, load_model};
use kerox_config_json::{Config, Node, Value};
use kerox_graph::{Executor, Graph, Plan, gradients};
use kerox_layers::Call;
use kerox_train::data::IntoArrays;
use kerox_train::losses::Loss;
use kerox_train::metrics::{Accumulator, Metric};
use kerox_train::model::ValidationData;

fn main() {
    let path = std::env::args().nth(1).expect("a file of cases");
    let cases = std::fs::read_to_string(path).expect("a file of cases");
    if std::env::var_os("LOUD").is_none() {
        panic::set_hook(Box::new(|_| {}));
    }
    let (mut count, mut different) = (0, 0);
    for line in cases.lines() {
        let case = Value::parse(line).expect("JSON");
        count += 1;
        let check = || match text(&case, "kind") {
            "loss" => check_loss(&case),
            "metric" => check_metric(&case),
            "fit" => check_fit(&case),
            kind => panic!("no such kind: {kind}"),
        };
        let found = panic::catch_unwind(check).unwrap_or_else(|panic| {
            let message = panic.downcast_ref::<&str>().map(|s| s.to_string());
            Some(format!("PANIC {:?}", message.or(panic.downcast_ref::<String>().cloned())))
        });
        if let Some(problem) = found {
            different += 1;
            let config = case.get("config").unwrap();
            println!(
                "{} {}{}\n  {config}\n  {problem}",
                text(&case, "class_name"),
                case.get("id").unwrap(),
                shapes(&case)
            );
        }
    }
    println!("{count} cases, {different} differ");
    std::process::exit(i32::from(different > 0));
}

fn object(case: &Value) -> Value {
    Value::Map(
        Config::new().with("class_name", text(case, "class_name")).with("config", case.get("config").unwrap().clone()),
    )
}

fn shapes(case: &Value) -> String {
    let of = |key: &&str| {
        let array = case.get(key).filter(|v| v.get("dtype").is_some())?;
        Some(format!(" {key}={}{}", text(array, "dtype"), array.get("shape").unwrap()))
    };
    ["y_true", "y_pred", "sample_weight", "mask"].iter().filter_map(of).collect()
}

fn compare(found: &[f64], expected: &[f64], tolerance: f64) -> Option<String> {
    if found.len() != expected.len() {
        return Some(format!("{} numbers, Keras {}: {found:?} / {expected:?}", found.len(), expected.len()));
    }
    let largest = expected.iter().filter(|x| x.is_finite()).fold(0f64, |a, b| a.max(b.abs()));
    let differs = |(a, b): &(&f64, &f64)| {
        let distance = (*a - *b).abs();
        let same = a.is_nan() && b.is_nan() || a == b || distance <= tolerance * (1.0 + b.abs().max(largest * 0.1));
        !same
    };
    found.iter().zip(expected).find(differs).map(|(a, b)| format!("{a}, Keras {b}"))
}

fn loss(case: &Value) -> Result<Vec<Tensor>, Box<dyn Error>> {
    let object = object(case);
    let loss = Loss::from_json(&Node::root(&object))?;
    let mut g = Graph::new();
    let y_true = g.constant(array(case.get("y_true").unwrap()).unwrap())?;
    let prediction = array(case.get("y_pred").unwrap()).unwrap();
    let shape = prediction.shape().clone();
    let y_pred = g.placeholder("y_pred", prediction.dtype(), shape.iter().map(|&d| Some(d)).collect())?;
    let mut optional = |key: &str| array(case.get(key).unwrap()).map(|t| g.constant(t)).transpose();
    let (weight, mask) = (optional("sample_weight")?, optional("mask")?);
    let mut cx = Call::new(&mut g, false);
    cx.set_mask(y_pred, mask);
    let value = loss.call(&mut cx, y_true, y_pred, weight)?;
    let mut fetches = vec![value];
    if case.get("gradient").is_some_and(|v| !v.is_null()) {
        fetches.extend(gradients(&mut g, &[value], None, &[y_pred])?.into_iter().flatten());
    }
    let mut executor = Executor::new(Plan::compile(&g, &[y_pred], &[shape], &fetches, &[])?);
    executor.run(&[&prediction])?;
    Ok((0..fetches.len()).map(|i| executor.output(i).tensor()).collect::<Result<_, _>>()?)
}

fn check_loss(case: &Value) -> Option<String> {
    let found = match (loss(case), case.get("error")) {
        (Err(_), Some(_)) => return None,
        (Ok(_), Some(error)) => return Some(format!("TAKEN, Keras: {error}")),
        (Err(error), None) => return Some(format!("REFUSED: {error}")),
        (Ok(found), None) => found,
    };
    let value = array(case.get("value").unwrap()).unwrap();
    if value.shape() != found[0].shape() {
        return Some(format!("SHAPE {} Keras {}", found[0].shape(), value.shape()));
    }
    if let Some(text) = compare(&elements(&found[0]), &elements(&value), 1e-5) {
        return Some(format!("VALUE {text}"));
    }
    let gradient = elements(&array(case.get("gradient")?)?);
    match found.get(1) {
        None => Some("NO GRADIENT".into()),
        Some(found) => compare(&elements(found), &gradient, 2e-5).map(|t| format!("GRADIENT {t}")),
    }
}

fn check_metric(case: &Value) -> Option<String> {
    let object = object(case);
    let metric = match (Metric::from_json(&Node::root(&object)), case.get("error")) {
        (Err(_), Some(_)) => return None,
        (Ok(_), Some(error)) => return Some(format!("TAKEN, Keras: {error}")),
        (Err(error), None) => return Some(format!("REFUSED: {error}")),
        (Ok(metric), None) => metric,
    };
    let mut metric = Accumulator::new(metric);
    for update in case.get("updates").unwrap().as_list().unwrap() {
        let list = update.get("arguments").unwrap().as_list().unwrap();
        let arguments: Vec<Tensor> = list.iter().map(|a| array(a).unwrap()).collect();
        let weight = array(update.get("sample_weight").unwrap());
        let forms = arguments.iter().chain(&weight).map(|a| format!("{}{} ", a.dtype(), a.shape()));
        let forms: String = forms.collect();
        match (metric.update_state(&arguments[0], arguments.last().unwrap(), weight.as_ref()), update.get("error")) {
            (Err(_), Some(_)) => return None,
            (Ok(_), Some(error)) => return Some(format!("TAKEN {forms}, Keras: {error}")),
            (Err(error), None) => return Some(format!("REFUSED {forms}: {error}")),
            (Ok(_), None) => {}
        }
        let expected = elements(&array(update.get("result").unwrap()).unwrap());
        if let Some(text) = compare(&metric.result(), &expected, 1e-5) {
            return Some(format!("VALUE {forms}: {text}"));
        }
    }
    metric.reset_state();
    compare(&metric.result(), &elements(&array(case.get("reset")?)?), 1e-6).map(|t| format!("RESET {t}"))
}

fn arrays(case: &Value, key: &str) -> Option<Vec<Tensor>> {
    let list = case.get(key)?.as_list()?;
    Some(list.iter().map(|a| array(a).unwrap()).collect())
}

fn named_difference(found: &Logs, expected: &Config, tolerance: f64) -> Option<String> {
    let names: Vec<&str> = found.0.iter().map(|(name, _)| name.as_str()).collect();
    let wanted: Vec<&str> = expected.keys().collect();
    if names.len() != wanted.len() || wanted.iter().any(|name| !names.contains(name)) {
        return Some(format!("NAMES {names:?}, Keras {wanted:?}"));
    }
    found.0.iter().find_map(|(name, value)| {
        compare(&[*value], &numbers(expected.get(name).unwrap()), tolerance).map(|t| format!("EVALUATE {name} {t}"))
    })
}

fn check_fit(case: &Value) -> Option<String> {
    let (done, error) = (fit(case), case.get("error"));
    match (done, error) {
        (Err(_), Some(_)) => None,
        (Ok(_), Some(error)) => Some(format!("TAKEN, Keras: {error}")),
        (Err(error), None) => {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            Some(format!("REFUSED: {text}"))
        }
        (Ok(problem), None) => problem,
    }
}

fn fit(case: &Value) -> Result<Option<String>, Box<dyn Error>> {
    let mut model = load_model(text(case, "file"), LoadOptions::new())?;
    let (x, y) = (arrays(case, "x").unwrap(), arrays(case, "y").unwrap());
    let tolerance = case.get("tolerance").and_then(Value::as_f64).unwrap_or(1e-4);
    let number = |key: &str| case.get(key).and_then(Value::as_i64).map(|n| n as usize);
    let mut options = Fit::default().shuffle(false).verbose(0).allow_non_finite(true);
    options = options.batch_size(number("batch_size").unwrap()).epochs(number("epochs").unwrap());
    if let Some(weights) = arrays(case, "sample_weight") {
        options = options.sample_weight(weights);
    }
    if let Some(weights) = case.get("class_weight").and_then(Value::as_map) {
        options =
            options.class_weight(weights.iter().map(|(k, v)| (k.parse().unwrap(), numbers(v)[0])).collect::<Vec<_>>());
    }
    if let Some(epoch) = number("initial_epoch") {
        options = options.initial_epoch(epoch);
    }
    if let Some(steps) = number("steps_per_epoch") {
        options = options.steps_per_epoch(steps);
    }
    if let Some(split) = case.get("validation_split").and_then(Value::as_f64) {
        options = options.validation_split(split);
    }
    if let Some(freq) = case.get("validation_freq") {
        let epochs = numbers(freq).into_iter().map(|e| e as usize);
        options = match freq.as_list() {
            Some(_) => options.validation_epochs(epochs),
            None => options.validation_freq(epochs.sum()),
        };
    }
    if let Some(data) = case.get("validation") {
        let (x, y) = (array(data.get("x").unwrap()).unwrap(), arrays(data, "y").unwrap());
        let sample_weight = arrays(data, "w").map(IntoArrays::into_arrays);
        options =
            options.weighted_validation_data(ValidationData { x: x.into_arrays(), y: y.into_arrays(), sample_weight });
    }
    let history = model.fit(x.clone(), y.clone(), options)?;
    let Some(expected) = case.get("history").and_then(Value::as_map) else { return Ok(None) };
    let names: Vec<&str> = history.history.iter().map(|(name, _)| name.as_str()).collect();
    let wanted: Vec<&str> = expected.keys().collect();
    if names.len() != wanted.len() || wanted.iter().any(|name| !names.contains(name)) {
        return Ok(Some(format!("NAMES {names:?}, Keras {wanted:?}")));
    }
    for (name, values) in expected.iter() {
        if let Some(text) = compare(history.get(name), &numbers(values), tolerance) {
            return Ok(Some(format!("HISTORY {name} {text} ({:?} / {values})", history.get(name))));
        }
    }
    for (i, (found, expected)) in model.get_weights().iter().zip(arrays(case, "weights").unwrap()).enumerate() {
        if found.dtype() != expected.dtype() {
            return Ok(Some(format!("WEIGHT {i} {}, Keras {}", found.dtype(), expected.dtype())));
        }
        if let Some(text) = compare(&elements(found), &elements(&expected), tolerance) {
            return Ok(Some(format!("WEIGHT {i} {text}")));
        }
    }
    let logs = model.evaluate(x, y, Evaluate::default().verbose(0).batch_size(4))?;
    Ok(named_difference(&logs, case.get("evaluate").unwrap().as_map().unwrap(), tolerance))
}
