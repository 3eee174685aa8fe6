//! Odd arguments: what Keras refuses to make is refused, and what it makes takes its steps, to no number where Keras's do.

mod common;

use common::{assert_near, golden, numbers, step, values};
use kerox_config_json::Value as Json;
use kerox_optim::{Form, from_config};
use kerox_tensor::{Tensor, Variable};

/// Words of the golden files as the numbers that they are.
fn argument(value: &serde_json::Value) -> Json {
    match value.as_str() {
        Some(word) => Json::from(word.parse::<f64>().unwrap()),
        None => Json::parse(&value.to_string()).unwrap(),
    }
}

fn check(file: &str, form: Form) {
    let golden = golden(file);
    let mut problems = Vec::new();
    let floats = |key: &str| numbers(&golden[key]).0.iter().map(|&x| x as f32).collect::<Vec<f32>>();
    for case in golden["cases"].as_array().unwrap() {
        let class = case["class"].as_str().unwrap();
        let arguments = case["arguments"].as_object().unwrap();
        let config = arguments.iter().map(|(key, value)| (key.clone(), argument(value))).collect();
        let what = format!("{class} {}", case["arguments"]);
        let optimizer = match (from_config(class, &config, form), case["weights"].is_null()) {
            (Ok(optimizer), false) => optimizer,
            (Ok(_), true) => {
                problems.push(format!("{what}: expected an error"));
                continue;
            }
            (Err(error), is_refused) => {
                let is_named = arguments.keys().any(|key| error.to_string().contains(key.as_str()));
                if !is_refused || !is_named {
                    problems.push(format!("{what}: expected {}, found {error}", case["weights"]));
                }
                continue;
            }
        };
        let variable = Variable::new("v", Tensor::from_vec(floats("initial"), [2]).unwrap(), true);
        for _ in 0..3 {
            step(&*optimizer, std::slice::from_ref(&variable), &[floats("gradient")]);
        }
        let expected = numbers(&case["weights"]).0;
        let found = values(&variable);
        if std::panic::catch_unwind(|| assert_near(&found, &expected, 1e-6, "")).is_err() {
            problems.push(format!("{what}: expected {expected:?}, found {found:?}"));
        }
    }
    assert!(problems.is_empty(), "{} of {file}:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn keras_2_15() {
    check("arguments_keras215.json", Form::Keras2);
}

#[test]
fn keras_2_15_legacy() {
    check("arguments_keras215_legacy.json", Form::Legacy);
}

#[test]
fn keras_3() {
    check("arguments_keras315.json", Form::Keras3);
}
