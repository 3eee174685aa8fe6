//! Layers that make one of several inputs.

mod concatenate;
mod dot;
mod keras3;
mod merge;

pub use concatenate::Concatenate;
pub use dot::Dot;
pub use merge::{Add, Average, Combine, Maximum, Merge, Minimum, Multiply, Subtract};
pub use merge::{Averages, Differences, Largest, Products, Smallest, Sums};
