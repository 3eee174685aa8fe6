//! `LSTMCell`: one step of `LSTM`.

use kerox_config_json::{Config, Fields};
use kerox_graph::ops::RecurrentKind;
use kerox_graph::{Value, ValueInfo};

use super::cell::{Cell, CellMemory, Fused, call_cell};
use super::cell_options::{CellOptions, RecurrentOptions};
use crate::registry::LayerEntry;
use crate::{Args, Base, Build, Call, Layer, LayerRef, Result};

/// One step of [`LSTM`](super::LSTM), to be used in an [`RNN`](super::RNN) or alone.
///
/// # Shapes
/// input `[batch, features]`, two states `[batch, units]`; output `[batch, units]` and the new states. `kernel` is
/// `[features, 4 units]`, `recurrent_kernel` `[units, 4 units]`, `bias` `[4 units]`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerRef, rnn::{LSTMCell, RNN}};
/// let x = Input([7, 3]);
/// let y = LayerRef::from(RNN::new(LSTMCell::new(4))).on(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 4)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.LSTMCell`.
#[derive(Debug)]
pub struct LSTMCell {
    base: Base,
    options: CellOptions,
}

impl LSTMCell {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "LSTMCell",
        aliases: &["LSTMCellV1", "LSTMCellV2"],
        module: "keras.layers",
        from_config: LSTMCell::from_config,
    };

    /// With that many units.
    pub fn new(units: usize) -> LSTMCell {
        let options = CellOptions::new(RecurrentKind::Lstm, units);
        LSTMCell { base: Base::new("LSTMCell"), options }
    }

    /// The cell inside a layer.
    pub(super) fn inside(layer: &Base, options: &CellOptions) -> LSTMCell {
        let base = CellOptions::cell_base("LSTMCell", "lstm_cell", layer);
        LSTMCell { base, options: options.clone() }
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let options = CellOptions::read(RecurrentKind::Lstm, fields)?;
        let mut layer = LSTMCell { base: Base::from_config("LSTMCell", fields)?, options };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl RecurrentOptions for LSTMCell {
    fn cell_options(&mut self) -> &mut CellOptions {
        &mut self.options
    }
}

impl Layer for LSTMCell {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        self.options.build(self, cx, inputs)
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        call_cell(self, cx, args)
    }

    fn config(&self) -> Result<Config> {
        Ok(self.options.write(self.base.config(), None)?.with_rest(self.base.rest()))
    }

    fn as_cell(&self) -> Option<&dyn Cell> {
        Some(self)
    }
}

impl Cell for LSTMCell {
    fn state_shapes(&self, _: &ValueInfo) -> Vec<Vec<usize>> {
        self.options.state_shapes()
    }

    fn step(
        &self,
        cx: &mut Call<'_>,
        x: Value,
        states: &[Value],
        memory: &mut CellMemory,
    ) -> Result<(Value, Vec<Value>)> {
        self.options.step(self, cx, x, states, memory)
    }

    fn fused(&self, cx: &mut Call<'_>, call: &Fused<'_>) -> Result<Option<(Value, Vec<Value>)>> {
        self.options.fused(self, cx, call)
    }
}
