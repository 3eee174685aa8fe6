//! What layers keep beside their weights.

use kerox_graph::ops::TableHandle;
use kerox_tensor::{DType, Tensor, Variable};

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

    /// The tables that the layer itself looks into, by their attribute in Keras: `lookup_table`.
    ///
    /// # Errors
    /// None at present.
    fn tables(&self) -> Result<Vec<(String, TableHandle)>> {
        Ok(Vec::new())
    }

    /// Takes over tables: by their attributes, keys and values. Arrays come before.
    ///
    /// # Errors
    /// Where one of them is not what the layer looks into.
    fn set_tables(&self, _tables: &[(String, Tensor, Tensor)]) -> Result<()> {
        Ok(())
    }

    /// What Keras counts in while such a layer is adapted, by its names: tables of tokens of a type, or (with no type) a
    /// number. They are empty but in checkpoints.
    fn counters(&self) -> Vec<(String, Option<DType>)> {
        Vec::new()
    }

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
