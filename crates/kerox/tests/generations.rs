//! Layers in which masks, statistics or shared weights tell the generations of Keras apart: models of both, against what
//! Keras computes and what training makes of them.

use std::path::Path;

use kerox::models::model_from_json;
use kerox::prelude::*;
use kerox::saving::Json;

type AnyResult<T> = Result<T, Box<dyn std::error::Error>>;

const CLOSE: f64 = 1e-5;

fn list<'a>(value: &'a Json, key: &str) -> &'a [Json] {
    value.get(key).and_then(Json::as_list).unwrap_or_else(|| panic!("`{key}`"))
}

fn numbers(value: &Json, key: &str) -> Vec<f64> {
    list(value, key).iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
}

fn tensor(array: &Json) -> Tensor {
    let shape: Vec<usize> = numbers(array, "shape").into_iter().map(|n| n as usize).collect();
    let data: Vec<f32> = numbers(array, "data").into_iter().map(|x| x as f32).collect();
    Tensor::from_vec(data, shape).unwrap()
}

fn tensors(case: &Json, key: &str) -> Vec<Tensor> {
    list(case, key).iter().map(tensor).collect()
}

fn is_close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= CLOSE * (1.0 + expected.abs())
}

fn compare(what: &str, found: &[Tensor], expected: &[Tensor], problems: &mut Vec<String>) {
    if found.len() != expected.len() {
        problems.push(format!("{what}: {} instead of {}", found.len(), expected.len()));
    }
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        if found.shape() != expected.shape() {
            problems.push(format!("{what} {i}: {} instead of {}", found.shape(), expected.shape()));
            continue;
        }
        let (a, b) = (found.cast(DType::F32).unwrap(), expected);
        let (a, b) = (a.as_slice::<f32>().unwrap(), b.as_slice::<f32>().unwrap());
        let differs = |(a, b): (&f32, &f32)| !is_close(f64::from(*a), f64::from(*b));
        if let Some(at) = a.iter().zip(b).position(differs) {
            problems.push(format!("{what} {i} at {at}: {} instead of {}", a[at], b[at]));
        }
    }
}

fn check(case: &Json, problems: &mut Vec<String>) -> AnyResult<()> {
    let mut model = model_from_json(&case.get("model").unwrap().to_string())?;
    model.set_weights(&tensors(case, "weights_before"))?;
    let (x, y) = (tensors(case, "inputs"), tensors(case, "targets"));
    compare("output", &model.predict_on_batch(x.clone())?, &tensors(case, "outputs"), problems);
    model.compile(SGD::new(0.1), "mse", ())?;
    for expected in numbers(case, "losses") {
        let found = model.train_on_batch(x.clone(), y.clone(), None)?.get("loss").unwrap();
        if !is_close(found, expected) {
            problems.push(format!("loss: {found} instead of {expected}"));
        }
    }
    compare("weight", &model.get_weights(), &tensors(case, "weights_after"), problems);
    Ok(())
}

/// All models of a file.
fn check_all(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/generations").join(file);
    let golden = Json::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut failed = Vec::new();
    for case in list(&golden, "cases") {
        let mut problems = Vec::new();
        if let Err(error) = check(case, &mut problems) {
            problems.push(error.to_string());
        }
        let name = case.get("name").and_then(Json::as_str).unwrap();
        failed.extend(problems.into_iter().map(|problem| format!("{name}: {problem}")));
    }
    assert!(failed.is_empty(), "{} problems:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn models_of_keras_2() {
    check_all("keras2.json");
}

#[test]
fn models_of_keras_3() {
    check_all("keras3.json");
}
