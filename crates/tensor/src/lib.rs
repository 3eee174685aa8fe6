//! Tensors with element type and rank known at run time, and what every other kerox crate meets at.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Tensor`], [`Buffer`], [`DType`], [`Shape`] | dense arrays, cheap to clone, in and out of `ndarray` |
//! | `kernels` | numeric kernels over slices, with the feature of that name |
//! | [`parallel`] | the threads among which kernels share their loops |
//! | [`flush_subnormals`] | numbers next to zero taken for zero, as graphs run |
//! | [`random`] | a counter-based random generator with saveable state |
//! | [`npy`], `npz` | numpy's files, archives with the feature of that name |
//! | [`fingerprint64`] | the hash that TensorFlow uses for strings and files |
//! | [`trackable`] | [`Variable`], named children, tensors by name: the seam between layers and file formats |
//!
//! Without the feature `kernels` (that is, without `openblas` or `pure`) nothing but plain arrays is compiled: that is
//! all a file format needs.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod buffer;
mod cast;
mod display;
mod dtype;
mod error;
mod fingerprint;
#[cfg(feature = "kernels")]
#[cfg_attr(docsrs, doc(cfg(feature = "kernels")))]
pub mod kernels;
pub mod npy;
#[cfg(feature = "npz")]
#[cfg_attr(docsrs, doc(cfg(feature = "npz")))]
pub mod npz;
mod pages;
pub mod parallel;
pub mod random;
mod shape;
mod subnormal;
mod tensor;
pub mod trackable;
mod vectorised;

pub use buffer::Buffer;
pub use dtype::{DType, Element, Plain};
pub use error::{Error, Result};
pub use fingerprint::{fingerprint_cat64, fingerprint64};
pub use half::{bf16, f16};
pub use shape::Shape;
pub use subnormal::flush_subnormals;
pub use tensor::Tensor;
pub use trackable::{Child, Slot, Trackable, Variable};
pub use vectorised::vectorised;
