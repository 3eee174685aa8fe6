//! Models written by TensorFlow, and what TensorFlow computed with them.
#![allow(dead_code, reason = "every test file uses a part")]

use std::path::{Path, PathBuf};

use kerox_tensor::{DType, Tensor, npy};
use serde_json::Value;

/// `golden/savedmodel/<name>` of this repository.
pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/savedmodel").join(name)
}

/// The larger collection beside the repository, if it is there.
pub fn shared() -> Option<PathBuf> {
    let beside = || Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")).to_owned();
    let dir = std::env::var_os("KEROX_SHARED").map_or_else(beside, PathBuf::from);
    if !dir.is_dir() {
        println!("skipped: no directory {}", dir.display());
    }
    dir.is_dir().then_some(dir)
}

pub fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Nested lists of numbers as a tensor.
pub fn floats(value: &Value) -> Tensor {
    fn walk(value: &Value, depth: usize, shape: &mut Vec<usize>, flat: &mut Vec<f32>) {
        match value {
            Value::Array(items) => {
                if shape.len() == depth {
                    shape.push(items.len());
                }
                items.iter().for_each(|item| walk(item, depth + 1, shape, flat));
            }
            number => flat.push(number.as_f64().unwrap() as f32),
        }
    }
    let (mut shape, mut flat) = (Vec::new(), Vec::new());
    walk(value, 0, &mut shape, &mut flat);
    Tensor::from_vec(flat, shape).unwrap()
}

/// An array of the collection: `.npy`, or strings as `.json` with base64.
pub fn array(path: &Path) -> Tensor {
    if path.extension().is_some_and(|e| e == "npy") {
        return npy::read(&mut std::fs::File::open(path).unwrap(), &path.display().to_string()).unwrap();
    }
    let value = json(path);
    let shape: Vec<usize> = value["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    let strings = value["base64"].as_array().unwrap().iter().map(|s| base64(s.as_str().unwrap()));
    Tensor::from_strings(strings, shape).unwrap()
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u32> = text.bytes().filter(|&c| c != b'=').map(|c| u32::from(digit(c))).collect();
    let mut bytes = Vec::new();
    for part in digits.chunks(4) {
        let bits = part.iter().enumerate().fold(0, |bits, (k, d)| bits | d << (18 - 6 * k));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..part.len()]);
    }
    bytes
}

/// What differs, if anything: atol 1e-5 + rtol 1e-5, equal where they are no floats.
pub fn difference(found: &Tensor, expected: &Tensor) -> Option<String> {
    if found.dtype() != expected.dtype() || found.shape() != expected.shape() {
        return Some(format!("{} {}, not {} {}", found.dtype(), found.shape(), expected.dtype(), expected.shape()));
    }
    if found.dtype() != DType::F32 {
        return (found != expected).then(|| "other elements".into());
    }
    let (a, b) = (found.as_slice::<f32>().unwrap(), expected.as_slice::<f32>().unwrap());
    let far = |a: f32, b: f32| !((a - b).abs() <= 1e-5 + 1e-5 * b.abs() || (a.is_nan() && b.is_nan()) || a == b);
    let at = a.iter().zip(b).position(|(&a, &b)| far(a, b))?;
    Some(format!("{} at {at}, not {}", a[at], b[at]))
}
