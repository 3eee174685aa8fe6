//! A trained model and its weights to every format and back.

#![forbid(unsafe_code)]

mod digits;

use digits::{accuracy, data, model, predictions};
use kerox::prelude::*;
use kerox::saving::{LoadOptions, detect, load_model, model_from_json, verify};

fn trained() -> Sequential {
    let ((x, y), _) = data();
    let mut model = model(1);
    model.fit(&x, &y, Fit::default().epochs(3).verbose(0).seed(3)).unwrap();
    model
}

#[test]
fn whole_models() {
    let dir = tempfile::tempdir().unwrap();
    let ((x, y), (x_test, y_test)) = data();
    let mut trained = trained();
    let expected = predictions(&mut trained, &x_test);
    let right = accuracy(&mut trained, &x_test, &y_test);
    assert!(right >= 0.8, "{right}");
    let mut further = Vec::new();
    for (file, format) in [("m.h5", "keras-h5"), ("m.keras", "keras-v3"), ("m.safetensors", "safetensors")] {
        let path = dir.path().join(file);
        trained.save(&path).unwrap();
        assert_eq!(detect(&path).unwrap().name, format, "{file}");
        assert!(verify(&path).unwrap().is_empty(), "{file}");
        let mut again = load_model(&path, LoadOptions::new()).unwrap();
        assert!(predictions(&mut again, &x_test) == expected, "{file}");
        assert_eq!(accuracy(&mut again, &x_test, &y_test), right, "{file}");
        assert_eq!(again.summary().unwrap(), trained.summary().unwrap(), "{file}");
        // Training goes on where it stopped: the optimizer's state is in the file.
        let fit = Fit::default().epochs(1).verbose(0).shuffle(false).seed(9);
        kerox::layers::random::set_random_seed(9);
        further.push(again.fit(&x, &y, fit).unwrap().get("loss").to_vec());
    }
    assert!(further.iter().all(|losses| losses == &further[0]), "{further:?}");
}

#[test]
fn weights_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (_, (x_test, _)) = data();
    let mut trained = trained();
    let expected = predictions(&mut trained, &x_test);
    for file in ["w.h5", "w.weights.h5", "w.safetensors", "w.weights.json", "w.ckpt"] {
        let path = dir.path().join(file);
        trained.save_weights(&path).unwrap();
        let mut again = model(2);
        assert_ne!(predictions(&mut again, &x_test), expected);
        again.load_weights(&path).unwrap();
        assert!(predictions(&mut again, &x_test) == expected, "{file}");
    }
}

#[test]
fn architectures_as_text() {
    let (_, (x_test, _)) = data();
    let mut trained = trained();
    let mut again = model_from_json(&trained.to_json().unwrap()).unwrap();
    assert!(again.compiled().is_none());
    again.set_weights(&trained.get_weights()).unwrap();
    assert_eq!(predictions(&mut again, &x_test), predictions(&mut trained, &x_test));
    assert_eq!(again.to_json().unwrap(), trained.to_json().unwrap());
}
