//! The layers nearly every model has.

mod dense;
mod embedding;
mod identity;
mod input_layer;
mod masking;

pub use dense::Dense;
pub use embedding::Embedding;
pub use identity::Identity;
pub use input_layer::{Input, InputLayer};
pub use masking::Masking;
