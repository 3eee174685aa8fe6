//! `SimpleRNNCell`: one step of `SimpleRNN`.

use kerox_graph::ops::RecurrentKind;

use super::declare::recurrent_cell;

recurrent_cell! {
    /// One step of [`SimpleRNN`](super::SimpleRNN), to be used in an [`RNN`](super::RNN) or alone.
    ///
    /// # Shapes
    /// input `[batch, features]`, one state `[batch, units]`; output `[batch, units]` and the new state. `kernel` is
    /// `[features, units]`, `recurrent_kernel` `[units, units]`, `bias` `[units]`.
    ///
    /// # Example
    /// ```
    /// use kerox_layers::{Input, LayerRef, rnn::{SimpleRNNCell, RNN}};
    /// let x = Input([7, 3]);
    /// let y = LayerRef::from(RNN::new(SimpleRNNCell::new(4))).on(&x)?;
    /// assert_eq!(y.shape().to_string(), "(None, 4)");
    /// # Ok::<(), kerox_layers::Error>(())
    /// ```
    ///
    /// # Source
    /// `keras.layers.SimpleRNNCell`.
    "simple_rnn_cell", SimpleRNNCell, RecurrentKind::Simple, aliases: [] as [&str; 0]
}
