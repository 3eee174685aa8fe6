//! The optimizer's state.
//!
//! Keras's own SavedModels hold the optimizer as an object of the model, and lose its state when they are loaded: the
//! object is not the optimizer that the loaded model is compiled with. Here the state is in the checkpoint alone, where
//! that optimizer finds it.

use kerox_format_savedmodel::SavedModelBuilder;

use super::write::Writer;
use crate::saving::{Result, compiled, optimizer};

impl Writer<'_> {
    /// Adds the state under `optimizer`.
    pub fn optimizer(&mut self) -> Result<()> {
        let Some(config) = compiled::to_config(self.model)? else { return Ok(()) };
        let written = config.write(kerox_config_json::Form::Keras2H5)?;
        let Some(optimizer) = optimizer::of_keras2(self.model, &written)? else { return Ok(()) };
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
