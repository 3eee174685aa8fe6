//! `Conv1DTranspose`, `Conv2DTranspose`, `Conv3DTranspose`: convolutions backwards.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Value, ValueInfo};

use super::ConvPadding;
use super::geometry::{add_bias, channels, check_groups};
use super::window::{Window, window_builders};
use crate::arguments::{axes_of_rank, input_dims, one_input, spatial_shape};
use crate::registry::{LayerEntry, argument_error};
use crate::weight_options::ConfigExt;
use crate::{
    ActivationOptions, Args, Base, BiasOptions, Build, Call, DataFormat, KernelOptions, Layer, LayerRef, Lengths,
    OutputOptions, Regularizer, Result, WeightOptions,
};

/// What has the input as the output of a convolution: `strides` make it larger.
///
/// # Shapes
/// input `[batch, spatial..., channels]` (or `[batch, channels, spatial...]`), output `[batch, new spatial...,
/// filters]`; `kernel` is `[kernel_size..., filters, channels]`, `bias` `[filters]`. A spatial length becomes `length *
/// stride` where the padding is `same`, `length * stride + max(kernel - stride, 0)` where it is `valid`; with
/// `output_padding` `(length - 1) * stride + kernel - 2 * pad + output_padding`.
///
/// # Errors
/// Output padding not below the stride; strides together with dilations.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, conv::Conv2DTranspose};
/// let y = Conv2DTranspose::new(8, 3).strides(2).padding("same").on(&Input([14, 14, 16]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 8)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Conv1DTranspose`, `Conv2DTranspose`, `Conv3DTranspose`.
#[derive(Debug)]
pub struct ConvTranspose<const N: usize> {
    base: Base,
    filters: usize,
    window: Window<N>,
    output: OutputOptions,
    use_bias: bool,
    kernel: WeightOptions,
    bias: WeightOptions,
    output_padding: Option<[usize; N]>,
}

/// Over steps.
pub type Conv1DTranspose = ConvTranspose<1>;
/// Over height and width.
pub type Conv2DTranspose = ConvTranspose<2>;
/// Over depth, height and width.
pub type Conv3DTranspose = ConvTranspose<3>;

impl<const N: usize> ConvTranspose<N> {
    const CLASS: &'static str = ["", "Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"][N];

    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: Self::CLASS,
        aliases: [
            &[] as &[&str],
            &["Convolution1DTranspose"],
            &["Convolution2DTranspose", "Deconvolution2D", "Deconv2D"],
            &["Convolution3DTranspose", "Deconvolution3D", "Deconv3D"],
        ][N],
        module: "keras.layers",
        from_config: Self::from_config,
    };

    /// With that many outputs, made by kernels of that size.
    pub fn new(filters: usize, kernel_size: impl Into<Lengths<N>>) -> Self {
        ConvTranspose {
            base: Base::new(Self::CLASS),
            filters,
            window: Window::new(kernel_size.into()),
            output: OutputOptions::default(),
            use_bias: true,
            kernel: WeightOptions::new("glorot_uniform"),
            bias: WeightOptions::new("zeros"),
            output_padding: None,
        }
    }

    /// Elements added to the output along each axis, fewer than the strides.
    #[must_use]
    pub fn output_padding(mut self, output_padding: impl Into<Lengths<N>>) -> Self {
        self.output_padding = Some(output_padding.into().0);
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
        let output_padding = match fields.get("output_padding") {
            Some(node) => {
                let list = node.unsigned_tuple(N)?;
                Some(std::array::from_fn(|i| list.get(i).copied().unwrap_or(0)))
            }
            None => None,
        };
        let mut layer = ConvTranspose::<N> {
            base: Base::from_config(Self::CLASS, fields)?,
            filters: fields.positive("filters")?,
            window: Window::read(fields, false)?,
            output: OutputOptions::read(fields)?,
            use_bias: fields.bool_or("use_bias", true)?,
            kernel: WeightOptions::read(fields, "kernel", "glorot_uniform")?,
            bias: WeightOptions::read(fields, "bias", "zeros")?,
            output_padding,
        };
        check_groups(fields, layer.filters)?;
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// The output's length along axis `i` is the input's times the stride plus this.
    fn excess(&self, i: usize) -> i64 {
        let stride = self.window.strides.0[i] as i64;
        let size = (self.window.kernel_size.0[i] as i64 - 1) * self.window.dilation_rate.0[i] as i64 + 1;
        match (self.output_padding, self.window.padding) {
            (None, ConvPadding::Same) => 0,
            (None, _) => (size - stride).max(0),
            (Some(more), padding) => {
                let pad = if padding == ConvPadding::Same { size / 2 } else { 0 };
                size - stride - 2 * pad + more[i] as i64
            }
        }
    }

    /// The shape of the output, channels last, as a vector.
    fn output_shape(&self, cx: &mut Call<'_>, x: Value) -> Result<Value> {
        let axes = axes_of_rank(self, cx.g.dims(x), N + 2, &spatial_shape(N, DataFormat::ChannelsLast))?;
        let shape = cx.g.shape_of(x)?;
        let mut parts = vec![cx.g.slice(shape, &[0], &[1])?];
        for i in 0..N {
            let (stride, excess) = (self.window.strides.0[i] as i64, self.excess(i));
            parts.push(match axes[i + 1] {
                Some(length) => cx.g.ints(&[(length as i64 * stride + excess).max(0)])?,
                None => {
                    let length = cx.g.slice(shape, &[i as i64 + 1], &[1])?;
                    let (stride, excess) = (cx.g.ints(&[stride])?, cx.g.ints(&[excess])?);
                    let length = cx.g.multiply(length, stride)?;
                    cx.g.add(length, excess)?
                }
            });
        }
        if N == 1 {
            let one = cx.g.ints(&[1])?;
            parts.insert(1, one);
        }
        parts.push(cx.g.ints(&[self.filters as i64])?);
        Ok(cx.g.concat(&parts, 0)?)
    }
}

impl<const N: usize> KernelOptions for ConvTranspose<N> {
    fn kernel_options(&mut self) -> &mut WeightOptions {
        &mut self.kernel
    }
}

impl<const N: usize> BiasOptions for ConvTranspose<N> {
    fn bias_options(&mut self) -> &mut WeightOptions {
        &mut self.bias
    }
}

impl<const N: usize> ActivationOptions for ConvTranspose<N> {
    fn output_options(&mut self) -> &mut OutputOptions {
        &mut self.output
    }
}

impl<const N: usize> Layer for ConvTranspose<N> {
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
        if self.filters == 0 {
            return fail("filters", "a positive integer", "0".into());
        }
        self.window.check(&self.base)?;
        if let Some(more) = self.output_padding
            && more.iter().zip(self.window.strides.0).any(|(&more, stride)| more >= stride)
        {
            return fail("output_padding", "less than the strides", format!("{more:?}"));
        }
        let mut shape = self.window.kernel_size.0.to_vec();
        shape.extend([self.filters, channels]);
        cx.add_weight(&self.base, self.kernel.spec("kernel", shape))?;
        if self.use_bias {
            cx.add_weight(&self.base, self.bias.spec("bias", [self.filters]))?;
        }
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let mut kernel = cx.weight(&self.base, "kernel")?;
        let bias = if self.use_bias { Some(cx.weight(&self.base, "bias")?) } else { None };
        let mut x = self.window.data_format.to_last(cx.g, x)?;
        let sizes = self.output_shape(cx, x)?;
        let (mut strides, mut dilations) = (self.window.strides.0.to_vec(), self.window.dilation_rate.0.to_vec());
        if N == 1 {
            x = cx.g.expand_dims(x, 1)?;
            kernel = cx.g.expand_dims(kernel, 0)?;
            strides.insert(0, 1);
            dilations.insert(0, 1);
        }
        let mut y = cx.g.conv_transpose(x, kernel, sizes, &strides, self.window.padding.to_op(), &dilations)?;
        if N == 1 {
            y = cx.g.squeeze(y, &[1])?;
        }
        let y = add_bias(cx.g, y, bias)?;
        let y = self.window.data_format.restore(cx.g, y)?;
        Ok(vec![self.output.activation.apply(cx, y)?])
    }

    fn config(&self) -> Result<Config> {
        let config = self.window.write(self.base.config().with("filters", self.filters));
        // Keras 2 leaves the dilation out where there are three axes.
        let config = if N == 3 { config } else { config.with("dilation_rate", self.window.dilation_rate) };
        Ok(config
            .with("groups", 1)
            .with("activation", self.output.activation.to_json()?)
            .with("use_bias", self.use_bias)
            .with_weights(&[("kernel", &self.kernel), ("bias", &self.bias)], &self.output.activity_regularizer)?
            .with("output_padding", Json::from(self.output_padding.map(Json::from)))
            .with_rest(self.base.rest()))
    }

    fn activity_regularizer(&self) -> Option<&Regularizer> {
        self.output.activity_regularizer.as_ref()
    }
}
