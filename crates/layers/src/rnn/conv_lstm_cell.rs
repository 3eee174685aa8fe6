//! One step of a convolutional LSTM.

use kerox_config_json::Config;
use kerox_graph::{Value, ValueInfo};

use super::cell::{Cell, CellMemory, call_cell};
use super::cell_options::CellOptions;
use super::forget_bias::ForgetBias;
use crate::arguments::input_dims;
use crate::call::input_error;
use crate::conv::ConvPadding;
use crate::registry::argument_error;
use crate::{Args, Base, Build, Call, Layer, Result};

/// What a convolutional cell is told of its kernels.
#[derive(Clone, Debug)]
pub(super) struct ConvOptions {
    pub kernel_size: Vec<usize>,
    pub strides: Vec<usize>,
    pub padding: ConvPadding,
    pub dilation_rate: Vec<usize>,
}

/// The cell of a [`ConvLSTM`](super::ConvLSTM); channels are last. States are `[batch, new spatial..., filters]`.
#[derive(Debug)]
pub(super) struct ConvLstmCell {
    base: Base,
    options: CellOptions,
    conv: ConvOptions,
}

impl ConvLstmCell {
    /// The cell inside a layer.
    pub fn inside(layer: &Base, options: &CellOptions, conv: ConvOptions) -> ConvLstmCell {
        let base = CellOptions::cell_base("ConvLSTMCell", "conv_lstm_cell", layer);
        ConvLstmCell { base, options: options.clone(), conv }
    }

    /// Lengths of the spatial axes after the convolution; `None` where one is unknown or the kernel does not fit.
    fn lengths(&self, input: &ValueInfo) -> Option<Vec<usize>> {
        let n = self.conv.kernel_size.len();
        let axes = input.dims.axes().filter(|axes| axes.len() == n + 2)?;
        (0..n)
            .map(|i| {
                let (length, stride) = (axes[i + 1]?, self.conv.strides[i].max(1));
                let reach = self.conv.kernel_size[i].checked_sub(1)?.checked_mul(self.conv.dilation_rate[i])? + 1;
                match self.conv.padding {
                    ConvPadding::Same => Some(length.div_ceil(stride)),
                    _ => Some(length.checked_sub(reach)? / stride + 1),
                }
            })
            .collect()
    }
}

impl Layer for ConvLstmCell {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        let (options, filters) = (&self.options, self.options.units);
        if filters == 0 {
            return Err(argument_error(&self.base, "filters", "a positive integer", "0"));
        }
        let dims = input_dims(inputs);
        let channels = dims.axes().and_then(|axes| axes.last().copied()).flatten();
        let known = inputs.first().and_then(|input| self.lengths(input));
        let (Some(channels), Some(_)) = (channels, known) else {
            let expected = format!("steps of known lengths into which a kernel {:?} fits", self.conv.kernel_size);
            return Err(input_error(self, expected, format!("shape {dims}")));
        };
        let shape = |channels: usize| -> Vec<usize> {
            self.conv.kernel_size.iter().copied().chain([channels, 4 * filters]).collect()
        };
        cx.add_weight(&self.base, options.kernel.spec("kernel", shape(channels)))?;
        cx.add_weight(&self.base, options.recurrent.spec("recurrent_kernel", shape(filters)))?;
        if options.use_bias {
            let mut spec = options.bias.spec("bias", [4 * filters]);
            if options.unit_forget_bias {
                spec.initializer = ForgetBias { others: options.bias.initializer.clone() }.into();
            }
            cx.add_weight(&self.base, spec)?;
        }
        Ok(())
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        call_cell(self, cx, args)
    }

    fn config(&self) -> Result<Config> {
        self.options.write(self.base.config(), None)
    }

    fn as_cell(&self) -> Option<&dyn Cell> {
        Some(self)
    }
}

impl Cell for ConvLstmCell {
    fn state_shapes(&self, input: &ValueInfo) -> Vec<Vec<usize>> {
        let mut shape = self.lengths(input).unwrap_or_else(|| vec![0; self.conv.kernel_size.len()]);
        shape.push(self.options.units);
        vec![shape.clone(), shape]
    }

    fn step(
        &self,
        cx: &mut Call<'_>,
        x: Value,
        states: &[Value],
        memory: &mut CellMemory,
    ) -> Result<(Value, Vec<Value>)> {
        let (options, conv) = (&self.options, &self.conv);
        let kernel = cx.weight(&self.base, "kernel")?;
        let recurrent_kernel = cx.weight(&self.base, "recurrent_kernel")?;
        let xs = options.dropped(self, cx, (x, "input"), options.dropout, 4, memory)?;
        let hs = options.dropped(self, cx, (states[0], "state"), options.recurrent_dropout, 4, memory)?;
        let ones = vec![1; conv.kernel_size.len()];
        let mut z = convolve(cx, &xs, kernel, &conv.strides, conv.padding, &conv.dilation_rate)?;
        if options.use_bias {
            let bias = cx.weight(&self.base, "bias")?;
            z = cx.g.bias_add(z, bias)?;
        }
        let inner = convolve(cx, &hs, recurrent_kernel, &ones, ConvPadding::Same, &ones)?;
        let z = cx.g.add(z, inner)?;
        let parts = cx.g.split(z, 4, -1)?;
        let i = options.recurrent_activation.apply(cx, parts[0])?;
        let f = options.recurrent_activation.apply(cx, parts[1])?;
        let candidate = options.activation.apply(cx, parts[2])?;
        let o = options.recurrent_activation.apply(cx, parts[3])?;
        let (kept, new) = (cx.g.multiply(f, states[1])?, cx.g.multiply(i, candidate)?);
        let c = cx.g.add(kept, new)?;
        let active = options.activation.apply(cx, c)?;
        let h = cx.g.multiply(o, active)?;
        Ok((h, vec![h, c]))
    }
}

/// A convolution, with an input of its own for each gate where there are several.
fn convolve(
    cx: &mut Call<'_>,
    xs: &[Value],
    kernel: Value,
    strides: &[usize],
    padding: ConvPadding,
    dilations: &[usize],
) -> Result<Value> {
    if let [x] = xs {
        return Ok(cx.g.conv(*x, kernel, strides, padding.to_op(), dilations)?);
    }
    let kernels = cx.g.split(kernel, xs.len(), -1)?;
    let mut parts = Vec::with_capacity(xs.len());
    for (&x, kernel) in xs.iter().zip(kernels) {
        parts.push(cx.g.conv(x, kernel, strides, padding.to_op(), dilations)?);
    }
    Ok(cx.g.concat(&parts, -1)?)
}
