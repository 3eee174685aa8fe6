//! Trains the model of every case of a directory and writes what comes out beside it: for `interop/layers/check.py`, which
//! judges it.

use std::fs::File;
use std::path::{Path, PathBuf};

use kerox::prelude::*;
use kerox::saving::{LoadOptions, load_model};
use kerox_config_json::{Config, Style, Value as Json};
use kerox_tensor::npy;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

fn read(dir: &Path, name: &str) -> Result<Tensor> {
    Ok(npy::read(&mut File::open(dir.join(format!("{name}.npy")))?, name)?)
}

fn write(dir: &Path, name: &str, tensor: &Tensor) -> Result<()> {
    Ok(npy::write(tensor, &mut File::create(dir.join(format!("{name}.npy")))?, name)?)
}

/// Predicts, trains for as many steps as epochs, and writes predictions, losses and weights.
fn run(dir: &Path, settings: &Json) -> Result<Vec<f64>> {
    let number = |key: &str| settings.get(key).and_then(Json::as_i64).unwrap_or(0) as usize;
    let file = settings.get("file").and_then(Json::as_str).unwrap_or("model.h5");
    let mut model = load_model(dir.join(file), LoadOptions::new())?;
    let x = (0..number("inputs")).map(|i| read(dir, &format!("x_{i}"))).collect::<Result<Vec<_>>>()?;
    let batch = number("batch");
    let predictions = model.predict(x.clone(), Predict::default().batch_size(batch).verbose(0))?;
    let predictions = predictions.first().ok_or("no prediction")?;
    write(dir, "predict", predictions)?;
    if number("epochs") == 0 {
        return Ok(Vec::new());
    }
    let y = read(dir, "y")?;
    let options = Fit::default().epochs(number("epochs")).batch_size(batch).shuffle(false).verbose(0);
    let history = model.fit(x, y, options)?;
    for (i, weight) in model.get_weights().iter().enumerate() {
        write(dir, &format!("weight_{i}"), weight)?;
    }
    Ok(history.get("loss").to_vec())
}

fn main() -> Result<()> {
    let root = std::env::args().nth(1).ok_or("give the directory of the cases")?;
    let names = kerox_layers::registry::ALL.iter().map(|entry| Json::from(entry.class_name)).collect();
    std::fs::write(Path::new(&root).join("registry.json"), Json::List(names).to_json(Style::default()))?;
    let mut dirs: Vec<PathBuf> = std::fs::read_dir(&root)?.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
    dirs.sort();
    for dir in dirs.into_iter().filter(|dir| dir.join("case.json").is_file()) {
        let settings = Json::parse(&std::fs::read_to_string(dir.join("case.json"))?)?;
        let result = match run(&dir, &settings) {
            Ok(losses) => Config::new().with("losses", Json::List(losses.into_iter().map(Json::from).collect())),
            Err(error) => {
                let mut text = error.to_string();
                let mut cause = error.source();
                while let Some(error) = cause {
                    text = format!("{text}: {error}");
                    cause = error.source();
                }
                Config::new().with("error", text)
            }
        };
        std::fs::write(dir.join("result.json"), Json::from(result).to_json(Style::default()))?;
    }
    Ok(())
}
