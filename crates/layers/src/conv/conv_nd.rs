//! `Conv1D`, `Conv2D`, `Conv3D`: kernels slid over the input.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Value, ValueInfo};

use super::ConvPadding;
use super::geometry::{
    add_bias, channels, check_fits, leading_axes, pad_causal, restore_leading_axes, without_leading_axes,
};
use super::window::{Window, window_builders};
use crate::arguments::{input_dims, one_input};
use crate::registry::{LayerEntry, argument_error};
use crate::weight_options::ConfigExt;
use crate::{
    ActivationOptions, Args, Base, BiasOptions, Build, Call, KernelOptions, Layer, LayerRef, Lengths, Lora,
    LoraOptions, OutputOptions, Regularizer, Result, WeightOptions,
};

/// A convolution over `N` spatial axes: the kernels of `filters` outputs slide over the input.
///
/// # Shapes
/// input `[batch, spatial..., channels]` (or `[batch, channels, spatial...]`), output `[batch, new spatial...,
/// filters]`; `kernel` is `[kernel_size..., channels / groups, filters]`, `bias` `[filters]`.
///
/// # Errors
/// A kernel larger than the input, groups that do not divide channels and filters, strides together with dilations.
///
/// # Example
/// ```
/// use kerox_layers::{ActivationOptions, Input, LayerExt, conv::Conv2D};
/// let x = Input([28, 28, 1]);
/// let y = Conv2D::new(32, 3).strides(2).padding("same").activation("relu").on(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 14, 14, 32)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Conv1D`, `Conv2D`, `Conv3D`.
#[derive(Debug)]
pub struct Conv<const N: usize> {
    base: Base,
    filters: usize,
    window: Window<N>,
    groups: usize,
    output: OutputOptions,
    use_bias: bool,
    kernel: WeightOptions,
    bias: WeightOptions,
    lora: Lora,
}

/// A convolution over steps.
pub type Conv1D = Conv<1>;
/// A convolution over height and width.
pub type Conv2D = Conv<2>;
/// A convolution over depth, height and width.
pub type Conv3D = Conv<3>;

impl<const N: usize> Conv<N> {
    const CLASS: &'static str = ["", "Conv1D", "Conv2D", "Conv3D"][N];

    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: Self::CLASS,
        aliases: [&[] as &[&str], &["Convolution1D"], &["Convolution2D"], &["Convolution3D"]][N],
        module: "keras.layers",
        from_config: Self::from_config,
    };

    /// With that many outputs, made by kernels of that size.
    pub fn new(filters: usize, kernel_size: impl Into<Lengths<N>>) -> Self {
        Conv {
            base: Base::new(Self::CLASS),
            filters,
            window: Window::new(kernel_size.into()),
            groups: 1,
            output: OutputOptions::default(),
            use_bias: true,
            kernel: WeightOptions::new("glorot_uniform"),
            bias: WeightOptions::new("zeros"),
            lora: Lora::default(),
        }
    }

    /// In how many groups channels and filters are split, each convolved for itself; 1 by default.
    #[must_use]
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    window_builders!(N, dilated);

    /// Whether a bias is added; true by default.
    #[must_use]
    pub fn use_bias(mut self, use_bias: bool) -> Self {
        self.use_bias = use_bias;
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let base = Base::from_config(Self::CLASS, fields)?;
        let lora = Lora::read(&base, fields)?;
        let mut layer = Conv::<N> {
            base,
            filters: fields.positive("filters")?,
            window: Window::read(fields, N == 1)?,
            // Keras 2 takes 0 for 1.
            groups: fields
                .int_or("groups", 1)?
                .try_into()
                .map_err(|_| fields.error("groups", "a positive integer", ""))?,
            output: OutputOptions::read(fields)?,
            use_bias: fields.bool_or("use_bias", true)?,
            kernel: WeightOptions::read(fields, "kernel", "glorot_uniform")?,
            bias: WeightOptions::read(fields, "bias", "zeros")?,
            lora,
        };
        layer.groups = layer.groups.max(1);
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    fn check(&self, channels: usize) -> Result<()> {
        let fail =
            |argument, expected: String, found: String| Err(argument_error(&self.base, argument, expected, found));
        self.window.check(&self.base)?;
        if self.filters == 0 || self.groups == 0 || !self.filters.is_multiple_of(self.groups) {
            return fail("filters", format!("a multiple of groups {}", self.groups), self.filters.to_string());
        }
        if !channels.is_multiple_of(self.groups) {
            return fail("groups", format!("a divisor of the {channels} channels"), self.groups.to_string());
        }
        if self.window.padding == ConvPadding::Causal && N > 1 {
            return fail("padding", "`valid` or `same`".into(), "`causal`".into());
        }
        Ok(())
    }
}

impl<const N: usize> KernelOptions for Conv<N> {
    fn kernel_options(&mut self) -> &mut WeightOptions {
        &mut self.kernel
    }
}

impl<const N: usize> BiasOptions for Conv<N> {
    fn bias_options(&mut self) -> &mut WeightOptions {
        &mut self.bias
    }
}

impl<const N: usize> ActivationOptions for Conv<N> {
    fn output_options(&mut self) -> &mut OutputOptions {
        &mut self.output
    }
}

impl<const N: usize> LoraOptions for Conv<N> {
    fn lora_options(&mut self) -> &mut Lora {
        &mut self.lora
    }
}

impl<const N: usize> Layer for Conv<N> {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let dims = input_dims(inputs);
        let channels = channels(self, &without_leading_axes(&dims, N), N, self.window.data_format)?;
        self.check(channels)?;
        let mut shape = self.window.kernel_size.0.to_vec();
        shape.extend([channels / self.groups, self.filters]);
        let bias = self.use_bias.then(|| self.bias.spec("bias", [self.filters]));
        self.lora.build(cx, &self.base, self.kernel.spec("kernel", shape), bias)
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let mut x = one_input(self, args)?;
        let lead = leading_axes(cx.g, &mut x, N)?;
        let (size, dilation) = (self.window.kernel_size.0, self.window.dilation_rate.0);
        check_fits(self, cx.g.dims(x), self.window.data_format, "kernel_size", &size, &dilation, self.window.padding)?;
        let kernel = self.lora.kernel(cx, &self.base, "kernel", true)?;
        let bias = if self.use_bias { Some(cx.weight(&self.base, "bias")?) } else { None };
        let mut x = self.window.data_format.to_last(cx.g, x)?;
        if self.window.padding == ConvPadding::Causal {
            x = pad_causal(cx.g, x, size[0], dilation[0])?;
        }
        let y = cx.g.conv(x, kernel, &self.window.strides.0, self.window.padding.to_op(), &dilation)?;
        let y = add_bias(cx.g, y, bias)?;
        let y = self.window.data_format.restore(cx.g, y)?;
        let y = restore_leading_axes(cx.g, y, lead)?;
        Ok(vec![self.output.activation.apply(cx, y)?])
    }

    fn config(&self) -> Result<Config> {
        let config = self.window.write(self.base.config().with("filters", self.filters));
        let config = config
            .with("dilation_rate", self.window.dilation_rate)
            .with("groups", self.groups)
            .with("activation", self.output.activation.to_json()?)
            .with("use_bias", self.use_bias)
            .with_weights(&[("kernel", &self.kernel), ("bias", &self.bias)], &self.output.activity_regularizer)?;
        Ok(self.lora.write(config).with_rest(self.base.rest()))
    }

    fn activity_regularizer(&self) -> Option<&Regularizer> {
        self.output.activity_regularizer.as_ref()
    }

    fn lora(&self) -> Option<&Lora> {
        Some(&self.lora).filter(|lora| lora.is_enabled())
    }
}
