//! `LSTM`: long short-term memory.

use kerox_graph::ops::RecurrentKind;

use super::LSTMCell;
use super::declare::recurrent_layer;

recurrent_layer! {
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
    LSTM, LSTMCell, RecurrentKind::Lstm, aliases: ["LSTMV1", "LSTMV2", "CuDNNLSTM"]
}
