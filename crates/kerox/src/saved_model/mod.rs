//! SavedModels of any origin as graphs: signatures and functions that run, and layers made of them.
//!
//! | to | use |
//! |---|---|
//! | open a SavedModel of Keras, `tf.Module`, Keras 3's `export` or TensorFlow 1 | [`load`] |
//! | run a signature | [`GraphModel::call`] |
//! | see and run functions | [`GraphModel::functions`], [`GraphModel::function`] |
//! | put a SavedModel into a model, and train it there | [`TFSMLayer`] |
//! | get back the model that Keras saved | [`crate::saving::load_model`] |
//!
//! ```no_run
//! use kerox::prelude::*;
//! use kerox::saved_model;
//!
//! let model = saved_model::load("models/half_plus_two/1", &["serve"])?;
//! for signature in model.signatures() {
//!     println!("{}: {:?} -> {:?}", signature.name, signature.inputs, signature.outputs);
//! }
//! let x = Tensor::from_vec(vec![1f32, 2.0], [2, 1])?;
//! let outputs = model.call("serving_default", &[("x", x)])?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod tfsm_layer;
mod traces;

pub use kerox_format_savedmodel::{Signature, SignatureTensor};
pub use kerox_graph_def::saved_model::load;
pub use kerox_graph_def::{Error, FunctionInfo, GraphFunction, GraphModel, Result};
pub use tfsm_layer::TFSMLayer;
pub(crate) use traces::{Traces, layer_error};
