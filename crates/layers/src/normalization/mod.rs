//! Normalization: means and variances brought to what the next layer likes.

mod batch_normalization;
mod batch_renormalization;
mod batch_statistics;
mod group_normalization;
mod layer_normalization;
mod rms_normalization;
mod spectral_normalization;
mod types;
mod unit_normalization;

pub use batch_normalization::BatchNormalization;
pub use group_normalization::GroupNormalization;
pub use layer_normalization::LayerNormalization;
pub use rms_normalization::RMSNormalization;
pub use spectral_normalization::SpectralNormalization;
pub use unit_normalization::UnitNormalization;
