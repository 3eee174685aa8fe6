//! `LocallyConnected1D`, `LocallyConnected2D`: convolutions with a kernel of its own at each place.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Dim, Value, ValueInfo};
use kerox_tensor::Tensor;

use super::ConvPadding;
use super::geometry::{channels, check_fits};
use super::window::{Window, window_builders};
use crate::arguments::{axes_of_rank, input_dims, one_input, spatial_shape};
use crate::call::input_error;
use crate::registry::{LayerEntry, argument_error};
use crate::weight_options::ConfigExt;
use crate::{
    ActivationOptions, Args, Base, BiasOptions, Build, Call, DataFormat, KernelOptions, Layer, LayerRef, Lengths,
    OutputOptions, Regularizer, Result, WeightOptions,
};

/// A convolution over `N` spatial axes whose weights are not shared: each place of the output has its own kernel.
///
/// # Arguments
/// `implementation`: how the kernel lies in files. 1: `[places, kernel_size * channels, filters]`; 2: a matrix from
/// every element of the input to every one of the output, of which only the connected ones count; 3: a vector of the
/// connected ones, in the order of the output. `padding` is `valid`; 2 and 3 know `same` too.
///
/// # Shapes
/// input `[batch, spatial..., channels]` (or `[batch, channels, spatial...]`) of known lengths, output `[batch, new
/// spatial..., filters]`; `bias` is `[new spatial..., filters]`.
///
/// # Errors
/// Unknown lengths, a kernel larger than the input, `same` padding with implementation 1.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, conv::LocallyConnected1D};
/// let y = LocallyConnected1D::new(4, 3).on(&Input([10, 2]))?;
/// assert_eq!(y.shape().to_string(), "(None, 8, 4)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.LocallyConnected1D`, `LocallyConnected2D` of Keras 2.
#[derive(Debug)]
pub struct LocallyConnected<const N: usize> {
    base: Base,
    filters: usize,
    window: Window<N>,
    output: OutputOptions,
    use_bias: bool,
    kernel: WeightOptions,
    bias: WeightOptions,
    implementation: i64,
}

/// A convolution over steps with a kernel of its own at each.
pub type LocallyConnected1D = LocallyConnected<1>;
/// A convolution over height and width with a kernel of its own at each place.
pub type LocallyConnected2D = LocallyConnected<2>;

/// Which elements go into which place.
struct Windows<const N: usize> {
    input: [usize; N],
    output: [usize; N],
    channels: usize,
    /// For each place and each element of its window the number of the element in a flat input; `None` beyond the
    /// border.
    elements: Vec<Option<usize>>,
    places: usize,
    size: usize,
}

impl<const N: usize> LocallyConnected<N> {
    const CLASS: &'static str = ["", "LocallyConnected1D", "LocallyConnected2D"][N];

    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: Self::CLASS, aliases: &[], module: "keras.layers", from_config: Self::from_config };

    /// With that many outputs, made by kernels of that size.
    pub fn new(filters: usize, kernel_size: impl Into<Lengths<N>>) -> Self {
        LocallyConnected {
            base: Base::new(Self::CLASS),
            filters,
            window: Window::new(kernel_size.into()),
            output: OutputOptions::default(),
            use_bias: true,
            kernel: WeightOptions::new("glorot_uniform"),
            bias: WeightOptions::new("zeros"),
            implementation: 1,
        }
    }

    window_builders!(N);

    /// Whether a bias is added; true by default.
    #[must_use]
    pub fn use_bias(mut self, use_bias: bool) -> Self {
        self.use_bias = use_bias;
        self
    }

    /// How the kernel lies in files: 1 (the default), 2 or 3.
    #[must_use]
    pub fn implementation(mut self, implementation: i64) -> Self {
        self.implementation = implementation;
        self
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = LocallyConnected::<N> {
            base: Base::from_config(Self::CLASS, fields)?,
            filters: fields.positive("filters")?,
            window: Window::read(fields, false)?,
            output: OutputOptions::read(fields)?,
            use_bias: fields.bool_or("use_bias", true)?,
            kernel: WeightOptions::read(fields, "kernel", "glorot_uniform")?,
            bias: WeightOptions::read(fields, "bias", "zeros")?,
            implementation: fields.int_or("implementation", 1)?,
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    fn check(&self) -> Result<()> {
        let fail =
            |argument, expected: String, found: String| Err(argument_error(&self.base, argument, expected, found));
        if !(1..=3).contains(&self.implementation) {
            return fail("implementation", "1, 2 or 3".into(), self.implementation.to_string());
        }
        if self.window.padding != ConvPadding::Valid
            && (self.implementation == 1 || self.window.padding == ConvPadding::Causal)
        {
            let expected = if self.implementation == 1 { "`valid` with implementation 1" } else { "`valid` or `same`" };
            return fail("padding", expected.into(), format!("`{}`", self.window.padding.name()));
        }
        self.window.check(&self.base)?;
        if self.filters == 0 {
            return fail("filters", "a positive integer".into(), "0".into());
        }
        Ok(())
    }

    fn windows(&self, dims: &kerox_graph::Dims) -> Result<Windows<N>> {
        let shape = spatial_shape(N, self.window.data_format);
        let axes = axes_of_rank(self, dims, N + 2, &shape)?;
        let channels = channels(self, dims, N, self.window.data_format)?;
        check_fits(
            self,
            dims,
            self.window.data_format,
            "kernel_size",
            &self.window.kernel_size.0,
            &[1; N],
            self.window.padding,
        )?;
        let spatial: Vec<Dim> = self.window.data_format.spatial(&axes);
        let mut input = [0; N];
        for (length, found) in input.iter_mut().zip(spatial) {
            *length = found.filter(|&n| n > 0).ok_or_else(|| {
                input_error(self, format!("`{shape}` of known, positive lengths"), format!("shape {dims}"))
            })?;
        }
        let is_same = self.window.padding == ConvPadding::Same;
        let output: [usize; N] = std::array::from_fn(|i| {
            let covered = if is_same { input[i] } else { input[i] - self.window.kernel_size.0[i] + 1 };
            covered.div_ceil(self.window.strides.0[i])
        });
        let (places, kernel): (usize, usize) = (output.iter().product(), self.window.kernel_size.0.iter().product());
        let size = kernel * channels;
        let mut elements = Vec::new();
        let pixels: usize = input.iter().product();
        for place in 0..places {
            let place = coordinates(place, &output);
            for element in 0..size {
                // The order of a window's elements is that of the input's axes.
                let (channel, offset) = match self.window.data_format {
                    DataFormat::ChannelsLast => (element % channels, element / channels),
                    DataFormat::ChannelsFirst => (element / kernel, element % kernel),
                };
                let offset = coordinates(offset, &self.window.kernel_size.0);
                let mut pixel = Some(0);
                for i in 0..N {
                    let shift = if is_same { self.window.kernel_size.0[i] / 2 } else { 0 };
                    let at = (place[i] * self.window.strides.0[i] + offset[i])
                        .checked_sub(shift)
                        .filter(|&at| at < input[i]);
                    pixel = pixel.zip(at).map(|(pixel, at)| pixel * input[i] + at);
                }
                elements.push(pixel.map(|pixel| match self.window.data_format {
                    DataFormat::ChannelsLast => pixel * channels + channel,
                    DataFormat::ChannelsFirst => channel * pixels + pixel,
                }));
            }
        }
        Ok(Windows { input, output, channels, elements, places, size })
    }

    /// For each place, element of its window and filter the number of the weight in the flat kernel; the number after
    /// the last one where there is none.
    fn weights(&self, windows: &Windows<N>) -> (Vec<i64>, usize) {
        let outputs = windows.places * self.filters;
        let inputs = windows.input.iter().product::<usize>() * windows.channels;
        let output_number = |place: usize, filter: usize| match self.window.data_format {
            DataFormat::ChannelsLast => place * self.filters + filter,
            DataFormat::ChannelsFirst => filter * windows.places + place,
        };
        let mut pairs = Vec::with_capacity(windows.elements.len() * self.filters);
        for (at, element) in windows.elements.iter().enumerate() {
            let place = at / windows.size;
            pairs.extend((0..self.filters).map(|filter| element.map(|e| (output_number(place, filter), e))));
        }
        if self.implementation == 2 {
            let total = inputs * outputs;
            let number = |pair: &Option<(usize, usize)>| pair.map_or(total, |(o, i)| i * outputs + o) as i64;
            return (pairs.iter().map(number).collect(), total);
        }
        let mut order: Vec<(usize, usize)> = pairs.iter().flatten().copied().collect();
        order.sort_unstable();
        let total = order.len();
        let number = |pair: &Option<(usize, usize)>| {
            pair.and_then(|pair| order.binary_search(&pair).ok()).unwrap_or(total) as i64
        };
        (pairs.iter().map(number).collect(), total)
    }
}

/// The coordinates of the element with that number.
fn coordinates<const N: usize>(mut number: usize, lengths: &[usize; N]) -> [usize; N] {
    let mut result = [0; N];
    for i in (0..N).rev() {
        result[i] = number % lengths[i];
        number /= lengths[i];
    }
    result
}

impl<const N: usize> KernelOptions for LocallyConnected<N> {
    fn kernel_options(&mut self) -> &mut WeightOptions {
        &mut self.kernel
    }
}

impl<const N: usize> BiasOptions for LocallyConnected<N> {
    fn bias_options(&mut self) -> &mut WeightOptions {
        &mut self.bias
    }
}

impl<const N: usize> ActivationOptions for LocallyConnected<N> {
    fn output_options(&mut self) -> &mut OutputOptions {
        &mut self.output
    }
}

impl<const N: usize> Layer for LocallyConnected<N> {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        self.check()?;
        let windows = self.windows(&input_dims(inputs))?;
        let shape: Vec<usize> = match (self.implementation, self.window.data_format) {
            (1, _) => vec![windows.places, windows.size, self.filters],
            (2, DataFormat::ChannelsLast) => {
                [&windows.input[..], &[windows.channels], &windows.output, &[self.filters]].concat()
            }
            (2, DataFormat::ChannelsFirst) => {
                [&[windows.channels], &windows.input[..], &[self.filters], &windows.output].concat()
            }
            _ => vec![self.weights(&windows).1],
        };
        cx.add_weight(&self.base, self.kernel.spec("kernel", shape))?;
        if self.use_bias {
            let shape = [&windows.output[..], &[self.filters]].concat();
            cx.add_weight(&self.base, self.bias.spec("bias", shape))?;
        }
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let x = one_input(self, args)?;
        let windows = self.windows(cx.g.dims(x))?;
        let (places, size, filters) = (windows.places, windows.size, self.filters);
        let mut kernel = cx.weight(&self.base, "kernel")?;
        if self.implementation != 1 {
            // What lies beyond the border is multiplied by a zero put after the weights.
            let (numbers, total) = self.weights(&windows);
            kernel = cx.g.reshape(kernel, &[total as i64])?;
            kernel = cx.g.pad(kernel, &[(0, 1)])?;
            let numbers = cx.g.constant(Tensor::from_vec(numbers, [places, size, filters])?)?;
            kernel = cx.g.gather(kernel, numbers, 0)?;
        }
        let elements: Vec<i64> = windows.elements.iter().map(|e| e.unwrap_or(0) as i64).collect();
        let elements = cx.g.constant(Tensor::from_vec(elements, [places, size])?)?;
        let flat = windows.input.iter().product::<usize>() * windows.channels;
        let x = cx.g.reshape(x, &[-1, flat as i64])?;
        let x = cx.g.gather(x, elements, 1)?;
        let x = cx.g.transpose(x, &[1, 0, 2])?;
        let y = cx.g.batch_matmul(x, kernel, false, false)?;
        let is_first = self.window.data_format == DataFormat::ChannelsFirst;
        let y = cx.g.transpose(y, if is_first { &[1, 2, 0] } else { &[1, 0, 2] })?;
        let spatial = windows.output.iter().map(|&n| n as i64);
        let lengths: Vec<i64> = if is_first {
            [-1, filters as i64].into_iter().chain(spatial).collect()
        } else {
            std::iter::once(-1).chain(spatial).chain([filters as i64]).collect()
        };
        let mut y = cx.g.reshape(y, &lengths)?;
        if self.use_bias {
            let bias = cx.weight(&self.base, "bias")?;
            // Keras reads the bias anew in the order of the output, without moving its filters.
            let mut shape = lengths;
            shape[0] = 1;
            let bias = cx.g.reshape(bias, &shape)?;
            y = cx.g.add(y, bias)?;
        }
        Ok(vec![self.output.activation.apply(cx, y)?])
    }

    fn config(&self) -> Result<Config> {
        let config = self.window.write(self.base.config().with("filters", self.filters));
        Ok(config
            .with("activation", self.output.activation.to_json()?)
            .with("use_bias", self.use_bias)
            .with_weights(&[("kernel", &self.kernel), ("bias", &self.bias)], &self.output.activity_regularizer)?
            .with("implementation", self.implementation)
            .with_rest(self.base.rest()))
    }

    fn activity_regularizer(&self) -> Option<&Regularizer> {
        self.output.activity_regularizer.as_ref()
    }
}
