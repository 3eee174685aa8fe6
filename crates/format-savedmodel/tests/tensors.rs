//! Every form in which TensorFlow writes tensors.

mod common;

use kerox_format_savedmodel::messages::TensorProto;
use kerox_format_savedmodel::wire::Message;
use kerox_tensor::{DType, Shape, Tensor};
use serde_json::Value;

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn tensors_of_every_type() {
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(common::golden("tensors.json")).unwrap()).unwrap();
    assert_eq!(cases.len(), 31);
    for case in &cases {
        let shape: Shape = case["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
        let dtype = DType::from_name(case["dtype"].as_str().unwrap()).unwrap();
        let expected = match case.get("strings") {
            Some(strings) => Tensor::from_strings(strings.as_array().unwrap().iter().map(unhex), shape).unwrap(),
            None => Tensor::from_bytes(dtype, shape, &unhex(&case["bytes"])).unwrap(),
        };
        let written = unhex(&case["proto"]);
        let proto = TensorProto::decode(&written).unwrap();
        assert_eq!(proto.to_tensor("x").unwrap(), expected, "{dtype}");
        assert_eq!(proto.encode(), written, "{dtype}");
        // What is packed as TensorFlow packs it has TensorFlow's bytes.
        let again = TensorProto::from_tensor(&expected);
        assert_eq!(again.to_tensor("x").unwrap(), expected);
        if !proto.tensor_content.is_empty() || dtype == DType::String {
            assert_eq!(again.encode(), written, "{dtype}");
        }
    }
}
