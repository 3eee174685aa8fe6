//! SavedModels that Keras saved, as models.
//!
//! | file | what it does |
//! |---|---|
//! | `read.rs` | the directory as a [`super::Package`]: architecture, training configuration, signatures |
//! | `read_model.rs` | the model: layers by their configurations, weights, compile state, optimizer |
//! | `revive.rs` | layers and models of classes that are not known here, by their functions |
//! | `revived_layer.rs` | such a layer |

mod read;
mod read_model;
mod revive;
mod revived_layer;

pub(super) use read::{SavedKeras, open};
pub(super) use read_model::load;
pub use revived_layer::RevivedLayer;
