//! `GRU`: gated recurrent units.

use kerox_graph::ops::RecurrentKind;

use super::GRUCell;
use super::declare::recurrent_layer;

recurrent_layer! {
    /// Gated recurrent unit: `h(t) = z h(t - 1) + (1 - z) c`. Gates lie in the kernels as update, reset, candidate.
    ///
    /// Where a mask comes with the input, masked steps leave the state as it was. The steps are computed by one operation;
    /// one by one only with activations the operation lacks, or with recurrent dropout while training.
    ///
    /// # Shapes
    /// input `[batch, steps, features]`, output `[batch, units]`, or `[batch, steps, units]` with `return_sequences`;
    /// states `[batch, units]`. `kernel` is `[features, 3 units]`, `recurrent_kernel` `[units, 3 units]`, `bias`
    /// `[2, 3 units]`, or `[3 units]` without `reset_after`.
    ///
    /// # Example
    /// ```
    /// use kerox_layers::{Input, LayerExt, rnn::{GRU, SequenceOptions}};
    /// let x = Input([7, 3]);
    /// let y = GRU::new(4).return_sequences(true).on(&x)?;
    /// assert_eq!(y.shape().to_string(), "(None, 7, 4)");
    /// # Ok::<(), kerox_layers::Error>(())
    /// ```
    ///
    /// # Source
    /// `keras.layers.GRU`.
    GRU, GRUCell, RecurrentKind::Gru { reset_after: true }, aliases: ["GRUV1", "GRUV2", "CuDNNGRU"]
}
