//! Normalization: means and variances brought to what the next layer likes.

mod batch_normalization;
mod layer_normalization;
mod unit_normalization;

pub use batch_normalization::BatchNormalization;
pub use layer_normalization::LayerNormalization;
pub use unit_normalization::UnitNormalization;
