//! The models of the repository: Keras, `tf.Module`, TensorFlow 1.

mod common;

use common::{difference, floats, golden, json};
use kerox_graph::{Graph, gradients};
use kerox_graph_def::saved_model;
use kerox_tensor::Tensor;

#[test]
fn a_keras_model_runs_as_signature_and_as_function() {
    let dir = golden("mlp");
    let expected = json(&dir.join("expected.json"));
    let x = floats(&expected["inputs"]["dense_input"]);
    let y = floats(&expected["outputs"]["dense_1"]);
    let model = saved_model::load(&dir, &["serve"]).unwrap();
    let outputs = model.call("serving_default", &[("dense_input", x.clone())]).unwrap();
    assert_eq!(outputs.len(), 1);
    assert_eq!(outputs[0].0, "dense_1");
    assert_eq!(difference(&outputs[0].1, &y), None);

    let functions = model.functions().unwrap();
    let call = functions.iter().find(|f| f.path == "__call__" && f.training == Some(false)).unwrap();
    let function = model.function(&call.name).unwrap();
    let input = function.inputs().next().unwrap().0.to_owned();
    assert_eq!(difference(&function.call(&[(&input, x)]).unwrap()[0].1, &y), None);

    let kernel = &expected["weights"]["dense/kernel"];
    let variable = model.variables().unwrap().into_iter().find(|v| v.name() == "dense/kernel").unwrap();
    assert_eq!(variable.value(), floats(kernel));
    assert!(variable.trainable());
}

#[test]
fn an_empty_batch_and_variables_that_change() {
    let model = saved_model::load(golden("mlp"), &["serve"]).unwrap();
    let empty = Tensor::from_vec(Vec::<f32>::new(), [0, 8]).unwrap();
    let outputs = model.call("serving_default", &[("dense_input", empty)]).unwrap();
    assert_eq!(outputs[0].1.shape()[..], [0, 4]);
    let bias = model.variables().unwrap().into_iter().find(|v| v.name() == "dense_1/bias").unwrap();
    let x = Tensor::from_vec(vec![0f32; 8], [1, 8]).unwrap();
    let before = model.call("serving_default", &[("dense_input", x.clone())]).unwrap().remove(0).1;
    let old = bias.value();
    let moved: Vec<f32> = old.as_slice::<f32>().unwrap().iter().map(|b| b + 1.0).collect();
    bias.assign(Tensor::from_vec(moved, [4]).unwrap()).unwrap();
    let after = model.call("serving_default", &[("dense_input", x)]).unwrap().remove(0).1;
    for (a, b) in after.as_slice::<f32>().unwrap().iter().zip(before.as_slice::<f32>().unwrap()) {
        assert!((a - b - 1.0).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn an_imported_graph_has_gradients() {
    let model = saved_model::load(golden("mlp"), &["serve"]).unwrap();
    let function = model.signature("serving_default").unwrap();
    let mut g: Graph = function.graph().clone();
    let bias = model.variables().unwrap().into_iter().find(|v| v.name() == "dense_1/bias").unwrap();
    let read = g.read(&bias).unwrap();
    let y = function.output_values()[0].1;
    let dy = gradients(&mut g, &[y], None, &[read]).unwrap()[0].unwrap();
    let x = function.input_values()[0].1;
    let zeros = Tensor::from_vec(vec![0f32; 24], [3, 8]).unwrap();
    let result = kerox_graph::Interpreter::new(&g, &[x], &[dy], &[]).run(vec![zeros.into()]).unwrap();
    let result = result[0].clone().into_tensor().unwrap();
    assert_eq!(result.as_slice::<f32>().unwrap(), [3.0; 4]);
}

#[test]
fn a_module_with_a_table_from_an_asset() {
    let dir = golden("module");
    let expected = json(&dir.join("expected.json"));
    let model = saved_model::load(&dir, &["serve"]).unwrap();
    let names: Vec<&str> = model.signatures().iter().map(|s| s.name.as_str()).collect();
    assert_eq!(names, ["look_up", "serving_default"]);
    let words: Vec<&str> =
        expected["inputs"]["words"].as_array().unwrap().iter().map(|w| w.as_str().unwrap()).collect();
    let ids: Vec<i64> = expected["outputs"]["ids"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect();
    let words = Tensor::from_strings(words.iter().map(|w| w.as_bytes()), [words.len()]).unwrap();
    let outputs = model.call("look_up", &[("words", words)]).unwrap();
    assert_eq!(outputs[0].1.as_slice::<i64>().unwrap(), ids);
    let x = floats(&expected["inputs"]["x"]);
    let y = model.call("serving_default", &[("x", x)]).unwrap();
    assert_eq!(difference(&y[0].1, &floats(&expected["outputs"]["y"])), None);
}

#[test]
fn a_model_of_tensorflow_1_runs_with_its_initializer() {
    let dir = golden("tf1");
    let expected = json(&dir.join("expected.json"));
    let model = saved_model::load(&dir, &["serve"]).unwrap();
    let y = model.call("serving_default", &[("x", floats(&expected["inputs"]["x"]))]).unwrap();
    assert_eq!(difference(&y[0].1, &floats(&expected["outputs"]["y"])), None);
    let counter = model.variables().unwrap().into_iter().find(|v| v.name() == "counter").unwrap();
    // The checkpoint has 7; the initializer adds 1.
    assert_eq!(counter.value().to_scalar::<i32>().unwrap(), 8);
    assert!(!counter.trainable());
}

#[test]
fn wrong_calls_are_explained() {
    let model = saved_model::load(golden("mlp"), &["serve"]).unwrap();
    let x = || Tensor::from_vec(vec![0f32; 8], [1, 8]).unwrap();
    let of = |name: &str, inputs: &[(&str, Tensor)]| model.call(name, inputs).unwrap_err().to_string();
    assert_eq!(of("predict", &[]), "call signature `predict`: expected one of `serving_default`, found another");
    assert_eq!(
        of("serving_default", &[]),
        "call `serving_default`: expected the inputs `dense_input`, found no `dense_input`"
    );
    assert_eq!(
        of("serving_default", &[("x", x())]),
        "call `serving_default`: expected the inputs `dense_input`, found `x`"
    );
    let wide = Tensor::from_vec(vec![0f32; 9], [1, 9]).unwrap();
    let error = of("serving_default", &[("dense_input", wide)]);
    assert!(error.contains("expected `dense_input` as float32 (None, 8)"), "{error}");
}
