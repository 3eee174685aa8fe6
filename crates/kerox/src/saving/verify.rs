//! Whether a file is whole.

use std::path::Path;

use kerox_config_json::{Config, Value as Json};

use super::package::{Package, SavedWeights};
use super::{LoadOptions, Result, load_package, saved_model};

/// Something wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The tensor, member or place in the configuration.
    pub place: String,
    /// What is wrong there.
    pub what: String,
}

/// The document that `kerox verify --json` prints.
pub fn problems_to_json(problems: &[Problem]) -> Json {
    let one = |problem: &Problem| {
        Json::from(Config::new().with("where", problem.place.as_str()).with("what", problem.what.as_str()))
    };
    let list = Json::List(problems.iter().map(one).collect());
    Config::new().with("ok", problems.is_empty()).with("problems", list).into()
}

/// Reads everything a file holds: every tensor with its checksum, the configuration, and the configuration against the
/// weights; of a SavedModel also that every operation is known, that functions, signatures and objects name nothing that
/// is not there, and the variables against the checkpoint. An empty list means that nothing is wrong.
///
/// # Errors
/// Only where nothing is at the path; a file that cannot be opened is a problem.
///
/// # Example
/// ```
/// use kerox::prelude::*;
/// let path = std::env::temp_dir().join("kerox-verify.keras");
/// Sequential::new().add(Dense::new(2).input_shape([3])).save(&path)?;
/// assert!(kerox::saving::verify(&path)?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn verify(path: impl AsRef<Path>) -> Result<Vec<Problem>> {
    let path = path.as_ref();
    let problem = |place: &str, what: String| Problem { place: place.to_string(), what };
    let package = match Package::open(path) {
        Ok(package) => package,
        Err(error @ super::Error::NotFound { .. }) => return Err(error),
        Err(error) => return Ok(vec![problem(&path.display().to_string(), error.to_string())]),
    };
    let mut problems = Vec::new();
    for info in package.tensors() {
        if let Err(error) = package.read(&info.name) {
            problems.push(problem(&info.name, error.to_string()));
        }
    }
    if let Some(archive) = &package.archive {
        for name in &archive.assets {
            if let Err(error) = archive.asset(name) {
                problems.push(problem(&format!("assets/{name}"), error.to_string()));
            }
        }
    }
    if let Some(keras) = &package.saved_keras {
        problems.extend(saved_model::check(&package, keras));
    }
    if package.config.is_none() {
        return Ok(problems);
    }
    match package.document() {
        Err(error) => problems.push(problem("config", error.to_string())),
        // Without weights there is nothing to hold the configuration against.
        Ok(_) if matches!(package.weights, SavedWeights::None) || !problems.is_empty() => {}
        Ok(_) => match load_package(&package, &LoadOptions::new().compile(false)) {
            Ok(_) => {}
            // A class that is not known here is no damage.
            Err(super::Error::Layer(kerox_layers::Error::Config(kerox_config_json::Error::Unknown { .. }))) => {}
            Err(super::Error::Layer(kerox_layers::Error::Config(kerox_config_json::Error::Code { .. }))) => {}
            Err(super::Error::UnknownLayer { .. }) => {}
            Err(error) => problems.push(problem("config", error.to_string())),
        },
    }
    Ok(problems)
}
