//! `UpSampling1D`, `UpSampling2D`, `UpSampling3D`: larger by whole numbers.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::Value;
use kerox_tensor::DType;

use crate::arguments::{axes_of_rank, one_input, spatial_shape};
use crate::preprocessing::{ResizeMethod, resize_images};
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Call, DataFormat, Layer, LayerRef, Lengths, Result};

/// Makes each spatial axis `size` times as long: elements repeated, or for images made by an interpolation.
///
/// # Shapes
/// input `[batch, spatial..., channels]` (or `[batch, channels, spatial...]`), output with spatial lengths multiplied.
///
/// # Errors
/// An unknown interpolation.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, reshaping::UpSampling2D};
/// let y = UpSampling2D::new(2).on(&Input([8, 6, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 16, 12, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.UpSampling1D`, `UpSampling2D`, `UpSampling3D`.
#[derive(Debug)]
pub struct UpSampling<const N: usize> {
    base: Base,
    size: Lengths<N>,
    data_format: DataFormat,
    interpolation: String,
}

/// Over steps.
pub type UpSampling1D = UpSampling<1>;
/// Over height and width.
pub type UpSampling2D = UpSampling<2>;
/// Over depth, height and width.
pub type UpSampling3D = UpSampling<3>;

impl<const N: usize> UpSampling<N> {
    const CLASS: &'static str = ["", "UpSampling1D", "UpSampling2D", "UpSampling3D"][N];

    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: Self::CLASS, aliases: &[], module: "keras.layers", from_config: Self::from_config };

    /// That many times as long.
    pub fn new(size: impl Into<Lengths<N>>) -> Self {
        UpSampling {
            base: Base::new(Self::CLASS),
            size: size.into(),
            data_format: DataFormat::ChannelsLast,
            interpolation: "nearest".into(),
        }
    }

    /// Where the channels stand; last by default.
    #[must_use]
    pub fn data_format(mut self, data_format: impl Into<DataFormat>) -> Self {
        self.data_format = data_format.into();
        self
    }

    /// How elements between elements are made: `nearest` (the default) or, for images, `bilinear`, `bicubic`, `area`,
    /// `lanczos3`, `lanczos5`, `gaussian` or `mitchellcubic`.
    #[must_use]
    pub fn interpolation(mut self, interpolation: &str) -> Self {
        self.interpolation = interpolation.into();
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = UpSampling::<N> {
            base: Base::from_config(Self::CLASS, fields)?,
            size: Lengths::read(fields, "size", 2)?,
            data_format: DataFormat::read(fields)?,
            interpolation: if N == 2 { fields.str_or("interpolation", "nearest")?.into() } else { "nearest".into() },
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// Repeats each element along an axis.
    fn repeat(cx: &mut Call<'_>, x: Value, axis: usize, times: usize) -> Result<Value> {
        let rank = N + 2;
        let shape = cx.g.shape_of(x)?;
        let wide = cx.g.expand_dims(x, axis as i64 + 1)?;
        let mut multiples = vec![1; rank + 1];
        multiples[axis + 1] = times as i64;
        let wide = cx.g.tile(wide, &multiples)?;
        let factors: Vec<i64> = (0..rank).map(|i| if i == axis { times as i64 } else { 1 }).collect();
        let factors = cx.g.ints(&factors)?;
        let shape = cx.g.multiply(shape, factors)?;
        Ok(cx.g.reshape_to(wide, shape)?)
    }
}

impl<const N: usize> Layer for UpSampling<N> {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let mut x = one_input(self, args)?;
        if self.size.0.contains(&0) {
            return Err(argument_error(&self.base, "size", "lengths of at least 1", "0"));
        }
        axes_of_rank(self, cx.g.dims(x), N + 2, &spatial_shape(N, self.data_format))?;
        let method = match self.interpolation.as_str() {
            // Repeating keeps every type.
            "nearest" => None,
            name => Some(ResizeMethod::find(&self.base, name)?),
        };
        let Some(method) = method else {
            let first = self.data_format.first_spatial();
            for (i, &times) in self.size.0.iter().enumerate() {
                x = Self::repeat(cx, x, first + i, times)?;
            }
            return Ok(vec![x]);
        };
        let last = self.data_format.to_last(cx.g, x)?;
        let lengths = cx.g.shape_of(last)?;
        let lengths = cx.g.slice(lengths, &[1], &[2])?;
        let factors: Vec<i64> = self.size.0.iter().map(|&times| times as i64).collect();
        let factors = cx.g.ints(&factors)?;
        let size = cx.g.multiply(lengths, factors)?;
        let dtype = cx.g.dtype(x);
        let wide = if dtype.is_integer() { cx.g.cast(last, DType::F32)? } else { last };
        let mut y = resize_images(cx.g, wide, size, method, false)?;
        if self.base.is_keras3() && dtype.is_integer() {
            y = cx.g.round(y)?;
            y = cx.g.cast(y, dtype)?;
        }
        x = self.data_format.restore(cx.g, y)?;
        Ok(vec![x])
    }

    fn config(&self) -> Result<Config> {
        let config = self.base.config();
        let config = match N {
            1 => config.with("size", Json::from(self.size.0[0])),
            _ => config.with("size", self.size).with("data_format", self.data_format.name()),
        };
        let config = if N == 2 { config.with("interpolation", self.interpolation.as_str()) } else { config };
        Ok(config.with_rest(self.base.rest()))
    }
}
