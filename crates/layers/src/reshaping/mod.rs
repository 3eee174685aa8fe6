//! Layers that arrange elements anew.

mod flatten;
mod reshape;

pub use flatten::Flatten;
pub use reshape::Reshape;
