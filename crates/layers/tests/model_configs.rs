//! Models that Keras wrote are built and written again as Keras wrote them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kerox_config_json::{Config, Form, Generation, ModelConfig, ModelDocument, Value};
use kerox_layers::{models, registry};

fn golden(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../golden/config")).join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            ["h5", "to_json", "keras"].iter().any(|kind| path.to_string_lossy().ends_with(&format!(".{kind}.json")))
        })
        .collect();
    files.sort();
    files
}

/// Classes of the document that are not built in.
fn unknown(config: &ModelConfig) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for layer in config.layers() {
        match &layer.model {
            Some(model) => found.extend(unknown(model)),
            None => {
                let lookup = layer.object.lookup(None);
                let operation = lookup.module.is_some_and(|module| module.contains(".ops."));
                if !operation && registry::registry().find(&lookup).is_err() {
                    found.insert(layer.object.class_name.clone());
                }
            }
        }
    }
    found
}

fn form(path: &Path, generation: Generation) -> Form {
    let name = path.to_string_lossy();
    match (generation, name.contains(".h5."), name.contains(".to_json.")) {
        (Generation::Keras3, true, _) => Form::Keras3H5,
        (Generation::Keras3, _, true) => Form::Keras3Json,
        (Generation::Keras3, ..) => Form::Keras3Keras,
        (_, true, _) => Form::Keras2H5,
        (_, _, true) => Form::Keras2Json,
        _ => Form::Keras2Keras,
    }
}

/// Without identities of shared objects, and without what only Keras 3 writes: the shape and policy of a Sequential,
/// the shapes of layers inside wrappers, and `training` with calls, where it says nothing.
fn common(value: Value) -> Value {
    match value {
        Value::Map(map) => {
            let is_model = map.contains_key("layers");
            let keep = |key: &str| {
                !(matches!(key, "shared_object_id" | "build_input_shape" | "build_config" | "training")
                    || is_model && key == "dtype")
            };
            let entries = map.iter().filter(|(key, _)| keep(key));
            entries.map(|(key, value)| (key.to_owned(), common(value.clone()))).collect::<Config>().into()
        }
        Value::List(items) => Value::List(items.into_iter().map(common).collect()),
        other => other,
    }
}

/// Without what belongs to training, which a model that is not compiled does not have, and identities of objects that
/// layers share.
fn bare(value: Value) -> Value {
    match value {
        Value::Map(map) => {
            let entries = map.iter().filter(|(key, _)| !matches!(*key, "compile_config" | "shared_object_id"));
            entries.map(|(key, value)| (key.to_owned(), bare(value.clone()))).collect::<Config>().into()
        }
        Value::List(items) => Value::List(items.into_iter().map(bare).collect()),
        other => other,
    }
}

fn difference(a: &Value, b: &Value, path: &str) -> Option<String> {
    match (a, b) {
        (Value::Map(x), Value::Map(y)) => {
            for key in x.keys().chain(y.keys()) {
                let here = format!("{path}.{key}");
                match (x.get(key), y.get(key)) {
                    (Some(x), Some(y)) => {
                        if let Some(found) = difference(x, y, &here) {
                            return Some(found);
                        }
                    }
                    (x, y) => return Some(format!("{here}: expected {x:?}, found {y:?}")),
                }
            }
            None
        }
        (Value::List(x), Value::List(y)) if x.len() == y.len() => {
            x.iter().zip(y).enumerate().find_map(|(i, (x, y))| difference(x, y, &format!("{path}[{i}]")))
        }
        // Keras 2 knows float32 alone.
        (Value::Float(x), Value::Float(y)) if (x - y).abs() < 1e-7 => None,
        _ => (a != b).then(|| format!("{path}: expected {a}, found {b}")),
    }
}

fn check(folder: &str, translate: bool) {
    let (mut done, mut failures) = (0, Vec::new());
    for path in golden(folder) {
        let text = std::fs::read(&path).unwrap();
        let document = ModelDocument::parse(&text).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Some(config) = &document.model else { panic!("{name}: no architecture") };
        let missing = unknown(config);
        if !missing.is_empty() {
            println!("skipped {folder}/{name}: no layers {missing:?}");
            continue;
        }
        let model = match models::from_document(&document) {
            Ok(model) => model,
            Err(error) => {
                failures.push(format!("{name}: {error}"));
                continue;
            }
        };
        let written = models::to_document(&model).unwrap().write(form(&path, document.generation)).unwrap();
        let (expected, found) = match translate {
            false => (bare(Value::parse_bytes(&text, &Default::default()).unwrap()), bare(written)),
            // The same in Keras 2's words: what Keras 3 alone knows is not compared.
            true => {
                let again = ModelDocument::parse(written.to_string().as_bytes()).unwrap();
                let words = |document: &ModelDocument| {
                    let mut document = document.clone();
                    document.generation = Generation::Keras2;
                    document.write(Form::Keras2H5).unwrap_or_else(|_| {
                        // Operations of Keras 3 have no form in Keras 2.
                        document.generation = Generation::Keras3;
                        document.write(Form::Keras3H5).unwrap()
                    })
                };
                (common(bare(words(&document))), common(bare(words(&again))))
            }
        };
        if let Some(found) = difference(&expected, &found, "$") {
            failures.push(format!("{name}: {found}"));
            continue;
        }
        done += 1;
    }
    println!("{folder}: {done} documents");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(done >= 3, "{done}");
}

#[test]
fn keras_2_models_come_back_as_they_were() {
    check("keras2", false);
}

#[test]
fn keras_3_models_come_back_as_they_were() {
    check("keras3", true);
}

/// The places of all layers, with the shapes that they say they were built for: in two places, if they are a Sequential.
fn shapes(value: &Value, path: &str, found: &mut Vec<(String, [Option<Value>; 2])>) {
    match value {
        Value::Map(map) => {
            if map.contains_key("class_name") && map.get("config").is_some_and(|config| config.get("name").is_some()) {
                let input = map.get("config").and_then(|config| config.get("build_input_shape"));
                found.push((path.to_owned(), [map.get("build_config").cloned(), input.cloned()]));
            }
            map.iter().for_each(|(key, item)| shapes(item, &format!("{path}.{key}"), found));
        }
        Value::List(items) => {
            items.iter().enumerate().for_each(|(i, item)| shapes(item, &format!("{path}[{i}]"), found));
        }
        _ => {}
    }
}

#[test]
fn layers_inside_others_say_which_shapes_they_were_built_for() {
    let mut done = 0;
    for (folder, form) in [("keras2", Form::Keras2Keras), ("keras3", Form::Keras3Keras)] {
        for path in golden(folder).into_iter().filter(|path| path.to_string_lossy().ends_with(".keras.json")) {
            let document = ModelDocument::parse(&std::fs::read(&path).unwrap()).unwrap();
            let model = models::from_document(&document).unwrap();
            let written = models::to_document(&model).unwrap().write(form).unwrap();
            let (mut expected, mut found) = (Vec::new(), Vec::new());
            let original = Value::parse_bytes(&std::fs::read(&path).unwrap(), &Default::default()).unwrap();
            shapes(&bare(original), "$", &mut expected);
            shapes(&written, "$", &mut found);
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found, expected, "{}", path.display());
            }
            assert_eq!(found.len(), expected.len(), "{}", path.display());
            done += found.len();
        }
    }
    assert!(done > 100, "{done}");
}

/// Keras 3 writes `training` with every call that takes it, and gives layers the model's own when it runs.
#[test]
fn training_in_files_of_keras_3_is_the_models_own() {
    for folder in ["keras2", "keras3"] {
        let path = golden(folder).into_iter().find(|path| path.ends_with("training.keras.json")).unwrap();
        let model = models::from_document(&ModelDocument::parse(&std::fs::read(path).unwrap()).unwrap()).unwrap();
        let model = model.downcast::<models::Functional>().unwrap();
        let given: Vec<bool> = model.calls().iter().map(|node| node.args.kwarg("training").is_some()).collect();
        assert_eq!(given.contains(&true), folder == "keras2", "{folder}: {given:?}");
    }
}

#[test]
fn unknown_layers_are_named_with_their_place() {
    let config = Config::new().with("name", "m").with(
        "layers",
        vec![Value::from(Config::new().with("class_name", "MyLayer").with("config", Config::new().with("name", "x")))],
    );
    let text = Value::from(Config::new().with("class_name", "Sequential").with("config", config)).to_string();
    let error = models::model_from_json(&text).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "Unknown layer: 'MyLayer'. Please ensure you are using a `keras.utils.custom_object_scope` and that this \
             object is included in the scope. Found at $.config.layers[0] while reading layer `MyLayer`"
        ),
        "{error}"
    );
}
