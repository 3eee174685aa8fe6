//! Checkpoints written by TensorFlow 2.15 read, and write again to the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use kerox_format_ckpt::{BundleWriter, CheckpointReader, OBJECT_GRAPH_KEY, WriteOptions, write_bundle};
use kerox_tensor::{DType, Tensor};
use sha2::{Digest, Sha256};

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../golden/ckpt").join(name)
}

/// Flattens nested lists of numbers.
fn numbers(value: &serde_json::Value) -> Vec<f64> {
    match value {
        serde_json::Value::Array(items) => items.iter().flat_map(numbers).collect(),
        serde_json::Value::Object(map) => map.get("data").or(map.get("value")).map(numbers).unwrap_or_default(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn as_f64(tensor: &Tensor) -> Vec<f64> {
    match tensor.dtype() {
        DType::F32 => tensor.as_slice::<f32>().unwrap().iter().map(|&x| f64::from(x)).collect(),
        DType::I64 => tensor.as_slice::<i64>().unwrap().iter().map(|&x| x as f64).collect(),
        other => panic!("{other}"),
    }
}

fn expected(name: &str) -> BTreeMap<String, Vec<f64>> {
    let text = fs::read_to_string(golden(name).join("expected.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut all = BTreeMap::new();
    for part in ["weights", "optimizer_variables"] {
        for (name, value) in json[part].as_object().unwrap() {
            all.insert(name.trim_end_matches(":0").to_string(), numbers(value));
        }
    }
    all
}

#[test]
fn every_variable_of_keras_models_has_its_value() {
    for (name, variables) in [("mlp_adam", 13), ("mlp_legacy_adam", 13)] {
        let reader = CheckpointReader::open(golden(name).join("cp.ckpt")).unwrap();
        let expected = expected(name);
        let graph = reader.object_graph().unwrap().unwrap();
        let mut compared = 0;
        for attribute in graph.nodes.iter().flat_map(|node| &node.attributes) {
            if let Some(values) = expected.get(&attribute.full_name) {
                let tensor = reader.get_tensor(&attribute.checkpoint_key).unwrap();
                assert_eq!(&as_f64(&tensor), values, "{name} {}", attribute.full_name);
                compared += 1;
            }
        }
        assert_eq!(compared, variables, "{name}");
    }
}

#[test]
fn graphs_decode_and_encode_to_the_same_bytes() {
    for prefix in ["mlp_adam/cp.ckpt", "mlp_legacy_adam/cp.ckpt", "layer/custom_layer-1"] {
        let reader = CheckpointReader::open(golden(prefix)).unwrap();
        let bytes = reader.get_tensor(OBJECT_GRAPH_KEY).unwrap().to_scalar::<Vec<u8>>().unwrap();
        let graph = reader.object_graph().unwrap().unwrap();
        assert_eq!(graph.encode(), bytes, "{prefix}");
        // TensorFlow's own marks are those computed here.
        let mut marked = graph.clone();
        marked.nodes.iter_mut().for_each(|node| node.has_checkpoint_values = None);
        marked.mark_values();
        assert_eq!(&marked, graph, "{prefix}");
    }
    let reader = CheckpointReader::open(golden("mlp_legacy_adam/cp.ckpt")).unwrap();
    let graph = reader.object_graph().unwrap().unwrap();
    let slots: Vec<_> = graph.nodes.iter().flat_map(|node| &node.slots).collect();
    assert_eq!(slots.len(), 8);
    let paths = graph.paths();
    let path = paths[slots[0].slot].as_deref();
    assert_eq!(path, Some("optimizer's state 'm' for layer_with_weights-0.kernel"));
}

/// Writing what was read, in the order in which it lies in the data file, gives TensorFlow's files.
#[test]
fn written_again_the_files_are_tensorflows() {
    for prefix in ["mlp_adam/cp.ckpt", "mlp_legacy_adam/cp.ckpt", "layer/custom_layer-1"] {
        let reader = CheckpointReader::open(golden(prefix)).unwrap();
        let graph = reader.object_graph().unwrap().unwrap();
        let attributes = graph.nodes.iter().flat_map(|node| &node.attributes);
        let tensors: Vec<(String, Tensor)> =
            attributes.map(|a| (a.checkpoint_key.clone(), reader.get_tensor(&a.checkpoint_key).unwrap())).collect();
        let dir = tempfile::tempdir().unwrap();
        write_bundle(dir.path().join("p"), &tensors, Some(graph), &WriteOptions::new()).unwrap();
        for suffix in [".index", ".data-00000-of-00001"] {
            let theirs = fs::read(format!("{}{suffix}", golden(prefix).display())).unwrap();
            let ours = fs::read(dir.path().join(format!("p{suffix}"))).unwrap();
            assert!(ours == theirs, "{prefix}{suffix}");
        }
        let mut names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["p.data-00000-of-00001", "p.index"]);
    }
}

#[test]
fn an_index_of_two_blocks_is_tensorflows() {
    // TensorFlow wrote an index of these 6000 scalars; 445947 bytes in two blocks.
    let dir = tempfile::tempdir().unwrap();
    let mut writer = BundleWriter::create(dir.path().join("p"), &WriteOptions::new()).unwrap();
    for i in 0..6000 {
        let key = format!("layer_{i:05}/some/quite/long/path/kernel/.ATTRIBUTES/VARIABLE_VALUE");
        writer.put(&key, &Tensor::scalar(i as f32)).unwrap();
    }
    writer.finish().unwrap();
    let index = fs::read(dir.path().join("p.index")).unwrap();
    assert_eq!(index.len(), 445_947);
    let reader = CheckpointReader::open(dir.path().join("p")).unwrap();
    assert_eq!(reader.keys().count(), 6000);
    let key = "layer_05999/some/quite/long/path/kernel/.ATTRIBUTES/VARIABLE_VALUE";
    assert_eq!(reader.get_tensor(key).unwrap().to_scalar::<f32>(), Ok(5999.0));
    let digest: String = Sha256::digest(&index).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(digest, "655cd3937c8759abb985b21ec3c85538aaeb14e11ff2cab459385ef4c9c2019e");
}

#[test]
fn every_type_reads() {
    let reader = CheckpointReader::open(golden("tables/d")).unwrap();
    let expected = [
        ("b", DType::Bool),
        ("bf16", DType::BF16),
        ("c64", DType::Complex64),
        ("empty", DType::F32),
        ("f16", DType::F16),
        ("f64", DType::F64),
        ("i16", DType::I16),
        ("i64", DType::I64),
        ("i8", DType::I8),
        ("scalar", DType::F32),
        ("u16", DType::U16),
        ("u32", DType::U32),
        ("u64", DType::U64),
        ("u8", DType::U8),
    ];
    assert_eq!(reader.keys().collect::<Vec<_>>(), expected.map(|(key, _)| key));
    for (key, dtype) in expected {
        let tensor = reader.get_tensor(key).unwrap();
        assert_eq!(tensor.dtype(), dtype, "{key}");
        reader.verify(key).unwrap();
    }
    assert_eq!(reader.get_tensor("empty").unwrap().shape()[..], [0, 3]);
}

#[test]
fn pieces_strings_and_two_shards_read() {
    let reader = CheckpointReader::open(golden("tables/merged")).unwrap();
    assert_eq!(reader.shards(), 2);
    let shapes: Vec<_> = reader.variable_to_shape_map().into_iter().map(|(k, s)| (k, s.to_vec())).collect();
    let shape = |key: &str, dims: &[usize]| (key.to_string(), dims.to_vec());
    assert_eq!(shapes, [shape("full", &[]), shape("part", &[4, 3]), shape("str", &[3]), shape("z", &[2])]);
    let part = reader.get_tensor("part").unwrap();
    println!("{part:?}");
    assert_eq!(part.len(), 12);
    let strings = reader.get_tensor("str").unwrap();
    assert_eq!(strings.as_slice::<Vec<u8>>().unwrap().len(), 3);
    assert_eq!(reader.get_tensor("z").unwrap().dtype(), DType::Bool);
    reader.keys().for_each(|key| reader.verify(key).unwrap());
}
