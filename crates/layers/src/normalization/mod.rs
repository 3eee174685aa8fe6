//! Normalization: means and variances brought to what the next layer likes.

mod batch_normalization;

pub use batch_normalization::BatchNormalization;
