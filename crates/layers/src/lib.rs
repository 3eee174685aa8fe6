//! Keras's layers and models: declared once, traced into a graph.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Layer`], [`LayerRef`], [`Base`] | what a layer is, how it is shared, what all have |
//! | [`Call`], [`Build`], [`Args`] | what a layer has at hand while it is called and built |
//! | [`core`], [`activation`], [`conv`], [`pooling`], [`normalization`], [`regularization`], [`reshaping`], [`merging`], [`augmentation`] | the layers, one file each |
//! | [`initializers`], [`regularizers`], [`constraints`], [`activations`] | what layers are parameterised with |
//! | [`KerasTensor`], [`Input`] | the functional API |
//! | [`models`] | models, their configurations, summaries and clones |
//! | [`op_lambda`] | operations on symbolic tensors: `x * 2.0`, `tf.concat` |
//! | [`registry`] | layers by class name, from and to configurations |
//!
//! A layer computes nothing by itself: [`Layer::call`] adds operations to a [`kerox_graph::Graph`].
#![forbid(unsafe_code)]

pub mod activation;
pub mod activations;
mod args;
mod arguments;
mod array;
pub mod attention;
pub mod augmentation;
mod base;
mod call;
pub mod constraints;
pub mod conv;
pub mod core;
mod data_format;
mod deferred;
mod einsum;
mod error;
pub mod initializers;
mod keras_tensor;
mod layer;
mod layer_state;
mod lengths;
mod limit;
mod lora;
pub mod merging;
pub mod mixed_precision;
pub mod models;
pub mod normalization;
pub mod op_lambda;
pub mod pooling;
pub mod preprocessing;
mod quantization;
pub mod random;
pub mod registry;
pub mod regularization;
pub mod regularizers;
pub mod reshaping;
pub mod rnn;
mod stft;
mod subclass;
mod weight_options;

pub use activations::Activation;
pub use args::{Arg, Args};
pub use base::{Base, DTypePolicy, Weight, clear_session, dims_to_json, unique_name};
pub use call::{Build, Call, CallRecord, WeightSpec};
pub use constraints::Constraint;
pub use core::Input;
pub use data_format::DataFormat;
pub use deferred::defer_initializers;
pub use error::{Error, Result};
pub use initializers::Initializer;
pub use keras_tensor::{CallNode, KerasTensor};
/// Makes the fields of a struct its configuration: see [`trait@Configured`].
pub use kerox_derive::Configured;
/// Makes a struct a layer: see [`Forward`].
pub use kerox_derive::Layer;
pub use layer::{Layer, LayerExt, LayerNode, LayerRef, Tracked, assign_weights};
pub use layer_state::LayerState;
pub use lengths::Lengths;
pub use limit::limit_weights;
pub use lora::{Lora, LoraOptions};
pub use quantization::Quantization;
pub use regularizers::Regularizer;
pub use subclass::{ConfigValue, Configured, Forward, FromConfig, Track, register_keras_serializable};

/// What the code that `#[derive(Layer)]` writes refers to.
#[doc(hidden)]
pub mod derived {
    pub use kerox_config_json::{Config, Fields};
    pub use kerox_graph::{Value, ValueInfo};
}
pub use weight_options::{ActivationOptions, BiasOptions, KernelOptions, OutputOptions, ScaleOptions, WeightOptions};
