//! TensorFlow SavedModels without TensorFlow: every message, a reader and a writer.
//!
//! | module | what it holds |
//! |---|---|
//! | [`SavedModel`], [`MetaGraph`] | a directory: signatures, functions, objects, assets, Keras's metadata |
//! | [`fingerprint`] | the hashes of `fingerprint.pb` |
//! | [`SavedModelBuilder`], [`SavedModelFiles`] | a directory from plain data |
//! | [`messages`] | TensorFlow's protobuf messages as plain structs |
//! | [`ops`] | what operations are: arguments, attributes, defaults |
//! | [`wire`], [`text`] | their binary and text format, without loss |
//!
//! Tensors and names are all this crate knows: it neither runs graphs nor knows layers.

#![forbid(unsafe_code)]

mod argspec;
mod attr;
mod builder;
mod error;
mod fingerprint;
#[macro_use]
pub mod wire;
pub mod messages;
mod model;
mod node_input;
pub mod ops;
mod structured;
mod tensor_proto;
pub mod text;

pub use argspec::ArgSpec;
pub use builder::{NodeId, SavedModelBuilder, SavedModelFiles, TextTable};
pub use error::{Error, Result};
pub use fingerprint::fingerprint;
pub use model::{
    Asset, CheckpointKeys, ConcreteFunction, Flaw, Functions, KerasNode, MetaGraph, Object, Objects, Paths, SavedModel,
    Signature, SignatureTensor, V1Variable, checkpoint_keys,
};
pub use node_input::NodeInput;
pub use structured::{Structured, TensorSpec};
pub use tensor_proto::MAX_FILLED_BYTES;
