//! Keras's training loop: compile, fit, evaluate and predict, with losses, metrics and callbacks.
//!
//! | part | what it holds |
//! |---|---|
//! | [`Model`] | a network of layers with what it was compiled with |
//! | [`Fit`], [`Evaluate`], [`Predict`] | the arguments of training, evaluation and prediction |
//! | [`losses`], [`metrics`] | functions of targets and predictions, traced into the graph of the step |
//! | [`callbacks`] | what happens around training |
//! | [`console`] | what training prints |
//! | [`saving`] | how callbacks write models |
//! | [`data`] | arrays, batches, generators |
//!
//! A step (forward, loss, metrics, gradients) is one graph, compiled once per batch shape; running it allocates
//! nothing.
#![forbid(unsafe_code)]

pub mod callbacks;
pub mod console;
pub mod data;
mod error;
pub mod losses;
pub mod metrics;
pub mod model;
pub mod saving;

pub use callbacks::{Callback, History, Logs};
pub use error::{Error, Result};
pub use model::{Evaluate, Fit, Model, Predict};
