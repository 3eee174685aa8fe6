//! Operations: the names and types of their inputs, outputs and attributes, and the attributes' defaults.
//!
//! A SavedModel leaves out attributes that have their default value; [`Attrs`] puts them back. What an operation is
//! comes from a table in this crate, from the `stripped_op_list` of the model and, for nodes that call a function by its
//! name, from the function library ([`OpRegistry`]).

mod attrs;
mod parse;
mod registry;
mod signature;
mod spec;
mod table;

pub use attrs::Attrs;
pub use registry::{OpRegistry, known_ops};
pub use signature::{NodeSignature, Port};
pub use spec::{ArgSpec, ArgType, AttrSpec, OpSpec};
