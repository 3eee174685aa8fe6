//! Configurations inside real files of other people, Keras 1.1 to 3.15, when the collection is there.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use kerox_config_json::model::TensorSpec;
use kerox_config_json::{Form, Generation, Limits, ModelDocument, Value};

/// The collection: `KEROX_SHARED`, else beside the workspace.
fn collection() -> Option<PathBuf> {
    let folder = match std::env::var_os("KEROX_SHARED") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
    };
    let files = folder.join("zoo/files");
    if !files.is_dir() {
        println!("skipped: no collection of model files at {}; set KEROX_SHARED", folder.display());
        return None;
    }
    Some(files)
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}

/// JSON objects that lie whole in the bytes of an HDF5 file: where attributes hold long strings, they do.
fn objects_in(bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = bytes[at..].windows(2).position(|two| two == b"{\"").map(|p| p + at) {
        let (mut depth, mut in_string, mut escaped, mut end) = (0usize, false, false, None);
        for (i, byte) in bytes[start..].iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                b'{' if !in_string => depth += 1,
                b'}' if !in_string => depth -= 1,
                0..=8 => break,
                _ => {}
            }
            if depth == 0 {
                end = Some(start + i + 1);
                break;
            }
        }
        match end {
            Some(end) => {
                found.push(&bytes[start..end]);
                at = end;
            }
            None => at = start + 2,
        }
    }
    found
}

/// Every model document: name and text.
fn documents() -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let Some(folder) = collection() else { return found };
    let mut files = Vec::new();
    walk(&folder, &mut files);
    for path in files {
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        if name.starts_with("sm-") || name.starts_with("ckpt-") || name.starts_with("pb-") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        if bytes.starts_with(b"\x89HDF") {
            for object in objects_in(&bytes) {
                let text = String::from_utf8_lossy(object);
                if text.contains("\"class_name\"")
                    && text.contains("\"layers\"")
                    && !text.contains("\"optimizer_config\"")
                {
                    found.insert(name.clone(), object.to_vec());
                }
            }
        } else if bytes.starts_with(b"PK") {
            let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
            let mut text = Vec::new();
            zip.by_name("config.json").unwrap().read_to_end(&mut text).unwrap();
            found.insert(name, text);
        } else if name.ends_with(".json") {
            found.insert(name, bytes);
        }
    }
    found
}

#[test]
fn every_configuration_is_read_and_survives() {
    let documents = documents();
    let mut count = BTreeMap::new();
    let mut wrong = Vec::new();
    for (name, text) in &documents {
        let value = Value::parse_document(text, &Limits::default()).unwrap();
        let again = Value::parse(&value.to_string()).unwrap();
        assert_eq!(again.to_string(), value.to_string(), "{name}");
        let document = match ModelDocument::parse(text) {
            Ok(document) => document,
            Err(error) => {
                wrong.push(format!("{name}: {error}"));
                continue;
            }
        };
        let generation = document.generation;
        *count.entry(format!("{generation:?}")).or_insert(0) += 1;
        let expected = match name {
            _ if name.contains("-k1") => Generation::Keras1,
            _ if name.contains("-k3") => Generation::Keras3,
            _ => Generation::Keras2,
        };
        assert_eq!(generation, expected, "{name}");
        let form = if generation == Generation::Keras3 { Form::Keras3Keras } else { Form::Keras2Keras };
        let written = document.write(form).unwrap();
        let read_again = ModelDocument::parse(written.to_string().as_bytes()).unwrap();
        assert_eq!(read_again.write(form).unwrap().to_string(), written.to_string(), "{name}");
        if let (Some(model), Some(again)) = (&document.model, &read_again.model) {
            assert_eq!(model.layers().len(), again.layers().len(), "{name}");
            for (a, b) in model.layers().iter().zip(again.layers()) {
                assert_eq!(a.calls, b.calls, "{name} {}", a.name);
                assert_eq!(a.name, b.name, "{name}");
            }
        } else {
            assert!(name.contains("custom") || name.contains("subclass"), "{name}: no architecture");
        }
    }
    println!("configurations of the collection read: {count:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(documents.is_empty() || documents.len() >= 34, "{}", documents.len());
}

/// No layer keeps a word of Keras 1.
#[test]
fn keras_1_words_are_converted() {
    for (name, text) in documents().iter().filter(|(name, _)| name.contains("-k1")) {
        let document = ModelDocument::parse(text).unwrap();
        for layer in document.model.as_ref().unwrap().layers() {
            let text = layer.object.to_value().to_string();
            for word in ["nb_filter", "border_mode", "subsample", "dim_ordering", "W_regularizer", "\"init\"", "\"p\""]
            {
                assert!(!text.contains(word), "{name} {}: {text}", layer.name);
            }
        }
    }
}

/// Every configuration of built-in classes can be written for the other Keras, or the error says what is in the way.
#[test]
fn every_configuration_converts() {
    let mut refused = Vec::new();
    let documents = documents();
    for (name, text) in &documents {
        let document = ModelDocument::parse(text).unwrap();
        let other = if document.generation == Generation::Keras3 { Form::Keras2Keras } else { Form::Keras3Keras };
        let shapes = |_: &str, _, _| Some(TensorSpec { shape: vec![None], dtype: "float32".into() });
        match document.write_with(other, &shapes) {
            Ok(value) => {
                let again = ModelDocument::parse(value.to_string().as_bytes()).unwrap();
                if let Some(folder) = std::env::var_os("KEROX_KEEP_CONVERTED") {
                    let file = name.replace('/', "_") + "." + other.dialect() + ".json";
                    std::fs::write(Path::new(&folder).join(file), value.to_string()).unwrap();
                }
                assert_eq!(again.model.is_some(), document.model.is_some(), "{name}");
            }
            Err(error) => refused.push(format!("{name}: {error}")),
        }
    }
    println!(
        "{} configurations converted, {} refused:\n{}",
        documents.len() - refused.len(),
        refused.len(),
        refused.join("\n")
    );
    assert!(refused.len() <= 3, "{}", refused.join("\n"));
}
