//! One instance of every class of Keras 2.15 and Keras 3.15 as Keras serializes it.

use kerox_config_json::dialect::normalize;
use kerox_config_json::{Node, Object, Value};

fn entries(text: &str) -> Vec<(String, Value)> {
    let document = Value::parse(text).unwrap();
    let mut found = Vec::new();
    for (section, classes) in document.as_map().unwrap().iter() {
        for (class, entry) in classes.as_map().unwrap().iter() {
            if let Some(serialized) = entry.get("serialized").filter(|s| Object::is_object(s)) {
                found.push((format!("{section}/{class}"), serialized.clone()));
            }
        }
    }
    found
}

fn keras2() -> Vec<(String, Value)> {
    entries(include_str!("../../../golden/config/keras215_default_configs.json"))
}

fn keras3() -> Vec<(String, Value)> {
    entries(include_str!("../../../golden/config/keras3_default_configs.json"))
}

#[test]
fn text_survives_reading_and_writing() {
    for text in [
        include_str!("../../../golden/config/keras215_default_configs.json"),
        include_str!("../../../golden/config/keras3_default_configs.json"),
    ] {
        // The files were written with `json.dump(.., indent=1)`.
        let value = Value::parse(text).unwrap();
        assert_eq!(value.to_json(kerox_config_json::Style::Indent(1)).trim_end(), text.trim_end());
    }
}

#[test]
fn objects_survive_reading_and_writing() {
    let all: Vec<_> = keras2().into_iter().chain(keras3()).collect();
    assert!(all.len() > 450, "{}", all.len());
    for (name, value) in all {
        let object = Object::read(&Node::root(&value)).unwrap();
        assert_eq!(object.to_value().to_string(), value.to_string(), "{name}");
        assert!(object.lookup(None).may_be_builtin(), "{name}");
    }
}

#[test]
fn normalizing_twice_is_normalizing_once_and_keras2_is_neutral() {
    for (name, value) in keras2() {
        let mut object = Object::read(&Node::root(&value)).unwrap();
        normalize(&mut object).unwrap();
        let policies = value.to_string().contains("mixed_precision");
        assert!(policies || object.to_value().to_string() == value.to_string(), "{name}: {}", object.to_value());
    }
    for (name, value) in keras3() {
        let mut once = Object::read(&Node::root(&value)).unwrap();
        normalize(&mut once).unwrap();
        let mut twice = once.clone();
        normalize(&mut twice).unwrap();
        assert_eq!(once.to_value().to_string(), twice.to_value().to_string(), "{name}");
        assert!(!once.to_value().to_string().contains("\"DTypePolicy\""), "{name}");
    }
}
