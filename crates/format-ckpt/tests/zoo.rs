//! Every checkpoint of a collection of other people's models reads bit for bit.
//!
//! The collection is not part of the repository: it is found through `KEROX_SHARED`, or beside the workspace.

use std::path::{Path, PathBuf};

use kerox_format_ckpt::{CheckpointReader, Error};
use kerox_tensor::{Buffer, DType};
use sha2::{Digest, Sha256};

fn zoo() -> Option<PathBuf> {
    let shared = match std::env::var_os("KEROX_SHARED") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    };
    let zoo = shared.join("zoo");
    zoo.join("manifest.json").is_file().then_some(zoo)
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// All checkpoint prefixes below a directory, V1 ones too.
fn prefixes(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            prefixes(&path, found);
        } else if let Some(prefix) = path.to_str().and_then(|p| p.strip_suffix(".index")) {
            found.push(prefix.into());
        } else if path.file_name().is_some_and(|n| n == "export") {
            found.push(path);
        }
    }
    found.sort();
}

#[test]
fn every_checkpoint_of_the_collection_reads_bit_for_bit() {
    let Some(zoo) = zoo() else {
        println!("skipped: no collection of models (KEROX_SHARED)");
        return;
    };
    let (mut checkpoints, mut tensors) = (0, 0);
    let mut ids: Vec<_> = std::fs::read_dir(zoo.join("oracle")).unwrap().flatten().map(|e| e.file_name()).collect();
    ids.sort();
    for id in ids {
        let oracle = zoo.join("oracle").join(&id);
        let mut oracles: Vec<PathBuf> = std::fs::read_dir(&oracle)
            .unwrap()
            .flatten()
            .filter(|e| e.file_name().to_string_lossy().starts_with("checkpoint"))
            .map(|e| e.path())
            .collect();
        oracles.sort();
        if oracles.is_empty() {
            continue;
        }
        let mut found = Vec::new();
        prefixes(&zoo.join("files").join(&id), &mut found);
        let id = id.to_string_lossy();
        // Each oracle belongs to the checkpoint with the same keys.
        let readers: Vec<CheckpointReader> = found.iter().map(|p| CheckpointReader::open(p).unwrap()).collect();
        for path in oracles {
            let text = std::fs::read_to_string(&path).unwrap();
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            let json = json.as_object().unwrap();
            let mut keys: Vec<&str> = json.keys().map(String::as_str).collect();
            keys.sort();
            let same = readers.iter().find(|r| r.keys().eq(keys.iter().copied()));
            let reader = same.unwrap_or_else(|| panic!("{id}: no checkpoint with the keys {keys:?} among {found:?}"));
            for (key, expected) in json {
                let tensor = reader.get_tensor(key).unwrap_or_else(|e| panic!("{id}: {e}"));
                reader.verify(key).unwrap();
                let shape: Vec<u64> =
                    expected["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
                assert!(tensor.shape().iter().map(|&n| n as u64).eq(shape), "{id} {key}");
                assert_eq!(tensor.dtype().name(), expected["dtype"].as_str().unwrap(), "{id} {key}");
                match tensor.buffer() {
                    Buffer::String(strings) => {
                        // The collection's hashes went through numpy, which drops zero bytes at a string's end.
                        let trimmed: Vec<&[u8]> = strings
                            .iter()
                            .map(|s| &s[..s.iter().rposition(|&b| b != 0).map_or(0, |at| at + 1)])
                            .collect();
                        let hash = expected["sha256_joined_nul"].as_str().unwrap();
                        assert_eq!(hex(&trimmed.join(&0)), hash, "{id} {key}");
                    }
                    buffer => {
                        assert_eq!(hex(buffer.as_bytes().unwrap()), expected["sha256"].as_str().unwrap(), "{id} {key}")
                    }
                }
                if let Some(graph) = expected.get("object_graph") {
                    check_graph(reader, graph, &id);
                }
                tensors += 1;
            }
            checkpoints += 1;
        }
    }
    println!("{checkpoints} checkpoints, {tensors} tensors, all as the collection says");
    assert!(checkpoints >= 20, "{checkpoints}");
}

fn check_graph(reader: &CheckpointReader, expected: &serde_json::Value, id: &str) {
    let graph = reader.object_graph().unwrap().unwrap();
    assert_eq!(graph.nodes.len() as u64, expected["nodes"].as_u64().unwrap(), "{id}");
    let mut attributes = Vec::new();
    for (number, node) in graph.nodes.iter().enumerate() {
        for a in &node.attributes {
            attributes.push(serde_json::json!([number, a.name, a.full_name, a.checkpoint_key]));
        }
    }
    assert_eq!(&serde_json::Value::Array(attributes), &expected["attributes"], "{id}");
}

#[test]
fn a_missing_shard_is_reported_by_name() {
    let Some(zoo) = zoo() else {
        println!("skipped: no collection of models (KEROX_SHARED)");
        return;
    };
    let reader = CheckpointReader::open(zoo.join("files/ckpt-missing-shard/training_1/cp.ckpt")).unwrap();
    let (mut missing, mut read) = (0, 0);
    for key in reader.keys() {
        match reader.get_tensor(key) {
            Ok(_) => read += 1,
            Err(Error::MissingShard { file, .. }) => {
                assert!(file.ends_with("cp.ckpt.data-00001-of-00002"));
                missing += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(missing > 0, "{read} read");
    assert!(reader.variable_to_dtype_map().values().any(|&dtype| dtype == DType::String));
}
