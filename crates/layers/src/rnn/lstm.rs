//! `LSTM`: long short-term memory.

use std::sync::OnceLock;

use kerox_config_json::{Config, Fields};
use kerox_graph::ops::RecurrentKind;
use kerox_graph::{Value, ValueInfo};

use super::LSTMCell;
use super::cell_options::{CellOptions, RecurrentOptions};
use super::recurrence;
use super::sequence_options::{SequenceOptions, Sequences};
use crate::registry::LayerEntry;
use crate::{Args, Base, Build, Call, Layer, LayerRef, Regularizer, Result, Tracked};

/// Long short-term memory: `c(t) = f c(t - 1) + i g`, `h(t) = o activation(c(t))`. Gates lie in the kernels as input,
/// forget, candidate, output.
///
/// Where a mask comes with the input, masked steps leave the state as it was. The steps are computed by one operation;
/// one by one only with activations the operation lacks, or with recurrent dropout while training.
///
/// # Shapes
/// input `[batch, steps, features]`, output `[batch, units]`, or `[batch, steps, units]` with `return_sequences`;
/// states `[batch, units]`. `kernel` is `[features, 4 units]`, `recurrent_kernel` `[units, 4 units]`, `bias`
/// `[4 units]`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, rnn::{LSTM, SequenceOptions}};
/// let x = Input([7, 3]);
/// let y = LSTM::new(4).return_sequences(true).on(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 7, 4)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.LSTM`.
#[derive(Debug)]
pub struct LSTM {
    base: Base,
    options: CellOptions,
    sequences: Sequences,
    cell: OnceLock<LayerRef>,
}

impl LSTM {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "LSTM",
        aliases: &["LSTMV1", "LSTMV2", "CuDNNLSTM"],
        module: "keras.layers",
        from_config: LSTM::from_config,
    };

    /// With that many units.
    pub fn new(units: usize) -> LSTM {
        LSTM {
            base: Base::new("LSTM"),
            options: CellOptions::new(RecurrentKind::Lstm, units),
            sequences: Sequences::default(),
            cell: OnceLock::new(),
        }
    }

    /// The cell that holds the weights.
    pub fn cell(&self) -> &LayerRef {
        self.cell.get_or_init(|| LSTMCell::inside(&self.base, &self.options).into())
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let mut layer = LSTM {
            base: Base::from_config("LSTM", fields)?,
            options: CellOptions::read(RecurrentKind::Lstm, fields)?,
            sequences: Sequences::read(fields)?,
            cell: OnceLock::new(),
        };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl RecurrentOptions for LSTM {
    fn cell_options(&mut self) -> &mut CellOptions {
        &mut self.options
    }
}

impl SequenceOptions for LSTM {
    fn sequences_mut(&mut self) -> &mut Sequences {
        &mut self.sequences
    }
}

impl Layer for LSTM {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        recurrence::build(self, &self.sequences, self.cell(), cx, inputs)
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        recurrence::call(self, &self.sequences, self.cell(), cx, args)
    }

    fn config(&self) -> Result<Config> {
        let config = self.sequences.write(self.base.config());
        let config = self.options.write(config, Some(&self.sequences.activity_regularizer))?;
        Ok(config.with_rest(self.base.rest()))
    }

    fn sublayers(&self) -> Vec<(String, Tracked)> {
        vec![("cell".into(), Tracked::Layer(self.cell().clone()))]
    }

    fn supports_masking(&self) -> bool {
        true
    }

    fn computes_masks(&self) -> bool {
        true
    }

    fn activity_regularizer(&self) -> Option<&Regularizer> {
        self.sequences.activity_regularizer.as_ref()
    }

    fn reset_states(&self) {
        self.sequences.reset();
    }
}
