//! Activations that are layers.

mod activation_layer;
mod leaky_relu;
mod p_relu;
mod relu;
mod softmax;

pub use activation_layer::ActivationLayer;
pub use leaky_relu::{ELU, LeakyReLU, ThresholdedReLU};
pub use p_relu::PReLU;
pub use relu::ReLU;
pub use softmax::Softmax;
