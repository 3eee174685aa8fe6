//! Models of Keras 3 whose layers are operations of `keras.ops`, against what Keras computes for them.

use std::path::Path;

use kerox::models::{load_model, model_from_json};
use kerox::prelude::*;
use kerox::saving::{Dialect, Json, LoadOptions, SaveOptions};

/// Relative to the largest value.
const CLOSE: f64 = 1e-5;

fn number(value: &Json) -> f64 {
    match value {
        Json::String(text) if text == "inf" => f64::INFINITY,
        Json::String(text) if text == "-inf" => f64::NEG_INFINITY,
        Json::String(_) => f64::NAN,
        Json::Bool(yes) => f64::from(u8::from(*yes)),
        number => number.as_f64().unwrap(),
    }
}

fn numbers(array: &Json, key: &str) -> Vec<f64> {
    array.get(key).and_then(Json::as_list).unwrap().iter().map(number).collect()
}

fn shape(array: &Json) -> Vec<usize> {
    numbers(array, "shape").into_iter().map(|length| length as usize).collect()
}

/// What differs between an output and what Keras gave.
fn difference(found: &Tensor, expected: &Json) -> Option<String> {
    let dtype = expected.get("dtype").and_then(Json::as_str).unwrap();
    if found.dtype().name() != dtype {
        return Some(format!("{} instead of {dtype}", found.dtype()));
    }
    if found.shape()[..] != shape(expected) {
        return Some(format!("{} instead of {:?}", found.shape(), shape(expected)));
    }
    let found = found.cast(DType::F64).unwrap();
    let (found, expected) = (found.as_slice::<f64>().unwrap(), numbers(expected, "data"));
    let scale = expected.iter().copied().filter(|x| x.is_finite()).fold(1.0, |most: f64, x| most.max(x.abs()));
    let differs = |(a, b): (&f64, &f64)| !(a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= CLOSE * scale);
    let at = found.iter().zip(&expected).position(differs)?;
    Some(format!("{} instead of {} at {at}", found[at], expected[at]))
}

#[test]
fn operations_compute_what_keras_computes() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/operations/operations.json");
    let golden = Json::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let given = golden.get("x").unwrap();
    let x: Vec<f32> = numbers(given, "data").into_iter().map(|x| x as f32).collect();
    let x = Tensor::from_vec(x, shape(given)).unwrap();
    let cases = golden.get("cases").and_then(Json::as_list).unwrap();
    assert!(cases.len() > 80);
    let dir = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let text = |key: &str| case.get(key).and_then(Json::as_str).unwrap();
        let computed = model_from_json(text("model")).map_err(|error| error.to_string()).and_then(|mut model| {
            let first = model.predict(&x, Predict::default().verbose(0)).map_err(|error| error.to_string())?;
            // What is written of the model says the same.
            let path = dir.path().join("model.keras");
            let save = SaveOptions::new().dialect(Dialect::Keras3);
            model.save_with(&path, &save).map_err(|error| format!("saved: {error}"))?;
            let mut model = load_model(&path, LoadOptions::new()).map_err(|error| format!("again: {error}"))?;
            let second = model.predict(&x, Predict::default().verbose(0)).map_err(|error| format!("again: {error}"))?;
            Ok([first, second])
        });
        let expected = case.get("outputs").and_then(Json::as_list).unwrap();
        match computed {
            Err(error) => wrong.push(format!("{}: {error}", text("name"))),
            Ok(runs) => {
                for outputs in runs {
                    if outputs.len() != expected.len() {
                        wrong.push(format!("{}: {} outputs", text("name"), outputs.len()));
                        continue;
                    }
                    let differences = outputs.iter().zip(expected).filter_map(|(found, json)| difference(found, json));
                    wrong.extend(differences.map(|difference| format!("{}: {difference}", text("name"))));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
