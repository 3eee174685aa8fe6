//! `ConvLSTM1D`, `ConvLSTM2D`, `ConvLSTM3D`: LSTMs whose products are convolutions.

use std::sync::OnceLock;

use kerox_config_json::{Config, Fields};
use kerox_graph::ops::RecurrentKind;
use kerox_graph::{Dims, Value, ValueInfo};

use super::cell_options::{CellOptions, RecurrentOptions};
use super::conv_lstm_cell::{ConvLstmCell, ConvOptions};
use super::declare::sequence_methods;
use super::recurrence;
use super::sequence_options::{SequenceOptions, Sequences};
use crate::call::input_error;
use crate::conv::{Window, window_builders};
use crate::registry::LayerEntry;
use crate::{Arg, Args, Base, Build, Call, DataFormat, Layer, LayerRef, Lengths, Result, Tracked};

/// An LSTM over a sequence of images with `N` spatial axes: input and state go through convolutions, the state's with
/// stride 1 and as many outputs as inputs.
///
/// # Shapes
/// input `[batch, steps, spatial..., channels]` (or `[batch, steps, channels, spatial...]`), output `[batch, new
/// spatial..., filters]`, with steps after the batch where `return_sequences` is set. `kernel` is `[kernel_size...,
/// channels, 4 filters]`, `recurrent_kernel` `[kernel_size..., filters, 4 filters]`, `bias` `[4 filters]`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, rnn::ConvLSTM2D};
/// let x = Input([5, 8, 8, 3]);
/// let y = ConvLSTM2D::new(4, 3).padding("same").on(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 8, 8, 4)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.ConvLSTM1D`, `ConvLSTM2D`, `ConvLSTM3D`.
#[derive(Debug)]
pub struct ConvLSTM<const N: usize> {
    base: Base,
    options: CellOptions,
    sequences: Sequences,
    window: Window<N>,
    cell: OnceLock<LayerRef>,
}

/// Over sequences of one spatial axis.
pub type ConvLSTM1D = ConvLSTM<1>;
/// Over sequences of images.
pub type ConvLSTM2D = ConvLSTM<2>;
/// Over sequences of volumes.
pub type ConvLSTM3D = ConvLSTM<3>;

impl<const N: usize> ConvLSTM<N> {
    const CLASS: &'static str = ["", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"][N];

    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: Self::CLASS, aliases: &[], module: "keras.layers", from_config: Self::from_config };

    /// With that many outputs, made by kernels of that size.
    pub fn new(filters: usize, kernel_size: impl Into<Lengths<N>>) -> ConvLSTM<N> {
        let mut options = CellOptions::new(RecurrentKind::Lstm, filters);
        options.recurrent_activation = "hard_sigmoid".into();
        ConvLSTM {
            base: Base::new(Self::CLASS),
            options,
            sequences: Sequences::default(),
            window: Window::new(kernel_size.into()),
            cell: OnceLock::new(),
        }
    }

    window_builders!(N, dilated);

    /// The cell that holds the weights.
    pub fn cell(&self) -> &LayerRef {
        self.cell.get_or_init(|| {
            let conv = ConvOptions {
                kernel_size: self.window.kernel_size.0.to_vec(),
                strides: self.window.strides.0.to_vec(),
                padding: self.window.padding,
                dilation_rate: self.window.dilation_rate.0.to_vec(),
            };
            ConvLstmCell::inside(&self.base, &self.options, conv).into()
        })
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut options = CellOptions::read_for(RecurrentKind::Lstm, fields.positive("filters")?, fields)?;
        if fields.present("recurrent_activation").is_none() {
            options.recurrent_activation = "hard_sigmoid".into();
        }
        let mut layer = ConvLSTM::<N> {
            base: Base::from_config(Self::CLASS, fields)?,
            options,
            sequences: Sequences::read(fields)?,
            window: Window::read(fields, false)?,
            cell: OnceLock::new(),
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }

    /// A shape `[batch, steps, ...]` with its channels last.
    fn channels_last(&self, dims: &Dims) -> Result<Dims> {
        let Some(axes) = dims.axes().filter(|axes| axes.len() == N + 3) else {
            let expected = format!("a sequence with {} axes", N + 3);
            return Err(input_error(self, expected, format!("shape {dims}")));
        };
        Ok(match self.window.data_format {
            DataFormat::ChannelsLast => dims.clone(),
            DataFormat::ChannelsFirst => axes[..2].iter().chain(&axes[3..]).chain(&axes[2..3]).copied().collect(),
        })
    }

    /// Moves the channels behind the spatial axes, or back.
    fn move_channels(&self, cx: &mut Call<'_>, x: Value, to_last: bool) -> Result<Value> {
        let Some(rank) = cx.g.dims(x).rank().filter(|rank| *rank >= N + 2) else { return Ok(x) };
        if self.window.data_format == DataFormat::ChannelsLast {
            return Ok(x);
        }
        let first = rank - N - 1;
        let mut perm: Vec<i64> = (0..rank as i64).collect();
        if to_last {
            let channels = perm.remove(first);
            perm.push(channels);
        } else {
            let channels = perm.remove(rank - 1);
            perm.insert(first, channels);
        }
        Ok(cx.g.transpose(x, &perm)?)
    }
}

impl<const N: usize> RecurrentOptions for ConvLSTM<N> {
    fn cell_options(&mut self) -> &mut CellOptions {
        &mut self.options
    }
}

impl<const N: usize> SequenceOptions for ConvLSTM<N> {
    fn sequences_mut(&mut self) -> &mut Sequences {
        &mut self.sequences
    }
}

impl<const N: usize> Layer for ConvLSTM<N> {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        self.window.check(&self.base)?;
        let nothing = || input_error(self, "a sequence".into(), "nothing".into());
        let input = inputs.first().ok_or_else(nothing)?;
        let info = ValueInfo::new(input.dtype, self.channels_last(&input.dims)?);
        recurrence::build(self, &self.sequences, self.cell(), cx, &[info])
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        let Some(&&x) = args.first().first() else {
            return Err(input_error(self, "a sequence".into(), "nothing".into()));
        };
        self.channels_last(cx.g.dims(x))?;
        let mask = args.get(1, "mask").cloned().or_else(|| cx.mask(x).map(Arg::Tensor));
        let mut moved = args.try_map(|&v| {
            let is_image = cx.g.dims(v).rank().is_some_and(|rank| rank >= N + 2);
            if is_image { self.move_channels(cx, v, true) } else { Ok(v) }
        })?;
        if let (Some(mask), None) = (mask, moved.kwarg("mask")) {
            moved = moved.with("mask", mask);
        }
        let outputs = recurrence::call(self, &self.sequences, self.cell(), cx, &moved)?;
        let mut results = Vec::with_capacity(outputs.len());
        for output in outputs {
            let mask = cx.mask(output);
            let output = self.move_channels(cx, output, false)?;
            cx.set_mask(output, mask);
            results.push(output);
        }
        Ok(results)
    }

    fn config(&self) -> Result<Config> {
        let config = self.sequences.write(self.base.config()).with("filters", self.options.units as i64);
        let mut config = self.window.write(config).with("dilation_rate", self.window.dilation_rate);
        let options = self.options.write(Config::new(), Some(&self.sequences.activity_regularizer))?;
        for (key, value) in options.iter().filter(|(key, _)| !["units", "implementation"].contains(key)) {
            config.insert(key, value.clone());
        }
        Ok(config.with_rest(self.base.rest()))
    }

    fn sublayers(&self) -> Vec<(String, Tracked)> {
        vec![("cell".into(), Tracked::Layer(self.cell().clone()))]
    }

    sequence_methods!();
}
