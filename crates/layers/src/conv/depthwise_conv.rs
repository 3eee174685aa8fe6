//! `DepthwiseConv1D`, `DepthwiseConv2D`, `SeparableConv1D`, `SeparableConv2D`: each channel convolved for itself.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Value, ValueInfo};

use super::ConvPadding;
use super::geometry::{add_bias, channels, check_fits, check_groups, pad_causal};
use super::window::{Window, window_builders};
use crate::arguments::{input_dims, one_input};
use crate::registry::{LayerEntry, argument_error};
use crate::weight_options::ConfigExt;
use crate::{
    ActivationOptions, Args, Base, BiasOptions, Build, Call, Constraint, Initializer, Layer, LayerRef, Lengths,
    OutputOptions, Regularizer, Result, WeightOptions,
};

/// A convolution of each channel with `depth_multiplier` kernels of its own; where `POINTWISE`, a convolution with
/// kernels of one element mixes the results into `filters` outputs.
///
/// # Shapes
/// input `[batch, spatial..., channels]` (or `[batch, channels, spatial...]`), output `[batch, new spatial..., channels *
/// depth_multiplier]` or `[..., filters]`; `depthwise_kernel` is `[kernel_size..., channels, depth_multiplier]`,
/// `pointwise_kernel` `[1..., channels * depth_multiplier, filters]`.
///
/// # Errors
/// A kernel larger than the input; strides together with dilations.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, conv::{DepthwiseConv2D, SeparableConv2D}};
/// let x = Input([28, 28, 3]);
/// assert_eq!(DepthwiseConv2D::depthwise(3).padding("same").on(&x)?.shape().to_string(), "(None, 28, 28, 3)");
/// assert_eq!(SeparableConv2D::new(8, 3).on(&x)?.shape().to_string(), "(None, 26, 26, 8)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.DepthwiseConv1D`, `DepthwiseConv2D`, `SeparableConv1D`, `SeparableConv2D`. Unequal strides, for which
/// TensorFlow has no kernel, work here, and so do strides together with dilations, which Keras 2 refuses.
#[derive(Debug)]
pub struct ChannelConv<const N: usize, const POINTWISE: bool> {
    base: Base,
    filters: usize,
    window: Window<N>,
    depth_multiplier: usize,
    output: OutputOptions,
    use_bias: bool,
    depthwise: WeightOptions,
    pointwise: WeightOptions,
    bias: WeightOptions,
}

/// Over steps.
pub type DepthwiseConv1D = ChannelConv<1, false>;
/// Over height and width.
pub type DepthwiseConv2D = ChannelConv<2, false>;
/// Over steps, then mixed.
pub type SeparableConv1D = ChannelConv<1, true>;
/// Over height and width, then mixed.
pub type SeparableConv2D = ChannelConv<2, true>;

impl<const N: usize> ChannelConv<N, false> {
    /// With kernels of that size.
    pub fn depthwise(kernel_size: impl Into<Lengths<N>>) -> Self {
        Self::make(0, kernel_size.into())
    }
}

impl<const N: usize> ChannelConv<N, true> {
    /// With that many outputs, made by kernels of that size.
    pub fn new(filters: usize, kernel_size: impl Into<Lengths<N>>) -> Self {
        Self::make(filters, kernel_size.into())
    }
}

impl<const N: usize, const POINTWISE: bool> ChannelConv<N, POINTWISE> {
    const CLASS: &'static str =
        [["", "DepthwiseConv1D", "DepthwiseConv2D"], ["", "SeparableConv1D", "SeparableConv2D"]][POINTWISE as usize][N];

    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: Self::CLASS,
        aliases: [
            [&[] as &[&str], &[], &[]],
            [&[] as &[&str], &["SeparableConvolution1D"], &["SeparableConvolution2D"]],
        ][POINTWISE as usize][N],
        module: "keras.layers",
        from_config: Self::from_config,
    };

    fn make(filters: usize, kernel_size: Lengths<N>) -> Self {
        ChannelConv {
            base: Base::new(Self::CLASS),
            filters,
            window: Window::new(kernel_size),
            depth_multiplier: 1,
            output: OutputOptions::default(),
            use_bias: true,
            depthwise: WeightOptions::new("glorot_uniform"),
            pointwise: WeightOptions::new("glorot_uniform"),
            bias: WeightOptions::new("zeros"),
        }
    }

    /// Kernels for each channel; 1 by default.
    #[must_use]
    pub fn depth_multiplier(mut self, depth_multiplier: usize) -> Self {
        self.depth_multiplier = depth_multiplier;
        self
    }

    window_builders!(N, dilated);

    /// Whether a bias is added; true by default.
    #[must_use]
    pub fn use_bias(mut self, use_bias: bool) -> Self {
        self.use_bias = use_bias;
        self
    }

    /// The first value of the kernels; Glorot uniform by default.
    #[must_use]
    pub fn depthwise_initializer(mut self, initializer: impl Into<Initializer>) -> Self {
        self.depthwise.initializer = initializer.into();
        self
    }

    /// What the size of the kernels adds to the loss.
    #[must_use]
    pub fn depthwise_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.depthwise.regularizer = Some(regularizer.into());
        self
    }

    /// What is done to the kernels after each update.
    #[must_use]
    pub fn depthwise_constraint(mut self, constraint: impl Into<Constraint>) -> Self {
        self.depthwise.constraint = Some(constraint.into());
        self
    }

    /// The first value of the mixing kernel; Glorot uniform by default.
    #[must_use]
    pub fn pointwise_initializer(mut self, initializer: impl Into<Initializer>) -> Self {
        self.pointwise.initializer = initializer.into();
        self
    }

    /// What the size of the mixing kernel adds to the loss.
    #[must_use]
    pub fn pointwise_regularizer(mut self, regularizer: impl Into<Regularizer>) -> Self {
        self.pointwise.regularizer = Some(regularizer.into());
        self
    }

    /// What is done to the mixing kernel after each update.
    #[must_use]
    pub fn pointwise_constraint(mut self, constraint: impl Into<Constraint>) -> Self {
        self.pointwise.constraint = Some(constraint.into());
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = ChannelConv::<N, POINTWISE> {
            base: Base::from_config(Self::CLASS, fields)?,
            filters: if POINTWISE { fields.positive("filters")? } else { 0 },
            window: Window::read(fields, N == 1)?,
            depth_multiplier: fields.positive_or("depth_multiplier", 1)?,
            output: OutputOptions::read(fields)?,
            use_bias: fields.bool_or("use_bias", true)?,
            depthwise: WeightOptions::read(fields, "depthwise", "glorot_uniform")?,
            pointwise: WeightOptions::read(fields, "pointwise", "glorot_uniform")?,
            bias: WeightOptions::read(fields, "bias", "zeros")?,
        };
        if POINTWISE {
            check_groups(fields, layer.filters)?;
        }
        for key in ["groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint"] {
            fields.ignore(key);
        }
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl<const N: usize, const POINTWISE: bool> BiasOptions for ChannelConv<N, POINTWISE> {
    fn bias_options(&mut self) -> &mut WeightOptions {
        &mut self.bias
    }
}

impl<const N: usize, const POINTWISE: bool> ActivationOptions for ChannelConv<N, POINTWISE> {
    fn output_options(&mut self) -> &mut OutputOptions {
        &mut self.output
    }
}

impl<const N: usize, const POINTWISE: bool> Layer for ChannelConv<N, POINTWISE> {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let channels = channels(self, &input_dims(inputs), N, self.window.data_format)?;
        let fail =
            |argument: &str, expected: &str, found: String| Err(argument_error(&self.base, argument, expected, found));
        self.window.check_lengths(&self.base)?;
        if self.depth_multiplier == 0 || POINTWISE && self.filters == 0 {
            return fail("depth_multiplier", "a positive integer, as for filters", self.depth_multiplier.to_string());
        }
        let mut shape = self.window.kernel_size.0.to_vec();
        shape.extend([channels, self.depth_multiplier]);
        cx.add_weight(&self.base, self.depthwise.spec("depthwise_kernel", shape))?;
        let mut outputs = channels * self.depth_multiplier;
        if POINTWISE {
            let mut shape = vec![1; N];
            shape.extend([outputs, self.filters]);
            cx.add_weight(&self.base, self.pointwise.spec("pointwise_kernel", shape))?;
            outputs = self.filters;
        }
        if self.use_bias {
            cx.add_weight(&self.base, self.bias.spec("bias", [outputs]))?;
        }
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let (size, dilation) = (self.window.kernel_size.0, self.window.dilation_rate.0);
        check_fits(self, cx.g.dims(x), self.window.data_format, "kernel_size", &size, &dilation, self.window.padding)?;
        let kernel = cx.weight(&self.base, "depthwise_kernel")?;
        let bias = if self.use_bias { Some(cx.weight(&self.base, "bias")?) } else { None };
        let mut x = self.window.data_format.to_last(cx.g, x)?;
        if self.window.padding == ConvPadding::Causal {
            x = pad_causal(cx.g, x, size[0], dilation[0])?;
        }
        let mut y = cx.g.depthwise_conv(x, kernel, &self.window.strides.0, self.window.padding.to_op(), &dilation)?;
        if POINTWISE {
            let pointwise = cx.weight(&self.base, "pointwise_kernel")?;
            y = cx.g.conv(y, pointwise, &[1; N], ConvPadding::Valid.to_op(), &[1; N])?;
        }
        let y = add_bias(cx.g, y, bias)?;
        let y = self.window.data_format.restore(cx.g, y)?;
        Ok(vec![self.output.activation.apply(cx, y)?])
    }

    fn config(&self) -> Result<Config> {
        let mut config = self.base.config();
        if POINTWISE {
            config.insert("filters", self.filters);
        }
        let config = self
            .window
            .write(config)
            .with("dilation_rate", self.window.dilation_rate)
            .with("groups", 1)
            .with("activation", self.output.activation.to_json()?)
            .with("use_bias", self.use_bias);
        let activity = &self.output.activity_regularizer;
        let config = if POINTWISE {
            // Keras writes a kernel too, which the layer has not.
            let (kernel, own) = (
                WeightOptions::new("glorot_uniform"),
                [("depthwise", &self.depthwise), ("pointwise", &self.pointwise)],
            );
            config
                .with_weights(&[("kernel", &kernel), ("bias", &self.bias)], activity)?
                .with("depth_multiplier", self.depth_multiplier)
                .with_initializers(&own)?
                .with_regularizers(&own)
                .with_constraints(&own)
        } else {
            let own = [("depthwise", &self.depthwise)];
            config
                .with_weights(&[("bias", &self.bias)], activity)?
                .with("depth_multiplier", self.depth_multiplier)
                .with_initializers(&own)?
                .with_regularizers(&own)
                .with_constraints(&own)
        };
        Ok(config.with_rest(self.base.rest()))
    }

    fn activity_regularizer(&self) -> Option<&Regularizer> {
        self.output.activity_regularizer.as_ref()
    }
}
