//! Losses and metrics that layers and models add, while training, against Keras's.

mod common;

use common::run::list;
use common::{array, cases, close, elements, numbers, text};
use kerox_config_json::Node;
use kerox_layers::registry;
use kerox_tensor::Tensor;
use kerox_train::{Evaluate, Fit, Model};

/// Relative to 1 + |x|; four steps in single precision.
const PRECISION: f64 = 1e-5;

#[test]
fn what_is_added_counts_as_in_keras() {
    for case in cases("added/added.json") {
        let name = text(&case, "name");
        let mut model = Model::new(registry::deserialize(&Node::root(case.get("config").unwrap())).unwrap());
        let weights: Vec<Tensor> = list(&case, "weights_before").iter().map(|w| array(w).unwrap()).collect();
        model.set_weights(&weights).unwrap();
        let optimizer = kerox_optim::SGD::new(0.1).momentum(0.5);
        model.compile(optimizer, "mse", ["mae"]).unwrap();
        let (x, y) = (array(case.get("x").unwrap()).unwrap(), array(case.get("y").unwrap()).unwrap());
        let options = Fit::default().batch_size(4).epochs(2).shuffle(false).verbose(0);
        let history = model.fit(&x, &y, options).unwrap();
        let expected = case.get("logs").unwrap().as_map().unwrap();
        assert_eq!(history.history.len(), expected.iter().count(), "{name}: {:?}", history.history);
        for (key, values) in expected.iter() {
            let found =
                &history.history.iter().find(|(found, _)| found == key).unwrap_or_else(|| panic!("{name}: {key}")).1;
            close(found, &numbers(values), PRECISION, &format!("{name}: {key}"));
        }
        let logs = model.evaluate(&x, &y, Evaluate::default().batch_size(4).verbose(0)).unwrap();
        for (key, value) in case.get("evaluated").unwrap().as_map().unwrap().iter() {
            let found = logs.get(key).unwrap_or_else(|| panic!("{name}: {key}"));
            close(&[found], &numbers(value), PRECISION, &format!("{name}: evaluated {key}"));
        }
        for (i, (found, expected)) in model.get_weights().iter().zip(list(&case, "weights_after")).enumerate() {
            close(&elements(found), &elements(&array(expected).unwrap()), PRECISION, &format!("{name}: weight {i}"));
        }
    }
}
