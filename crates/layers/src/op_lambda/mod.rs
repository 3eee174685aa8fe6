//! Operations met in functional models: `x * 2.0`, `tf.concat`, `keras.ops.relu`.
//!
//! | file | what it holds |
//! |---|---|
//! | `layer.rs` | [`OpLambda`], the layer that stands for one operation |
//! | `inputs.rs` | arguments by position or name, constants as values |
//! | `functions/` | functions of TensorFlow that no operation of Keras 3 is like |
//! | `table.rs` | what each function adds to the graph |
//! | `operations.rs` | what operations of Keras 3 add where they differ from functions of TensorFlow |
//! | `types.rs` | the types that operations of Keras 3 compute in |
//! | `operators.rs` | `+`, `-`, `*`, `/` and slices of symbolic tensors |

mod functions;
mod inputs;
mod layer;
mod operations;
mod operators;
mod table;
mod types;

pub use layer::OpLambda;
pub(crate) use layer::from_operation;
