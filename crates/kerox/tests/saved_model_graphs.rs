//! SavedModels as graphs: what TensorFlow gives for them, and how it trains them.

use std::path::{Path, PathBuf};

use kerox::prelude::*;
use kerox::saved_model::TFSMLayer;
use kerox::saving::{LoadOptions, load_model};
use kerox_config_json::{Limits, Value as Json};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/savedmodel").join(name)
}

/// What TensorFlow recorded beside the model.
struct Expected(Json);

impl Expected {
    fn of(name: &str) -> Expected {
        let bytes = std::fs::read(golden(name).join("expected.json")).unwrap();
        Expected(Json::parse_document(&bytes, &Limits::default()).unwrap())
    }

    /// Numbers of one list, or of a list of lists.
    fn get(&self, path: &[&str]) -> Tensor {
        let value = path.iter().fold(&self.0, |value, key| value.get(key).unwrap());
        let rows = value.as_list().unwrap();
        let numbers = |list: &[Json]| list.iter().map(|n| n.as_f64().unwrap() as f32).collect::<Vec<f32>>();
        match rows[0].as_list() {
            Some(first) => {
                let all = rows.iter().flat_map(|row| numbers(row.as_list().unwrap())).collect();
                Tensor::from_vec(all, [rows.len(), first.len()]).unwrap()
            }
            None => Tensor::from_vec(numbers(rows), [rows.len()]).unwrap(),
        }
    }
}

#[track_caller]
fn close(found: &Tensor, expected: &Tensor, tolerance: f32) {
    assert_eq!(found.shape(), expected.shape());
    for (a, b) in found.as_slice::<f32>().unwrap().iter().zip(expected.as_slice::<f32>().unwrap()) {
        assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{a}, not {b}");
    }
}

#[test]
fn a_graph_of_one_sample_is_run_on_several_as_tensorflow_does() {
    let (dir, expected) = (golden("one_sample"), Expected::of("one_sample"));
    let (x, y) = (expected.get(&["inputs", "input_1"]), expected.get(&["outputs", "y"]));
    let graph = kerox::saved_model::load(&dir, &["serve"]).unwrap();
    close(&graph.call("serving_default", &[("input_1", x.clone())]).unwrap()[0].1, &y, 1e-6);
    let signature = graph.signature("serving_default").unwrap();
    close(&signature.predict(&[("", x.clone())], 3).unwrap()[0].1, &y, 1e-6);
    let mut model = load_model(&dir, LoadOptions::new()).unwrap();
    close(&model.predict(&x, Predict::default().verbose(0)).unwrap()[0], &y, 1e-6);
    // The other lengths are those of the file.
    let wide = Tensor::full(0f32, [2, 4]).unwrap();
    let error = graph.call("serving_default", &[("input_1", wide)]).unwrap_err().to_string();
    let text = "call `serving_default`: expected `input_1` as float32 (None, 3), found float32 [2, 4]";
    assert_eq!(error, text);
    // A function is one of those that were traced, or none.
    let functions = graph.functions().unwrap();
    let call = functions.iter().find(|f| f.path == "__call__" && f.training == Some(false)).unwrap();
    let error = graph.function(&call.name).unwrap().call(&[("input_1", x)]).unwrap_err().to_string();
    assert!(error.contains("expected `input_1` as float32 (1, 3), found float32 [4, 3]"), "{error}");
}

#[test]
fn a_graph_that_is_not_of_keras_trains_as_in_tensorflow() {
    let (dir, expected) = (golden("regression"), Expected::of("regression"));
    let (x, y) = (expected.get(&["inputs", "x"]), expected.get(&["inputs", "y"]));
    for endpoint in ["serving_default", "__call__"] {
        let layer = TFSMLayer::new(&dir).unwrap().call_endpoint(endpoint).unwrap();
        let mut model = Sequential::new().add(InputLayer::new([3])).add(layer);
        model.compile(SGD::new(0.1), "mse", ()).unwrap();
        let before = model.predict(&x, Predict::default().verbose(0)).unwrap().remove(0);
        close(&before, &expected.get(&["outputs", "before"]), 1e-6);
        let fit = Fit::default().epochs(3).batch_size(8).shuffle(false).verbose(0);
        let history = model.fit(&x, &y, fit).unwrap();
        let losses = Tensor::from_vec(history.get("loss").iter().map(|&l| l as f32).collect(), [3]).unwrap();
        close(&losses, &expected.get(&["losses"]), 1e-5);
        let after = model.predict(&x, Predict::default().verbose(0)).unwrap().remove(0);
        close(&after, &expected.get(&["outputs", "after"]), 1e-5);
        for weight in model.network().trainable_weights() {
            close(&weight.variable.value(), &expected.get(&["trained", weight.variable.name()]), 1e-5);
        }
        assert_eq!(model.network().trainable_weights().len(), 3);
        assert_eq!(model.network().weights().len(), 4);
    }
}
