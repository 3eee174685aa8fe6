//! Numeric kernels: plain functions over slices with explicit dimensions.
//!
//! | module | what it computes |
//! |---|---|
//! | [`gemm`] | matrix products, by OpenBLAS or in pure Rust |
//! | [`unary`], [`binary`], [`broadcast`] | elementwise operations with their gradients, numpy broadcasting |
//! | [`reduce`], [`arg_reduce`] | sums, means, extremes over any axes |
//! | [`softmax`], [`cross_entropy`] | softmax, its logarithm, and the loss on top of it |
//! | [`view`], [`mod@concat`], [`gather`], [`cumulative`] | parts and rearrangements of arrays |
//! | [`batch_norm`], [`layer_norm`] | normalisation with gradients |
//! | [`rnn`] | LSTM, GRU and SimpleRNN over all steps, with backpropagation through time |
//! | [`matrices`], [`fourier`] | decompositions of small matrices and Fourier transforms, which use vectors of their own |
//! | [`special`] | gamma, Bessel and inverse error functions |
//! | [`resize`] | images in another size |
//! | [`random_words`] | many random words at once |
//! | [`window`], [`conv`], [`depthwise`], [`pool`] | convolutions and pooling over 1, 2 or 3 spatial axes, channels last |
//!
//! Every other kernel writes into a slice given by the caller. None of them allocates: where room for intermediate values is needed
//! the caller gives a scratch slice, and the plan types ([`broadcast::Broadcast`], [`conv::ConvPlan`], ...), which are
//! made once for a shape, say how long it has to be. Slices of other lengths than documented are a bug of the caller
//! and panic. Shapes that come from a model are checked where the plan is made, with an error.
//!
//! Kernels use as many threads as [`set_threads`] allows, and one where the work is too small to pay for more; the
//! result never depends on the number of threads, except by the rounding of matrix products.

#![allow(clippy::needless_range_loop, reason = "kernels index several slices with one counter")]

mod column_sums;
mod float;
mod float_math;
mod number;
mod wide;

pub mod arg_reduce;
pub mod batch_norm;
pub mod binary;
pub mod broadcast;
pub mod concat;
pub mod conv;
pub mod cross_entropy;
pub mod cumulative;
pub mod depthwise;
pub mod fourier;
pub mod gather;
pub mod gemm;
pub mod layer_norm;
pub mod matrices;
pub mod pool;
pub mod random_words;
pub mod reduce;
pub mod resize;
pub mod rnn;
pub mod softmax;
pub mod special;
pub mod unary;
pub mod view;
pub mod window;

pub use crate::parallel::{set_threads, threads};
pub use float::Float;
pub use gemm::backend_name;
pub use number::Number;
