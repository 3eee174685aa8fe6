//! `GlobalMaxPooling1D` to `GlobalAveragePooling3D`: one number a channel.

use kerox_config_json::{Config, Fields};
use kerox_graph::Value;
use kerox_tensor::DType;

use crate::arguments::{axes_of_rank, one_input, spatial_shape};
use crate::registry::LayerEntry;
use crate::{Args, Base, Call, DataFormat, Layer, LayerRef, Result};

/// The largest element (`MAX`) or the mean of each channel over all `N` spatial axes. The mean over steps leaves out
/// what is masked.
///
/// # Shapes
/// input `[batch, spatial..., channels]` (or `[batch, channels, spatial...]`), output `[batch, channels]`; with
/// `keepdims` the spatial axes stay with length 1.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, pooling::GlobalAveragePooling2D};
/// let x = Input([7, 7, 320]);
/// let y = GlobalAveragePooling2D::new().on(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 320)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.GlobalMaxPooling1D` to `keras.layers.GlobalAveragePooling3D`.
#[derive(Debug)]
pub struct GlobalPooling<const N: usize, const MAX: bool> {
    base: Base,
    data_format: DataFormat,
    keepdims: bool,
}

/// The largest of each channel over steps.
pub type GlobalMaxPooling1D = GlobalPooling<1, true>;
/// The largest of each channel over height and width.
pub type GlobalMaxPooling2D = GlobalPooling<2, true>;
/// The largest of each channel over depth, height and width.
pub type GlobalMaxPooling3D = GlobalPooling<3, true>;
/// The mean of each channel over steps that are not masked.
pub type GlobalAveragePooling1D = GlobalPooling<1, false>;
/// The mean of each channel over height and width.
pub type GlobalAveragePooling2D = GlobalPooling<2, false>;
/// The mean of each channel over depth, height and width.
pub type GlobalAveragePooling3D = GlobalPooling<3, false>;

impl<const N: usize, const MAX: bool> GlobalPooling<N, MAX> {
    const CLASS: &'static str = [
        ["", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D"],
        ["", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D"],
    ][MAX as usize][N];

    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: Self::CLASS,
        aliases: [
            [&[] as &[&str], &["GlobalAvgPool1D"], &["GlobalAvgPool2D"], &["GlobalAvgPool3D"]],
            [&[] as &[&str], &["GlobalMaxPool1D"], &["GlobalMaxPool2D"], &["GlobalMaxPool3D"]],
        ][MAX as usize][N],
        module: "keras.layers",
        from_config: Self::from_config,
    };

    /// With channels last and without spatial axes in the output.
    pub fn new() -> Self {
        GlobalPooling { base: Base::new(Self::CLASS), data_format: DataFormat::ChannelsLast, keepdims: false }
    }

    /// Where the channels stand; last by default.
    #[must_use]
    pub fn data_format(mut self, data_format: impl Into<DataFormat>) -> Self {
        self.data_format = data_format.into();
        self
    }

    /// Whether the spatial axes stay, with length 1; false by default.
    #[must_use]
    pub fn keepdims(mut self, keepdims: bool) -> Self {
        self.keepdims = keepdims;
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = GlobalPooling::<N, MAX> {
            base: Base::from_config(Self::CLASS, fields)?,
            data_format: DataFormat::read(fields)?,
            keepdims: fields.bool_or("keepdims", false)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// The mean over the steps that count.
    fn masked_mean(&self, cx: &mut Call<'_>, x: Value, mask: Value) -> Result<Value> {
        let dtype = cx.g.dtype(x);
        let steps = self.data_format.first_spatial() as i64;
        let mask = cx.g.expand_dims(mask, if steps == 1 { 2 } else { 1 })?;
        let kept = cx.g.cast(mask, dtype)?;
        // In Keras 2 what is masked is multiplied by 0, and stays what it is where that gives no number.
        let x = if self.base.is_keras3() {
            let zeros = cx.g.zeros_like(x)?;
            cx.g.select(mask, x, zeros)?
        } else {
            cx.g.multiply(x, kept)?
        };
        let mut sum = cx.g.reduce_sum(x, &[steps], self.keepdims)?;
        let mut count = cx.g.reduce_sum(kept, &[steps], self.keepdims)?;
        if !dtype.is_float() {
            (sum, count) = (cx.g.cast(sum, DType::F64)?, cx.g.cast(count, DType::F64)?);
        }
        Ok(cx.g.divide(sum, count)?)
    }
}

impl<const N: usize, const MAX: bool> Default for GlobalPooling<N, MAX> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize, const MAX: bool> Layer for GlobalPooling<N, MAX> {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        axes_of_rank(self, cx.g.dims(x), N + 2, &spatial_shape(N, self.data_format))?;
        if let (1, false, Some(mask)) = (N, MAX, cx.mask(x)) {
            return Ok(vec![self.masked_mean(cx, x, mask)?]);
        }
        let first = self.data_format.first_spatial() as i64;
        let axes: Vec<i64> = (first..first + N as i64).collect();
        let y =
            if MAX { cx.g.reduce_max(x, &axes, self.keepdims)? } else { cx.g.reduce_mean(x, &axes, self.keepdims)? };
        Ok(vec![y])
    }

    fn config(&self) -> Result<Config> {
        Ok(self
            .base
            .config()
            .with("data_format", self.data_format.name())
            .with("keepdims", self.keepdims)
            .with_rest(self.base.rest()))
    }

    /// The mean over steps takes a mask and hands none on; the others know nothing of masks.
    fn supports_masking(&self) -> bool {
        N == 1 && !MAX
    }

    fn computes_masks(&self) -> bool {
        true
    }

    /// Means of integers are integers in Keras 2.
    fn casts_integers(&self) -> bool {
        !MAX && self.base.is_keras3()
    }
}
