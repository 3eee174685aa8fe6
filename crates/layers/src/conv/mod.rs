//! Convolutions over 1, 2 or 3 spatial axes.

mod conv_nd;
mod conv_transpose;
mod depthwise_conv;
mod geometry;
mod locally_connected;
mod window;

pub use conv_nd::{Conv, Conv1D, Conv2D, Conv3D};
pub use conv_transpose::{Conv1DTranspose, Conv2DTranspose, Conv3DTranspose, ConvTranspose};
pub use depthwise_conv::{ChannelConv, DepthwiseConv1D, DepthwiseConv2D, SeparableConv1D, SeparableConv2D};
pub use geometry::ConvPadding;
pub(crate) use geometry::check_fits;
pub use locally_connected::{LocallyConnected, LocallyConnected1D, LocallyConnected2D};
pub(crate) use window::{Window, window_builders};
