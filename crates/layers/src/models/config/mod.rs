//! Models from and to configurations.
//!
//! | file | what it does |
//! |---|---|
//! | `read.rs` | builds models from the neutral form of [`kerox_config_json::ModelConfig`] |
//! | `write.rs` | gives the neutral form of a model |
//! | `document.rs` | whole documents: `to_json`, `model_from_json`, `config.json` of `.keras`, attributes of HDF5 |

mod document;
mod read;
mod write;

pub use document::{from_document, model_from_json, to_document, to_json};
pub use read::from_config;
pub use write::to_config;

pub(crate) use read::input_tensor;
pub(crate) use write::layer_object;
pub(super) use write::{bare, functional_config, sequential_config};
