//! The Rust side of `interop/models/check.py`: loads what Keras wrote, says what it found, writes it back.
//!
//! `models_check DIRECTORY` works through every folder of the directory that holds a `job.json`:
//!
//! | key | meaning |
//! |---|---|
//! | `inputs`, `targets` | how many of `x_0.npy`, `y_0.npy`, .. there are |
//! | `batch_size`, `train` | with `train`, three epochs from each loaded model |
//! | `models`, `weights` | the files of whole models, and of weights for the architecture `json` |
//! | `dialects` | which Keras to write for |
//!
//! Of each file there are then `out/<file>/pred_0.npy`, `weight_0.npy`, `optimizer_0.npy` and what was written back;
//! `out/results.json` says `ok`, the losses, or what was refused.

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use kerox::prelude::*;
use kerox::saving::{
    Dialect, LoadOptions, LoadWeightsOptions, SaveOptions, load_model, load_model_with_report, model_from_json,
};
use kerox_config_json::{Config, Style, Value as Json};
use kerox_tensor::npy;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let root = std::env::args().nth(1).ok_or("expected a directory")?;
    for entry in fs::read_dir(root)? {
        let folder = entry?.path();
        if folder.join("job.json").is_file() {
            let results = Job::read(&folder)?.run()?;
            fs::write(folder.join("out/results.json"), Json::from(results).to_json(Style::default()))?;
        }
    }
    Ok(())
}

struct Job {
    folder: PathBuf,
    x: Vec<Tensor>,
    y: Vec<Tensor>,
    job: Json,
}

fn array(path: &Path) -> Result<Tensor> {
    Ok(npy::read(&mut File::open(path)?, "array")?)
}

fn write_all(folder: &Path, name: &str, tensors: &[Tensor]) -> Result<()> {
    for (i, tensor) in tensors.iter().enumerate() {
        npy::write(tensor, &mut File::create(folder.join(format!("{name}_{i}.npy")))?, name)?;
    }
    Ok(())
}

impl Job {
    fn read(folder: &Path) -> Result<Job> {
        let job = Json::parse(&fs::read_to_string(folder.join("job.json"))?)?;
        let arrays = |key: &str, name: &str| -> Result<Vec<Tensor>> {
            let count = job.get(key).and_then(Json::as_i64).unwrap_or(0);
            (0..count).map(|i| array(&folder.join(format!("{name}_{i}.npy")))).collect()
        };
        Ok(Job { x: arrays("inputs", "x")?, y: arrays("targets", "y")?, folder: folder.into(), job })
    }

    fn names(&self, key: &str) -> Vec<String> {
        let list = self.job.get(key).and_then(Json::as_list).unwrap_or_default();
        list.iter().filter_map(Json::as_str).map(str::to_owned).collect()
    }

    fn run(&self) -> Result<Config> {
        let mut results = Config::new();
        for name in self.names("models") {
            let out = self.folder.join("out").join(&name);
            fs::create_dir_all(&out)?;
            match self.model(&name, &out, &mut results) {
                Ok(()) => drop(results.insert(&name, "ok")),
                Err(error) => drop(results.insert(&name, error.to_string())),
            }
        }
        for name in self.names("weights") {
            let out = self.folder.join("out").join(&name);
            fs::create_dir_all(&out)?;
            match self.weights(&name, &out) {
                Ok(()) => drop(results.insert(&name, "ok")),
                Err(error) => drop(results.insert(&name, error.to_string())),
            }
        }
        Ok(results)
    }

    fn predict(&self, model: &mut Model, out: &Path) -> Result<()> {
        let predictions = model.predict(self.x.clone(), Predict::default().batch_size(self.batch_size()).verbose(0))?;
        write_all(out, "pred", &predictions)?;
        write_all(out, "weight", &model.get_weights())
    }

    fn batch_size(&self) -> usize {
        self.job.get("batch_size").and_then(Json::as_i64).and_then(|n| usize::try_from(n).ok()).unwrap_or(8)
    }

    fn model(&self, name: &str, out: &Path, results: &mut Config) -> Result<()> {
        let loaded = load_model_with_report(self.folder.join(name), LoadOptions::new())?;
        if !loaded.warnings.is_empty() {
            return Err(format!("warnings: {}", loaded.warnings.join("; ")).into());
        }
        if let Some(entry) = loaded.weights.with(|outcome| outcome.name() != "matched").next() {
            return Err(format!("`{}`: {}", entry.path, entry.outcome.name()).into());
        }
        let mut model = loaded.model;
        self.predict(&mut model, out)?;
        if let Ok(optimizer) = model.optimizer() {
            let values: Vec<Tensor> = optimizer.variables().iter().map(Variable::value).collect();
            write_all(out, "optimizer", &values)?;
        }
        for dialect in self.names("dialects") {
            if let Err(error) = self.write_back(&model, &dialect, out) {
                results.insert(format!("{name} as {dialect}").as_str(), error.to_string());
            } else {
                results.insert(format!("{name} as {dialect}").as_str(), "ok");
            }
        }
        if self.job.get("train").and_then(Json::as_bool) == Some(true) {
            let fit = Fit::default().epochs(3).batch_size(self.batch_size()).shuffle(false).verbose(0);
            let losses = match model.fit(self.x.clone(), self.y.clone(), fit) {
                Ok(history) => Json::List(history.get("loss").iter().map(|&loss| Json::from(loss)).collect()),
                Err(error) => error.to_string().into(),
            };
            results.insert(format!("{name} trained").as_str(), losses);
        }
        Ok(())
    }

    fn write_back(&self, model: &Model, dialect: &str, out: &Path) -> Result<()> {
        let options = SaveOptions::new().dialect(Dialect::from_name(dialect).ok_or("dialect")?);
        for suffix in [".h5", ".keras"] {
            model.save_with(out.join(format!("{dialect}{suffix}")), &options)?;
        }
        for suffix in ["_w.h5", ".weights.h5"] {
            model.save_weights_with(out.join(format!("{dialect}{suffix}")), &options)?;
        }
        fs::write(out.join(format!("{dialect}.json")), model.to_json_for(options_dialect(dialect)?)?)?;
        if dialect == "keras2" {
            model.save_weights_with(out.join("one/w"), &options)?;
            model.save_weights_with(out.join("three/w"), &options.shards(3))?;
        } else if out.join("keras2.keras").exists() {
            // There and back again, where Keras 2 can express it.
            let there = load_model(out.join("keras3.keras"), LoadOptions::new())?;
            there.save_with(out.join("back.keras"), &SaveOptions::new())?;
        }
        Ok(())
    }

    /// Weights into a model that was not compiled, and into one that was: fresh, then from the file.
    fn weights(&self, name: &str, out: &Path) -> Result<()> {
        let json = self.names("json").pop().ok_or("expected `json`")?;
        let mut model = model_from_json(&fs::read_to_string(self.folder.join(json))?)?;
        let path = self.folder.join(name);
        model.load_weights(&path)?.assert_existing_objects_matched()?;
        self.predict(&mut model, out)?;
        let models: Vec<PathBuf> = self.names("models").iter().map(|name| self.folder.join(name)).collect();
        if let Some(mut compiled) = models.iter().find_map(|path| load_model(path, LoadOptions::new()).ok()) {
            let zeros = |model: &Model| -> Result<()> {
                for weight in model.network().weights() {
                    let old = weight.variable.value();
                    weight.variable.assign(Tensor::zeros(old.dtype(), old.shape().clone())?)?;
                }
                Ok(())
            };
            zeros(&compiled)?;
            compiled.load_weights(&path)?.assert_existing_objects_matched()?;
            let out = out.join("compiled");
            fs::create_dir_all(&out)?;
            self.predict(&mut compiled, &out)?;
            if path.extension().is_some_and(|e| e == "h5") && !name.ends_with(".weights.h5") {
                zeros(&compiled)?;
                let by_name = LoadWeightsOptions::new().by_name(true).skip_mismatch(true);
                compiled.load_weights_with(&path, &by_name)?.assert_existing_objects_matched()?;
                let out = out.join("by_name");
                fs::create_dir_all(&out)?;
                self.predict(&mut compiled, &out)?;
            }
        }
        Ok(())
    }
}

fn options_dialect(name: &str) -> Result<Dialect> {
    Ok(Dialect::from_name(name).ok_or("dialect")?)
}
