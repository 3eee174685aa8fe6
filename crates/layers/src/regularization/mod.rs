//! Layers that act in training only, against overfitting.

mod activity_regularization;
mod dropout;
mod noise;

pub use activity_regularization::ActivityRegularization;
pub(crate) use dropout::Seeded;
pub use dropout::{Dropout, SpatialDropout, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D};
pub use noise::{AlphaDropout, GaussianDropout, GaussianNoise};
