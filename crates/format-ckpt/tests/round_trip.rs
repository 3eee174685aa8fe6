//! What is written is read: any keys, types, shapes and numbers of data files.

use std::collections::BTreeMap;

use kerox_format_ckpt::{CheckpointReader, Error, ObjectGraph, WriteOptions, write_bundle};
use kerox_tensor::{Buffer, DType, Tensor};
use proptest::prelude::*;

fn tensor() -> impl Strategy<Value = Tensor> {
    let shape = prop::collection::vec(0usize..5, 0..4);
    (shape, 0..DType::STORABLE.len(), any::<u64>()).prop_map(|(shape, dtype, seed)| {
        let dtype = DType::STORABLE[dtype];
        let count: usize = shape.iter().product();
        let mut state = seed | 1;
        let mut byte = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 56) as u8
        };
        let buffer = match dtype {
            DType::String => Buffer::String((0..count).map(|_| (0..byte() % 9).map(|_| byte()).collect()).collect()),
            DType::Bool => Buffer::Bool((0..count).map(|_| byte() & 1 == 1).collect()),
            other => {
                let bytes: Vec<u8> = (0..count * other.size().unwrap()).map(|_| byte()).collect();
                Buffer::from_bytes(other, &bytes).unwrap()
            }
        };
        Tensor::from_buffer(buffer, shape).unwrap()
    })
}

/// Equality of bits: numbers that are not numbers are equal to themselves here.
fn same(a: &Tensor, b: &Tensor) -> bool {
    match (a.as_bytes(), b.as_bytes()) {
        (Some(x), Some(y)) => a.dtype() == b.dtype() && a.shape() == b.shape() && x == y,
        _ => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_reads_back(
        tensors in prop::collection::btree_map("[a-zA-Z0-9_./ä-]{1,40}", tensor(), 0..40),
        shards in 1u32..6,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let list: Vec<(String, Tensor)> = tensors.clone().into_iter().rev().collect();
        let prefix = dir.path().join("p");
        let options = WriteOptions::new().shards(shards).durable(false);
        write_bundle(&prefix, &list, None, &options).unwrap();
        let reader = CheckpointReader::open(&prefix).unwrap();
        prop_assert_eq!(reader.shards(), shards);
        let read: BTreeMap<String, Tensor> =
            reader.keys().map(|key| (key.to_string(), reader.get_tensor(key).unwrap())).collect();
        prop_assert!(read.keys().eq(tensors.keys()));
        for (key, tensor) in &tensors {
            prop_assert!(same(&read[key], tensor), "{}", key);
            reader.verify(key).unwrap();
        }
        prop_assert_eq!(std::fs::read_dir(dir.path()).unwrap().count() as u32, shards + 1);
    }

    #[test]
    fn no_bytes_are_a_graph_that_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(mut graph) = ObjectGraph::decode(&bytes) {
            graph.mark_values();
            let _ = graph.paths();
            prop_assert_eq!(ObjectGraph::decode(&graph.encode()).unwrap(), graph);
        }
    }
}

#[test]
fn another_number_of_shards_replaces_the_old_files() {
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("p");
    let tensors: Vec<(String, Tensor)> = (0..9).map(|i| (format!("k{i}"), Tensor::scalar(i))).collect();
    for shards in [3, 1, 2] {
        write_bundle(&prefix, &tensors, None, &WriteOptions::new().shards(shards)).unwrap();
        let mut names: Vec<String> =
            std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        let mut expected: Vec<String> = (0..shards).map(|i| format!("p.data-{i:05}-of-{shards:05}")).collect();
        expected.push("p.index".into());
        assert_eq!(names, expected);
        let reader = CheckpointReader::open(&prefix).unwrap();
        assert_eq!(reader.get_tensor("k7").unwrap().to_scalar::<i32>(), Ok(7));
    }
}

#[test]
fn keys_come_once_and_are_not_empty() {
    let dir = tempfile::tempdir().unwrap();
    let write = |keys: &[&str], options: &WriteOptions| {
        let tensors: Vec<_> = keys.iter().map(|key| (key.to_string(), Tensor::scalar(1f32))).collect();
        write_bundle(dir.path().join("p"), &tensors, None, options)
    };
    for shards in [1, 3] {
        let error = write(&["a", "b", "a"], &WriteOptions::new().shards(shards)).unwrap_err();
        assert!(matches!(&error, Error::DuplicateKey { key, .. } if key == "a"), "{error}");
    }
    assert!(matches!(write(&[""], &WriteOptions::new()), Err(Error::Argument { .. })));
    assert!(matches!(write(&["\0x"], &WriteOptions::new()), Err(Error::Argument { .. })));
    assert!(matches!(write(&["a"], &WriteOptions::new().shards(0)), Err(Error::Argument { .. })));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    // An empty checkpoint is one too.
    write(&[], &WriteOptions::new()).unwrap();
    assert_eq!(CheckpointReader::open(dir.path().join("p")).unwrap().keys().count(), 0);
}

#[test]
fn a_reader_keeps_what_it_opened() {
    let dir = tempfile::tempdir().unwrap();
    let prefix = dir.path().join("p");
    let write = |value: f32| {
        write_bundle(&prefix, &[("a".to_string(), Tensor::scalar(value))], None, &WriteOptions::new()).unwrap()
    };
    write(1.0);
    let reader = CheckpointReader::open(&prefix).unwrap();
    write(2.0);
    assert_eq!(reader.get_tensor("a").unwrap().to_scalar::<f32>(), Ok(1.0));
    assert_eq!(CheckpointReader::open(&prefix).unwrap().get_tensor("a").unwrap().to_scalar::<f32>(), Ok(2.0));
}
