//! `LearningRateScheduler`.

use kerox_config_json::python_float;

use super::{Callback, Context, Logs};
use crate::Result;

/// Sets the learning rate before each epoch. The rate is logged as `lr`.
///
/// # Example
/// ```
/// use kerox_train::callbacks::LearningRateScheduler;
/// let halves = LearningRateScheduler::new(|epoch, rate| if epoch < 10 { rate } else { rate * 0.5 });
/// ```
///
/// # Source
/// `keras.callbacks.LearningRateScheduler`.
pub struct LearningRateScheduler<F> {
    schedule: F,
    verbose: u8,
}

impl<F: FnMut(usize, f64) -> f64 + Send> LearningRateScheduler<F> {
    /// `schedule` is given the epoch, counted from 0, and the present rate.
    pub fn new(schedule: F) -> LearningRateScheduler<F> {
        LearningRateScheduler { schedule, verbose: 0 }
    }

    /// 1 tells of each rate.
    #[must_use]
    pub fn verbose(mut self, verbose: u8) -> Self {
        self.verbose = verbose;
        self
    }
}

impl<F: FnMut(usize, f64) -> f64 + Send> Callback for LearningRateScheduler<F> {
    fn class_name(&self) -> &str {
        "LearningRateScheduler"
    }

    fn on_epoch_begin(&mut self, cx: &mut Context<'_>, epoch: usize) -> Result<()> {
        let optimizer = cx.model.optimizer()?.clone();
        let rate = (self.schedule)(epoch, optimizer.learning_rate());
        optimizer.set_learning_rate(rate)?;
        if self.verbose > 0 {
            let (epoch, rate) = (epoch + 1, python_float(rate));
            let text = format_args!("\nEpoch {epoch}: LearningRateScheduler setting learning rate to {rate}.");
            super::print(cx, text)?;
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, cx: &mut Context<'_>, _: usize, logs: &mut Logs) -> Result<()> {
        logs.set("lr", cx.model.optimizer()?.learning_rate());
        Ok(())
    }
}
