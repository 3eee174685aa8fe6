//! Documents that are wrong on purpose: a clear error, in bounded time, and never a panic.

use kerox_config_json::dialect::normalize;
use kerox_config_json::{Error, Limits, ModelDocument, Node, Object, Value};
use proptest::prelude::*;

fn dense(name: &str, inbound: &str) -> String {
    format!(
        r#"{{"class_name": "Dense", "config": {{"name": "{name}", "units": 2}}, "name": "{name}", "inbound_nodes": {inbound}}}"#
    )
}

fn model(layers: &[String], outputs: &str) -> String {
    let input = r#"{"class_name": "InputLayer", "config": {"batch_input_shape": [null, 2], "name": "x"}, "name": "x", "inbound_nodes": []}"#;
    let layers = [&[input.to_owned()], layers].concat().join(", ");
    format!(
        r#"{{"class_name": "Functional", "config": {{"name": "m", "layers": [{layers}], "input_layers": [["x", 0, 0]], "output_layers": {outputs}}}}}"#
    )
}

fn message(text: &str) -> String {
    ModelDocument::parse(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn cycles() {
    let text = model(&[dense("a", r#"[[["b", 0, 0, {}]]]"#), dense("b", r#"[[["a", 0, 0, {}]]]"#)], r#"[["b", 0, 0]]"#);
    assert_eq!(
        message(&text),
        "read model graph of layer `a` at $.config.layers[1]: expected inbound nodes without a cycle, found calls that \
         wait for each other: `a`, `b`"
    );
    let to_itself = model(&[dense("a", r#"[[["a", 0, 0, {}]]]"#)], r#"[["a", 0, 0]]"#);
    assert!(message(&to_itself).contains("without a cycle"));
}

#[test]
fn references_to_nothing() {
    let text = model(&[dense("dense_1", r#"[[["y", 0, 0, {}]]]"#)], r#"[["dense_1", 0, 0]]"#);
    assert_eq!(
        message(&text),
        "read model graph of layer `dense_1` at $.config.layers[1].inbound_nodes[0][0][0]: expected the name of a layer of \
         this model, found \"y\" (nearest: `x`)"
    );
    let text = model(&[dense("d", r#"[[["x", 3, 0, {}]]]"#)], r#"[["d", 0, 0]]"#);
    assert_eq!(
        message(&text),
        "read model graph of layer `d` at $.config.layers[1]: expected one of the 1 calls of `x`, found call 3"
    );
    let text = model(&[dense("d", r#"[[["x", 0, 0, {}]]]"#)], r#"[["d", 1, 0]]"#);
    assert!(message(&text).contains("one of the 1 calls of `d`"), "{}", message(&text));
    let text = model(&[dense("d", r#"[[["x", 0, -1, {}]]]"#)], r#"[["d", 0, 0]]"#);
    assert!(message(&text).contains("an integer of at least 0, found -1"), "{}", message(&text));
    let text = model(&[dense("d", r#"[[["x", 0, 0, {}]]]"#), dense("d", "[]")], r#"[["d", 0, 0]]"#);
    assert!(message(&text).contains("a name of its own for every layer"), "{}", message(&text));
    let text = model(&[dense("d", r#"[[5]]"#)], r#"[["d", 0, 0]]"#);
    assert!(message(&text).contains("expected a call such as"), "{}", message(&text));
    let text = model(&[dense("d", r#"[[["x", 0, 0, {}]]]"#)], "5");
    assert!(message(&text).contains("layer name, node index and tensor index"), "{}", message(&text));
}

#[test]
fn not_a_model() {
    for (text, part) in [
        ("[1, 2]", "expected a name or an object with `class_name`"),
        ("{}", "expected a model: an object with `class_name` and `config`"),
        ("5", "expected a model"),
        (
            r#"{"class_name": "Functional", "config": {"layers": 5, "input_layers": [], "output_layers": []}}"#,
            "expected a list",
        ),
        (r#"{"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense"}, 7]}}"#, "found 7"),
        (r#"{"class_name": "Sequential", "config": {"layers": {"a": 1}}}"#, "expected a list, found an object"),
        ("{\"class_name\": ", "parse JSON at line 1 column 16"),
    ] {
        let found = ModelDocument::parse(text.as_bytes()).map(|_| ()).map_err(|e| e.to_string());
        assert!(found.as_ref().is_err_and(|message| message.contains(part)), "{text}: {found:?}");
    }
}

#[test]
fn models_inside_models() {
    let mut text = r#"{"class_name": "Sequential", "config": {"name": "s", "layers": []}}"#.to_owned();
    for i in 0..40 {
        text = format!(r#"{{"class_name": "Sequential", "config": {{"name": "s{i}", "layers": [{text}]}}}}"#);
    }
    assert!(message(&text).contains("at most 24 models inside each other"), "{}", message(&text));
    let deep = format!("{}{}", r#"{"class_name": "Sequential", "config": ["#.repeat(20_000), "");
    assert!(matches!(ModelDocument::parse(deep.as_bytes()), Err(Error::Limit { what: "nested levels", .. })));
}

#[test]
fn a_long_chain_is_read_in_linear_time() {
    let layers: Vec<String> = (0..20_000)
        .map(|i| {
            let before = if i == 0 { "x".to_owned() } else { format!("d{}", i - 1) };
            dense(&format!("d{i}"), &format!(r#"[[["{before}", 0, 0, {{}}]]]"#))
        })
        .collect();
    let document = ModelDocument::parse(model(&layers, r#"[["d19999", 0, 0]]"#).as_bytes()).unwrap();
    assert_eq!(document.model.unwrap().layers().len(), 20_001);
}

/// Every truncation and many byte flips of a real document: an error or another document, never a panic.
#[test]
fn damaged_documents() {
    let text = include_str!("../../../golden/config/keras2/two_inputs.h5.json").as_bytes();
    for length in 0..text.len() {
        assert!(ModelDocument::parse(&text[..length]).is_err(), "{length}");
    }
    for at in 0..text.len() {
        for byte in [b'"', b'[', b'}', b'0', b'-', 0, 0xff] {
            let mut damaged = text.to_vec();
            damaged[at] = byte;
            let _ = ModelDocument::parse(&damaged);
        }
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("NaN is not equal to itself", |f| !f.is_nan()).prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop_oneof![Just("Dense"), Just("Merge"), Just("x"), Just("Sequential"), Just("__tuple__")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        let key = prop_oneof![
            Just("class_name".to_owned()),
            Just("config".to_owned()),
            Just("layers".to_owned()),
            Just("inbound_nodes".to_owned()),
            Just("items".to_owned()),
            ".{0,4}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
            prop::collection::vec((key, inner), 0..6).prop_map(|entries| Value::Map(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn written_text_reads_back(value in any_value()) {
        let text = value.to_string();
        prop_assert!(text.is_ascii());
        let again = Value::parse(&text).unwrap();
        prop_assert_eq!(&again, &value);
        prop_assert_eq!(again.to_string(), text);
        for style in [kerox_config_json::Style::Compact, kerox_config_json::Style::Indent(2)] {
            prop_assert_eq!(Value::parse(&value.to_json(style)).unwrap(), value.clone());
        }
    }

    #[test]
    fn floats_read_back_bit_for_bit(bits in any::<u64>()) {
        let value = f64::from_bits(bits);
        prop_assume!(!value.is_nan());
        let Value::Float(again) = Value::parse(&kerox_config_json::python_float(value)).unwrap() else { panic!("no float") };
        prop_assert_eq!(again.to_bits(), bits);
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,64}") {
        let _ = Value::parse(&text);
        let _ = ModelDocument::parse(text.as_bytes());
    }

    #[test]
    fn any_value_is_a_model_or_refused(value in any_value(), class_name in prop_oneof![Just("Sequential"), Just("Functional")]) {
        let _ = ModelDocument::read(&Node::root(&value));
        let object = Object::new(class_name, value).to_value();
        if let Ok(document) = ModelDocument::read(&Node::root(&object)) {
            for form in [kerox_config_json::Form::Keras2H5, kerox_config_json::Form::Keras3Keras] {
                let _ = document.write(form);
            }
        }
        if let Ok(mut object) = Object::read(&Node::root(&object)) {
            let _ = normalize(&mut object);
        }
    }
}

#[test]
fn big_documents_stay_within_limits() {
    let text = format!("[{}1]", "1,".repeat(1000));
    let limits = Limits { values: 500, ..Limits::default() };
    assert!(matches!(Value::parse_document(text.as_bytes(), &limits), Err(Error::Limit { .. })));
}
