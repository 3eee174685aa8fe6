//! Reading golden files.
#![allow(dead_code)]

use std::path::PathBuf;

use kerox_optim::{Config, GradientView, Optimizer, Values};
use kerox_tensor::{Tensor, Variable};
use serde_json::Value;

/// A file under `golden/optim`.
pub fn golden(name: &str) -> Value {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/optim")).join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("parse {}: {error}", path.display()))
}

/// A config as the library takes it.
pub fn config(value: &Value) -> Config {
    let parsed: kerox_config_json::Value = value.to_string().parse().unwrap();
    parsed.as_map().cloned().unwrap_or_else(|| panic!("object expected, found {value}"))
}

/// The numbers of a nested list in row-major order, and the lengths of its axes.
pub fn numbers(value: &Value) -> (Vec<f64>, Vec<usize>) {
    match value {
        Value::Array(list) => {
            let parts: Vec<(Vec<f64>, Vec<usize>)> = list.iter().map(numbers).collect();
            let inner = parts.first().map(|(_, dims)| dims.clone()).unwrap_or_default();
            let dims = std::iter::once(list.len()).chain(inner).collect();
            (parts.into_iter().flat_map(|(numbers, _)| numbers).collect(), dims)
        }
        // Python writes NaN and infinities as words, which the golden files quote.
        Value::String(word) => (vec![word.parse().unwrap()], vec![]),
        other => (vec![other.as_f64().unwrap_or_else(|| panic!("number expected, found {other}"))], vec![]),
    }
}

pub fn tensor_f32(value: &Value) -> Tensor {
    let (numbers, dims) = numbers(value);
    Tensor::from_vec(numbers.into_iter().map(|x| x as f32).collect(), dims).unwrap()
}

/// Variables `kernel` and `bias` with the values of a golden file.
pub fn variables(initial: &Value) -> Vec<Variable> {
    ["kernel", "bias"].iter().map(|name| Variable::new(*name, tensor_f32(&initial[*name]), true)).collect()
}

pub fn values(variable: &Variable) -> Vec<f64> {
    let value = variable.value();
    if let Ok(v) = value.as_slice::<f32>() {
        return v.iter().map(|&x| x as f64).collect();
    }
    if let Ok(v) = value.as_slice::<i64>() {
        return v.iter().map(|&x| x as f64).collect();
    }
    if let Ok(v) = value.as_slice::<i32>() {
        return v.iter().map(|&x| x as f64).collect();
    }
    value.as_slice::<f64>().unwrap().to_vec()
}

/// Asserts numbers within `tolerance`, relative to 1 + |expected|.
pub fn assert_near(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    for (at, (f, e)) in found.iter().zip(expected).enumerate() {
        let near = f == e || f.is_nan() && e.is_nan() || (f - e).abs() <= tolerance * (1.0 + e.abs());
        assert!(near, "{what}[{at}]: expected {e}, found {f}");
    }
}

/// One step with dense float32 gradients.
pub fn step(optimizer: &dyn Optimizer, variables: &[Variable], gradients: &[Vec<f32>]) {
    let views: Vec<GradientView<'_>> = gradients.iter().map(|g| GradientView::Dense(Values::F32(g))).collect();
    optimizer.apply_slices(variables, &views).unwrap();
}

/// The float32 gradients of `kernel` and `bias`.
pub fn gradients(value: &Value) -> Vec<Vec<f32>> {
    ["kernel", "bias"].iter().map(|n| numbers(&value[*n]).0.iter().map(|&x| x as f32).collect()).collect()
}
