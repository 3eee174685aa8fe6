//! The layers nearly every model has.

mod add_loss;
mod add_metric;
mod dense;
mod einsum_dense;
mod embedding;
mod identity;
mod input_layer;
mod masking;
mod random_fourier_features;
mod reversible_embedding;

pub use add_loss::AddLoss;
pub use add_metric::AddMetric;
pub use dense::Dense;
pub use einsum_dense::EinsumDense;
pub use embedding::Embedding;
pub use identity::Identity;
pub use input_layer::{Input, InputLayer};
pub use masking::Masking;
pub use random_fourier_features::RandomFourierFeatures;
pub use reversible_embedding::ReversibleEmbedding;
