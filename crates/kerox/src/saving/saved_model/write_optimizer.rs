//! The optimizer's state.
//!
//! Keras's own SavedModels hold the optimizer as an object of the model, and lose its state when they are loaded: the
//! object is not the optimizer that the loaded model is compiled with. Here the state is in the checkpoint alone, where
//! that optimizer finds it.

use kerox_format_savedmodel::SavedModelBuilder;

use super::write::Writer;
use crate::saving::{Result, optimizer};

impl Writer<'_> {
    /// Adds the state under `optimizer`.
    pub fn optimizer(&mut self) -> Result<()> {
        let Some(optimizer) = optimizer::in_form_of_keras2(self.model)? else { return Ok(()) };
        let optimizer = optimizer.as_trackable();
        let node = self.object(&*optimizer);
        for slot in optimizer.slots() {
            let original = self.variables.get(&slot.original.id()).copied();
            let variable = self.variable(&slot.variable, false);
            if let Some(original) = original {
                self.builder.slot(node, original, slot.slot_name, variable);
            }
        }
        self.builder.checkpoint_child(SavedModelBuilder::ROOT, "optimizer", node);
        Ok(())
    }
}
