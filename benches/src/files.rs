//! Files of the trained MLP with its optimizer.

use std::path::Path;
use std::process::Command;

use kerox::prelude::*;
use kerox::saved_model;
use kerox::saving::{LoadOptions, load_model};

use crate::{Result, Run, data, models};

/// The word that tells a fresh process to load a model and predict.
pub const START: &str = "start";

/// A model whose optimizer has a state.
fn trained() -> Result<Sequential> {
    let mut model = models::mlp()?;
    let (x, y) = data::digits(64)?;
    model.fit(&x, &y, Fit::default().verbose(0))?;
    Ok(model)
}

/// The whole model as a file of that name.
pub fn save(folder: &Path, name: &str) -> Result<Run> {
    let model = trained()?;
    let path = folder.join(name);
    Ok(Box::new(move || {
        model.save(&path)?;
        Ok(1)
    }))
}

/// The same, read back.
pub fn load(folder: &Path, name: &str) -> Result<Run> {
    let path = folder.join(name);
    trained()?.save(&path)?;
    Ok(Box::new(move || {
        load_model(&path, LoadOptions::new())?;
        Ok(1)
    }))
}

/// One sample through the signature of the model as a SavedModel.
pub fn signature_one(folder: &Path) -> Result<Run> {
    let path = folder.join("saved");
    trained()?.save(&path)?;
    let loaded = saved_model::load(&path, &["serve"])?;
    let signature = loaded.signatures().iter().find(|s| s.name == "serving_default").ok_or("no signature")?;
    let name = signature.inputs.first().ok_or("no input")?.name.clone();
    let (x, _) = data::digits(1)?;
    Ok(Box::new(move || {
        for _ in 0..100 {
            loaded.call("serving_default", &[(&name, x.clone())])?;
        }
        Ok(100)
    }))
}

/// Weights and optimizer state as a TensorFlow checkpoint.
pub fn save_weights(folder: &Path) -> Result<Run> {
    let model = trained()?;
    let prefix = folder.join("weights");
    Ok(Box::new(move || {
        model.save_weights(&prefix)?;
        Ok(1)
    }))
}

/// The same, read back.
pub fn load_weights(folder: &Path) -> Result<Run> {
    let model = trained()?;
    let prefix = folder.join("weights");
    model.save_weights(&prefix)?;
    Ok(Box::new(move || {
        model.load_weights(&prefix)?;
        Ok(1)
    }))
}

/// A fresh process that loads the model and predicts one sample.
pub fn start(folder: &Path) -> Result<Run> {
    let path = folder.join("model.h5");
    trained()?.save(&path)?;
    let program = std::env::current_exe()?;
    Ok(Box::new(move || {
        let done = Command::new(&program).arg(START).arg(&path).output()?;
        match done.status.success() {
            true => Ok(1),
            false => Err(String::from_utf8_lossy(&done.stderr).into()),
        }
    }))
}

/// What that process does.
pub fn predict_one_from(path: &Path) -> Result<()> {
    let mut model = load_model(path, LoadOptions::new())?;
    let found = model.predict(&Tensor::zeros(DType::F32, [1, 784])?, Predict::default().verbose(0))?;
    println!("{:?}", found[0].shape());
    Ok(())
}
