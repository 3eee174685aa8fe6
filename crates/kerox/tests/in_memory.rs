//! Models as bytes in memory.

use std::fs;

use kerox::prelude::*;
use kerox::saving::{LoadOptions, SaveOptions, formats, load_model_from_bytes};

const ONE_FILE: [(formats::Format, &str); 3] =
    [(formats::KERAS_H5, "m.h5"), (formats::KERAS_V3, "m.keras"), (formats::SAFETENSORS, "m.safetensors")];

fn data() -> (Tensor, Tensor) {
    let x: Vec<f32> = (0..8 * 3).map(|i| (i % 7) as f32 / 7.0).collect();
    let y: Vec<f32> = (0..8 * 2).map(|i| (i % 5) as f32 / 5.0).collect();
    (Tensor::from_vec(x, [8, 3]).unwrap(), Tensor::from_vec(y, [8, 2]).unwrap())
}

fn trained() -> Sequential {
    let mut model =
        Sequential::named("net").add(Dense::new(4).activation("tanh").input_shape([3])).add(Dense::new(2).name("out"));
    model.compile("adam", "mse", ()).unwrap();
    let (x, y) = data();
    model.fit(&x, &y, Fit::default().epochs(2).shuffle(false).verbose(0)).unwrap();
    model
}

fn error(bytes: impl Into<Vec<u8>>) -> String {
    load_model_from_bytes("the model", bytes, LoadOptions::new()).err().unwrap().to_string()
}

#[test]
fn bytes_are_those_of_the_file_and_load_as_it_does() {
    let dir = tempfile::tempdir().unwrap();
    let (x, y) = data();
    for (format, name) in ONE_FILE {
        let mut model = trained();
        let path = dir.path().join(name);
        model.save(&path).unwrap();
        let bytes = model.to_bytes(format, &SaveOptions::new()).unwrap();
        assert!(bytes == fs::read(&path).unwrap(), "{name}");
        let mut loaded = load_model_from_bytes("the model", bytes, LoadOptions::new()).unwrap();
        // The optimizer goes on as well.
        let step = |model: &mut Model| model.train_on_batch(&x, &y, None).unwrap().get("loss");
        assert_eq!(step(&mut loaded), step(&mut model), "{name}");
        assert_eq!(loaded.get_weights(), model.get_weights(), "{name}");
    }
}

#[test]
fn an_architecture_alone_has_fresh_weights() {
    let model = trained();
    let bytes = model.to_bytes(formats::KERAS_JSON, &SaveOptions::new()).unwrap();
    assert_eq!(String::from_utf8(bytes.clone()).unwrap(), model.to_json().unwrap());
    let loaded = load_model_from_bytes("the model", bytes, LoadOptions::new()).unwrap();
    assert_eq!(loaded.network().count_params().unwrap(), 3 * 4 + 4 + 4 * 2 + 2);
}

#[test]
fn what_is_no_model_is_said_by_its_name() {
    for (bytes, expected) in [(&b""[..], "an empty file"), (b"\x1f\x8b\x08", "gzip"), (b"no model at all", "found")] {
        let error = error(bytes);
        assert!(error.contains("the model") && error.contains(expected), "{error}");
    }
    let dir = tempfile::tempdir().unwrap();
    let weights = dir.path().join("w.weights.h5");
    trained().save_weights(&weights).unwrap();
    assert!(error(fs::read(&weights).unwrap()).contains("weights only"));
    for (format, name) in ONE_FILE {
        let bytes = trained().to_bytes(format, &SaveOptions::new()).unwrap();
        for cut in [bytes.len() - 1, bytes.len() / 2, 100, 9] {
            let error = error(&bytes[..cut]);
            assert!(error.contains("the model"), "{name} cut to {cut}: {error}");
        }
    }
}

#[test]
fn formats_of_several_files_are_refused() {
    for format in [formats::SAVED_MODEL, formats::TF_CHECKPOINT, formats::KERAS_WEIGHTS_H5] {
        let error = trained().to_bytes(format, &SaveOptions::new()).unwrap_err().to_string();
        assert!(error.contains("expected a format that holds a model in one file"), "{error}");
    }
}
