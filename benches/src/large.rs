//! A model of 400 MB as a file.

use std::path::{Path, PathBuf};

use kerox::prelude::*;
use kerox::saving::{LoadOptions, SaveOptions, load_model};

use crate::{Result, Run};

/// Four matrices of 100 MB.
fn model() -> Result<Sequential> {
    let dense = || Dense::new(5000).use_bias(false).kernel_initializer("ones");
    let model = Sequential::new().add(dense().input_shape([5000])).add(dense()).add(dense()).add(dense());
    model.ensure_built()?;
    Ok(model)
}

/// The model as a file of that name, flushed to disk or, as Python writes it, not.
pub fn save(folder: &Path, name: &str, durable: bool) -> Result<Run> {
    let model = model()?;
    let path = folder.join(name);
    let options = SaveOptions::new().durable(durable);
    Ok(Box::new(move || {
        model.save_with(&path, &options)?;
        Ok(1)
    }))
}

/// The same, read back.
pub fn load(folder: &Path, name: &str) -> Result<Run> {
    let path: PathBuf = folder.join(name);
    // A file that is there was written for a process that is to do nothing but load.
    if !path.exists() {
        model()?.save(&path)?;
    }
    Ok(Box::new(move || {
        load_model(&path, LoadOptions::new())?;
        Ok(1)
    }))
}
