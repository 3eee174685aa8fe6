//! Loads a model that Keras saved as a SavedModel, goes on training it, and writes it in another format.
//!
//! The SavedModel part of the tutorial "Save and load models" of TensorFlow.

#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;

use kerox::callbacks::Logs;
use kerox::prelude::*;
use kerox::saving::{ConvertOptions, LoadOptions, convert, inspect, load_model};

fn main() -> Result<(), Box<dyn Error>> {
    // Keras 2.15 wrote it: `model.save("mlp", save_format="tf")`.
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/savedmodel/mlp");

    // What is in it, without building a model.
    let found = inspect(&dir)?;
    println!("{} of Keras {}", found.format, found.keras_version.as_deref().unwrap_or("?"));
    for layer in found.layers.iter().flatten() {
        println!("  {} `{}`, {} parameters", layer.class_name, layer.name, layer.params.unwrap_or(0));
    }
    for signature in &found.package.signatures {
        println!("  signature `{}`", signature.name);
    }

    // The whole model: architecture, weights, what it was compiled with, the optimizer's state.
    let mut model = load_model(&dir, LoadOptions::new())?;
    println!("{}", model.summary()?);
    assert_eq!(model.optimizer()?.class_name(), "Adam");
    assert_eq!(model.optimizer()?.iterations().value().to_scalar::<i64>()?, 1);

    // It trains on as if it had never been away.
    let x = Tensor::from_vec((0..128).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<f32>>(), [16, 8])?;
    let y = Tensor::from_vec((0..16).map(|i| i % 4).collect::<Vec<i64>>(), [16])?;
    let before = model.evaluate(&x, &y, Evaluate::default().verbose(0))?;
    model.fit(&x, &y, Fit::default().epochs(60).verbose(0).seed(1))?;
    let after = model.evaluate(&x, &y, Evaluate::default().verbose(0))?;
    let loss = |logs: &Logs| logs.get("loss").unwrap_or(f64::NAN);
    println!("loss {:.3} before, {:.3} after", loss(&before), loss(&after));
    assert!(loss(&after) < loss(&before));

    // From one format to another, the optimizer's state included.
    let path = std::env::temp_dir().join(format!("kerox-saved-model-{}.keras", std::process::id()));
    let lost = convert(&dir, &path, &ConvertOptions::new())?;
    assert!(lost.is_empty(), "{lost:?}");
    let again = load_model(&path, LoadOptions::new())?;
    assert_eq!(again.optimizer()?.iterations().value().to_scalar::<i64>()?, 1);
    println!("and as {}", path.display());
    std::fs::remove_file(path)?;
    Ok(())
}
