//! Data on its way into a model: arrays, batches, generators.

mod arrays;
mod batches;

pub use arrays::{Arrays, IntoArrays};
pub use batches::{Batch, Batches, DataSource};
