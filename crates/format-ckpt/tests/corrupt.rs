//! Damaged files: an error that says where, never a panic, never another value.

use std::fs;
use std::path::{Path, PathBuf};

use kerox_format_ckpt::{CheckpointReader, Error, WriteOptions, write_bundle};
use kerox_tensor::Tensor;

fn written(dir: &Path) -> PathBuf {
    let tensors = vec![
        ("dense/kernel".to_string(), Tensor::from_vec(vec![1f32, 2.0, 3.0, 4.0], [2, 2]).unwrap()),
        ("flags".to_string(), Tensor::from_vec(vec![true, false, true], [3]).unwrap()),
        ("names".to_string(), Tensor::from_strings(["a", "", "long enough"], [3]).unwrap()),
    ];
    let prefix = dir.join("p");
    write_bundle(&prefix, &tensors, None, &WriteOptions::new().durable(false)).unwrap();
    prefix
}

type Content = Vec<(String, Tensor)>;

fn read(prefix: &Path) -> Result<Content, Error> {
    let reader = CheckpointReader::open(prefix)?;
    let _ = reader.object_graph()?;
    let keys: Vec<String> = reader.keys().map(str::to_string).collect();
    keys.into_iter()
        .map(|key| {
            reader.verify(&key)?;
            let tensor = reader.get_tensor(&key)?;
            Ok((key, tensor))
        })
        .collect()
}

/// Reads with one file replaced by every damaged form of itself.
fn with_damage(suffix: &str, damage: impl Fn(&[u8]) -> Vec<Vec<u8>>, check: impl Fn(Result<Content, Error>, &Content)) {
    let dir = tempfile::tempdir().unwrap();
    let prefix = written(dir.path());
    let whole = read(&prefix).unwrap();
    let path = dir.path().join(format!("p{suffix}"));
    for damaged in damage(&fs::read(&path).unwrap()) {
        fs::write(&path, damaged).unwrap();
        check(read(&prefix), &whole);
    }
}

fn truncations(bytes: &[u8]) -> Vec<Vec<u8>> {
    (0..bytes.len()).map(|length| bytes[..length].to_vec()).collect()
}

fn flips(bytes: &[u8]) -> Vec<Vec<u8>> {
    let flip = |at: usize, bit: u8| {
        let mut damaged = bytes.to_vec();
        damaged[at] ^= 1 << bit;
        damaged
    };
    (0..bytes.len()).flat_map(|at| (0..8).map(move |bit| flip(at, bit))).collect()
}

#[test]
fn a_truncated_index_is_an_error() {
    with_damage(".index", truncations, |result, _| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("p.index"), "{error}");
    });
}

#[test]
fn a_truncated_data_file_is_an_error_that_names_key_and_offset() {
    with_damage(".data-00000-of-00001", truncations, |result, _| {
        let error = result.unwrap_err();
        let Error::Short { key, expected, found, .. } = &error else { panic!("{error}") };
        assert!(["dense/kernel", "flags", "names"].contains(&key.as_str()));
        assert!(found < expected);
    });
}

#[test]
fn a_flipped_bit_in_the_data_is_found_by_the_checksum() {
    with_damage(".data-00000-of-00001", flips, |result, _| match result.unwrap_err() {
        Error::Checksum { file, expected, found, .. } => {
            assert!(file.ends_with("p.data-00000-of-00001"));
            assert_ne!(expected, found);
        }
        // The lengths of strings come before their checksum.
        Error::Entry { key, .. } => assert_eq!(key, "names"),
        other => panic!("{other}"),
    });
}

#[test]
fn a_flipped_bit_in_the_index_changes_nothing_or_is_an_error() {
    with_damage(".index", flips, |result, whole| {
        // Only the footer's padding and the unused metaindex block are not covered.
        if let Ok(content) = result {
            assert_eq!(&content, whole);
        }
    });
}

#[test]
fn messages_say_what_where_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let prefix = written(dir.path());
    let data = dir.path().join("p.data-00000-of-00001");
    let bytes = fs::read(&data).unwrap();
    fs::write(&data, &bytes[..10]).unwrap();
    let error = CheckpointReader::open(&prefix).unwrap().get_tensor("dense/kernel").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "read tensor `dense/kernel` from `{}` at byte 0: expected 16 bytes, found 10 left; copy the file again",
            data.display()
        )
    );
    let mut flipped = bytes.clone();
    flipped[3] ^= 1;
    fs::write(&data, &flipped).unwrap();
    let error = CheckpointReader::open(&prefix).unwrap().get_tensor("dense/kernel").unwrap_err().to_string();
    assert!(error.contains("`dense/kernel`") && error.contains("at byte 0: expected checksum "), "{error}");
    assert!(error.ends_with("the file is damaged: copy it again"), "{error}");
    let error = CheckpointReader::open(&prefix).unwrap().get_tensor("dense/kernal").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "read tensor `dense/kernal` of `{}`: expected a key of the checkpoint, found none; nearest: `dense/kernel`",
            prefix.display()
        )
    );
    fs::remove_file(&data).unwrap();
    let error = CheckpointReader::open(&prefix).unwrap().get_tensor("flags").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "read tensor `flags` of checkpoint: expected the data file `{}`, found no such file; copy all data files \
             beside the index",
            data.display()
        )
    );
}
