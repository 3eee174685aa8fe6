//! Layers that make one of several inputs.

mod concatenate;
mod merge;

pub use concatenate::Concatenate;
pub use merge::{Add, Average, Combine, Maximum, Merge, Minimum, Multiply, Subtract};
pub use merge::{Averages, Differences, Largest, Products, Smallest, Sums};
