//! Against the reference implementation, and files that are damaged.

use std::collections::HashMap;

use kerox_format_safetensors::{Error, SafetensorsFile, SafetensorsToWrite};
use kerox_tensor::trackable::TensorSource;
use kerox_tensor::{DType, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

const TYPES: [(DType, Dtype); 14] = [
    (DType::F16, Dtype::F16),
    (DType::BF16, Dtype::BF16),
    (DType::F32, Dtype::F32),
    (DType::F64, Dtype::F64),
    (DType::I8, Dtype::I8),
    (DType::I16, Dtype::I16),
    (DType::I32, Dtype::I32),
    (DType::I64, Dtype::I64),
    (DType::U8, Dtype::U8),
    (DType::U16, Dtype::U16),
    (DType::U32, Dtype::U32),
    (DType::U64, Dtype::U64),
    (DType::Bool, Dtype::BOOL),
    (DType::Complex64, Dtype::C64),
];

fn bytes(dtype: DType, shape: &[usize]) -> Vec<u8> {
    let len = shape.iter().product::<usize>() * dtype.size().unwrap();
    (0..len).map(|i| (i % if dtype == DType::Bool { 2 } else { 251 }) as u8).collect()
}

fn all() -> SafetensorsToWrite {
    let mut file = SafetensorsToWrite::new();
    file.metadata.insert("config".into(), r#"{"class_name": "Sequential"}"#.into());
    for (dtype, _) in TYPES {
        for shape in [&[][..], &[0], &[3, 0, 2], &[2, 3]] {
            let tensor = Tensor::from_bytes(dtype, shape, &bytes(dtype, shape)).unwrap();
            file.add(format!("{dtype}/{shape:?}"), tensor).unwrap();
        }
    }
    file
}

#[test]
fn the_reference_reads_what_is_written() {
    let written = all().to_bytes().unwrap();
    let file = SafeTensors::deserialize(&written).unwrap();
    assert_eq!(file.len(), 4 * TYPES.len());
    for (dtype, theirs) in TYPES {
        let tensor = file.tensor(&format!("{dtype}/[2, 3]")).unwrap();
        assert_eq!((tensor.dtype(), tensor.shape()), (theirs, &[2, 3][..]));
        assert!(tensor.data() == bytes(dtype, &[2, 3]), "{dtype}");
    }
    let (_, header) = SafeTensors::read_metadata(&written).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["config"], r#"{"class_name": "Sequential"}"#);
}

#[test]
fn what_the_reference_writes_is_read() {
    let data: Vec<(String, DType, Dtype, Vec<u8>)> =
        TYPES.iter().map(|&(dtype, theirs)| (dtype.to_string(), dtype, theirs, bytes(dtype, &[2, 3]))).collect();
    let views = data.iter().map(|(name, _, theirs, data)| (name, TensorView::new(*theirs, vec![2, 3], data).unwrap()));
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    let written = safetensors::serialize(views, Some(metadata)).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.safetensors");
    std::fs::write(&path, written).unwrap();
    let file = SafetensorsFile::open(&path).unwrap();
    assert_eq!(file.metadata()["format"], "pt");
    for (name, dtype, _, data) in &data {
        let tensor = file.tensor(name).unwrap();
        assert_eq!((tensor.dtype(), &tensor.shape()[..]), (*dtype, &[2, 3][..]));
        assert!(tensor.as_bytes().unwrap() == data, "{name}");
    }
}

#[test]
fn everything_comes_back() {
    let file = SafetensorsFile::from_bytes("m.safetensors", all().to_bytes().unwrap()).unwrap();
    assert_eq!(file.entries().len(), 4 * TYPES.len());
    assert_eq!(file.names().count(), 4 * TYPES.len());
    for (dtype, _) in TYPES {
        for shape in [&[][..], &[0], &[3, 0, 2], &[2, 3]] {
            let tensor = file.tensor(&format!("{dtype}/{shape:?}")).unwrap();
            assert!(tensor.as_bytes().unwrap() == bytes(dtype, shape), "{dtype} {shape:?}");
            assert_eq!(tensor.shape()[..], *shape);
        }
    }
}

#[test]
fn strings_and_doubles_are_refused() {
    let mut file = SafetensorsToWrite::new();
    let error = file.add("words", Tensor::from_strings(["a"], [1]).unwrap()).unwrap_err().to_string();
    assert_eq!(
        error,
        "write tensor `words`: expected numbers or bools, found string; keep such a tensor in another file"
    );
    file.add("w", Tensor::scalar(1f32)).unwrap();
    assert!(matches!(file.add("w", Tensor::scalar(1f32)), Err(Error::Duplicate { .. })));
}

fn with_header(header: &str, data: usize) -> Result<SafetensorsFile, Error> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    SafetensorsFile::from_bytes("m.safetensors", bytes)
}

#[track_caller]
fn refused(header: &str, data: usize, expected: &str) {
    let error = with_header(header, data).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[test]
fn headers_that_lie_are_refused() {
    refused("[]", 0, "expected a header that is a JSON object");
    refused("{", 0, "expected a header in JSON");
    refused(
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
        4,
        "expected 8 bytes for float32 [2], found 4",
    );
    refused(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "data from byte 0 on");
    refused(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 8, "a start and an end");
    refused(r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "lengths in `shape`");
    refused(r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,4],"data_offsets":[0,4]}}"#, 4, "fits memory");
    refused(r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 9, "expected 4 bytes of data, found 9");
    refused(
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}}"#,
        5,
        "`b`",
    );
    refused(r#"{"__metadata__":{"a":1}}"#, 0, "metadata of texts");
    let file = with_header(r#"{"a":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}"#, 2).unwrap();
    assert!(file.tensor("a").unwrap_err().to_string().contains("found F8_E4M3"));
    let huge = SafetensorsFile::from_bytes("m", vec![0xff; 100]).unwrap_err().to_string();
    assert!(huge.contains("a header of at most 92 bytes, found 18446744073709551615"), "{huge}");
}

#[test]
fn a_file_cut_short_is_an_error() {
    let bytes = all().to_bytes().unwrap();
    for len in 0..bytes.len() {
        assert!(SafetensorsFile::from_bytes("m", bytes[..len].to_vec()).is_err(), "{len}");
    }
    for at in 0..bytes.len().min(5000) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        if let Ok(file) = SafetensorsFile::from_bytes("m", damaged) {
            file.entries().iter().for_each(|info| drop(file.tensor(&info.name)));
        }
    }
}
