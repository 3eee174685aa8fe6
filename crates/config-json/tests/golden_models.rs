//! Models as real Keras 2.15 and Keras 3.15 wrote them, in every form: read, written back byte for byte, and written
//! in the other forms of the same Keras.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kerox_config_json::{Form, Generation, ModelDocument, Value};

fn golden(keras: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/config").join(keras)
}

fn read(keras: &str, form: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(golden(keras)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if let Some(model) = name.strip_suffix(&format!(".{form}.json")) {
            found.insert(model.to_owned(), std::fs::read_to_string(&path).unwrap());
        }
    }
    assert!(found.len() >= 11, "{keras} {form}: {}", found.len());
    found
}

/// Without the identities of objects in Python's memory.
fn without_ids(text: &str) -> String {
    fn strip(value: &mut Value) {
        match value {
            Value::List(items) => items.iter_mut().for_each(strip),
            Value::Map(map) => {
                map.remove("shared_object_id");
                map.iter_mut().for_each(|(_, item)| strip(item));
            }
            _ => {}
        }
    }
    let mut value = Value::parse(text).unwrap();
    strip(&mut value);
    value.to_string()
}

fn first_difference(a: &str, b: &str) -> String {
    let at = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let cut = |text: &str| text.chars().skip(at.saturating_sub(60)).take(160).collect::<String>();
    format!("at byte {at}:\n  expected ..{}\n  written  ..{}", cut(a), cut(b))
}

fn check(keras: &str, generation: Generation, forms: &[(&str, Form)]) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (from, from_form) in forms {
        for (model, text) in read(keras, from) {
            let document = match ModelDocument::parse(text.as_bytes()) {
                Ok(document) => document,
                Err(error) => {
                    wrong.push(format!("{model}.{from}: {error}"));
                    continue;
                }
            };
            assert_eq!(document.generation, generation, "{model}.{from}");
            assert!(document.model.is_some(), "{model}.{from}");
            for (to, form) in forms {
                // An HDF5 attribute and `to_json` lack the modules and build shapes that the other forms carry.
                let lacks = |form: &Form| matches!(form, Form::Keras2H5 | Form::Keras3H5);
                if from_form != form && (lacks(from_form) || !lacks(form)) {
                    continue;
                }
                let Some(expected) = read(keras, to).remove(&model) else { continue };
                let expected = without_ids(&expected);
                let written = without_ids(&document.write(*form).unwrap().to_string());
                count += 1;
                if written != expected {
                    wrong.push(format!("{model}.{from} as {to} {}", first_difference(&expected, &written)));
                }
            }
        }
    }
    println!("{keras}: {count} documents written as Keras writes them, {} not", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 45, "{count}");
}

#[test]
fn keras2() {
    check(
        "keras2",
        Generation::Keras2,
        &[("h5", Form::Keras2H5), ("to_json", Form::Keras2Json), ("keras", Form::Keras2Keras)],
    );
}

#[test]
fn keras3() {
    check(
        "keras3",
        Generation::Keras3,
        &[("h5", Form::Keras3H5), ("to_json", Form::Keras3Json), ("keras", Form::Keras3Keras)],
    );
}
