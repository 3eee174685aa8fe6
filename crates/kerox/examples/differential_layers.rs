//! Loads, predicts with, writes back and trains the model of every case of a directory: for
//! `interop/differential_layers/check.py`, which judges what comes out.

use std::error::Error;
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use kerox::prelude::*;
use kerox::saving::{Dialect, LoadOptions, SaveOptions, load_model};
use kerox_config_json::{Config, Style, Value as Json};
use kerox_tensor::npy;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn read(dir: &Path, name: &str) -> Result<Tensor> {
    Ok(npy::read(&mut File::open(dir.join(format!("{name}.npy")))?, name)?)
}

fn write(dir: &Path, name: &str, tensor: &Tensor) -> Result<()> {
    Ok(npy::write(tensor, &mut File::create(dir.join(format!("{name}.npy")))?, name)?)
}

fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// An array of strings stands in the settings, another in a file.
fn input(dir: &Path, i: usize, given: &Json) -> Result<Tensor> {
    let Some(strings) = given.get("strings").and_then(Json::as_list) else {
        return read(dir, &format!("x_{i}"));
    };
    let shape = given.get("shape").and_then(Json::as_list).unwrap_or_default();
    let shape: Vec<usize> = shape.iter().filter_map(Json::as_i64).map(|n| n as usize).collect();
    Ok(Tensor::from_strings(strings.iter().filter_map(Json::as_str), shape)?)
}

struct Case<'a> {
    dir: &'a Path,
    settings: &'a Json,
    result: Config,
    errors: Config,
}

impl Case<'_> {
    /// Notes the error or panic of a part.
    fn part<T>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> Result<T>) -> Option<T> {
        let outcome = catch_unwind(AssertUnwindSafe(|| work(self)));
        let text = match outcome {
            Ok(Ok(value)) => return Some(value),
            Ok(Err(error)) => whole(&*error),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                format!(
                    "panic: {}",
                    text.or_else(|| panic.downcast_ref::<&str>().map(|s| s.to_string())).unwrap_or_default()
                )
            }
        };
        self.errors.insert(name, text);
        None
    }

    fn text(&self, key: &str) -> String {
        self.settings.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
    }

    fn run(&mut self) -> Option<()> {
        let mut model =
            self.part("load", |case| Ok(load_model(case.dir.join(case.text("file")), LoadOptions::new())?))?;
        self.result.insert("params", model.network().count_params().unwrap_or_default() as i64);
        let summary = self.part("summary", |_| Ok(model.summary()?));
        self.result.insert("summary", summary.unwrap_or_default());
        let dialect = Dialect::from_name(&self.text("dialect"))?;
        let config = self.part("config", |_| Ok(model.to_json_for(dialect)?));
        self.result.insert("config", config.unwrap_or_default());
        let x = self.part("inputs", |case| {
            let given = case.settings.get("inputs").and_then(Json::as_list).unwrap_or_default();
            given.iter().enumerate().map(|(i, given)| input(case.dir, i, given)).collect::<Result<Vec<_>>>()
        })?;
        let back = self.text("back");
        let saved =
            self.part("save", |case| Ok(model.save_with(case.dir.join(&back), &SaveOptions::new().dialect(dialect))?));
        if saved.is_some() {
            self.result.insert("back", back);
        }
        self.part("predict", |case| {
            let outputs = model.predict_on_batch(x.clone())?;
            outputs.iter().enumerate().try_for_each(|(i, y)| write(case.dir, &format!("output_{i}"), y))
        })?;
        let number = |key: &str| self.settings.get(key).and_then(Json::as_i64).unwrap_or(0) as usize;
        let (steps, outputs) = (number("steps"), number("outputs"));
        if steps > 0 {
            self.part("train", |case| {
                let y = (0..outputs).map(|i| read(case.dir, &format!("y_{i}"))).collect::<Result<Vec<_>>>()?;
                let mut losses = Vec::new();
                for _ in 0..steps {
                    losses.push(Json::from(
                        model.train_on_batch(x.clone(), y.clone(), None)?.get("loss").ok_or("no loss")?,
                    ));
                }
                let weights = model.get_weights();
                weights.iter().enumerate().try_for_each(|(i, w)| write(case.dir, &format!("weight_{i}"), w))?;
                case.result.insert("losses", Json::List(losses));
                Ok(())
            })?;
        }
        Some(())
    }
}

fn main() -> Result<()> {
    let root = std::env::args().nth(1).ok_or("give the directory of the cases")?;
    let mut dirs: Vec<PathBuf> = fs::read_dir(&root)?.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
    dirs.sort();
    for dir in dirs.into_iter().filter(|dir| dir.join("case.json").is_file()) {
        let settings = Json::parse(&fs::read_to_string(dir.join("case.json"))?)?;
        kerox::layers::clear_session();
        let mut case = Case { dir: &dir, settings: &settings, result: Config::new(), errors: Config::new() };
        case.run();
        let Case { mut result, errors, .. } = case;
        result.insert("errors", errors);
        fs::write(dir.join("result.json"), Json::from(result).to_json(Style::default()))?;
    }
    Ok(())
}
