//! Summaries are Keras 2.15's, character for character.

use std::path::Path;

use kerox_config_json::{Config, ModelDocument, Node, Value};
use kerox_layers::models::{self, Summary, SummaryStyle};
use kerox_layers::{LayerRef, clear_session, registry};

fn cases() -> Vec<Value> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/summary/summaries.json"));
    let value = Value::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    value.get("cases").unwrap().as_list().unwrap().to_vec()
}

fn options(arguments: &Config) -> Summary {
    let mut summary = Summary::new();
    for (key, value) in arguments.iter() {
        let texts = || value.as_list().unwrap().iter().map(|v| v.as_str().unwrap()).collect::<Vec<_>>();
        summary = match key {
            "line_length" => summary.line_length(value.as_i64().unwrap() as usize),
            "positions" => summary.positions(value.as_list().unwrap().iter().map(|v| v.as_f64().unwrap())),
            "expand_nested" => summary.expand_nested(value.as_bool().unwrap()),
            "show_trainable" => summary.show_trainable(value.as_bool().unwrap()),
            "layer_range" => summary.layer_range(texts()[0], texts()[1]),
            other => panic!("argument {other}"),
        };
    }
    summary
}

fn known(value: &Value) -> bool {
    match value {
        Value::Map(map) => {
            let layer = map.get("module").and_then(Value::as_str).is_some_and(|module| module == "keras.layers");
            let name = map.get("class_name").and_then(Value::as_str).unwrap_or_default();
            (!layer || registry::registry().builtin(name).is_some()) && map.iter().all(|(_, value)| known(value))
        }
        Value::List(items) => items.iter().all(known),
        _ => true,
    }
}

/// Weights of zeros: what they hold is not printed, and making them at random takes its time.
fn zeros(value: &Value) -> Value {
    match value {
        Value::Map(map) => {
            let entry = |(key, value): (&str, &Value)| {
                let initializer = key.ends_with("_initializer");
                (key.to_owned(), if initializer { Value::from("zeros") } else { zeros(value) })
            };
            map.iter().map(entry).collect::<Config>().into()
        }
        Value::List(items) => Value::List(items.iter().map(zeros).collect()),
        other => other.clone(),
    }
}

#[test]
fn every_recorded_summary() {
    let (mut done, mut skipped, mut failures) = (0, Vec::new(), Vec::new());
    for case in cases() {
        let name = case.get("name").unwrap().as_str().unwrap().to_owned();
        let Some(model) = case.get("model").filter(|model| !model.is_null()) else {
            skipped.push(name);
            continue;
        };
        let model = &zeros(model);
        let document = ModelDocument::read(&Node::root(model)).unwrap();
        if document.model.is_none() || !known(model) {
            skipped.push(name);
            continue;
        }
        clear_session();
        let model: LayerRef = match models::from_document(&document) {
            Ok(model) => model,
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                continue;
            }
        };
        let found = match options(case.get("arguments").unwrap().as_map().unwrap()).text(&model) {
            Ok(text) => text,
            Err(error) => format!("ValueError: {error}"),
        };
        let expected = case.get("text").or_else(|| case.get("error")).unwrap().as_str().unwrap();
        if found != expected {
            failures.push(format!("{name}: expected\n{expected}\nfound\n{found}"));
        } else {
            done += 1;
        }
    }
    println!("{done} summaries equal; without their layers: {skipped:?}");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(done >= 2);
}

#[test]
fn the_styles_of_other_versions() {
    let text = r#"{"class_name": "Sequential", "config": {"name": "sequential", "layers": [
        {"class_name": "Dense", "config": {"name": "dense", "units": 512, "batch_input_shape": [null, 784]}},
        {"class_name": "Dense", "config": {"name": "dense_1", "units": 10}}]}}"#;
    let model = models::model_from_json(text).unwrap();
    let rule = |of: &str| of.repeat(65);
    let tf25 = [
        "Model: \"sequential\"".to_string(),
        rule("_"),
        format!("{:<65}", "Layer (type)                 Output Shape              Param #   "),
        rule("="),
        format!("{:<65}", "dense (Dense)                (None, 512)               401920    "),
        rule("_"),
        format!("{:<65}", "dense_1 (Dense)              (None, 10)                5130      "),
        rule("="),
        "Total params: 407,050".to_string(),
        "Trainable params: 407,050".to_string(),
        "Non-trainable params: 0".to_string(),
        rule("_"),
    ];
    assert_eq!(Summary::new().style(SummaryStyle::Tf25).text(&model).unwrap(), tf25.join("\n") + "\n");
    let tf29 = [
        "Model: \"sequential\"".to_string(),
        rule("_"),
        format!("{:<65}", " Layer (type)                Output Shape              Param #   "),
        rule("="),
        format!("{:<65}", " dense (Dense)               (None, 512)               401920    "),
        rule(" "),
        format!("{:<65}", " dense_1 (Dense)             (None, 10)                5130      "),
        rule(" "),
        rule("="),
        "Total params: 407,050".to_string(),
        "Trainable params: 407,050".to_string(),
        "Non-trainable params: 0".to_string(),
        rule("_"),
    ];
    assert_eq!(Summary::new().style(SummaryStyle::Tf29).text(&model).unwrap(), tf29.join("\n") + "\n");
}

#[test]
fn a_range_without_layers_names_those_there_are() {
    let text = r#"{"class_name": "Sequential", "config": {"name": "s", "layers": [
        {"class_name": "Dense", "config": {"name": "d", "units": 2, "batch_input_shape": [null, 4]}}]}}"#;
    let model = models::model_from_json(text).unwrap();
    let error = Summary::new().layer_range("nope", "d").text(&model).unwrap_err();
    assert_eq!(error.to_string(), "No such layer: nope. Existing layers are: ['d'].");
}
