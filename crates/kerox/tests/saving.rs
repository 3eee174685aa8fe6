//! Models to files of every format and back.

use kerox::prelude::*;
use kerox::saving::{
    Dialect, Error, LoadOptions, LoadWeightsOptions, Package, SaveOptions, formats, load_model, load_model_with_report,
};

fn golden(path: &str) -> std::path::PathBuf {
    std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden")).join(path)
}

fn data() -> (Tensor, Tensor) {
    let x: Vec<f32> = (0..16 * 4).map(|i| ((i * 7) % 11) as f32 / 11.0 - 0.5).collect();
    let y: Vec<i64> = (0..16).map(|i| i % 3).collect();
    (Tensor::from_vec(x, [16, 4]).unwrap(), Tensor::from_vec(y, [16]).unwrap())
}

fn trained() -> Sequential {
    let mut model = Sequential::named("net")
        .add(Dense::new(5).activation("relu").input_shape([4]).name("first"))
        .add(Dense::new(3).name("second"));
    model.compile("adam", SparseCategoricalCrossentropy::from_logits(), ["accuracy"]).unwrap();
    let (x, y) = data();
    model.fit(&x, &y, Fit::default().epochs(2).shuffle(false).verbose(0)).unwrap();
    model
}

fn further(model: &mut Model) -> Vec<f64> {
    let (x, y) = data();
    model.fit(&x, &y, Fit::default().epochs(2).shuffle(false).verbose(0)).unwrap().get("loss").to_vec()
}

#[test]
fn whole_models_go_on_where_they_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let mut model = trained();
    let (x, _) = data();
    let expected = model.predict(&x, Predict::default().verbose(0)).unwrap();
    for name in ["m.h5", "m.keras", "m.safetensors"] {
        for dialect in [Dialect::Keras2, Dialect::Keras3] {
            let path = dir.path().join(format!("{}_{name}", dialect.name()));
            model.save_with(&path, &SaveOptions::new().dialect(dialect)).unwrap();
            let loaded = load_model_with_report(&path, LoadOptions::new()).unwrap();
            assert_eq!(loaded.warnings, Vec::<String>::new(), "{name} {dialect:?}");
            let mut again = loaded.model;
            assert_eq!(again.predict(&x, Predict::default().verbose(0)).unwrap(), expected, "{name} {dialect:?}");
            let state = |m: &Model| m.optimizer().unwrap().iterations().value().to_scalar::<i64>().unwrap();
            assert_eq!(state(&again), state(&model), "{name} {dialect:?}");
            for weight in model.network().trainable_weights() {
                let other = again.network().trainable_weights();
                let other = other.iter().find(|w| w.variable.name() == weight.variable.name()).unwrap();
                for role in ["momentum", "velocity"] {
                    let a = model.optimizer().unwrap().slot(&weight.variable, role).unwrap().value();
                    let b = again.optimizer().unwrap().slot(&other.variable, role).unwrap().value();
                    assert_eq!(a, b, "{name} {dialect:?} {role}");
                }
            }
        }
    }
    let expected = {
        let path = dir.path().join("keras2_m.h5");
        further(&mut load_model(&path, LoadOptions::new()).unwrap())
    };
    assert_eq!(further(&mut load_model(dir.path().join("keras2_m.keras"), LoadOptions::new()).unwrap()), expected);
    assert_eq!(further(&mut model), expected);
}

#[test]
fn weights_of_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let model = trained();
    for name in ["w.h5", "w.weights.h5", "w.safetensors", "w.weights.json", "w"] {
        let path = dir.path().join(name);
        model.save_weights(&path).unwrap();
        let other = Sequential::named("net")
            .add(Dense::new(5).activation("relu").input_shape([4]).name("first"))
            .add(Dense::new(3).name("second"));
        let loaded = other.load_weights(&path).unwrap();
        loaded.assert_existing_objects_matched().unwrap();
        assert_eq!(other.get_weights(), model.get_weights(), "{name}");
    }
}

#[test]
fn what_does_not_fit_is_listed_and_nothing_changes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.h5");
    trained().save_weights(&path).unwrap();
    let other = Sequential::new().add(Dense::new(5).input_shape([4]).name("first")).add(Dense::new(7).name("second"));
    let before = other.get_weights();
    let error = other.load_weights(&path).unwrap_err();
    assert!(matches!(error, Error::Weights { .. }));
    let text = error.to_string();
    assert!(text.contains("`second/kernel`: expected shape [5, 7], found [5, 3]"), "{text}");
    assert!(text.contains("`second/bias`: expected shape [7], found [3]"), "{text}");
    assert_eq!(other.get_weights(), before);
    let options = LoadWeightsOptions::new().by_name(true).skip_mismatch(true);
    let loaded = other.load_weights_with(&path, &options).unwrap();
    assert_eq!(loaded.report().matched().count(), 2);
    assert_ne!(other.get_weights()[0], before[0]);
    assert_eq!(other.get_weights()[2], before[2]);
    let three = Sequential::new()
        .add(Dense::new(5).input_shape([4]).name("first"))
        .add(Dense::new(3).name("second"))
        .add(Dense::new(3).name("third"));
    let text = three.load_weights(&path).unwrap_err().to_string();
    assert!(text.contains("Model expected 3 layers, found 2 saved layers"), "{text}");
    let wrapped = Sequential::new().add(Dense::new(5).input_shape([4]).name("other"));
    let text = wrapped.load_weights_with(&path, &LoadWeightsOptions::new().by_name(true)).unwrap_err().to_string();
    assert!(text.contains("nothing would be loaded"), "{text}");
}

#[test]
fn freezing_does_not_scramble_nested_weights() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.h5");
    let make = || {
        let inner = kerox::layers::models::Sequential::new()
            .with(Dense::new(4).input_shape([4]).name("a"))
            .with(Dense::new(4).name("b"))
            .name("inner");
        Sequential::named("outer").add(inner)
    };
    let model = make();
    model.save_weights(&path).unwrap();
    let other = make();
    let inner = other.get_layer("inner").unwrap();
    inner.layers_inside()[0].set_trainable(false);
    other.load_weights(&path).unwrap();
    inner.layers_inside()[0].set_trainable(true);
    assert_eq!(other.get_weights(), model.get_weights());
}

#[test]
fn files_of_keras_load() {
    for name in [
        "h5/k215_model.h5",
        "h5/k215_legacy_adam_model.h5",
        "h5/k315_model.h5",
        "keras/k215_model.keras",
        "keras/k315_model.keras",
    ] {
        let package = Package::open(golden(name)).unwrap();
        assert!(package.config.is_some(), "{name}");
        match load_model_with_report(golden(name), LoadOptions::new()) {
            Ok(loaded) => {
                assert!(loaded.model.compiled().is_some(), "{name}");
                assert_eq!(loaded.warnings, Vec::<String>::new(), "{name}");
                assert!(loaded.weights.entries.iter().all(|e| e.outcome.name() == "matched"), "{name}");
                assert!(loaded.model.optimizer().unwrap().built(), "{name}");
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

/// `to_json` of Keras 3 holds what the model was compiled with, and `model_from_json` compiles it again.
#[test]
fn texts_of_keras_3_say_what_models_were_compiled_with() {
    use kerox::saving::{ConvertOptions, Json, convert, model_from_json};
    let dir = tempfile::tempdir().unwrap();
    for (name, optimizer) in [("mlp", "Adam"), ("conv", "SGD"), ("embed", "Adam"), ("two_inputs", "RMSprop")] {
        let text = std::fs::read_to_string(golden(&format!("config/keras3/{name}.to_json.json"))).unwrap();
        let compiled = |text: &str| Json::parse(text).unwrap().get("compile_config").cloned();
        let model = model_from_json(&text).unwrap();
        assert_eq!(model.optimizer().unwrap().class_name(), optimizer, "{name}");
        let written = model.to_json_for(Dialect::Keras3).unwrap();
        let of = |text: &str, key: &str| compiled(text).unwrap().get(key).cloned();
        for key in ["optimizer", "loss", "metrics", "loss_weights"] {
            assert_eq!(of(&written, key), of(&text, key), "{name} {key}");
        }
        assert!(compiled(&model.to_json().unwrap()).is_none());
    }
    // With them the optimizer's state of a file of weights goes on; without them it is said to be lost.
    let model = trained();
    model.save_weights_with(dir.path().join("w.weights.h5"), &SaveOptions::new()).unwrap();
    for (dialect, lines) in [(Dialect::Keras3, 0), (Dialect::Keras2, 1)] {
        let text = dir.path().join("m.json");
        std::fs::write(&text, model.to_json_for(dialect).unwrap()).unwrap();
        assert_eq!(Package::open(&text).unwrap().dialect(), dialect);
        let options = ConvertOptions::new().weights(dir.path().join("w.weights.h5"));
        let lost = convert(&text, dir.path().join("again.weights.h5"), &options).unwrap();
        assert_eq!(lost.len(), lines, "{lost:?}");
        assert_eq!(Package::open(dir.path().join("again.weights.h5")).unwrap().optimizer.is_some(), lines == 0);
    }
}

#[test]
fn an_existing_file_stays_when_it_may_not_be_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.h5");
    std::fs::write(&path, b"mine").unwrap();
    assert!(trained().save_with(&path, &SaveOptions::new().overwrite(false)).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    assert_eq!(formats::by_suffix(&path), Some(formats::KERAS_H5));
}

/// HDF5 may begin after 512, 1024, 2048, ... bytes, and the weights inside an archive may lie there by chance.
#[test]
fn archives_are_known_wherever_the_weights_lie_in_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.keras");
    let mut padding = 0;
    for _ in 0..4 {
        let mut model = Sequential::named(&"n".repeat(1 + padding)).add(Dense::new(3).input_shape([4]).name("d"));
        model.save_with(&path, &SaveOptions::new().dialect(Dialect::Keras3)).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(8).position(|bytes| bytes == b"\x89HDF\r\n\x1a\n").unwrap();
        if at.is_power_of_two() {
            assert_eq!(formats::detect(&path).unwrap(), formats::KERAS_V3);
            let mut again = load_model(&path, LoadOptions::new()).unwrap();
            let predict = |model: &mut Model| model.predict(&data().0, Predict::default().verbose(0)).unwrap();
            return assert_eq!(predict(&mut again), predict(&mut model));
        }
        padding += at.next_power_of_two() - at;
    }
    panic!("no archive had its weights at a power of two");
}
