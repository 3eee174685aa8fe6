//! Training in every dtype policy against Keras 3.

use std::path::Path;

use kerox::models::model_from_json;
use kerox::optimizers::{Form, deserialize};
use kerox::prelude::*;
use kerox::saving::Json;

/// What ten steps of rounding amount to, relative to 1 + |x|; predictions without a step agree four times as well.
/// Keras 3 computes losses in single precision, whatever the policy.
const PRECISION: [(&str, f64); 5] =
    [("float64", 2e-7), ("float16", 4e-3), ("bfloat16", 6e-2), ("mixed_float16", 4e-3), ("mixed_bfloat16", 3e-2)];

fn get<'a>(value: &'a Json, key: &str) -> &'a Json {
    value.get(key).unwrap_or_else(|| panic!("`{key}`"))
}

fn list<'a>(value: &'a Json, key: &str) -> &'a [Json] {
    get(value, key).as_list().unwrap_or_else(|| panic!("`{key}`"))
}

fn numbers(value: &Json, key: &str) -> Vec<f64> {
    list(value, key).iter().map(|x| x.as_f64().unwrap_or_else(|| x.as_i64().map_or(f64::NAN, |i| i as f64))).collect()
}

fn text<'a>(value: &'a Json, key: &str) -> &'a str {
    get(value, key).as_str().unwrap_or_else(|| panic!("`{key}`"))
}

fn tensor(array: &Json) -> Tensor {
    let shape: Vec<usize> = numbers(array, "shape").into_iter().map(|n| n as usize).collect();
    let dtype = DType::from_name(text(array, "dtype")).unwrap();
    Tensor::from_vec(numbers(array, "data"), shape).unwrap().cast(dtype).unwrap()
}

/// Where `found` is further from `expected` than `tolerance`, relative to 1 + |x|.
fn compare(what: &str, found: &Tensor, expected: &Tensor, tolerance: f64) -> Option<String> {
    if (found.dtype(), found.shape()) != (expected.dtype(), expected.shape()) {
        return Some(format!(
            "{what}: {} {} instead of {} {}",
            found.dtype(),
            found.shape(),
            expected.dtype(),
            expected.shape()
        ));
    }
    let of = |t: &Tensor| t.cast(DType::F64).unwrap().as_slice::<f64>().unwrap().to_vec();
    let far = |(a, b): &(f64, f64)| (a - b).is_nan() || (a - b).abs() > tolerance * (1.0 + b.abs());
    let (a, b) = of(found).into_iter().zip(of(expected)).find(far)?;
    Some(format!("{what}: {a} instead of {b}"))
}

fn check(case: &Json, tolerance: f64) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut model = model_from_json(&get(case, "model").to_string())?;
    let weights: Vec<Tensor> = list(case, "weights_before").iter().map(tensor).collect();
    model.set_weights(&weights)?;
    let (x, y) = (tensor(get(case, "x")), tensor(get(case, "y")));
    let mut problems = Vec::new();
    let before = model.predict(&x, Predict::default().verbose(0))?;
    problems.extend(compare("prediction before", &before[0], &tensor(get(case, "predict_before")), tolerance / 4.0));
    let compiled = get(case, "compile");
    model.compile(deserialize(get(compiled, "optimizer"), Some(Form::Keras3))?, text(compiled, "loss"), ())?;
    for (i, expected) in numbers(case, "losses").into_iter().enumerate() {
        let found = model.train_on_batch(&x, &y, None)?.get("loss").unwrap();
        problems.extend(compare(&format!("loss {i}"), &Tensor::scalar(found), &Tensor::scalar(expected), tolerance));
    }
    for (i, (found, expected)) in model.get_weights().iter().zip(list(case, "weights_after")).enumerate() {
        problems.extend(compare(&format!("weight {i}"), found, &tensor(expected), tolerance));
    }
    let after = model.predict(&x, Predict::default().verbose(0))?;
    problems.extend(compare("prediction after", &after[0], &tensor(get(case, "predict_after")), tolerance));
    let expected: Vec<&str> = list(case, "optimizer_variables").iter().map(|v| text(v, "dtype")).collect();
    let found: Vec<String> = model.optimizer()?.variables().iter().map(|v| v.dtype().to_string()).collect();
    if expected != found {
        problems.push(format!("types of slots: {found:?} instead of {expected:?}"));
    }
    Ok(problems)
}

#[test]
fn ten_steps_in_every_policy_are_those_of_keras_3() {
    let mut failed = Vec::new();
    for (policy, tolerance) in PRECISION {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../golden/precision/keras3_{policy}.json"));
        let golden = Json::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
        for case in list(&golden, "cases") {
            let problems = check(case, tolerance).unwrap_or_else(|error| vec![error.to_string()]);
            failed.extend(problems.into_iter().map(|problem| format!("{policy} {}: {problem}", text(case, "name"))));
        }
    }
    assert!(failed.is_empty(), "{} problems:\n{}", failed.len(), failed.join("\n"));
}
