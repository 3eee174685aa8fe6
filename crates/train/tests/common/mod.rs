//! Reading the golden files.
#![allow(dead_code)]

pub mod run;

use kerox_config_json::Value;
use kerox_tensor::{DType, Shape, Tensor};

/// A golden file.
pub fn golden(path: &str) -> Value {
    let path = format!("{}/../../golden/{path}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    Value::parse(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The cases of a golden file.
pub fn cases(path: &str) -> Vec<Value> {
    golden(path).get("cases").unwrap().as_list().unwrap().to_vec()
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_else(|| panic!("{key}"))
}

fn number(value: &Value) -> f64 {
    match value {
        Value::String(s) if s == "nan" => f64::NAN,
        Value::String(s) if s == "inf" => f64::INFINITY,
        Value::String(s) if s == "-inf" => f64::NEG_INFINITY,
        value => value
            .as_f64()
            .or(value.as_i64().map(|i| i as f64))
            .unwrap_or_else(|| f64::from(u8::from(value.as_bool().unwrap_or_else(|| panic!("no number: {value:?}"))))),
    }
}

/// Numbers of a list nested to any depth.
pub fn numbers(value: &Value) -> Vec<f64> {
    match value.as_list() {
        Some(list) => list.iter().flat_map(numbers).collect(),
        None => vec![number(value)],
    }
}

/// The shape of nested lists.
pub fn nested_shape(value: &Value) -> Vec<usize> {
    match value.as_list() {
        Some(list) => std::iter::once(list.len()).chain(list.first().map(nested_shape).unwrap_or_default()).collect(),
        None => Vec::new(),
    }
}

/// A tensor in the common form of arrays; `None` for null.
pub fn array(value: &Value) -> Option<Tensor> {
    if value.is_null() {
        return None;
    }
    let shape: Shape = numbers(value.get("shape").unwrap()).into_iter().map(|d| d as usize).collect();
    let data = numbers(value.get("data").unwrap());
    Some(of_type(text(value, "dtype"), data, shape))
}

/// A tensor of that type from numbers.
pub fn of_type(dtype: &str, data: Vec<f64>, shape: Shape) -> Tensor {
    macro_rules! make {
        ($t:ty) => {
            Tensor::from_vec(data.iter().map(|&x| x as $t).collect::<Vec<$t>>(), shape).unwrap()
        };
    }
    match dtype {
        "float32" => make!(f32),
        "float64" => make!(f64),
        "int64" => make!(i64),
        "int32" => make!(i32),
        "uint8" => make!(u8),
        "bool" => Tensor::from_vec(data.iter().map(|&x| x != 0.0).collect::<Vec<bool>>(), shape).unwrap(),
        half => make!(f64).cast(DType::from_name(half).unwrap()).unwrap(),
    }
}

/// The elements as f64.
pub fn elements(tensor: &Tensor) -> Vec<f64> {
    match tensor.dtype() {
        DType::F64 => tensor.as_slice::<f64>().unwrap().to_vec(),
        DType::I32 => tensor.as_slice::<i32>().unwrap().iter().map(|&x| f64::from(x)).collect(),
        DType::F16 | DType::BF16 => elements(&tensor.cast(DType::F64).unwrap()),
        _ => tensor.as_slice::<f32>().unwrap().iter().map(|&x| f64::from(x)).collect(),
    }
}

/// Asserts that numbers agree within a tolerance relative to 1 + |x|.
pub fn close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: {found:?} against {expected:?}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        let same = (a.is_nan() && b.is_nan()) || a == b || (a - b).abs() <= tolerance * (1.0 + b.abs());
        assert!(same, "{what} [{i}]: found {a}, expected {b}\n{found:?}\n{expected:?}");
    }
}
