//! `Cropping1D`, `Cropping2D`, `Cropping3D`: what is at the borders is cut.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_graph::ops::Index;

use super::Border;
use crate::arguments::{axes_of_rank, one_input, spatial_shape};
use crate::call::input_error;
use crate::registry::LayerEntry;
use crate::{Args, Base, Call, DataFormat, Layer, LayerRef, Result};

/// Cuts elements off the borders of the input.
///
/// # Shapes
/// input and output `[batch, spatial..., channels]` (or `[batch, channels, spatial...]`).
///
/// # Errors
/// An input of another number of axes; nothing left of an axis.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, reshaping::Cropping2D};
/// let y = Cropping2D::new(1).on(&Input([8, 6, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 6, 4, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Cropping1D`, `Cropping2D`, `Cropping3D`.
#[derive(Debug)]
pub struct Cropping<const N: usize> {
    base: Base,
    cropping: Border<N>,
    data_format: DataFormat,
}

/// Over steps.
pub type Cropping1D = Cropping<1>;
/// Over height and width.
pub type Cropping2D = Cropping<2>;
/// Over depth, height and width.
pub type Cropping3D = Cropping<3>;

impl<const N: usize> Cropping<N> {
    const CLASS: &'static str = ["", "Cropping1D", "Cropping2D", "Cropping3D"][N];

    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: Self::CLASS, aliases: &[], module: "keras.layers", from_config: Self::from_config };

    /// That many elements on both sides of each axis, or as many as are given for each side.
    pub fn new(cropping: impl Into<Border<N>>) -> Self {
        Cropping { base: Base::new(Self::CLASS), cropping: cropping.into(), data_format: DataFormat::ChannelsLast }
    }

    /// Where the channels stand; last by default.
    #[must_use]
    pub fn data_format(mut self, data_format: impl Into<DataFormat>) -> Self {
        self.data_format = data_format.into();
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = Cropping::<N> {
            base: Base::from_config(Self::CLASS, fields)?,
            cropping: Border::read(fields, "cropping", usize::from(N != 2))?,
            data_format: DataFormat::read(fields)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl<const N: usize> Layer for Cropping<N> {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let axes = axes_of_rank(self, cx.g.dims(x), N + 2, &spatial_shape(N, self.data_format))?;
        let first = self.data_format.first_spatial();
        let mut entries = vec![Index::ALL; N + 2];
        for (i, &(before, after)) in self.cropping.0.iter().enumerate() {
            if axes[first + i].is_some_and(|length| length <= before.saturating_add(after)) {
                let expected = format!("more than {} elements along spatial axis {i}", before.saturating_add(after));
                return Err(input_error(self, expected, format!("shape {}", cx.g.dims(x))));
            }
            let end = if after == 0 { None } else { Some(-(after as i64)) };
            entries[first + i] = Index::Range(Some(before as i64), end, 1);
        }
        Ok(vec![cx.g.strided_slice(x, &entries)?])
    }

    fn config(&self) -> Result<Config> {
        let config = self.base.config().with("cropping", self.cropping.json());
        // Sequences have their channels last in Keras 2, which writes no format for them.
        let config = match N {
            1 if self.data_format == DataFormat::ChannelsLast => config,
            _ => config.with("data_format", self.data_format.name()),
        };
        Ok(config.with_rest(self.base.rest()))
    }
}
