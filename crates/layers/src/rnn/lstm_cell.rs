//! `LSTMCell`: one step of `LSTM`.

use kerox_graph::ops::RecurrentKind;

use super::declare::recurrent_cell;

recurrent_cell! {
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
    "lstm_cell", LSTMCell, RecurrentKind::Lstm, aliases: ["LSTMCellV1", "LSTMCellV2"]
}
