//! Files written by Keras, in `golden/keras` and, where it is, the zoo; written again and read again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kerox_format_h5::keras::{TreeToWrite, WeightsTree};
use kerox_format_keras::{KerasFile, KerasToWrite, ShardedObject, ShardedWeights, ShardsToWrite};
use kerox_tensor::Tensor;
use kerox_tensor::trackable::TensorSource;
use sha2::{Digest, Sha256};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/keras").join(name)
}

#[test]
fn archives_of_both_kerases() {
    for (name, version, optimizer) in [("k215_model.keras", "2.15.0", 9), ("k315_model.keras", "3.15.1", 10)] {
        let file = KerasFile::open(golden(name)).unwrap();
        let metadata = file.metadata.unwrap();
        assert_eq!(metadata.keras_version.as_deref(), Some(version));
        assert!(metadata.date_saved.unwrap().contains('@'));
        assert!(file.config.contains("\"compile_config\""));
        assert_eq!(file.weights.object("optimizer").unwrap().variables.len(), optimizer);
        assert_eq!(file.weights.read("layers/dense").unwrap()[0].shape()[..], [8, 6]);
        assert!(file.assets.is_empty());
    }
}

fn copy(weights: &WeightsTree) -> TreeToWrite {
    let mut tree = TreeToWrite::new();
    for object in weights.objects() {
        tree.object(&object.path, object.name.as_deref(), &weights.read(&object.path).unwrap()).unwrap();
    }
    tree
}

#[test]
fn an_archive_written_again_is_the_same_and_opens_as_a_directory_too() {
    let old = KerasFile::open(golden("k315_model.keras")).unwrap();
    let mut new = KerasToWrite::new("3.15.1", old.config.clone(), copy(&old.weights));
    new.assets = vec![("layers/text/vocabulary.txt".into(), b"\n[UNK]\nthe".to_vec()), ("é".into(), Vec::new())];
    let bytes = new.to_bytes().unwrap();
    assert_eq!(bytes, new.to_bytes().unwrap());
    let archive = KerasFile::from_bytes("m.keras", bytes).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path();
    std::fs::create_dir_all(at.join("assets/layers/text")).unwrap();
    std::fs::write(at.join("assets/layers/text/vocabulary.txt"), b"\n[UNK]\nthe").unwrap();
    std::fs::write(at.join("assets/é"), b"").unwrap();
    std::fs::write(at.join("config.json"), &new.config).unwrap();
    std::fs::write(at.join("metadata.json"), new.metadata()).unwrap();
    std::fs::write(at.join("model.weights.h5"), new.weights.to_bytes().unwrap()).unwrap();
    for file in [archive, KerasFile::open(at).unwrap()] {
        assert_eq!(file.config, old.config);
        assert_eq!(file.assets, ["layers/text/vocabulary.txt", "é"]);
        assert_eq!(file.asset("layers/text/vocabulary.txt").unwrap(), b"\n[UNK]\nthe");
        assert!(file.asset("../config.json").is_err());
        assert_eq!(file.weights.objects().len(), old.weights.objects().len());
        for entry in old.weights.entries() {
            assert_eq!(old.weights.tensor(&entry.name).unwrap(), file.weights.tensor(&entry.name).unwrap());
        }
    }
    std::fs::remove_file(at.join("config.json")).unwrap();
    let error = KerasFile::open(at).unwrap_err().to_string();
    assert!(error.starts_with("read member `config.json`") && error.contains("`metadata.json`"), "{error}");
}

#[test]
fn shards_of_keras() {
    let shards = ShardedWeights::open(golden("sharded.weights.json")).unwrap();
    let whole = KerasFile::open(golden("k315_model.keras")).unwrap();
    assert_eq!(shards.entries().len(), whole.weights.entries().len());
    assert_eq!(shards.read("layers/dense_1").unwrap().unwrap(), whole.weights.read("layers/dense_1").unwrap());
    assert_eq!(shards.read("nothing").unwrap(), None);
}

#[test]
fn shards_of_any_size_come_back() {
    let tensor = |n: usize, value: f32| Tensor::from_vec(vec![value; n], [n]).unwrap();
    let object = |path: &str, variables: Vec<Tensor>| ShardedObject { path: path.into(), name: None, variables };
    let weights = ShardsToWrite {
        objects: vec![
            object("layers/dense", vec![tensor(100, 1.0), tensor(10, 2.0)]),
            object("layers/dropout", Vec::new()),
            object("optimizer", (0..12).map(|i| tensor(50, i as f32)).collect()),
            object("", Vec::new()),
        ],
    };
    for (max_bytes, expected) in [(u64::MAX, 1), (1000, 3), (400, 8), (1, 14)] {
        let (index, files) = weights.split("m", max_bytes).unwrap();
        assert_eq!(files.len(), expected, "{max_bytes}");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.weights.json");
        std::fs::write(&path, &index).unwrap();
        for (name, tree) in files {
            std::fs::write(directory.path().join(name), tree.to_bytes().unwrap()).unwrap();
        }
        let read = ShardedWeights::open(&path).unwrap();
        for object in &weights.objects {
            assert_eq!(read.read(&object.path).unwrap().unwrap(), object.variables, "{max_bytes} {}", object.path);
        }
        std::fs::write(&path, index.replace("m_00000", "../m_00000")).unwrap();
        let error = ShardedWeights::open(&path).unwrap_err().to_string();
        assert!(error.contains("found `../m_00000.weights.h5`"), "{error}");
    }
}

#[test]
fn every_tensor_of_every_archive_in_the_zoo() {
    let shared =
        std::env::var("KEROX_SHARED").unwrap_or(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into());
    let zoo = Path::new(&shared).join("zoo");
    if !zoo.is_dir() {
        return println!("skipped: no zoo of model files (set KEROX_SHARED)");
    }
    let (mut files, mut tensors) = (0, 0);
    for entry in std::fs::read_dir(zoo.join("files")).unwrap() {
        let directory = entry.unwrap();
        let oracle = zoo.join("oracle").join(directory.file_name()).join("weights.json");
        let Ok(oracle) = std::fs::read_to_string(oracle) else { continue };
        let oracle: BTreeMap<String, serde_json::Value> = serde_json::from_str(&oracle).unwrap();
        for path in std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().path()) {
            if path.extension().is_none_or(|e| e != "keras") || !std::fs::read(&path).unwrap().starts_with(b"PK") {
                continue;
            }
            let file = KerasFile::open(&path).unwrap();
            let found: Vec<String> = file.weights.entries().into_iter().map(|info| info.name).collect();
            let mut expected: Vec<String> = oracle.keys().map(|name| name.replace('\\', "/")).collect();
            expected.sort();
            assert_eq!(found, expected, "{}", path.display());
            for (name, expected) in &oracle {
                let tensor = file.weights.tensor(&name.replace('\\', "/")).unwrap();
                assert_eq!(serde_json::to_value(tensor.shape().to_vec()).unwrap(), expected["shape"], "{name}");
                assert_eq!(tensor.dtype().name(), expected["dtype"], "{name}");
                let digest: String =
                    Sha256::digest(tensor.as_bytes().unwrap()).iter().map(|b| format!("{b:02x}")).collect();
                assert_eq!(digest, expected["sha256"], "{name} of {}", path.display());
                tensors += 1;
            }
            files += 1;
        }
    }
    println!("{files} archives, {tensors} tensors equal");
    assert!(files >= 10 && tensors >= 300, "{files} {tensors}");
}
