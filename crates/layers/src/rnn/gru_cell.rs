//! `GRUCell`: one step of `GRU`.

use kerox_config_json::{Config, Fields};
use kerox_graph::ops::RecurrentKind;
use kerox_graph::{Value, ValueInfo};

use super::cell::{Cell, CellMemory, Fused, call_cell};
use super::cell_options::{CellOptions, RecurrentOptions};
use crate::registry::LayerEntry;
use crate::{Args, Base, Build, Call, Layer, LayerRef, Result};

/// One step of [`GRU`](super::GRU), to be used in an [`RNN`](super::RNN) or alone.
///
/// # Shapes
/// input `[batch, features]`, one state `[batch, units]`; output `[batch, units]` and the new state. `kernel` is
/// `[features, 3 units]`, `recurrent_kernel` `[units, 3 units]`, `bias` `[2, 3 units]`, or `[3 units]` without `reset_after`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerRef, rnn::{GRUCell, RNN}};
/// let x = Input([7, 3]);
/// let y = LayerRef::from(RNN::new(GRUCell::new(4))).on(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 4)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.GRUCell`.
#[derive(Debug)]
pub struct GRUCell {
    base: Base,
    options: CellOptions,
}

impl GRUCell {
    /// In the registry.
    pub const ENTRY: LayerEntry = LayerEntry {
        class_name: "GRUCell",
        aliases: &["GRUCellV1", "GRUCellV2"],
        module: "keras.layers",
        from_config: GRUCell::from_config,
    };

    /// With that many units.
    pub fn new(units: usize) -> GRUCell {
        let options = CellOptions::new(RecurrentKind::Gru { reset_after: true }, units);
        GRUCell { base: Base::new("GRUCell"), options }
    }

    /// The cell inside a layer.
    pub(super) fn inside(layer: &Base, options: &CellOptions) -> GRUCell {
        let base = CellOptions::cell_base("GRUCell", "gru_cell", layer);
        GRUCell { base, options: options.clone() }
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let options = CellOptions::read(RecurrentKind::Gru { reset_after: true }, fields)?;
        let mut layer = GRUCell { base: Base::from_config("GRUCell", fields)?, options };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl RecurrentOptions for GRUCell {
    fn cell_options(&mut self) -> &mut CellOptions {
        &mut self.options
    }
}

impl Layer for GRUCell {
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

impl Cell for GRUCell {
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
