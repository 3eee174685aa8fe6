//! Documents converted between dialects, loaded by live Keras 2.15 and Keras 3. Slow: only with `KEROX_INTEROP=1`, and
//! the environments `tf215` and `tf221` under `~/.cache/kerox-interop` (or `KEROX_INTEROP_ENVS`).

use std::path::{Path, PathBuf};
use std::process::Command;

use kerox_config_json::model::TensorSpec;
use kerox_config_json::{Form, ModelDocument};

/// Loads each document of a folder and prints `name parameters output-shape`, or `name ERROR text`.
const LOAD: &str = r#"
import os, sys, json
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"; os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
import keras
for name in sorted(os.listdir(sys.argv[1])):
    try:
        model = keras.models.model_from_json(open(os.path.join(sys.argv[1], name)).read())
        out = [list(o.shape) for o in model.outputs] if model.built else None
        print("RESULT", name, model.count_params() if model.built else 0, json.dumps(out).replace(" ", ""))
    except Exception as e:
        print("RESULT", name, "ERROR", type(e).__name__, str(e).replace("\n", " ")[-700:])
"#;

fn python(env: &str) -> Option<PathBuf> {
    if std::env::var_os("KEROX_INTEROP").is_none() {
        println!("skipped: set KEROX_INTEROP=1 to run against live Keras");
        return None;
    }
    let envs = std::env::var_os("KEROX_INTEROP_ENVS")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/kerox-interop")))?;
    let python = envs.join(env).join("bin/python");
    if !python.exists() {
        println!("skipped: no {}", python.display());
        return None;
    }
    Some(python)
}

fn load(python: &Path, folder: &Path) -> Vec<(String, String)> {
    let output = Command::new(python).args(["-c", LOAD]).arg(folder).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter_map(|line| line.strip_prefix("RESULT "));
    lines.filter_map(|line| line.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned()))).collect()
}

/// Converts each golden document and compares what both Keras make of the original and of the conversion.
fn check(from: &str, own: &str, other: &str, form: Form, cannot: &[&str]) {
    let (Some(own), Some(other)) = (python(own), python(other)) else { return };
    let folder = std::env::temp_dir().join(format!("kerox-config-json-{}-{from}", std::process::id()));
    let (originals, converted) = (folder.join("originals"), folder.join("converted"));
    std::fs::create_dir_all(&originals).unwrap();
    std::fs::create_dir_all(&converted).unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/config").join(from);
    for entry in std::fs::read_dir(golden).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.ends_with(".to_json.json") || cannot.iter().any(|model| name.starts_with(model)) {
            continue;
        }
        let text = std::fs::read(&path).unwrap();
        std::fs::write(originals.join(&name), &text).unwrap();
        // Keras 3 stores shapes beside tensors and does not use them when it loads.
        let shapes = |_: &str, _, _| Some(TensorSpec { shape: vec![None], dtype: "float32".into() });
        let document = ModelDocument::parse(&text).unwrap();
        let written = match name.as_str() {
            "mha.to_json.json" | "seq2seq.to_json.json" => document.write_with(form, &shapes).unwrap(),
            _ => document.write(form).unwrap(),
        };
        std::fs::write(converted.join(&name), written.to_string()).unwrap();
    }
    let (expected, found) = (load(&own, &originals), load(&other, &converted));
    for (name, text) in &found {
        println!("{name}: {text}");
    }
    assert!(expected.len() >= 9, "{expected:?}");
    assert_eq!(found, expected);
    std::fs::remove_dir_all(folder).unwrap();
}

/// `ops`: operations of TensorFlow and of Keras 3 are not the same layers. `wrappers`: Keras 2.15 does not load its own.
#[test]
fn keras2_documents_load_in_keras3() {
    check("keras2", "tf215", "tf221", Form::Keras3Json, &["ops", "wrappers"]);
}

#[test]
fn keras3_documents_load_in_keras2() {
    check("keras3", "tf221", "tf215", Form::Keras2Json, &["ops", "wrappers"]);
}
