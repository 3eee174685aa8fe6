//! Keras's automatic names.

mod snake_case;
mod unique;

pub use snake_case::snake_case;
pub use unique::UniqueNames;
