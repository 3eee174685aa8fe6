//! What programs do with whole models: save options, sub-models, freezing, going on after an interruption.

use kerox::callbacks::{BackupAndRestore, LambdaCallback};
use kerox::models::{clone_model, clone_model_with, load_model, model_from_config, model_from_json, save_model};
use kerox::prelude::*;
use kerox::saving::{LoadOptions, LoadWeightsOptions, SaveOptions, formats, load_model_with_report};

fn data() -> (Tensor, Tensor) {
    let x: Vec<f32> = (0..24 * 4).map(|i| ((i * 7) % 11) as f32 / 11.0 - 0.5).collect();
    let y: Vec<f32> = (0..24 * 2).map(|i| ((i * 5) % 7) as f32 / 7.0).collect();
    (Tensor::from_vec(x, [24, 4]).unwrap(), Tensor::from_vec(y, [24, 2]).unwrap())
}

fn made() -> Sequential {
    let mut model = Sequential::named("made")
        .add(Dense::new(8).activation("relu").input_shape([4]).name("first"))
        .add(Dropout::new(0.3).seed(5).name("drop"))
        .add(Dense::new(2).name("second"));
    model.compile("adam", "mse", ()).unwrap();
    model
}

fn predict(model: &mut Model) -> Vec<Tensor> {
    model.predict(&data().0, Predict::default().verbose(0)).unwrap()
}

#[test]
fn options_of_saving() {
    let dir = tempfile::tempdir().unwrap();
    let (x, y) = data();
    let mut model = made();
    model.fit(&x, &y, Fit::default().verbose(0)).unwrap();
    // The format by option, whatever the name says.
    let path = dir.path().join("model");
    save_model(&model, &path, &SaveOptions::new().format(formats::KERAS_H5)).unwrap();
    assert_eq!(formats::detect(&path).unwrap(), formats::KERAS_H5);
    assert_eq!(predict(&mut load_model(&path, LoadOptions::new()).unwrap()), predict(&mut model));
    // An existing file stays where it may not be replaced: of every format.
    for name in ["m.h5", "m.keras", "m.safetensors", "m.json"] {
        let path = dir.path().join(name);
        model.save(&path).unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = model.save_with(&path, &SaveOptions::new().overwrite(false)).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
        model.save(&path).unwrap();
    }
    let prefix = dir.path().join("ckpt");
    model.save_weights_with(&prefix, &SaveOptions::new().shards(3)).unwrap();
    assert!(dir.path().join("ckpt.data-00002-of-00003").is_file());
    assert!(model.save_weights_with(&prefix, &SaveOptions::new().overwrite(false)).is_err());
    assert!(model.load_weights(&prefix).unwrap().assert_consumed().is_ok());
    // Without the optimizer's state the model starts afresh, or is not compiled at all (HDF5).
    for name in ["m.h5", "m.keras", "m.safetensors"] {
        let path = dir.path().join(format!("without_{name}"));
        model.save_with(&path, &SaveOptions::new().include_optimizer(false)).unwrap();
        let again = load_model(&path, LoadOptions::new()).unwrap();
        let steps = again.optimizer().map(|o| o.iterations().value().to_scalar::<i64>().unwrap());
        assert!(!steps.is_ok_and(|steps| steps != 0), "{name}");
    }
    // Not compiled on request; said where the file has nothing to compile with.
    let loaded = load_model_with_report(dir.path().join("m.h5"), LoadOptions::new().compile(false)).unwrap();
    assert!(loaded.model.compiled().is_none() && loaded.warnings.is_empty());
    let bare = Sequential::new().add(Dense::new(2).input_shape([3]));
    bare.save(dir.path().join("bare.h5")).unwrap();
    let loaded = load_model_with_report(dir.path().join("bare.h5"), LoadOptions::new()).unwrap();
    assert!(loaded.warnings[0].starts_with("No training configuration found in the save file"));
}

#[test]
fn parts_of_models() {
    let dir = tempfile::tempdir().unwrap();
    let (x, y) = data();
    let mut model = made();
    model.fit(&x, &y, Fit::default().verbose(0)).unwrap();
    model.save(dir.path().join("m.keras")).unwrap();
    let mut loaded = load_model(dir.path().join("m.keras"), LoadOptions::new()).unwrap();
    // A sub-model from an inner tensor shares the weights.
    let inner = loaded.get_layer("first").unwrap();
    let mut features = Model::functional(inner.inputs().unwrap(), [inner.output().unwrap()]).unwrap();
    assert_eq!(features.get_weights(), loaded.get_weights()[..2]);
    assert_eq!(predict(&mut features)[0].shape()[..], [24, 8]);
    // All layers but the last, and what was popped.
    let layers = loaded.layers();
    let mut body = Sequential::of(layers[..layers.len() - 1].to_vec()).add(Dense::new(3).name("head"));
    assert_eq!(body.get_weights()[..2], model.get_weights()[..2]);
    assert_eq!(predict(&mut body)[0].shape()[..], [24, 3]);
    assert_eq!(body.pop().unwrap().name(), "head");
    assert_eq!(predict(&mut body), predict(&mut features));
    let path = dir.path().join("body.h5");
    body.save(&path).unwrap();
    assert_eq!(load_model(&path, LoadOptions::new()).unwrap().get_weights(), features.get_weights());
    // Frozen layers keep their weights, in files and after loading.
    loaded.get_layer("first").unwrap().set_trainable(false);
    loaded.compile("adam", "mse", ()).unwrap();
    loaded.fit(&x, &y, Fit::default().verbose(0)).unwrap();
    assert_eq!(loaded.get_weights()[..2], model.get_weights()[..2]);
    assert_ne!(loaded.get_weights()[2..], model.get_weights()[2..]);
    for name in ["frozen.h5", "frozen.keras"] {
        loaded.save(dir.path().join(name)).unwrap();
        let mut again = load_model(dir.path().join(name), LoadOptions::new()).unwrap();
        assert!(!again.get_layer("first").unwrap().trainable());
        assert_eq!(again.network().trainable_weights().len(), 2);
        again.fit(&x, &y, Fit::default().verbose(0)).unwrap();
        assert_eq!(again.get_weights()[..2], model.get_weights()[..2], "{name}");
    }
}

#[test]
fn clones_and_configurations() {
    let model = made();
    let copy = clone_model(&model).unwrap();
    assert_eq!(copy.to_json().unwrap(), model.to_json().unwrap());
    assert_ne!(copy.get_weights(), model.get_weights());
    assert!(copy.compiled().is_none());
    copy.set_weights(&model.get_weights()).unwrap();
    let shared = clone_model_with(&model, |layer| Ok(layer.clone())).unwrap();
    assert_eq!(shared.get_weights(), model.get_weights());
    for again in
        [model_from_json(&model.to_json().unwrap()).unwrap(), model_from_config(&model.get_config().unwrap()).unwrap()]
    {
        assert_eq!(again.to_json().unwrap(), model.to_json().unwrap());
    }
}

#[test]
fn a_model_inside_another_is_not_what_the_file_is_for() {
    let dir = tempfile::tempdir().unwrap();
    let inner = made();
    for name in ["w.h5", "w.weights.h5", "w.safetensors", "w"] {
        let path = dir.path().join(name);
        inner.save_weights(&path).unwrap();
        let fresh = clone_model(&inner).unwrap();
        let outer = Sequential::named("outer").add(fresh.network().clone());
        let before = outer.get_weights();
        let result = outer.load_weights(&path).and_then(|loaded| loaded.assert_nontrivial_match().map(|_| ()));
        let text = result.unwrap_err().to_string();
        assert!(text.contains(name), "{text}");
        assert_eq!(outer.get_weights(), before, "{name}");
        fresh.load_weights(&path).unwrap().assert_existing_objects_matched().unwrap();
        assert_eq!(outer.get_weights(), inner.get_weights(), "{name}");
    }
    // By names nothing fits either.
    let outer = Sequential::named("outer").add(clone_model(&inner).unwrap().network().clone());
    let options = LoadWeightsOptions::new().by_name(true);
    let text = outer.load_weights_with(dir.path().join("w.h5"), &options).unwrap_err().to_string();
    assert!(text.contains("load into the inner model"), "{text}");
}

#[test]
fn a_run_that_was_interrupted_gives_what_one_run_gives() {
    let (x, y) = data();
    let start = made().get_weights();
    let fit = |epochs| Fit::default().epochs(epochs).batch_size(5).shuffle(true).seed(11).verbose(0);
    let fresh = || {
        let model = made();
        model.set_weights(&start).unwrap();
        model
    };
    let mut whole = fresh();
    let losses = whole.fit(&x, &y, fit(5)).unwrap().get("loss").to_vec();

    let dir = tempfile::tempdir().unwrap();
    let backup = dir.path().join("backup");
    let mut broken = fresh();
    // An error of a callback ends the run where it is, as the loss of power would.
    let stop = LambdaCallback::new().on_epoch_begin(|_, epoch| match epoch {
        3 => Err(kerox::train::Error::NotCompiled),
        _ => Ok(()),
    });
    assert!(broken.fit(&x, &y, fit(5).callback(BackupAndRestore::new(&backup)).callback(stop)).is_err());

    // Another process: new weights, the same program.
    let mut again = made();
    let history = again.fit(&x, &y, fit(5).callback(BackupAndRestore::new(&backup))).unwrap();
    assert_eq!(history.get("loss"), &losses[3..]);
    assert_eq!(again.get_weights(), whole.get_weights());
    assert!(!backup.join("chief").exists(), "a run that ended leaves no backup");
}
