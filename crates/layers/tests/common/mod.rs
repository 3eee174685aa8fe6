//! Arrays of golden files, and how values are held against them.

use std::path::PathBuf;

use kerox_config_json::{Limits, Node, Value as Json};
use kerox_tensor::{DType, Shape, Tensor};

pub type AnyResult<T> = Result<T, Box<dyn std::error::Error>>;

/// Relative to 1 + |x|; outputs of single precision.
pub const OUTPUTS: f64 = 1e-5;
/// Relative to 1 + |x|; a gradient sums many products.
pub const GRADIENTS: f64 = 1e-4;

/// A golden file.
#[allow(dead_code, reason = "some tests have their own way to it")]
pub fn golden(path: &str) -> Json {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden")).join(path);
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Json::parse_bytes(&bytes, &Limits { bytes: 1 << 28, ..Limits::default() }).unwrap()
}

/// An error with all of its causes.
#[allow(dead_code, reason = "not every test looks into errors")]
pub fn text(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

/// A number of a golden file, which JSON may not be able to hold.
pub fn number(value: &Json) -> f64 {
    match value {
        Json::String(text) => match text.as_str() {
            "nan" => f64::NAN,
            "inf" => f64::INFINITY,
            "-inf" => f64::NEG_INFINITY,
            other => panic!("`{other}` is no number"),
        },
        Json::Bool(b) => f64::from(u8::from(*b)),
        other => Node::root(other).float().expect("a number"),
    }
}

/// A list of a golden file.
pub fn list(value: &Json) -> &[Json] {
    match value {
        Json::List(items) => items,
        other => panic!("expected a list, found {}", other.describe()),
    }
}

/// An array of a golden file.
pub fn tensor(value: &Json) -> AnyResult<Tensor> {
    let shape: Shape = list(value.get("shape").expect("shape")).iter().map(|d| number(d) as usize).collect();
    let data = list(value.get("data").expect("data"));
    let dtype = value.get("dtype").and_then(Json::as_str).expect("dtype");
    let numbers = || data.iter().map(number);
    Ok(match dtype {
        "string" => Tensor::from_strings(data.iter().map(|s| s.as_str().unwrap_or_default()), shape)?,
        "bool" => Tensor::from_vec(numbers().map(|x| x != 0.0).collect::<Vec<bool>>(), shape)?,
        "int32" => Tensor::from_vec(numbers().map(|x| x as i32).collect::<Vec<_>>(), shape)?,
        "int64" => {
            let ints = data.iter().map(|v| Node::root(v).int()).collect::<Result<Vec<i64>, _>>()?;
            Tensor::from_vec(ints, shape)?
        }
        "uint8" => Tensor::from_vec(numbers().map(|x| x as u8).collect::<Vec<_>>(), shape)?,
        "float64" => Tensor::from_vec(numbers().collect::<Vec<f64>>(), shape)?,
        _ => Tensor::from_vec(numbers().map(|x| x as f32).collect::<Vec<_>>(), shape)?,
    })
}

/// The elements as `f64`.
pub fn floats(tensor: &Tensor) -> Vec<f64> {
    match tensor.dtype() {
        DType::F32 => tensor.as_slice::<f32>().unwrap().iter().map(|&x| f64::from(x)).collect(),
        DType::F64 => tensor.as_slice::<f64>().unwrap().to_vec(),
        DType::I32 => tensor.as_slice::<i32>().unwrap().iter().map(|&x| f64::from(x)).collect(),
        DType::I64 => tensor.as_slice::<i64>().unwrap().iter().map(|&x| x as f64).collect(),
        DType::U8 => tensor.as_slice::<u8>().unwrap().iter().map(|&x| f64::from(x)).collect(),
        DType::Bool => tensor.as_slice::<bool>().unwrap().iter().map(|&x| f64::from(u8::from(x))).collect(),
        other => panic!("no numbers of type {other}"),
    }
}

/// What differs between a value and what Keras gave.
pub fn compare(what: &str, found: &Tensor, expected: &Json, tolerance: f64) -> AnyResult<Option<String>> {
    let expected = tensor(expected)?;
    if found.shape() != expected.shape() {
        return Ok(Some(format!("{what}: expected shape {}, found {}", expected.shape(), found.shape())));
    }
    if expected.dtype() == DType::String {
        return Ok((*found != expected).then(|| format!("{what}: strings differ")));
    }
    for (i, (x, y)) in floats(found).into_iter().zip(floats(&expected)).enumerate() {
        let is_same = x == y || x.is_nan() && y.is_nan() || (x - y).abs() <= tolerance * (1.0 + y.abs());
        if !is_same {
            return Ok(Some(format!("{what}: element {i}: expected {y}, found {x}")));
        }
    }
    Ok(None)
}
