//! Models from and to configurations.

use kerox_config_json::Config;

use super::{Functional, Sequential};
use crate::{Layer, Result};

/// The configuration of a Sequential model.
pub(super) fn sequential(model: &Sequential) -> Result<Config> {
    Ok(Config::new().with("name", model.base().name()))
}

/// The configuration of a functional model.
pub(super) fn functional(model: &Functional) -> Result<Config> {
    Ok(Config::new().with("name", model.base().name()))
}
