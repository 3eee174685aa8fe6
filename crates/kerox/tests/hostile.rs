//! Files that are damaged or meant to do harm, through the doors that programs use: an error that names the place, and
//! neither a panic nor memory for what is merely claimed.

use std::path::{Path, PathBuf};

use kerox::json::Value as Json;
use kerox::layers::limit_weights;
use kerox::prelude::*;
use kerox::saving::{
    ConvertOptions, LoadOptions, Package, convert, inspect, load_model, load_model_with_report, model_from_json, verify,
};
use kerox_format_h5::keras::TreeToWrite;
use kerox_format_keras::KerasToWrite;

fn golden(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden")).join(path)
}

fn small() -> Sequential {
    let mut model = Sequential::named("small")
        .add(Dense::new(3).activation("relu").input_shape([4]).name("first"))
        .add(Dense::new(2).name("second"));
    model.compile("adam", "mse", ["mae"]).unwrap();
    let x = Tensor::full(0.5f32, [8, 4]).unwrap();
    let y = Tensor::full(0.25f32, [8, 2]).unwrap();
    model.fit(&x, &y, Fit::default().verbose(0)).unwrap();
    model
}

/// Every door refuses the file; gives what loading said.
#[track_caller]
fn refused(path: &Path) -> String {
    let model = small();
    let before = model.get_weights();
    let text = match load_model(path, LoadOptions::new()) {
        Ok(_) => panic!("{} was loaded", path.display()),
        Err(error) => error.to_string(),
    };
    assert!(model.load_weights(path).is_err());
    assert_eq!(model.get_weights(), before, "what cannot be loaded changes nothing");
    assert!(convert(path, path.with_extension("out.h5"), &ConvertOptions::new()).is_err());
    assert!(!path.with_extension("out.h5").exists());
    text
}

#[test]
fn what_is_no_model_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("empty.h5", &b""[..]),
        ("text.h5", b"not a model"),
        ("pickle.keras", b"\x80\x04\x95\x10\0\0\0"),
        ("html.h5", b"<!DOCTYPE html><html>"),
        ("lfs.h5", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n"),
        ("half.json", b"{\"class_name\": \"Sequential\", \"config\": {"),
        ("other.json", b"{\"name\": \"package\", \"version\": 3}"),
        ("nan.json", b"{\"class_name\": \"Sequential\", \"config\": NaN}"),
        ("zip.keras", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    ] {
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        let text = refused(&path);
        assert!(!text.is_empty(), "{name}");
    }
    let text = refused(dir.path());
    assert!(text.contains("expected a directory with `saved_model.pb`"), "{text}");
}

#[test]
fn paths_that_lead_nowhere_say_what_is_there() {
    let dir = tempfile::tempdir().unwrap();
    small().save(dir.path().join("mine.keras")).unwrap();
    let text = load_model(dir.path().join("yours.keras"), LoadOptions::new()).err().unwrap().to_string();
    assert!(text.contains("yours.keras") && text.ends_with("found nothing; beside it are: `mine.keras`"), "{text}");
    let text = load_model(dir.path().join("no/such/m.h5"), LoadOptions::new()).err().unwrap().to_string();
    assert!(text.contains("there is no directory"), "{text}");
    assert!(load_model("", LoadOptions::new()).err().unwrap().to_string().contains("expected a file"));
    // Weights alone are no model, and an architecture alone has no weights.
    small().save_weights(dir.path().join("w.h5")).unwrap();
    let text = load_model(dir.path().join("w.h5"), LoadOptions::new()).err().unwrap().to_string();
    assert!(text.contains("w.h5") && text.contains("load_weights"), "{text}");
    small().save(dir.path().join("m.json")).unwrap();
    let text = small().load_weights(dir.path().join("m.json")).unwrap_err().to_string();
    assert!(text.contains("without any"), "{text}");
}

#[test]
fn files_cut_short_or_flipped_are_refused_or_right() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["m.h5", "m.keras", "w.weights.h5", "m.safetensors"] {
        let model = small();
        let whole = dir.path().join(name);
        match name.starts_with('m') {
            true => model.save(&whole).unwrap(),
            false => model.save_weights(&whole).unwrap(),
        }
        let bytes = std::fs::read(&whole).unwrap();
        let path = dir.path().join(format!("damaged_{name}"));
        for part in 1..24 {
            std::fs::write(&path, &bytes[..bytes.len() * part / 24]).unwrap();
            if name.starts_with('m') {
                refused(&path);
            } else {
                assert!(small().load_weights(&path).is_err());
            }
        }
        for at in (0..bytes.len()).step_by(bytes.len() / 97) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << (at % 8);
            std::fs::write(&path, damaged).unwrap();
            // Whatever comes of it, it ends, and no reader panics.
            let _ = load_model(&path, LoadOptions::new());
            let _ = small().load_weights(&path);
            let _ = (inspect(&path), verify(&path));
        }
    }
}

#[test]
fn hdf5_with_links_and_bombs_is_refused() {
    let mut found = 0;
    for entry in std::fs::read_dir(golden("h5")).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_string_lossy().starts_with("bad_") {
            let _ = refused_weights(&path);
            found += 1;
        }
    }
    assert_eq!(found, 7);
}

#[track_caller]
fn refused_weights(path: &Path) -> String {
    let text = small().load_weights(path).map(|_| ()).unwrap_err().to_string();
    assert!(load_model(path, LoadOptions::new()).is_err());
    // Looking into it is allowed to fail, and ends.
    let _ = (Package::open(path), inspect(path), verify(path));
    text
}

/// A `.keras` file with this configuration and a few weights.
fn keras_file(dir: &Path, config: &str) -> PathBuf {
    let path = dir.join("made.keras");
    let mut weights = TreeToWrite::new();
    weights.object("layers/dense", None, &[Tensor::full(1f32, [4, 3]).unwrap()]).unwrap();
    let bytes = KerasToWrite::new("2.15.0", config, weights).to_bytes().unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_thousand_million_units_are_refused_before_they_are_allocated() {
    let dir = tempfile::tempdir().unwrap();
    let text = small().to_json().unwrap().replace("\"units\": 3", "\"units\": 1000000000");
    assert!(text.contains("1000000000"));
    let text = text.replace("[null, 4]", "[null, 1000]");
    let error = model_from_json(&text).err().unwrap().to_string();
    assert!(error.contains("`first`") && error.contains("found [1000, 1000000000]"), "{error}");
    // A file's model may have what the file holds.
    let path = keras_file(dir.path(), &text.replace("[null, 1000]", "[null, 4]"));
    let error = load_model(&path, LoadOptions::new()).err().unwrap().to_string();
    assert!(error.contains("found [4, 1000000000]"), "{error}");
    // A program can set a lower limit.
    let small = small().to_json().unwrap();
    assert!(limit_weights(10, || model_from_json(&small)).is_err());
    assert!(limit_weights(100, || model_from_json(&small)).is_ok());
    // Lengths that overflow, or are no lengths.
    for units in ["9223372036854775807", "1e300", "-1", "0.5", "null", "\"many\""] {
        let text = text.replace("\"units\": 1000000000", &format!("\"units\": {units}"));
        let error = model_from_json(&text).err().map(|e| e.to_string());
        assert!(error.is_some_and(|e| e.contains("units") || e.contains("elements") || e.contains("large")), "{units}");
    }
}

#[test]
fn graphs_that_go_round_or_lead_nowhere_are_refused() {
    let x = Input([4]);
    let a = Dense::new(4).name("a").on(&x).unwrap();
    let b = Dense::new(4).name("b").on(&a).unwrap();
    let text = Model::functional([x], [b]).unwrap().to_json().unwrap();
    let round = text.replacen("[[[\"input_", "[[[\"b\", 0, 0, {}]]], \"was\": [[[\"input_", 1);
    let error = model_from_json(&round).err().unwrap().to_string();
    assert!(error.contains('a') && error.contains('b'), "{error}");
    let error = model_from_json(&text.replacen("[[\"b\", 0, 0]]", "[[\"c\", 0, 0]]", 1)).err().unwrap().to_string();
    assert!(error.contains("\"c\""), "{error}");
    let mut deep = text.clone();
    for _ in 0..200_000 {
        deep.insert(0, '[');
    }
    assert!(model_from_json(&deep).is_err());
}

#[test]
fn classes_from_elsewhere_and_code_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let plain = small().to_json().unwrap();
    let path =
        keras_file(dir.path(), &plain.replacen("\"keras.layers\"", "\"os\"", 1).replacen("InputLayer", "system", 1));
    for safe_mode in [true, false] {
        let error = load_model(&path, LoadOptions::new().safe_mode(safe_mode)).err().unwrap().to_string();
        assert!(error.starts_with("Unknown layer: 'system'") && error.contains("module `os`"), "{error}");
    }
    let lambda = Json::parse(
        r#"{"module": "keras.layers", "class_name": "Lambda", "registered_name": null, "config": {"name": "l", "function":
        {"class_name": "__lambda__", "config": {"value": "4wEAAAAA", "defaults": null, "closure": null}}}}"#,
    )
    .unwrap();
    let config = Json::parse(&plain).unwrap();
    let mut layers = config.get("config").and_then(|c| c.get("layers")).and_then(Json::as_list).unwrap().to_vec();
    layers.push(lambda);
    let config = kerox::json::Config::new().with("name", "s").with("layers", Json::List(layers));
    let text = kerox::json::Object::builtin("keras", "Sequential", config).to_value().to_json(Default::default());
    for safe_mode in [true, false] {
        let options = LoadOptions::new().safe_mode(safe_mode);
        let error = load_model(keras_file(dir.path(), &text), options).err().unwrap().to_string();
        assert!(error.contains("__lambda__"), "{error}");
    }
}

#[test]
fn archives_that_lead_outside_or_lie_are_refused_by_member() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.keras");
    small().save(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let renamed = |from: &[u8], to: &[u8]| -> Vec<u8> {
        let mut made = bytes.clone();
        assert_eq!(from.len(), to.len());
        for at in 0..made.len() - from.len() {
            if made[at..].starts_with(from) {
                made[at..at + to.len()].copy_from_slice(to);
            }
        }
        made
    };
    for (made, expected) in [
        (renamed(b"metadata.json", b"../../../evil"), "expected a relative name without `..`"),
        (renamed(b"metadata.json", b"/etc/metadata"), "expected a relative name without `..`"),
        (renamed(b"config.json", b"config.jsno"), "config.json"),
        (renamed(b"model.weights.h5", b"model.weights.h6"), "model.weights.h5"),
    ] {
        std::fs::write(&path, made).unwrap();
        let text = refused(&path);
        assert!(text.contains(expected), "{text}");
    }
    // One bit of a weight.
    let mut made = bytes.clone();
    let signature = made.windows(8).position(|w| w == b"\x89HDF\r\n\x1a\n").unwrap();
    let last = made.len() - signature;
    made[signature + last / 2] ^= 1;
    std::fs::write(&path, made).unwrap();
    let text = load_model_with_report(&path, LoadOptions::new()).err().unwrap().to_string();
    assert!(text.contains("model.weights.h5") && text.contains("CRC-32"), "{text}");
}
