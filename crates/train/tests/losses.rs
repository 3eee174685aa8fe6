//! Losses against Keras's numbers.

mod common;

use common::{array, cases, close, elements, text};
use kerox_config_json::{Node, Value};
use kerox_graph::{Executor, Graph, Plan, gradients};
use kerox_layers::Call;
use kerox_tensor::Tensor;
use kerox_train::losses::{BinaryCrossentropy, BinaryFocalCrossentropy, Loss, Reduction, ctc_batch_cost, registry};

fn run(loss: &Loss, case: &Value, gradient: bool) -> Vec<Tensor> {
    let mut g = Graph::new();
    let y_true = g.constant(array(case.get("y_true").unwrap()).unwrap()).unwrap();
    let prediction = array(case.get("y_pred").unwrap()).unwrap();
    let shape = prediction.shape().clone();
    let dims = shape.iter().map(|&d| Some(d)).collect();
    let y_pred = g.placeholder("y_pred", prediction.dtype(), dims).unwrap();
    let mut optional = |key: &str| array(case.get(key).unwrap()).map(|t| g.constant(t).unwrap());
    let (weight, mask) = (optional("sample_weight"), optional("mask"));
    let mut cx = Call::new(&mut g, false);
    cx.set_mask(y_pred, mask);
    let value = loss.call(&mut cx, y_true, y_pred, weight).unwrap();
    let mut fetches = vec![value];
    if gradient {
        fetches.extend(gradients(&mut g, &[value], None, &[y_pred]).unwrap().into_iter().flatten());
    }
    let plan = Plan::compile(&g, &[y_pred], &[shape], &fetches, &[]).unwrap();
    let mut executor = Executor::new(plan);
    executor.run(&[&prediction]).unwrap();
    (0..fetches.len()).map(|i| executor.output(i).tensor().unwrap()).collect()
}

#[test]
fn values_and_gradients_are_those_of_keras() {
    let folder = format!("{}/../../golden/losses", env!("CARGO_MANIFEST_DIR"));
    let (mut count, mut failed) = (0, Vec::new());
    for entry in std::fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        if !file.ends_with(".json") || matches!(file.as_str(), "functions.json" | "ctc_batch_cost.json") {
            continue;
        }
        for case in cases(&format!("losses/{file}")) {
            let class = common::golden(&format!("losses/{file}"));
            let what = format!("{}/{}", text(&class, "class_name"), text(&case, "name"));
            let result = std::panic::catch_unwind(|| check(&class, &case, &what));
            if result.is_err() {
                failed.push(what);
            }
            count += 1;
        }
    }
    assert!(failed.is_empty(), "{} of {count} failed: {failed:#?}", failed.len());
    assert!(count > 250, "{count}");
}

fn check(class: &Value, case: &Value, what: &str) {
    let object = Value::Map(
        kerox_config_json::Config::new()
            .with("class_name", text(class, "class_name"))
            .with("config", case.get("config").unwrap().clone()),
    );
    let loss = Loss::from_json(&Node::root(&object)).unwrap();
    if text(case, "keras").starts_with("2.") {
        let written = loss.to_json();
        assert_eq!(written.get("config"), case.get("config"), "{what}");
        let order = |v: &Value| v.as_map().unwrap().keys().map(str::to_string).collect::<Vec<_>>();
        assert_eq!(order(written.get("config").unwrap()), order(case.get("config").unwrap()), "{what}");
    }
    let found = run(&loss, case, true);
    let expect = |key: &str| elements(&array(case.get(key).unwrap()).unwrap());
    // Numbers like 1e8 differ in the last digit of f32.
    close(&elements(&found[0]), &expect("mean"), 2e-5, &format!("{what} mean"));
    if !case.get("gradient").unwrap().is_null() {
        close(&elements(&found[1]), &expect("gradient"), 1e-4, &format!("{what} gradient"));
    }
    for (key, reduction) in [("sum", Reduction::Sum), ("none", Reduction::None)] {
        if case.get(key).is_some_and(|v| !v.is_null()) {
            let found = run(&loss.clone().reduction(reduction), case, false);
            close(&elements(&found[0]), &expect(key), 2e-5, &format!("{what} {key}"));
        }
    }
}

#[test]
fn sequences_of_probabilities_are_judged_as_keras_2_does() {
    for case in cases("losses/ctc_batch_cost.json") {
        let name = text(&case, "name");
        let arg = |key: &str| array(case.get(key).unwrap()).unwrap();
        let mut g = Graph::new();
        let prediction = arg("y_pred");
        let shape = prediction.shape().clone();
        let y_pred = g.placeholder("y_pred", prediction.dtype(), shape.iter().map(|&d| Some(d)).collect()).unwrap();
        let [y_true, steps, labels] =
            ["y_true", "input_length", "label_length"].map(|key| g.constant(arg(key)).unwrap());
        let loss = ctc_batch_cost(&mut g, y_true, y_pred, steps, labels).unwrap();
        let mut fetches = vec![loss];
        fetches.extend(gradients(&mut g, &[loss], None, &[y_pred]).unwrap().into_iter().flatten());
        let mut executor = Executor::new(Plan::compile(&g, &[y_pred], &[shape], &fetches, &[]).unwrap());
        executor.run(&[&prediction]).unwrap();
        for (i, key) in ["loss", "gradient"].into_iter().enumerate() {
            let found = executor.output(i).tensor().unwrap();
            assert_eq!(found.shape(), arg(key).shape(), "{name} {key}");
            close(&elements(&found), &elements(&arg(key)), 1e-4, &format!("{name} {key}"));
        }
    }
}

#[test]
fn sequences_and_labels_that_do_not_fit_are_errors() {
    let loss = Loss::by_name("ctc").unwrap();
    let logits = Tensor::full(0f32, [2, 3, 4]).unwrap();
    let message = |labels: Tensor| loss.compute(&labels, &logits, None).unwrap_err().to_string();
    assert!(message(Tensor::full(1i64, [2]).unwrap()).contains("`[batch, labels]`"));
    assert!(message(Tensor::full(4i64, [2, 1]).unwrap()).contains("a class number in 0..4, found 4"));
    assert!(message(Tensor::full(-1i64, [2, 1]).unwrap()).contains("found -1"));
    assert!(message(Tensor::full(1i64, [3, 1]).unwrap()).contains("a batch of 2"));
    let none = loss.compute(&Tensor::full(1i64, [0, 2]).unwrap(), &Tensor::full(0f32, [0, 3, 4]).unwrap(), None);
    assert!(none.is_ok());
}

#[test]
fn every_function_name_is_known() {
    for case in cases("losses/functions.json") {
        let name = text(&case, "name");
        let loss = Loss::by_name(name).unwrap().reduction(Reduction::None);
        let arg = |key: &str| array(case.get(key).unwrap()).unwrap();
        let found = loss.compute(&arg("y_true"), &arg("y_pred"), None).unwrap();
        close(&elements(&found), &elements(&arg("per_sample")), 2e-5, name);
    }
    let error = Loss::by_name("mean_squared_eror").unwrap_err().to_string();
    assert!(error.contains("mean_squared_error"), "{error}");
    assert!(registry().names().len() >= 21);
}

#[test]
fn keras_3_can_divide_by_the_weights() {
    let t = |v: Vec<f32>| Tensor::from_vec(v, [4, 1]).unwrap();
    let (y, p, w) = (t(vec![0.; 4]), t(vec![1., 2., 3., 4.]), t(vec![1., 0., 2., 0.]));
    let of = |r| Loss::by_name("mse").unwrap().reduction(r).compute(&y, &p, Some(&w)).unwrap();
    // 1*1 + 9*2 over 4 samples, and over the weights' sum of 3.
    assert_eq!(of(Reduction::Mean).as_slice::<f32>().unwrap(), [4.75]);
    assert_eq!(of(Reduction::Auto).as_slice::<f32>().unwrap(), [4.75]);
    close(&elements(&of(Reduction::MeanWithSampleWeight)), &[19.0 / 3.0], 1e-6, "mean_with_sample_weight");
}

#[test]
fn labels_that_do_not_fit_are_errors_with_numbers() {
    let p = Tensor::full(0.1f32, [2, 10]).unwrap();
    let loss = Loss::by_name("sparse_categorical_crossentropy").unwrap();
    let label = |l: i64| Tensor::from_vec(vec![3, l], [2, 1]).unwrap();
    assert!(loss.compute(&label(9), &p, None).is_ok());
    let error = loss.compute(&label(10), &p, None).unwrap_err().to_string();
    assert!(error.contains("10"), "{error}");
    let error = loss.compute(&p, &p, None).unwrap_err().to_string();
    assert!(error.contains("one-hot"), "{error}");
    let loss = Loss::by_name("categorical_crossentropy").unwrap();
    let error = loss.compute(&Tensor::full(0f32, [2, 3]).unwrap(), &p, None).unwrap_err().to_string();
    assert!(error.contains("(2, 3)") && error.contains("(2, 10)"), "{error}");
}

/// Keras refuses them too: class numbers would be taken for the same share of every class.
#[test]
fn cross_entropies_do_not_spread_their_targets() {
    let (labels, p) = (Tensor::full(1f32, [3, 1]).unwrap(), Tensor::full(0.5f32, [3, 4]).unwrap());
    for name in ["categorical_crossentropy", "categorical_focal_crossentropy"] {
        let error = Loss::by_name(name).unwrap().compute(&labels, &p, None).unwrap_err().to_string();
        assert!(error.contains("expected the shape of the predictions (3, 4), found shape (3, 1)"), "{error}");
        assert!(error.contains("sparse"), "{error}");
    }
    for loss in [Loss::from(BinaryCrossentropy::from_logits()), Loss::from(BinaryFocalCrossentropy::from_logits())] {
        let error = loss.compute(&labels, &p, None).unwrap_err().to_string();
        assert!(error.contains("expected the shape of the predictions (3, 4), found shape (3, 1)"), "{error}");
    }
    // Probabilities are spread, as Keras does.
    assert!(Loss::from(BinaryCrossentropy::default()).compute(&labels, &p, None).is_ok());
}
