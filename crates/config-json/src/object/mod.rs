//! What Keras serializes.

mod encoded;
mod serialized;

pub use encoded::{Encoded, TensorHistory};
pub use serialized::Object;
