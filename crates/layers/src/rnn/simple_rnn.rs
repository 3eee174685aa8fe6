//! `SimpleRNN`: a recurrence whose output is fed back.

use kerox_graph::ops::RecurrentKind;

use super::SimpleRNNCell;
use super::declare::recurrent_layer;

recurrent_layer! {
    /// A fully connected recurrence whose output is fed back: `h(t) = activation(x(t) · kernel + h(t - 1) ·
    /// recurrent_kernel + bias)`.
    ///
    /// Where a mask comes with the input, masked steps leave the state as it was. The steps are computed by one operation;
    /// one by one only with activations the operation lacks, or with recurrent dropout while training.
    ///
    /// # Shapes
    /// input `[batch, steps, features]`, output `[batch, units]`, or `[batch, steps, units]` with `return_sequences`;
    /// states `[batch, units]`. `kernel` is `[features, units]`, `recurrent_kernel` `[units, units]`, `bias`
    /// `[units]`.
    ///
    /// # Example
    /// ```
    /// use kerox_layers::{Input, LayerExt, rnn::{SimpleRNN, SequenceOptions}};
    /// let x = Input([7, 3]);
    /// let y = SimpleRNN::new(4).return_sequences(true).on(&x)?;
    /// assert_eq!(y.shape().to_string(), "(None, 7, 4)");
    /// # Ok::<(), kerox_layers::Error>(())
    /// ```
    ///
    /// # Source
    /// `keras.layers.SimpleRNN`.
    SimpleRNN, SimpleRNNCell, RecurrentKind::Simple, aliases: [] as [&str; 0]
}
