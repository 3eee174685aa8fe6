//! `ZeroPadding1D`, `ZeroPadding2D`, `ZeroPadding3D`: zeros around the input.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;

use super::Border;
use crate::arguments::{axes_of_rank, one_input, spatial_shape};
use crate::registry::LayerEntry;
use crate::{Args, Base, Call, DataFormat, Layer, LayerRef, Result};

/// Puts zeros around the input.
///
/// # Shapes
/// input and output `[batch, spatial..., channels]` (or `[batch, channels, spatial...]`).
///
/// # Errors
/// An input of another number of axes.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, reshaping::ZeroPadding2D};
/// let y = ZeroPadding2D::new(1).on(&Input([8, 6, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 10, 8, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.ZeroPadding1D`, `ZeroPadding2D`, `ZeroPadding3D`.
#[derive(Debug)]
pub struct ZeroPadding<const N: usize> {
    base: Base,
    padding: Border<N>,
    data_format: DataFormat,
}

/// Over steps.
pub type ZeroPadding1D = ZeroPadding<1>;
/// Over height and width.
pub type ZeroPadding2D = ZeroPadding<2>;
/// Over depth, height and width.
pub type ZeroPadding3D = ZeroPadding<3>;

impl<const N: usize> ZeroPadding<N> {
    const CLASS: &'static str = ["", "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"][N];

    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: Self::CLASS, aliases: &[], module: "keras.layers", from_config: Self::from_config };

    /// That many elements on both sides of each axis, or as many as are given for each side.
    pub fn new(padding: impl Into<Border<N>>) -> Self {
        ZeroPadding { base: Base::new(Self::CLASS), padding: padding.into(), data_format: DataFormat::ChannelsLast }
    }

    /// Where the channels stand; last by default.
    #[must_use]
    pub fn data_format(mut self, data_format: impl Into<DataFormat>) -> Self {
        self.data_format = data_format.into();
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = ZeroPadding::<N> {
            base: Base::from_config(Self::CLASS, fields)?,
            padding: Border::read(fields, "padding", 1)?,
            data_format: DataFormat::read(fields)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl<const N: usize> Layer for ZeroPadding<N> {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        axes_of_rank(self, cx.g.dims(x), N + 2, &spatial_shape(N, self.data_format))?;
        let first = self.data_format.first_spatial();
        let mut paddings = vec![(0, 0); N + 2];
        for (i, &(before, after)) in self.padding.0.iter().enumerate() {
            paddings[first + i] = (before as i64, after as i64);
        }
        Ok(vec![cx.g.pad(x, &paddings)?])
    }

    fn config(&self) -> Result<Config> {
        let config = self.base.config().with("padding", self.padding.json());
        // Sequences have their channels last in Keras 2, which writes no format for them.
        let config = match N {
            1 if self.data_format == DataFormat::ChannelsLast => config,
            _ => config.with("data_format", self.data_format.name()),
        };
        Ok(config.with_rest(self.base.rest()))
    }
}
