//! `AdaptiveAveragePooling1D` to `AdaptiveMaxPooling3D`: outputs of a given size, whatever the input's.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Value, ValueInfo};
use kerox_tensor::Tensor;
use kerox_tensor::kernels::window::Padding;

use crate::arguments::{axes_of_rank, one_input, spatial_shape};
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Build, Call, DataFormat, Error, Layer, LayerRef, Lengths, Result};

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

    fn unfit(&self, expected: String) -> Error {
        argument_error(&self.base, "output_size", expected, format!("{:?}", self.output_size.0))
    }

    /// One spatial axis of channels-last images brought from its length to that many outputs.
    fn brought_down(&self, cx: &mut Call<'_>, x: Value, axis: usize, length: usize, outputs: usize) -> Result<Value> {
        // Windows of one length lie side by side; others overlap, and differ in length by one element.
        let is_even = length.is_multiple_of(outputs);
        let window = if is_even { length / outputs } else { length.min((length - 1) / outputs + 2) };
        if is_even {
            return self.pooled(cx, x, axis, window);
        }
        let places = outputs.checked_mul(length).and_then(|places| i64::try_from(places).ok());
        let places =
            places.ok_or_else(|| self.unfit(format!("lengths that fit memory beside an input of {length}")))?;
        let number = |cx: &mut Call<'_>, number: usize| cx.g.constant(Tensor::scalar(number as i64));
        let (zero, one, divisor) = (number(cx, 0)?, number(cx, 1)?, number(cx, outputs)?);
        let (step, before, end) =
            (number(cx, length)?, number(cx, length - 1)?, cx.g.constant(Tensor::scalar(places))?);
        // The first and the last element of each window, both inclusive.
        let begin = cx.g.range(zero, end, step)?;
        let first = cx.g.floor_div(begin, divisor)?;
        let last = cx.g.add(begin, before)?;
        let last = cx.g.floor_div(last, divisor)?;
        let (first, last) = (cx.g.expand_dims(first, 1)?, cx.g.expand_dims(last, 1)?);
        // Windows end with their last element. What stands before the first of a shorter one is an element behind the
        // input, which has no say.
        let most = number(cx, window)?;
        let offsets = cx.g.range(zero, most, one)?;
        let begin = cx.g.subtract(last, most)?;
        let begin = cx.g.add(begin, one)?;
        let at = cx.g.add(begin, offsets)?;
        let is_inside = cx.g.greater_equal(at, first)?;
        let at = cx.g.select(is_inside, at, step)?;
        let at = cx.g.reshape(at, &[-1])?;
        let (mut begins, mut sizes) = (vec![0; N + 2], vec![-1; N + 2]);
        (begins[axis], sizes[axis]) = (0, 1);
        let behind = cx.g.slice(x, &begins, &sizes)?;
        let behind = cx.g.fill_like(behind, if MAX { f64::NEG_INFINITY } else { 0.0 })?;
        let whole = cx.g.concat(&[x, behind], axis as i64)?;
        let windows = cx.g.gather(whole, at, axis as i64)?;
        let y = self.pooled(cx, windows, axis, window)?;
        if MAX {
            return Ok(y);
        }
        // Means are over the longest window.
        let count = cx.g.subtract(last, first)?;
        let count = cx.g.add(count, one)?;
        let mut shape = vec![1; N + 2];
        shape[axis] = -1;
        let count = cx.g.reshape(count, &shape)?;
        let dtype = cx.g.dtype(x);
        let (count, most) = (cx.g.cast(count, dtype)?, cx.g.cast(most, dtype)?);
        let y = cx.g.multiply(y, most)?;
        Ok(cx.g.divide(y, count)?)
    }

    /// Windows of that length along an axis, side by side.
    fn pooled(&self, cx: &mut Call<'_>, x: Value, axis: usize, window: usize) -> Result<Value> {
        let mut size = [1; N];
        size[axis - 1] = window;
        Ok(match MAX {
            true => cx.g.max_pool(x, &size, &size, Padding::Valid)?,
            false => cx.g.avg_pool(x, &size, &size, Padding::Valid)?,
        })
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
        match self.output_size.0.contains(&0) {
            true => Err(self.unfit(format!("{N} lengths of at least 1"))),
            false => Ok(()),
        }
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        axes_of_rank(self, cx.g.dims(x), N + 2, &spatial_shape(N, self.data_format))?;
        let mut x = self.data_format.to_last(cx.g, x)?;
        // A window is a product of windows of the axes, so each axis is brought down for itself.
        for (i, &outputs) in self.output_size.0.iter().enumerate() {
            let axis = i + 1;
            let length = match cx.g.dims(x).axes().and_then(|axes| axes[axis]) {
                Some(length) if length > 0 => length,
                _ => {
                    let found = format!("shape {}", cx.g.dims(x));
                    return Err(input_error(self, "known spatial lengths above 0".into(), found));
                }
            };
            x = self.brought_down(cx, x, axis, length, outputs)?;
        }
        Ok(vec![self.data_format.restore(cx.g, x)?])
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
