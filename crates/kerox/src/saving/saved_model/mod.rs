//! SavedModels of Keras.
//!
//! | file | what it does |
//! |---|---|
//! | `read.rs` | the directory as a [`super::Package`]: architecture, training configuration, signatures |
//! | `check.rs` | whether graphs, objects, assets and checkpoint go together |
//! | `read_model.rs` | the model: layers by their configurations, weights, compile state, optimizer |
//! | `read_tables.rs` | vocabularies out of tables |
//! | `revive.rs` | layers and models of classes that are not known here, by their functions |
//! | `revived_layer.rs` | such a layer |
//! | `write.rs` | writing the directory: one transaction |
//! | `write_objects.rs` | the graph of objects: layers, variables, lists |
//! | `write_functions.rs` | the functions of the model and of every layer |
//! | `write_tables.rs` | tables of tokens, their files, weights of tokens |
//! | `write_metadata.rs` | what Keras is to know of each object |
//! | `write_optimizer.rs` | the optimizer's state, in the checkpoint alone |
//! | `trace.rs` | a layer's call as a graph |
//! | `signature.rs` | signatures that the caller names |

mod check;
mod read;
mod read_model;
mod read_tables;
mod revive;
mod revived_layer;
mod signature;
mod trace;
mod write;
mod write_functions;
mod write_metadata;
mod write_objects;
mod write_optimizer;
mod write_tables;

pub(super) use check::check;
pub(super) use read::{SavedKeras, open};
pub(super) use read_model::load;
pub use revived_layer::RevivedLayer;
pub use signature::ServingSignature;
pub(super) use write::save;
