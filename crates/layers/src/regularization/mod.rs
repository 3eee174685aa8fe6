//! Layers that act in training only, against overfitting.

mod activity_regularization;
mod alpha_dropout;
mod dropout;
mod noise;

pub use activity_regularization::ActivityRegularization;
pub use alpha_dropout::AlphaDropout;
pub(crate) use dropout::Seeded;
pub use dropout::{Dropout, SpatialDropout, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D};
pub use noise::{GaussianDropout, GaussianNoise};
