//! `TerminateOnNaN`.

use super::{Callback, Context, Logs};
use crate::Result;

/// Ends training where the loss is no finite number, instead of failing.
///
/// # Source
/// `keras.callbacks.TerminateOnNaN`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminateOnNaN;

impl Callback for TerminateOnNaN {
    fn class_name(&self) -> &str {
        "TerminateOnNaN"
    }

    fn handles_non_finite(&self) -> bool {
        true
    }

    fn on_train_batch_end(&mut self, cx: &mut Context<'_>, batch: usize, logs: &Logs) -> Result<()> {
        if logs.get("loss").is_some_and(|loss| !loss.is_finite()) {
            super::print(cx, format_args!("Batch {batch}: Invalid loss, terminating training"))?;
            cx.model.stop_training = true;
        }
        Ok(())
    }
}
