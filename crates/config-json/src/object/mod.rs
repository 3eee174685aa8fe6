//! What Keras serializes.

mod encoded;
mod function;
mod serialized;

pub use encoded::{Encoded, PathedValue, TensorHistory};
pub use function::function_name;
pub use serialized::Object;
