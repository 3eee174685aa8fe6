//! `AdaptiveAveragePooling1D` to `AdaptiveMaxPooling3D`: outputs of a given size, whatever the input's.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Value, ValueInfo};

use crate::arguments::{axes_of_rank, one_input, spatial_shape};
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Build, Call, DataFormat, Layer, LayerRef, Lengths, Result};

/// The most outputs along an axis.
const MOST: usize = 1 << 16;

/// The largest element (`MAX`) or the mean of windows chosen so that the output has a given size: output `i` of `n`
/// covers the elements from `floor(i * length / n)` to `ceil((i + 1) * length / n)`.
///
/// # Shapes
/// input `[batch, spatial..., channels]` with known spatial lengths, output `[batch, output_size..., channels]`; or
/// both with the channels first.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, pooling::AdaptiveAveragePooling2D};
/// let x = Input([7, 5, 3]);
/// let y = AdaptiveAveragePooling2D::new([2, 3]).on(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 2, 3, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.AdaptiveAveragePooling1D` to `keras.layers.AdaptiveMaxPooling3D` of Keras 3.
#[derive(Debug)]
pub struct AdaptivePooling<const N: usize, const MAX: bool> {
    base: Base,
    output_size: Lengths<N>,
    data_format: DataFormat,
}

/// Means over steps.
pub type AdaptiveAveragePooling1D = AdaptivePooling<1, false>;
/// Means over height and width.
pub type AdaptiveAveragePooling2D = AdaptivePooling<2, false>;
/// Means over depth, height and width.
pub type AdaptiveAveragePooling3D = AdaptivePooling<3, false>;
/// Largest elements over steps.
pub type AdaptiveMaxPooling1D = AdaptivePooling<1, true>;
/// Largest elements over height and width.
pub type AdaptiveMaxPooling2D = AdaptivePooling<2, true>;
/// Largest elements over depth, height and width.
pub type AdaptiveMaxPooling3D = AdaptivePooling<3, true>;

impl<const N: usize, const MAX: bool> AdaptivePooling<N, MAX> {
    const CLASS: &'static str = [
        ["", "AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D", "AdaptiveAveragePooling3D"],
        ["", "AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D", "AdaptiveMaxPooling3D"],
    ][MAX as usize][N];

    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: Self::CLASS, aliases: &[], module: "keras.layers", from_config: Self::from_config };

    /// With outputs of that size.
    pub fn new(output_size: impl Into<Lengths<N>>) -> Self {
        AdaptivePooling {
            base: Base::new(Self::CLASS),
            output_size: output_size.into(),
            data_format: DataFormat::ChannelsLast,
        }
    }

    /// Where the channels stand; last by default.
    #[must_use]
    pub fn data_format(mut self, data_format: impl Into<DataFormat>) -> Self {
        self.data_format = data_format.into();
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = AdaptivePooling::<N, MAX> {
            base: Base::from_config(Self::CLASS, fields)?,
            output_size: Lengths::required(fields, "output_size")?,
            data_format: DataFormat::read(fields)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl<const N: usize, const MAX: bool> Layer for AdaptivePooling<N, MAX> {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, _: &mut Build, _: &[ValueInfo]) -> Result<()> {
        // Each output is a window of its own in the graph.
        if self.output_size.0.iter().any(|size| !(1..=MOST).contains(size)) {
            let found = format!("{:?}", self.output_size.0);
            return Err(argument_error(&self.base, "output_size", format!("{N} lengths from 1 to {MOST}"), found));
        }
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let mut x = one_input(self, args)?;
        let axes = axes_of_rank(self, cx.g.dims(x), N + 2, &spatial_shape(N, self.data_format))?;
        let first = self.data_format.first_spatial();
        // Windows differ in length, so each axis is brought down for itself, one output after the other.
        for (i, &outputs) in self.output_size.0.iter().enumerate() {
            let axis = first + i;
            let length = match axes[axis] {
                Some(length) if length > 0 => length,
                _ => {
                    let found = format!("shape {}", cx.g.dims(x));
                    return Err(input_error(self, "known spatial lengths above 0".into(), found));
                }
            };
            if outputs == length {
                continue;
            }
            let mut parts = Vec::with_capacity(outputs);
            for output in 0..outputs {
                let (begin, end) = (output * length / outputs, ((output + 1) * length).div_ceil(outputs));
                let (mut begins, mut sizes) = (vec![0; N + 2], vec![-1; N + 2]);
                (begins[axis], sizes[axis]) = (begin as i64, (end - begin) as i64);
                let part = cx.g.slice(x, &begins, &sizes)?;
                let axis = [axis as i64];
                parts.push(if MAX {
                    cx.g.reduce_max(part, &axis, true)?
                } else {
                    cx.g.reduce_mean(part, &axis, true)?
                });
            }
            x = if parts.len() == 1 { parts[0] } else { cx.g.concat(&parts, axis as i64)? };
        }
        Ok(vec![x])
    }

    fn config(&self) -> Result<Config> {
        Ok(self
            .base
            .config()
            .with("output_size", self.output_size)
            .with("data_format", self.data_format.name())
            .with_rest(self.base.rest()))
    }
}
