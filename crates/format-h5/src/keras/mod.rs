//! What Keras puts into HDF5 files.
//!
//! | file | written by | read with | written with |
//! |---|---|---|---|
//! | whole model `.h5` | `model.save("m.h5")` | [`ModelFile`] | [`ModelToWrite`] |
//! | weights `.h5` | `model.save_weights("w.h5")` | [`ModelFile`] | [`ModelToWrite`] |
//! | weights tree `.weights.h5`, also inside `.keras` | `model.save_weights("w.weights.h5")` | [`WeightsTree`] | [`TreeToWrite`] |
//!
//! [`detect`] tells them apart by content. What each version of Keras writes differently:
//!
//! | Keras | names of layers and weights | weights | other |
//! |---|---|---|---|
//! | 1 | fixed-length strings | `dense_1_W` | no `keras_version`, no `backend` |
//! | 2.0 to 2.4 | fixed-length strings | `dense/kernel:0` | `optimizer_weights` in the legacy optimizers' order |
//! | 2.5 to 2.15 | variable-length strings | `dense/kernel:0` | `top_level_model_weights` |
//! | 3 (legacy writer) | variable-length strings | `sequential/dense/kernel` | `adam/learning_rate` among the optimizer's weights |
//!
//! In every version an empty list of names is a float64 array of shape `[0]`, and a list whose fixed-length form takes
//! more than 64512 bytes is split over attributes `weight_names0`, `weight_names1`, ...

mod detect;
mod model_file;
mod model_to_write;
mod names;
mod tree_to_write;
mod weights_tree;

pub use detect::{Layout, detect};
pub use model_file::{LayerWeights, ModelFile, Weight};
pub use model_to_write::{LayerToWrite, ModelToWrite, NamedTensor, WholeModel};
pub use tree_to_write::TreeToWrite;
pub use weights_tree::{TreeVariables, WeightsTree};
