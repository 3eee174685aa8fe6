//! `RNN`: any cell over the steps of a sequence.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Value, ValueInfo};

use super::declare::sequence_methods;
use super::recurrence;
use super::sequence_options::{SequenceOptions, Sequences};
use super::stacked_rnn_cells::StackedRNNCells;
use crate::registry::{LayerEntry, deserialize, serialize};
use crate::{Args, Base, Build, Call, Layer, LayerRef, Result, Tracked};

/// Runs a cell over the steps of a sequence.
///
/// The built-in cells alone are computed by one operation; any other cell is added to the graph step by step once the
/// number of steps is known, which it is when the model is run. SavedModels hold a loop, for any number of steps.
///
/// # Shapes
/// input `[batch, steps, ...]`, output `[batch, ...]` as the cell gives it, or `[batch, steps, ...]` with
/// `return_sequences`; after it the states with `return_state`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, LayerRef, rnn::{GRUCell, LSTMCell, RNN, StackedRNNCells}};
/// let x = Input([7, 3]);
/// let cells = StackedRNNCells::new([LayerRef::from(LSTMCell::new(4)), GRUCell::new(2).into()]);
/// let y = RNN::new(cells).on(&x)?;
/// assert_eq!(y.shape().to_string(), "(None, 2)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RNN`.
#[derive(Debug)]
pub struct RNN {
    base: Base,
    cell: LayerRef,
    sequences: Sequences,
}

impl RNN {
    /// In the registry.
    pub const ENTRY: LayerEntry =
        LayerEntry { class_name: "RNN", aliases: &[], module: "keras.layers", from_config: RNN::from_config };

    /// Of that cell.
    pub fn new(cell: impl Into<LayerRef>) -> RNN {
        RNN { base: Base::new("RNN"), cell: cell.into(), sequences: Sequences::default() }
    }

    /// The cell.
    pub fn cell(&self) -> &LayerRef {
        &self.cell
    }

    fn from_config(fields: &Fields<'_>) -> Result<LayerRef> {
        let node = fields.required("cell")?;
        let cell = if node.value().as_list().is_some() {
            let cells = node.list()?.iter().map(deserialize).collect::<Result<Vec<LayerRef>>>()?;
            StackedRNNCells::new(cells).into()
        } else {
            deserialize(&node)?
        };
        let base = Base::from_config("RNN", fields)?;
        let mut layer = RNN { base, cell, sequences: Sequences::read(fields)? };
        layer.base.keep_rest(fields);
        Ok(layer.into())
    }
}

impl SequenceOptions for RNN {
    fn sequences_mut(&mut self) -> &mut Sequences {
        &mut self.sequences
    }
}

impl Layer for RNN {
    fn base(&self) -> &Base {
        &self.base
    }

    fn base_mut(&mut self) -> &mut Base {
        &mut self.base
    }

    fn build(&self, cx: &mut Build, inputs: &[ValueInfo]) -> Result<()> {
        recurrence::build(self, &self.sequences, &self.cell, cx, inputs)
    }

    fn call(&self, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Vec<Value>> {
        recurrence::call(self, &self.sequences, &self.cell, cx, args)
    }

    fn config(&self) -> Result<Config> {
        let config = self.sequences.write(self.base.config());
        Ok(config.with("cell", serialize(&self.cell)?).with_rest(self.base.rest()))
    }

    fn sublayers(&self) -> Vec<(String, Tracked)> {
        vec![("cell".into(), Tracked::Layer(self.cell.clone()))]
    }

    fn casts_integers(&self) -> bool {
        true
    }

    sequence_methods!();
}
