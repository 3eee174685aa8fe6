//! SavedModels from many sources, run to the outputs that TensorFlow computed. What does not run stands in
//! `zoo_missing.txt` with its reason: `model`, a tab, and a part of the error.

mod common;

use std::collections::BTreeMap;

use kerox_graph_def::saved_model;

#[test]
fn every_model_runs_or_says_why_not() {
    let Some(shared) = common::shared() else { return };
    let zoo = shared.join("zoo");
    if !zoo.join("manifest.json").is_file() {
        println!("skipped: no directory {}", zoo.display());
        return;
    }
    let mut missing: BTreeMap<&str, &str> = include_str!("zoo_missing.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once('\t').expect("model, tab, reason"))
        .collect();
    let mut wrong = Vec::new();
    for record in common::json(&zoo.join("manifest.json"))["models"].as_array().unwrap() {
        let Some(dir) = record["saved_model_dir"].as_str() else { continue };
        let id = record["id"].as_str().unwrap();
        let result = run(&zoo, id, dir, record);
        match (result, missing.remove(id)) {
            (Ok(count), None) => println!("{id}: {count} signatures"),
            (Ok(_), Some(_)) => wrong.push(format!("{id}: runs; take it off the list")),
            (Err(error), Some(reason)) if error.contains(reason) => println!("{id}: {error}"),
            (Err(error), _) => wrong.push(format!("{id}: {error}")),
        }
    }
    wrong.extend(missing.keys().map(|id| format!("{id}: on the list, but not in the collection")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn run(zoo: &std::path::Path, id: &str, dir: &str, record: &serde_json::Value) -> Result<usize, String> {
    let text = |error: kerox_graph_def::Error| error.to_string();
    let load = || saved_model::load(zoo.join("files").join(id).join(dir), &[]).map_err(text);
    let model = load()?;
    let oracle = zoo.join("oracle").join(id);
    let mut count = 0;
    for (signature, run) in record["oracle_runs"].as_object().unwrap() {
        if signature.starts_with('(') {
            continue;
        }
        let list = |which: &str| run[which].as_array().unwrap().clone();
        let name = |item: &serde_json::Value| item["name"].as_str().unwrap().to_owned();
        let array = |item: &serde_json::Value| common::array(&oracle.join(item["file"].as_str().unwrap()));
        let inputs: Vec<_> = list("inputs").iter().map(|item| (name(item), array(item))).collect();
        let inputs: Vec<_> = inputs.iter().map(|(name, tensor)| (name.as_str(), tensor.clone())).collect();
        // Some change variables: each was recorded on the model as it is in the file.
        let outputs = load()?.call(signature, &inputs).map_err(text)?;
        for item in list("outputs") {
            let name = name(&item);
            let (_, found) = outputs.iter().find(|(n, _)| *n == name).ok_or(format!("{signature}: no `{name}`"))?;
            if let Some(difference) = common::difference(found, &array(&item)) {
                return Err(format!("{signature} `{name}`: {difference}"));
            }
        }
        count += 1;
    }
    if count == 0 {
        for signature in model.signatures() {
            model.signature(&signature.name).map_err(text)?;
            count += 1;
        }
    }
    Ok(count)
}
