//! Training configurations of real Keras 2.15 and Keras 3.15.

use std::path::Path;

use kerox_config_json::model::CompileConfig;
use kerox_config_json::{Form, Node, Value};

fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/config").join(name);
    Value::parse(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn compile_config(name: &str) -> Value {
    golden(name).get("compile_config").unwrap().clone()
}

fn rewritten(value: &Value, form: Form) -> String {
    CompileConfig::read(&Node::root(value)).unwrap().write(form).unwrap().to_string()
}

#[test]
fn written_back_as_they_were() {
    for model in ["mlp", "conv", "two_inputs", "embed"] {
        let value = golden(&format!("keras2/{model}.training.json"));
        assert_eq!(rewritten(&value, Form::Keras2H5), value.to_string(), "{model}");
        let value = compile_config(&format!("keras2/{model}.keras.json"));
        assert_eq!(rewritten(&value, Form::Keras2Keras), value.to_string(), "{model}");
        let value = compile_config(&format!("keras3/{model}.keras.json"));
        assert_eq!(rewritten(&value, Form::Keras3Keras), value.to_string(), "{model}");
    }
}

#[test]
fn from_file_to_attribute_as_keras_does() {
    for model in ["mlp", "conv", "two_inputs", "embed"] {
        let from = compile_config(&format!("keras3/{model}.keras.json"));
        let to = CompileConfig::read(&Node::root(&from)).unwrap().write(Form::Keras3H5).unwrap();
        let mut expected = golden(&format!("keras3/{model}.training.json"));
        if model == "two_inputs" {
            // Keras 3 writes the short names as they were given, and cannot read them here.
            let losses = vec!["mean_squared_error", "mean_absolute_error"];
            expected.as_map_mut().unwrap().insert("loss", losses);
        }
        assert_eq!(to, expected, "{model}");
    }
    // Keras 2 resolves `accuracy` when it writes HDF5, so only models without it compare.
    for model in ["conv", "two_inputs"] {
        let from = compile_config(&format!("keras2/{model}.keras.json"));
        assert_eq!(
            rewritten(&from, Form::Keras2H5),
            golden(&format!("keras2/{model}.training.json")).to_string(),
            "{model}"
        );
    }
}

#[test]
fn from_keras2_to_keras3() {
    for model in ["mlp", "conv", "embed"] {
        let from = compile_config(&format!("keras2/{model}.keras.json"));
        let mut expected = compile_config(&format!("keras3/{model}.keras.json"));
        if model == "mlp" {
            expected.as_map_mut().unwrap().insert("optimizer", "adam");
        }
        let text = rewritten(&from, Form::Keras3Keras);
        assert_eq!(text, expected.to_string(), "{model}");
    }
}

#[test]
fn legacy_optimizers() {
    let value = golden("keras2/nested.training.json");
    assert_eq!(rewritten(&value, Form::Keras2H5), value.to_string());
    // What Keras 3 calls the same.
    let written = CompileConfig::read(&Node::root(&value)).unwrap().write(Form::Keras3Keras).unwrap();
    let optimizer = written.get("optimizer").unwrap();
    assert_eq!(optimizer.get("module"), Some(&Value::from("keras.optimizers")));
    let config = optimizer.get("config").and_then(Value::as_map).unwrap();
    let old = value.get("optimizer_config").and_then(|old| old.get("config")).and_then(Value::as_map).unwrap();
    assert!(old.contains_key("decay") && !config.contains_key("decay"));
    assert_eq!(config.get("name"), Some(&Value::from("adam")));
    let schedule = config.get("learning_rate").and_then(|rate| rate.get("config")).unwrap();
    assert_eq!(schedule.get("initial_learning_rate"), old.get("learning_rate"));
    assert_eq!(schedule.get("decay_rate"), old.get("decay"));
    let changed = ["decay", "learning_rate", "name"];
    assert!(old.iter().all(|(key, old)| changed.contains(&key) || config.get(key) == Some(old)));
}
