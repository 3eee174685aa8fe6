//! Convolutions over 1, 2 or 3 spatial axes.

mod conv_nd;
mod geometry;

pub use conv_nd::{Conv, Conv1D, Conv2D, Conv3D};
pub use geometry::ConvPadding;
pub(crate) use geometry::check_fits;
