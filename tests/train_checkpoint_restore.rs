//! Train with a checkpoint each epoch, restore any of them, go on from the latest.

#![forbid(unsafe_code)]

mod digits;

use digits::{accuracy, data, model, predictions};
use kerox::prelude::*;

#[test]
fn a_checkpoint_each_epoch_brings_that_epoch_back() {
    let dir = tempfile::tempdir().unwrap();
    let ((x, y), (x_test, y_test)) = data();
    let mut trained = model(1);
    let untrained = accuracy(&mut trained, &x_test, &y_test);
    assert!(untrained < 0.4, "{untrained}");
    let template = dir.path().join("training/cp-{epoch:04d}.ckpt");
    let fit = Fit::default().epochs(5).verbose(0).validation_data(&x_test, &y_test).seed(3);
    let checkpoint = ModelCheckpoint::new(&template).save_weights_only(true);
    let history = trained.fit(&x, &y, fit.callback(checkpoint)).unwrap();
    let accuracies = history.get("val_sparse_categorical_accuracy");
    assert!(accuracies[4] >= 0.85, "{accuracies:?}");

    // Each checkpoint gives the model of its epoch.
    for (epoch, &expected) in accuracies.iter().enumerate() {
        let mut restored = model(2);
        let path = dir.path().join(format!("training/cp-{:04}.ckpt", epoch + 1));
        restored.load_weights(path).unwrap().assert_existing_objects_matched().unwrap();
        assert_eq!(accuracy(&mut restored, &x_test, &y_test), expected, "epoch {}", epoch + 1);
    }

    // The latest is the last, weight by weight and prediction by prediction.
    let latest = latest_checkpoint(dir.path().join("training")).unwrap().unwrap();
    assert!(latest.ends_with("cp-0005.ckpt"));
    let mut restored = model(2);
    restored.load_weights(&latest).unwrap();
    assert_eq!(restored.get_weights(), trained.get_weights());
    assert_eq!(predictions(&mut restored, &x_test), predictions(&mut trained, &x_test));
}

#[test]
fn optimizer_states_are_restored_with_the_weights() {
    let dir = tempfile::tempdir().unwrap();
    let ((x, y), _) = data();
    let fit = || Fit::default().epochs(2).verbose(0).shuffle(false).seed(5);
    let mut one = model(1);
    one.fit(&x, &y, fit()).unwrap();
    one.save_weights(dir.path().join("cp")).unwrap();
    let mut two = model(2);
    two.load_weights(dir.path().join("cp")).unwrap();
    // Evaluation makes the states; they are then as in the file.
    let steps = |model: &Model| model.optimizer().unwrap().iterations().value().to_scalar::<i64>().unwrap();
    let weights = one.network().trainable_weights();
    two.fit(&x, &y, Fit::default().epochs(0).verbose(0)).unwrap();
    assert_eq!(steps(&two), steps(&one));
    for (a, b) in weights.iter().zip(two.network().trainable_weights()) {
        for role in ["momentum", "velocity"] {
            let slot = |model: &Model, weight: &kerox::layers::Weight| {
                model.optimizer().unwrap().slot(&weight.variable, role).map(|slot| slot.value())
            };
            assert_eq!(slot(&one, a), slot(&two, &b), "{role} of {}", a.variable.name());
        }
    }
}

#[test]
fn a_checkpoint_of_another_architecture_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    model(1).save_weights(dir.path().join("cp")).unwrap();
    let other = Sequential::named("digits")
        .add(Dense::new(48).input_shape([64]).name("hidden"))
        .add(BatchNormalization::new().momentum(0.9).name("normalized"))
        .add(Dropout::new(0.2).name("dropout"))
        .add(Dense::new(11).name("outputs"));
    let before = other.get_weights();
    let error = other.load_weights(dir.path().join("cp")).unwrap_err().to_string();
    assert!(error.contains("[48, 11]") || error.contains("[48, 10]") || error.contains("[11]"), "{error}");
    assert_eq!(other.get_weights(), before);
}

#[test]
fn variables_made_later_get_their_values_then() {
    let dir = tempfile::tempdir().unwrap();
    let (_, (x_test, _)) = data();
    let layers = || {
        let inner = Sequential::named("inner").add(Dense::new(12).name("first")).add(Dense::new(6).name("second"));
        Sequential::named("outer")
            .add(inner)
            .add(BatchNormalization::new().name("normalized"))
            .add(Dense::new(3).name("last"))
    };
    let mut trained = layers();
    let expected = predictions(&mut trained, &x_test);
    trained.save_weights(dir.path().join("cp")).unwrap();
    // No shape is known when the weights are loaded, and nobody keeps the answer.
    let mut later = layers();
    assert!(later.get_weights().is_empty());
    later.load_weights(dir.path().join("cp")).unwrap();
    assert!(predictions(&mut later, &x_test) == expected);
}
