//! Files that people have published, of Keras 1 to 3: every one gives the outputs TensorFlow recorded, or a clear error.
//!
//! `zoo_missing.txt` names those that do not yet, each with its reason.

use std::path::{Path, PathBuf};

use kerox::prelude::*;
use kerox::saving::{LoadOptions, Package, load_model_with_report, model_from_json};
use kerox_config_json::Value as Json;
use kerox_tensor::npy;

fn zoo() -> Option<PathBuf> {
    let shared = std::env::var_os("KEROX_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared").into());
    let zoo = shared.join("zoo");
    zoo.join("manifest.json").is_file().then_some(zoo)
}

fn text<'a>(value: &'a Json, key: &str) -> &'a str {
    value.get(key).and_then(Json::as_str).unwrap_or_default()
}

fn list(value: Option<&Json>) -> &[Json] {
    value.and_then(Json::as_list).unwrap_or_default()
}

fn array(path: PathBuf) -> Result<Tensor, String> {
    let mut file = std::fs::File::open(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    npy::read(&mut file, "array").map_err(|e| e.to_string())
}

fn load(dir: &Path, files: &[Json]) -> Result<Model, String> {
    let names: Vec<PathBuf> = files.iter().map(|f| dir.join(text(f, "file"))).collect();
    let json = names.iter().find(|p| p.extension().is_some_and(|e| e == "json"));
    let Some(json) = json else {
        let loaded = load_model_with_report(&names[0], LoadOptions::new().compile(false)).map_err(|e| e.to_string())?;
        return Ok(loaded.model);
    };
    let text = std::fs::read_to_string(json).map_err(|e| e.to_string())?;
    let model = model_from_json(&text).map_err(|e| e.to_string())?;
    for weights in names.iter().filter(|p| *p != json) {
        model.load_weights(weights).map_err(|e| e.to_string())?;
    }
    Ok(model)
}

fn close(found: &Tensor, expected: &Tensor) -> Result<(), String> {
    if found.shape() != expected.shape() {
        return Err(format!("expected shape {}, found {}", expected.shape(), found.shape()));
    }
    let wide = |t: &Tensor| t.cast(DType::F64).map_err(|e| e.to_string());
    let (found, expected) = (wide(found)?, wide(expected)?);
    let (found, expected) = (found.as_slice::<f64>().unwrap(), expected.as_slice::<f64>().unwrap());
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        if (a - b).abs() > 1e-5 + 1e-5 * b.abs() || a.is_nan() != b.is_nan() {
            return Err(format!("element {i}: expected {b}, found {a}"));
        }
    }
    Ok(())
}

fn run(zoo: &Path, entry: &Json) -> Result<(), String> {
    let id = text(entry, "id");
    let mut model = load(&zoo.join("files").join(id), list(entry.get("files")))?;
    let oracle = zoo.join("oracle").join(id);
    let runs = entry.get("oracle_runs").and_then(|r| r.get("model")).ok_or("no recorded run")?;
    let mut inputs = Vec::new();
    for input in list(runs.get("inputs")) {
        inputs.push((text(input, "name").to_string(), array(oracle.join(text(input, "file")))?));
    }
    let names: Vec<String> = model.input_infos().into_iter().map(|(name, _)| name).collect();
    let known = inputs.iter().all(|(name, _)| names.contains(name));
    let outputs = match known && inputs.len() > 1 {
        true => model.predict_on_batch(inputs),
        false => model.predict_on_batch(inputs.into_iter().map(|(_, t)| t).collect::<Vec<Tensor>>()),
    };
    let outputs = outputs.map_err(|e| e.to_string())?;
    let expected = list(runs.get("outputs"));
    if outputs.len() != expected.len() {
        return Err(format!("expected {} outputs, found {}", expected.len(), outputs.len()));
    }
    for (i, (output, expected)) in outputs.iter().zip(expected).enumerate() {
        close(output, &array(oracle.join(text(expected, "file")))?).map_err(|e| format!("output {i}: {e}"))?;
    }
    Ok(())
}

#[test]
fn every_file_runs_or_is_on_the_list() {
    let Some(zoo) = zoo() else {
        println!("SKIPPED: no zoo of published files here; set KEROX_SHARED");
        return;
    };
    let manifest =
        Json::parse_document(&std::fs::read(zoo.join("manifest.json")).unwrap(), &Default::default()).unwrap();
    let missing: Vec<(&str, &str)> = include_str!("zoo_missing.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| line.split_once(": ").expect("`id: reason`"))
        .collect();
    let (mut runs, mut listed, mut refused, mut wrong) = (0, 0, 0, Vec::new());
    for entry in list(manifest.get("models")) {
        let (id, expect) = (text(entry, "id"), text(entry, "expect"));
        if !["keras_h5", "pair_json_weights", "keras_v3", "config_json"].contains(&text(entry, "format")) {
            continue;
        }
        let on_list = missing.iter().any(|(known, _)| *known == id);
        if expect == "run" {
            match run(&zoo, entry) {
                Ok(()) => {
                    runs += 1;
                    if on_list {
                        println!("{id}: runs, and is still on the list");
                    }
                }
                Err(error) if on_list => {
                    listed += 1;
                    println!("{id}: listed: {error}");
                }
                Err(error) => wrong.push(format!("{id}: {error}")),
            }
        } else if expect.starts_with("refuse") {
            match load(&zoo.join("files").join(id), list(entry.get("files"))) {
                Err(error) if error.len() > 20 => {
                    refused += 1;
                    println!("{id}: refused: {error}");
                }
                Err(error) => wrong.push(format!("{id}: unclear refusal `{error}`")),
                Ok(_) if on_list => listed += 1,
                Ok(_) => wrong.push(format!("{id}: expected a refusal, found a model")),
            }
            if expect.contains("tensors still readable") {
                for file in list(entry.get("files")).iter().filter(|f| !text(f, "file").ends_with(".json")) {
                    let package = Package::open(zoo.join("files").join(id).join(text(file, "file"))).unwrap();
                    assert!(!package.tensors().is_empty(), "{id}");
                    for info in package.tensors() {
                        package.read(&info.name).unwrap();
                    }
                }
            }
        }
    }
    println!("{runs} run, {refused} refused as they must be, {listed} on the list, {} wrong", wrong.len());
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
