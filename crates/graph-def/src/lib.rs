//! TensorFlow's graphs, imported into [`kerox_graph::Graph`] and run; graphs as functions of a SavedModel.
//!
//! | part | what it does |
//! |---|---|
//! | [`saved_model::load`] | opens a SavedModel of any origin: signatures, functions, variables |
//! | [`GraphModel`] | such a model; [`GraphModel::call`] runs a signature |
//! | [`GraphFunction`] | one signature or function as a graph, run by a plan or by the interpreter |
//! | [`export::FunctionLibrary`] | the way back: a graph as a function with TensorFlow's operations |
//!
//! Calls are inlined; handles of variables are resolved while importing, so that a graph reads and assigns
//! [`kerox_tensor::Variable`]s whose values come out of the model's checkpoint when they are first needed.
//! Operations are those of [`kerox_graph::ops`]; all that are missing are named in one error.
//!
//! # Example
//! ```no_run
//! use kerox_graph_def::saved_model;
//! use kerox_tensor::Tensor;
//!
//! let model = saved_model::load("models/half_plus_two/1", &["serve"])?;
//! let x = Tensor::from_vec(vec![1f32, 2.0], [2, 1])?;
//! for (name, value) in model.call("serving_default", &[("x", x)])? {
//!     println!("{name}: {value:?}");
//! }
//! # Ok::<(), kerox_graph_def::Error>(())
//! ```
#![forbid(unsafe_code)]

mod attrs;
mod control;
mod einsum;
mod error;
pub mod export;
mod function;
mod handle;
mod import;
mod inline;
mod library;
mod model;
mod nodes;
mod order;
mod predict;
mod restore;
pub mod saved_model;
mod scan;
mod state;
mod tables;
mod unroll;

pub use error::{Error, Result};
pub use function::GraphFunction;
pub use model::{FunctionInfo, GraphModel};
