//! What the outputs of nodes are while a graph is imported.

use std::sync::Arc;

use kerox_graph::{Dims, Value};
use kerox_tensor::DType;

use crate::unroll::List;

/// A variable before anything of it is read.
#[derive(Debug, PartialEq)]
pub(crate) struct Handle {
    /// The name that stands for it in the session.
    pub name: String,
    /// Its key in the checkpoint, where an object says so.
    pub key: Option<String>,
    /// The type of its elements.
    pub dtype: DType,
    /// Its shape as far as known.
    pub dims: Dims,
    /// Whether it is a reference of TensorFlow 1, which is read by using it.
    pub is_ref: bool,
}

/// A tensor of the checkpoint, not yet read.
#[derive(Debug, PartialEq)]
pub(crate) struct Stored {
    /// Its key.
    pub key: String,
    /// The part of it, in TensorFlow's notation; empty for all.
    pub slice: String,
}

/// An output of a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Slot {
    /// A value of the graph.
    Value(Value),
    /// A variable.
    Variable(Arc<Handle>),
    /// A tensor of the checkpoint.
    Stored(Arc<Stored>),
    /// A list of tensors with known elements.
    List(Arc<List>),
}
