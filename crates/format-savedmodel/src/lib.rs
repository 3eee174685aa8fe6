//! TensorFlow SavedModels without TensorFlow: every message, a reader and a writer.
//!
//! | module | what it holds |
//! |---|---|
//! | [`messages`] | TensorFlow's protobuf messages as plain structs |
//! | [`ops`] | what operations are: arguments, attributes, defaults |
//! | [`wire`], [`text`] | their binary and text format, without loss |
//!
//! Tensors and names are all this crate knows: it neither runs graphs nor knows layers.

#![forbid(unsafe_code)]

mod attr;
mod error;
#[macro_use]
pub mod wire;
pub mod messages;
mod node_input;
pub mod ops;
mod tensor_proto;
pub mod text;

pub use error::{Error, Result};
pub use node_input::NodeInput;
pub use tensor_proto::MAX_FILLED_BYTES;
