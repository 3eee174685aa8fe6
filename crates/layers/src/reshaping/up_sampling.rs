//! `UpSampling1D`, `UpSampling2D`, `UpSampling3D`: larger by whole numbers.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::Value;
use kerox_tensor::Tensor;

use crate::arguments::{axes_of_rank, one_input, spatial_shape};
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Call, DataFormat, Layer, LayerRef, Lengths, Result};

/// Makes each spatial axis `size` times as long: elements repeated, or for images made by an interpolation.
///
/// # Shapes
/// input `[batch, spatial..., channels]` (or `[batch, channels, spatial...]`), output with spatial lengths multiplied.
///
/// # Errors
/// An interpolation other than `nearest` and `bilinear`, or one of an image of unknown size.
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

    /// How elements between elements are made: `nearest` (the default) or, for images, `bilinear`.
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

    /// Between the two nearest elements along an axis of known length: a product with a constant matrix.
    fn bilinear(cx: &mut Call<'_>, x: Value, axis: usize, length: usize, times: usize) -> Result<Value> {
        let (rank, outputs) = (N + 2, length * times);
        let mut matrix = vec![0f64; length * outputs];
        for output in 0..outputs {
            let place = (output as f64 + 0.5) / times as f64 - 0.5;
            let (low, part) = (place.floor(), place - place.floor());
            let at = |i: f64| (i.max(0.0) as usize).min(length - 1);
            matrix[at(low) * outputs + output] += 1.0 - part;
            matrix[at(low + 1.0) * outputs + output] += part;
        }
        let matrix = cx.g.constant(Tensor::from_vec(matrix, [length, outputs])?)?;
        let matrix = cx.g.cast(matrix, cx.g.dtype(x))?;
        let mut perm: Vec<i64> = (0..rank as i64).collect();
        perm.swap(axis, rank - 1);
        let x = cx.g.transpose(x, &perm)?;
        let y = cx.g.batch_matmul(x, matrix, false, false)?;
        Ok(cx.g.transpose(y, &perm)?)
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
        let axes = axes_of_rank(self, cx.g.dims(x), N + 2, &spatial_shape(N, self.data_format))?;
        let first = self.data_format.first_spatial();
        for (i, &times) in self.size.0.iter().enumerate() {
            let axis = first + i;
            x = match self.interpolation.as_str() {
                "nearest" => Self::repeat(cx, x, axis, times)?,
                "bilinear" => match axes[axis] {
                    Some(length) if length > 0 => Self::bilinear(cx, x, axis, length, times)?,
                    _ => {
                        let found = format!("shape {}", cx.g.dims(x));
                        return Err(input_error(self, "an image of known size".into(), found));
                    }
                },
                other => {
                    let expected = "`nearest` or `bilinear`";
                    return Err(argument_error(&self.base, "interpolation", expected, format!("`{other}`")));
                }
            };
        }
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
