//! Reads every case of a directory, as a model and as a graph, and writes what comes out beside it: for
//! `interop/savedmodel_read/check.py`, which judges it.

use std::fs::File;
use std::path::{Path, PathBuf};

use kerox::prelude::*;
use kerox::saved_model;
use kerox::saving::{LoadOptions, load_model_with_report};
use kerox_config_json::{Config, Style, Value as Json};
use kerox_tensor::npy;

type Result<T, E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

struct Case {
    dir: PathBuf,
    errors: Config,
    counts: Config,
    losses: Vec<f64>,
}

impl Case {
    fn arrays(&self, kind: &str, count: usize) -> Result<Vec<Tensor>> {
        let one = |i| Ok(npy::read(&mut File::open(self.dir.join(format!("{kind}_{i}.npy")))?, kind)?);
        (0..count).map(one).collect()
    }

    fn write(&mut self, kind: &str, tensors: &[Tensor]) -> Result<()> {
        for (i, tensor) in tensors.iter().enumerate() {
            npy::write(tensor, &mut File::create(self.dir.join(format!("{kind}_{i}.npy")))?, kind)?;
        }
        self.counts.insert(kind, tensors.len() as i64);
        Ok(())
    }

    fn note(&mut self, part: &str, result: Result<()>) {
        if let Err(error) = result {
            let mut text = error.to_string();
            let mut cause = error.source();
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            self.errors.insert(part, text);
        }
    }

    fn model(&mut self, settings: &Json) -> Result<()> {
        let number = |key: &str| settings.get(key).and_then(Json::as_i64).unwrap_or(0) as usize;
        let x = self.arrays("x", number("inputs"))?;
        let loaded = load_model_with_report(self.dir.join("model"), LoadOptions::new())?;
        for warning in &loaded.warnings {
            println!("{}: {warning}", self.dir.display());
        }
        let mut model = loaded.model;
        let predictions = model.predict(x.clone(), Predict::default().verbose(0))?;
        self.write("predict", &predictions)?;
        if settings.get("compiled").and_then(Json::as_bool) != Some(true) {
            return Ok(());
        }
        let state: Vec<Tensor> = model.optimizer()?.variables().iter().map(Variable::value).collect();
        self.write("optimizer", &state)?;
        let fit = self.fit(&mut model, x, settings);
        self.note("fit", fit);
        Ok(())
    }

    fn fit(&mut self, model: &mut Model, x: Vec<Tensor>, settings: &Json) -> Result<()> {
        let number = |key: &str| settings.get(key).and_then(Json::as_i64).unwrap_or(0) as usize;
        let y = self.arrays("y", number("outputs"))?;
        let options =
            Fit::default().epochs(number("epochs")).batch_size(number("batch_size")).shuffle(false).verbose(0);
        let history = model.fit(x.clone(), y, options)?;
        self.losses = history.get("loss").to_vec();
        let after = model.predict(x, Predict::default().verbose(0))?;
        self.write("after", &after)
    }

    /// The signature, its inputs given in the order in which the model's are.
    fn graph(&mut self, settings: &Json) -> Result<()> {
        let number = |key: &str| settings.get(key).and_then(Json::as_i64).unwrap_or(0) as usize;
        let x = self.arrays("x", number("inputs"))?;
        let model = saved_model::load(self.dir.join("model"), &["serve"])?;
        let function = model.signature("serving_default")?;
        let names: Vec<String> = function.inputs().map(|(name, _, _)| name.to_owned()).collect();
        let inputs: Vec<(&str, Tensor)> = names.iter().map(String::as_str).zip(x).collect();
        let outputs: Vec<Tensor> = function.call(&inputs)?.into_iter().map(|(_, tensor)| tensor).collect();
        self.write("graph", &outputs)
    }
}

fn main() -> Result<()> {
    let root = std::env::args().nth(1).ok_or("give the directory of the cases")?;
    let mut dirs: Vec<PathBuf> = std::fs::read_dir(&root)?.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
    dirs.sort();
    for dir in dirs.into_iter().filter(|dir| dir.join("case.json").is_file()) {
        run(&dir)?;
    }
    Ok(())
}

fn run(dir: &Path) -> Result<()> {
    let settings = Json::parse(&std::fs::read_to_string(dir.join("case.json"))?)?;
    let flag = |key: &str| settings.get(key).and_then(Json::as_bool) == Some(true);
    let mut case = Case { dir: dir.to_path_buf(), errors: Config::new(), counts: Config::new(), losses: Vec::new() };
    if flag("model") {
        let result = case.model(&settings);
        case.note("predict", result);
    }
    if flag("graph") {
        let result = case.graph(&settings);
        case.note("graph", result);
    }
    let losses: Vec<Json> = case.losses.iter().map(|&loss| Json::from(loss)).collect();
    let result = Config::new()
        .with("errors", case.errors.clone())
        .with("counts", case.counts.clone())
        .with("losses", Json::List(losses));
    std::fs::write(dir.join("result.json"), Json::from(result).to_json(Style::default()))?;
    Ok(())
}
