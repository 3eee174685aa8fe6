//! The layers nearly every model has.

mod dense;
mod input_layer;

pub use dense::Dense;
pub use input_layer::{Input, InputLayer};
