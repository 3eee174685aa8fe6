//! Ten steps of an embedding under every optimizer of each Keras, whose rows come and go and occur twice.

mod common;

use common::run::list;
use common::{array, cases, close, elements, numbers, text};
use kerox_config_json::Value;
use kerox_layers::LayerExt;
use kerox_layers::core::{Dense, Embedding};
use kerox_layers::models::Sequential;
use kerox_layers::reshaping::Flatten;
use kerox_train::{Fit, Model};

fn check(case: &Value) {
    let layers = Sequential::new().with(Embedding::new(6, 3).input_shape([2])).with(Flatten::new()).with(Dense::new(2));
    let mut model = Model::new(layers);
    model.ensure_built().unwrap();
    let before: Vec<_> = list(case, "weights_before").iter().map(|w| array(w).unwrap()).collect();
    model.set_weights(&before).unwrap();
    let optimizer = kerox_optim::deserialize(case.get("optimizer").unwrap(), None).unwrap();
    model.compile(optimizer, "mse", ()).unwrap();
    let (x, y) = (array(case.get("x").unwrap()).unwrap(), array(case.get("y").unwrap()).unwrap());
    let history = model.fit(&x, &y, Fit::default().batch_size(2).shuffle(false).verbose(0)).unwrap();
    close(history.get("loss"), &numbers(case.get("loss").unwrap()), 1e-5, "loss");
    for (i, (found, expected)) in model.get_weights().iter().zip(list(case, "weights_after")).enumerate() {
        close(&elements(found), &elements(&array(expected).unwrap()), 1e-5, &format!("weight {i}"));
    }
}

#[test]
fn rows_are_updated_as_each_keras_does() {
    let mut failed = Vec::new();
    for (file, count) in [("keras2", 45), ("keras3", 25)] {
        let all = cases(&format!("embedding/{file}.json"));
        assert!(all.len() >= count, "{file}: {}", all.len());
        for case in all {
            if std::panic::catch_unwind(|| check(&case)).is_err() {
                failed.push(format!("{file}/{}", text(&case, "name")));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
