//! `MaxPooling1D` to `AveragePooling3D`: windows slid over the input.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Value, ValueInfo};

use crate::arguments::{input_dims, one_input};
use crate::conv::ConvPadding;
use crate::conv::check_fits;
use crate::registry::{LayerEntry, argument_error};
use crate::{Args, Base, Build, Call, DataFormat, Layer, LayerRef, Lengths, Result};

/// The largest element (`MAX`) or the mean of each window over `N` spatial axes. Means are taken over what lies inside
/// the input.
///
/// # Shapes
/// input `[batch, spatial..., channels]` (or `[batch, channels, spatial...]`), output with shorter spatial axes.
///
/// # Errors
/// A window larger than the input where the padding is `valid`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, pooling::MaxPooling2D};
/// let x = Input([28, 28, 8]);
/// let y = MaxPooling2D::new(2).on(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 14, 14, 8)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.MaxPooling1D` to `keras.layers.AveragePooling3D`.
#[derive(Debug)]
pub struct Pooling<const N: usize, const MAX: bool> {
    base: Base,
    pool_size: Lengths<N>,
    strides: Lengths<N>,
    padding: ConvPadding,
    data_format: DataFormat,
}

/// The largest of each window over steps.
pub type MaxPooling1D = Pooling<1, true>;
/// The largest of each window over height and width.
pub type MaxPooling2D = Pooling<2, true>;
/// The largest of each window over depth, height and width.
pub type MaxPooling3D = Pooling<3, true>;
/// The mean of each window over steps.
pub type AveragePooling1D = Pooling<1, false>;
/// The mean of each window over height and width.
pub type AveragePooling2D = Pooling<2, false>;
/// The mean of each window over depth, height and width.
pub type AveragePooling3D = Pooling<3, false>;

impl<const N: usize, const MAX: bool> Pooling<N, MAX> {
    const CLASS: &'static str = [
        ["", "AveragePooling1D", "AveragePooling2D", "AveragePooling3D"],
        ["", "MaxPooling1D", "MaxPooling2D", "MaxPooling3D"],
    ][MAX as usize][N];

    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: Self::CLASS,
        aliases: [
            [&[] as &[&str], &["AvgPool1D"], &["AvgPool2D"], &["AvgPool3D"]],
            [&[] as &[&str], &["MaxPool1D"], &["MaxPool2D"], &["MaxPool3D"]],
        ][MAX as usize][N],
        module: "keras.layers",
        from_config: Self::from_config,
    };

    /// Windows of that size, which do not overlap.
    pub fn new(pool_size: impl Into<Lengths<N>>) -> Self {
        let pool_size = pool_size.into();
        Pooling {
            base: Base::new(Self::CLASS),
            pool_size,
            strides: pool_size,
            padding: ConvPadding::Valid,
            data_format: DataFormat::ChannelsLast,
        }
    }

    /// Elements from one window to the next; the size of the window by default.
    #[must_use]
    pub fn strides(mut self, strides: impl Into<Lengths<N>>) -> Self {
        self.strides = strides.into();
        self
    }

    /// How the borders are filled: `valid` (the default) or `same`.
    #[must_use]
    pub fn padding(mut self, padding: impl Into<ConvPadding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Where the channels stand; last by default.
    #[must_use]
    pub fn data_format(mut self, data_format: impl Into<DataFormat>) -> Self {
        self.data_format = data_format.into();
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let pool_size = Lengths::<N>::read(fields, "pool_size", 2)?;
        let strides = match fields.get("strides") {
            Some(_) => Lengths::required(fields, "strides")?,
            None => pool_size,
        };
        let mut layer = Pooling::<N, MAX> {
            base: Base::from_config(Self::CLASS, fields)?,
            pool_size,
            strides,
            padding: ConvPadding::read(fields, false)?,
            data_format: DataFormat::read(fields)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl<const N: usize, const MAX: bool> Default for Pooling<N, MAX> {
    /// Windows of 2.
    fn default() -> Self {
        Self::new(2)
    }
}

impl<const N: usize, const MAX: bool> Layer for Pooling<N, MAX> {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, _: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        for (argument, lengths) in [("pool_size", self.pool_size), ("strides", self.strides)] {
            if lengths.0.contains(&0) {
                let found = format!("{:?}", lengths.0);
                return Err(argument_error(&self.base, argument, format!("{N} lengths of at least 1"), found));
            }
        }
        let dims = input_dims(inputs);
        check_fits(self, &dims, self.data_format, "pool_size", &self.pool_size.0, &[1; N], self.padding)
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        check_fits(self, cx.g.dims(x), self.data_format, "pool_size", &self.pool_size.0, &[1; N], self.padding)?;
        let x = self.data_format.to_last(cx.g, x)?;
        let (size, strides, padding) = (&self.pool_size.0, &self.strides.0, self.padding.to_op());
        let y = if MAX { cx.g.max_pool(x, size, strides, padding)? } else { cx.g.avg_pool(x, size, strides, padding)? };
        Ok(vec![self.data_format.restore(cx.g, y)?])
    }

    fn config(&self) -> Result<Config> {
        let config = self.base.config();
        // Keras writes the strides first where there is one spatial axis.
        let config = if N == 1 {
            config.with("strides", self.strides).with("pool_size", self.pool_size).with("padding", self.padding.name())
        } else {
            config.with("pool_size", self.pool_size).with("padding", self.padding.name()).with("strides", self.strides)
        };
        Ok(config.with("data_format", self.data_format.name()).with_rest(self.base.rest()))
    }

    fn casts_integers(&self) -> bool {
        !MAX
    }
}
