//! `GRUCell`: one step of `GRU`.

use kerox_graph::ops::RecurrentKind;

use super::declare::recurrent_cell;

recurrent_cell! {
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
    "gru_cell", GRUCell, RecurrentKind::Gru { reset_after: true }, aliases: ["GRUCellV1", "GRUCellV2"]
}
