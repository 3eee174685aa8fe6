//! Models that Keras 3 has quantized: they predict, train on and are written as Keras does it.

mod common;

use std::path::PathBuf;

use kerox::layers::Quantization;
use kerox::models::{load_model, quantize};
use kerox::prelude::*;
use kerox::saving::{Dialect, Json, LoadOptions, SaveOptions};

use common::{predict, train};

const CASES: [(&str, Quantization); 4] = [
    ("int8", Quantization::Int8),
    ("int4", Quantization::Int4 { block_size: Some(128) }),
    ("int4_columns", Quantization::Int4 { block_size: None }),
    ("float8", Quantization::Float8 { amax_history_length: 1024 }),
];

fn golden(name: &str) -> PathBuf {
    common::golden("quantized", name)
}

fn arrays<const N: usize>(case: &str, names: [&str; N]) -> [Tensor; N] {
    common::arrays("quantized", case, names)
}

fn assert_close(found: &Tensor, expected: &Tensor, what: &str) {
    common::assert_within(1e-5, found, expected, what);
}

#[test]
fn they_predict_and_train_as_in_keras() {
    for (case, mode) in CASES {
        let [ids, labels, predicted, losses, trained] =
            arrays(case, ["ids", "labels", "predicted", "losses", "trained"]);
        let mut model = load_model(golden(&format!("{case}.keras")), LoadOptions::new()).unwrap();
        assert_eq!(model.get_layer("inner").unwrap().base().policy().quantization, Some(mode));
        assert_close(&predict(&mut model, &ids), &predicted, case);
        assert_close(&train(&mut model, &ids, &labels, losses.len()), &losses, case);
        assert_close(&predict(&mut model, &ids), &trained, case);
    }
}

#[test]
fn they_survive_every_format_of_keras_3_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    for (case, mode) in CASES {
        let [ids, labels] = arrays(case, ["ids", "labels"]);
        let mut model = load_model(golden(&format!("{case}.keras")), LoadOptions::new()).unwrap();
        model.train_on_batch(&ids, &labels, None).unwrap();
        let options = SaveOptions::default().dialect(Dialect::Keras3);
        for name in ["m.keras", "m.h5", "m.safetensors"] {
            let path = dir.path().join(format!("{case}_{name}"));
            model.save_with(&path, &options).unwrap();
            let mut read = load_model(&path, LoadOptions::new()).unwrap();
            assert_eq!(read.get_layer("inner").unwrap().base().policy().quantization, Some(mode), "{name}");
            assert_eq!(predict(&mut read, &ids), predict(&mut model, &ids), "{case} {name}");
            assert_eq!(read.optimizer().unwrap().iterations().value(), model.optimizer().unwrap().iterations().value());
        }
        for name in ["k2.keras", "k2.h5", "saved_model"] {
            let path = dir.path().join(name);
            let error = model.save_with(&path, &SaveOptions::default().dialect(Dialect::Keras2)).unwrap_err();
            assert!(error.to_string().contains("expected weights that are not quantized"), "{name}: {error}");
            assert!(!path.exists(), "{name}");
        }
    }
}

#[test]
fn weights_are_quantized_as_in_keras() {
    let float = load_model(golden("float.keras"), LoadOptions::new()).unwrap();
    for (case, mode) in CASES {
        let expected = load_model(golden(&format!("{case}.keras")), LoadOptions::new()).unwrap();
        let found = quantize(&float, mode).unwrap();
        assert_eq!(found.get_weights(), expected.get_weights(), "{case}");
        for name in ["embedding", "heads", "inner"] {
            let config = |model: &Model| model.get_layer(name).unwrap().config().unwrap();
            // A file numbers what its layers share.
            let expected = Json::Map(config(&expected)).to_string();
            let parts = expected.split(", \"shared_object_id\": ").enumerate();
            let bare = parts.map(|(i, part)| if i == 0 { part } else { part.trim_start_matches(char::is_numeric) });
            assert_eq!(Json::Map(config(&found)).to_string(), bare.collect::<String>(), "{case}");
        }
    }
}

#[test]
fn kernels_of_every_layout_are_quantized_as_in_keras() {
    let float = load_model(golden("layouts.keras"), LoadOptions::new()).unwrap();
    let modes = [
        ("int8", Quantization::Int8),
        ("int4_2", Quantization::Int4 { block_size: Some(2) }),
        ("int4_columns", Quantization::Int4 { block_size: None }),
    ];
    let mut compared = 0;
    for (name, mode) in modes {
        let found = quantize(&float, mode).unwrap();
        for layer in found.layers() {
            for (at, weight) in layer.get_weights().iter().enumerate() {
                let key = format!("{name}/{}/{at}", layer.name());
                let [expected] = arrays("layouts", [&key]);
                assert_eq!(*weight, expected, "{key}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 79);
}

#[test]
fn what_learns_from_data_is_refused() {
    let float = load_model(golden("float.keras"), LoadOptions::new()).unwrap();
    let error = quantize(&float, Quantization::Awq { group_size: None }).err().unwrap().to_string();
    assert!(error.contains("expected `int8`, `int4` or `float8`, which need no data to learn from"), "{error}");
}
