//! Each command on the files of every format that real Keras and TensorFlow wrote, held against what Keras computes.

mod common;

use common::{Place, array, assert_close, expected, golden, numbers};

const MODELS: &[(&str, &str)] = &[
    ("keras2", "h5/k215_model.h5"),
    ("keras2", "h5/k215_legacy_adam_model.h5"),
    ("keras2", "keras/k215_model.keras"),
    ("keras2", "savedmodel/mlp"),
    ("keras3", "h5/k315_model.h5"),
    ("keras3", "keras/k315_model.keras"),
];

fn answer(generation: &str, name: &str, what: &str) -> kerox::saving::Json {
    let all = expected(generation);
    all.get("answers").unwrap().get(name).unwrap().get(what).unwrap().clone()
}

#[test]
fn summary_is_keras_s_to_the_letter() {
    let place = Place::new();
    for (generation, name) in MODELS.iter().filter(|(generation, _)| *generation == "keras2") {
        let expected = answer(generation, name, "summary");
        assert_eq!(place.ok(&["summary", &golden(name)]), expected.as_str().unwrap(), "{name}");
    }
    let wide = place.ok(&["summary", &golden("cli/mlp.json"), "--line-length", "80", "--show-trainable"]);
    let narrow = place.ok(&["summary", &golden("cli/mlp.json")]);
    assert!(wide.contains("Trainable") && wide.len() > narrow.len(), "{wide}");
}

#[test]
fn predictions_are_keras_s() {
    let place = Place::new();
    let x = golden("cli/x.npy");
    for (generation, name) in MODELS {
        let expected = numbers(&answer(generation, name, "predict"));
        for input in [&x, &golden("cli/x_fortran_f8.npy"), &golden("cli/x_big_endian.npy"), &golden("cli/data.npz:x")] {
            place.ok(&["predict", &golden(name), "--input", input, "--output", "y.npy", "--batch-size", "3"]);
            assert_close(&array(place.path("y.npy")), &expected, 1e-5, name);
        }
        place.ok(&["predict", &golden(name), "--input", &x, "--output-dir", "out"]);
        assert_close(&array(place.path("out/out_0.npy")), &expected, 1e-5, name);
    }
    let named = format!("dense_input={x}");
    place.ok(&["predict", &golden("h5/k215_model.h5"), "--input", &named, "--output", "y.npy"]);
}

#[test]
fn an_architecture_runs_with_weights_of_every_format() {
    let place = Place::new();
    let (json, x) = (golden("cli/mlp.json"), golden("cli/x.npy"));
    for name in ["h5/k215_w.weights.h5", "h5/k215_weights.h5"] {
        let expected = numbers(&answer("keras2", &format!("cli/mlp.json+{name}"), "predict"));
        place.ok(&["predict", &json, "--weights", &golden(name), "--input", &x, "--output", "y.npy"]);
        assert_close(&array(place.path("y.npy")), &expected, 1e-5, name);
        for target in ["w.h5", "w.weights.h5", "w.safetensors", "w.ckpt"] {
            place.ok(&["convert", &json, target, "--weights", &golden(name), "--weights-only"]);
            place.ok(&["predict", &json, "--weights", target, "--input", &x, "--output", "y.npy"]);
            assert_close(&array(place.path("y.npy")), &expected, 1e-5, target);
        }
    }
    let error = place.fails(1, &["predict", &json, "--input", &x, "--output", "z.npy"]);
    assert!(error.ends_with("expected weights, found an architecture alone"), "{error}");
}

#[test]
fn signatures_run() {
    let place = Place::new();
    let mlp = golden("savedmodel/mlp");
    let x = format!("dense_input={}", golden("cli/x.npy"));
    let args = ["predict", &mlp, "--signature", "serving_default", "--input", &x, "--output-dir", "out"];
    place.ok(&args);
    let expected = numbers(&answer("keras2", "savedmodel/mlp", "predict"));
    assert_close(&array(place.path("out/dense_1.npy")), &expected, 1e-5, "dense_1");
    // Words of either kind; the module is none of Keras's.
    let module = golden("savedmodel/module");
    for words in ["cli/words_unicode.npy", "cli/words_bytes.npy"] {
        let words = golden(words);
        place.ok(&["predict", &module, "--signature", "look_up", "--input", &words, "--output", "ids.npy"]);
        let inspected = place.ok(&["inspect", &module]);
        assert!(inspected.contains("look_up"), "{inspected}");
        assert_eq!(array(place.path("ids.npy")).len(), 4);
    }
    let error = place.fails(1, &["predict", &mlp, "--signature", "other", "--input", &x, "--output", "y.npy"]);
    assert!(error.contains("expected one of ") && error.contains("`serving_default`"), "{error}");
    let h5 = golden("h5/k215_model.h5");
    place.fails(2, &["predict", &h5, "--signature", "serving_default", "--input", &x, "--output", "y.npy"]);
}

#[test]
fn losses_and_metrics_are_keras_s() {
    let place = Place::new();
    let (x, y) = (golden("cli/x.npy"), golden("cli/y.npy"));
    for (generation, name) in MODELS {
        let found = place.json(&["evaluate", &golden(name), "--x", &x, "--y", &y, "--json"]);
        let expected = answer(generation, name, "evaluate");
        let value = |json: &kerox::saving::Json, key: &str| json.get(key).unwrap().as_f64().unwrap();
        let (found_loss, expected_loss) = (value(&found, "loss"), value(&expected, "loss"));
        // The first file of a SavedModel's loss is that of an L2 penalty and more; it has none here.
        assert_close(&[found_loss], &[expected_loss], 1e-5, name);
        let metrics: Vec<(&str, f64)> =
            found.as_map().unwrap().iter().map(|(key, value)| (key, value.as_f64().unwrap())).collect();
        assert_eq!(metrics.len(), 2, "{metrics:?}");
        assert_close(&[metrics[1].1], &[value(&expected, "accuracy")], 1e-6, name);
    }
    let weight = golden("cli/weight.npy");
    let h5 = golden("h5/k215_model.h5");
    let found = place.json(&["evaluate", &h5, "--x", &x, "--y", &y, "--sample-weight", &weight, "--json"]);
    let expected = expected("keras2").get("weighted_loss").unwrap().as_f64().unwrap();
    assert_close(&[found.get("loss").unwrap().as_f64().unwrap()], &[expected], 1e-5, "weighted");
    let text = place.ok(&["evaluate", &h5, "--x", &x, "--y", &y]);
    assert!(text.starts_with("loss: 1."), "{text}");
}

#[test]
fn training_goes_on_as_in_keras() {
    let (x, y) = (golden("cli/x.npy"), golden("cli/y.npy"));
    for (generation, name) in
        [("keras2", "cli/tune_k2.h5"), ("keras2", "cli/tune_k2.keras"), ("keras3", "cli/tune_k3.keras")]
    {
        let place = Place::new();
        let all = expected(generation);
        let expected = all.get("fit").unwrap().get(name).unwrap();
        let model = golden(name);
        let args = ["--epochs", "3", "--batch-size", "4", "--no-shuffle", "--validation-split", "0.2", "--quiet"];
        let records = ["--history", "h.json", "--csv-log", "log.csv", "--tensorboard", "tb", "--output", "t.keras"];
        let mut all = vec!["fit", &model, "--x", &x, "--y", &y];
        all.extend(args);
        all.extend(records);
        assert_eq!(place.ok(&all), "", "{name}");
        let text = std::fs::read_to_string(place.path("h.json")).unwrap();
        let found = kerox::saving::Json::parse(&text).unwrap();
        let history = expected.get("history").unwrap();
        for key in ["loss", "accuracy", "val_loss", "val_accuracy"] {
            let what = format!("{name} {key}");
            assert_close(&numbers(found.get(key).unwrap()), &numbers(history.get(key).unwrap()), 1e-3, &what);
        }
        let log = std::fs::read_to_string(place.path("log.csv")).unwrap();
        assert_eq!(log.lines().next(), Some("epoch,accuracy,loss,val_accuracy,val_loss"));
        assert_eq!(log.lines().count(), 4);
        assert_eq!(std::fs::read_dir(place.path("tb/train")).unwrap().count(), 1);
        place.ok(&["predict", "t.keras", "--input", &x, "--output", "p.npy"]);
        let predictions = numbers(expected.get("predict").unwrap());
        assert_close(&array(place.path("p.npy")), &predictions, 1e-3, name);
        let run = place.run(&["diff", &model, "t.keras"]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.stdout.contains("optimizer/vars/0"), "{}", run.stdout);
    }
}

#[test]
fn every_tensor_is_inspected() {
    let place = Place::new();
    for generation in ["keras2", "keras3"] {
        let all = expected(generation);
        for (name, tensors) in all.get("tensors").unwrap().as_map().unwrap().iter() {
            let found = place.json(&["inspect", &golden(name), "--json"]);
            assert_eq!(found.get("tensors").unwrap(), tensors, "{name}");
            let keys = "format keras_version backend class_name layers training_config signatures shards tensors";
            assert_eq!(found.as_map().unwrap().keys().collect::<Vec<_>>().join(" "), keys);
            let (kind, format) = match name {
                _ if name.ends_with(".weights.h5") => (name, "keras-weights-h5"),
                _ if name.ends_with(".h5") => (name, "keras-h5"),
                _ if name.ends_with(".keras") => (name, "keras-v3"),
                _ if name.starts_with("savedmodel") => (name, "saved-model"),
                _ => (name, "tf-checkpoint"),
            };
            assert_eq!(found.get("format").unwrap().as_str(), Some(format), "{kind}");
            let listing = place.ok(&["inspect", &golden(name)]);
            for tensor in tensors.as_list().unwrap() {
                assert!(listing.contains(tensor.get("name").unwrap().as_str().unwrap()), "{name}: {listing}");
            }
        }
    }
    for (_, name) in MODELS {
        let found = place.json(&["inspect", &golden(name), "--json"]);
        let params: i64 = found
            .get("layers")
            .unwrap()
            .as_list()
            .unwrap()
            .iter()
            .map(|l| l.get("params").unwrap().as_i64().unwrap())
            .sum();
        assert_eq!(params, 8 * 6 + 6 + 6 * 4 + 4, "{name}");
        assert_eq!(found.get("class_name").unwrap().as_str(), Some("Sequential"), "{name}");
        assert!(found.get("training_config").unwrap().get("loss").is_some(), "{name}");
    }
    let json = place.json(&["inspect", &golden("cli/mlp.json"), "--json"]);
    assert_eq!(json.get("format").unwrap().as_str(), Some("keras-json"));
    assert_eq!(json.get("tensors").unwrap().as_list().unwrap().len(), 0);
    let signatures = place.json(&["inspect", &golden("savedmodel/mlp"), "--json"]).get("signatures").unwrap().clone();
    let expected = r#"{"serving_default": {"inputs": {"dense_input": {"dtype": "float32", "shape": [null, 8]}}, "outputs": {"dense_1": {"dtype": "float32", "shape": [null, 4]}}}}"#;
    assert_eq!(signatures.to_json(kerox::saving::JsonStyle::Python), expected);
}

#[test]
fn one_tensor_is_printed_or_written() {
    let place = Place::new();
    let h5 = golden("h5/k215_model.h5");
    let name = "model_weights/dense/dense/bias:0";
    let printed = place.ok(&["inspect", &h5, "--tensor", name]);
    assert_eq!(place.ok(&["inspect", &h5, "--tensor", name, "--output", "b.npy"]), "");
    let written: Vec<f64> = array(place.path("b.npy"));
    let shown: Vec<f64> = numbers(&kerox::saving::Json::parse(printed.trim()).unwrap());
    assert_close(&shown, &written, 1e-7, name);
    let error = place.fails(1, &["inspect", &h5, "--tensor", "model_weights/dense/bias"]);
    assert!(error.contains("model_weights/dense/bias"), "{error}");
    place.fails(2, &["inspect", &h5, "--output", "b.npy"]);
}

#[test]
fn files_are_converted_and_stay_what_they_were() {
    let place = Place::new();
    let x = golden("cli/x.npy");
    for (generation, name) in MODELS {
        let source = golden(name);
        let expected = numbers(&answer(generation, name, "predict"));
        for target in ["m.h5", "m.keras", "m.safetensors"] {
            for dialect in ["keras2", "keras3"] {
                let run = place.run(&["convert", &source, target, "--dialect", dialect]);
                // The optimizers of before Keras 2.11 go on as the current ones in Keras 3.
                assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{name} {target}: {run:?}");
                place.ok(&["predict", target, "--input", &x, "--output", "y.npy"]);
                assert_close(&array(place.path("y.npy")), &expected, 1e-6, &format!("{name} {target} {dialect}"));
                let verified = place.json(&["verify", target, "--json"]);
                assert_eq!(verified.get("ok").unwrap().as_bool(), Some(true), "{name} {target}");
            }
        }
        let run = place.run(&["convert", &source, "m.json"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(run.stderr.lines().all(|line| line.starts_with("warning: ")) && !run.stderr.is_empty(), "{run:?}");
        let error = place.fails(1, &["convert", &source, "strict.json", "--strict"]);
        assert!(error.contains("expected everything to be carried over"), "{error}");
        assert!(!place.path("strict.json").exists());
        let run = place.run(&["convert", &source, "half.safetensors", "--dtype", "float16", "--weights-only"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        let found = place.json(&["inspect", "half.safetensors", "--json"]);
        let types = found
            .get("tensors")
            .unwrap()
            .as_list()
            .unwrap()
            .iter()
            .map(|t| t.get("dtype").unwrap().as_str().unwrap().to_owned());
        assert!(types.clone().count() > 0 && types.into_iter().all(|t| t == "float16"), "{name}");
    }
    let source = golden("h5/k215_model.h5");
    place.ok(&["convert", &source, "ck", "--format", "ckpt", "--shards", "3"]);
    let found = place.json(&["inspect", "ck", "--json"]);
    assert_eq!(found.get("shards").unwrap().as_i64(), Some(3));
    let error = place.fails(1, &["convert", &source, "m.h5", "--shards", "3"]);
    assert!(error.contains("found 3 data files"), "{error}");
    place.ok(&["convert", &source, "s.weights.json", "--shards", "2"]);
    assert!(place.listing().iter().any(|name| name == "s_00001.weights.h5"), "{:?}", place.listing());
}

#[test]
fn differences_are_found() {
    let place = Place::new();
    let source = golden("cli/tune_k2.h5");
    place.ok(&["convert", &source, "same.keras"]);
    for other in ["same.keras", &golden("cli/tune_k2.keras"), &source] {
        let found = place.json(&["diff", &source, other, "--json"]);
        let expected = r#"{"equal": true, "only_in_a": [], "only_in_b": [], "different": [], "architecture": []}"#;
        assert_eq!(found.to_json(kerox::saving::JsonStyle::Python), expected, "{other}");
    }
    assert_eq!(place.ok(&["diff", &source, "same.keras"]), "equal\n");
    let (x, y) = (golden("cli/x.npy"), golden("cli/y.npy"));
    place.ok(&["fit", &source, "--x", &x, "--y", &y, "--learning-rate", "1e-6", "--output", "near.h5", "-q"]);
    let run = place.run(&["diff", &source, "near.h5", "--json"]);
    assert_eq!(run.code, Some(1));
    let found = kerox::saving::Json::parse(&run.stdout).unwrap();
    assert_eq!(found.get("equal").unwrap().as_bool(), Some(false));
    let first = &found.get("different").unwrap().as_list().unwrap()[0];
    let keys: Vec<&str> = first.as_map().unwrap().keys().collect();
    assert_eq!(keys, ["name", "max_abs", "max_rel", "shape_a", "shape_b"]);
    let json = golden("cli/mlp.json");
    let run = place.run(&["diff", &source, &json]);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("architecture: $.config.layers"), "{}", run.stdout);
    assert_eq!(place.run(&["diff", &golden("h5/k215_model.h5"), &golden("h5/k315_model.h5")]).code, Some(1));
}
