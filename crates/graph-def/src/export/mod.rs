//! Graphs as functions of a SavedModel.
//!
//! | file | what it does |
//! |---|---|
//! | `library.rs` | functions by name, and functions that only call another one |
//! | `lower.rs` | replaces operations of this library's own by TensorFlow's, leaves out what is not needed |
//! | `define.rs` | a graph as a `FunctionDef`: arguments, nodes, results, captured variables |
//! | `node.rs` | one node: attributes held against TensorFlow's declaration of the operation |
//! | `capture.rs` | the variables and tables that a graph uses |
//! | `attrs.rs` | the values of attributes |
//!
//! A variable that a graph reads or assigns becomes an argument of type resource behind the others, and so does a table
//! that it looks into. Functions inside (bodies of loops, branches) become functions of the library too, and get what
//! they use handed through.

mod attrs;
mod capture;
mod define;
mod library;
mod lower;
mod node;

pub use capture::Capture;
pub use library::{ExportedFunction, FunctionLibrary};
