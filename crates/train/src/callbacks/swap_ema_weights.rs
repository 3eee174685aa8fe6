//! `SwapEMAWeights`.

use super::{Callback, Context, Logs};
use crate::Result;

/// Evaluates and predicts with the moving averages of the weights, for optimizers with `use_ema`.
///
/// # Source
/// `keras.callbacks.SwapEMAWeights` of Keras 3.
#[derive(Clone, Copy, Debug, Default)]
pub struct SwapEMAWeights {
    /// Whether the averages are put in at the end of each epoch already, for what is saved then.
    pub swap_on_epoch: bool,
}

fn swap(cx: &mut Context<'_>) -> Result<()> {
    let optimizer = cx.model.optimizer()?.clone();
    for variable in optimizer.model_variables() {
        if let Some(average) = optimizer.slot(&variable, "average") {
            std::mem::swap(&mut *variable.write(), &mut *average.write());
        }
    }
    Ok(())
}

impl Callback for SwapEMAWeights {
    fn class_name(&self) -> &str {
        "SwapEMAWeights"
    }
    fn on_epoch_begin(&mut self, cx: &mut Context<'_>, epoch: usize) -> Result<()> {
        if self.swap_on_epoch && epoch > 0 { swap(cx) } else { Ok(()) }
    }
    fn on_epoch_end(&mut self, cx: &mut Context<'_>, _: usize, _: &mut Logs) -> Result<()> {
        if self.swap_on_epoch { swap(cx) } else { Ok(()) }
    }
    fn on_test_begin(&mut self, cx: &mut Context<'_>) -> Result<()> {
        if self.swap_on_epoch { Ok(()) } else { swap(cx) }
    }
    fn on_test_end(&mut self, cx: &mut Context<'_>, _: &Logs) -> Result<()> {
        if self.swap_on_epoch { Ok(()) } else { swap(cx) }
    }
    fn on_predict_begin(&mut self, cx: &mut Context<'_>) -> Result<()> {
        if self.swap_on_epoch { Ok(()) } else { swap(cx) }
    }
    fn on_predict_end(&mut self, cx: &mut Context<'_>) -> Result<()> {
        if self.swap_on_epoch { Ok(()) } else { swap(cx) }
    }
}
