//! Attention: weighted sums of values, the weights of which come from queries and keys.

mod additive_attention;
mod dot_attention;
mod group_query_attention;
mod heads;
mod heads_dense;
mod masks;
mod multi_head_attention;
mod projections;
mod scores;

pub use additive_attention::AdditiveAttention;
pub use dot_attention::{Attention, ScoreMode};
pub use group_query_attention::GroupQueryAttention;
pub use multi_head_attention::MultiHeadAttention;
