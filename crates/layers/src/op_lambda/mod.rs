//! Operations met in functional models: `x * 2.0`, `tf.concat`, `keras.ops.relu`.
//!
//! | file | what it holds |
//! |---|---|
//! | `layer.rs` | [`OpLambda`], the layer that stands for one operation |
//! | `inputs.rs` | arguments by position or name, constants as values |
//! | `table.rs` | what each function adds to the graph |
//! | `operators.rs` | `+`, `-`, `*`, `/` and slices of symbolic tensors |

mod inputs;
mod layer;
mod operators;
mod table;

pub use layer::OpLambda;
pub(crate) use layer::from_operation;
