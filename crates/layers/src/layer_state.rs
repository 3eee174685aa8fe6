//! What layers keep beside their weights.

use kerox_tensor::{Tensor, Variable};

use crate::Result;

/// What a layer keeps beside its weights and files have to hold too: arrays whose shapes are open, and text.
///
/// # Source
/// `save_own_variables` and `save_assets` of Keras's layers.
pub trait LayerState {
    /// Arrays by name, as `.weights.h5` trees hold them: `idf_weights`.
    fn arrays(&self) -> Vec<(String, Tensor)>;

    /// The arrays as variables, by the attributes under which checkpoints hold them. Those of a layer inside are not
    /// among them.
    fn variables(&self) -> Vec<(String, Variable)> {
        Vec::new()
    }

    /// Takes over arrays.
    ///
    /// # Errors
    /// Where one of them is not what the layer keeps.
    fn set_arrays(&self, arrays: &[(String, Tensor)]) -> Result<()>;

    /// Whether Keras counts the layer among those with weights: checkpoints number them.
    fn counts_as_weight(&self) -> bool;

    /// Files by name, as `.keras` archives hold them: `vocabulary.txt`.
    fn assets(&self) -> Vec<(String, Vec<u8>)>;

    /// Takes over files; is called after [`LayerState::set_arrays`].
    ///
    /// # Errors
    /// Where one of them cannot be read.
    fn set_assets(&self, assets: &[(String, Vec<u8>)]) -> Result<()>;
}
