//! Layers that act in training only, against overfitting.

mod dropout;

pub use dropout::{Dropout, SpatialDropout, SpatialDropout1D, SpatialDropout2D, SpatialDropout3D};
