//! `Interruption`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Callback, Context, Logs};
use crate::{Error, Result};

/// Ends a run after the batch in which a flag was set: by the handler of a signal, or by another thread.
///
/// The run ends with [`Error::Interrupted`]; the model has the weights after that batch. The epoch does not count: it is
/// not validated, and what other callbacks save after epochs is that of the epochs before. Give it behind those that
/// save after batches.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use kerox_layers::{LayerExt, core::Dense, models::Sequential};
/// use kerox_tensor::Tensor;
/// use kerox_train::callbacks::Interruption;
/// use kerox_train::{Error, Fit, Model};
///
/// let mut model = Model::new(Sequential::new().with(Dense::new(1).input_shape([2])));
/// model.compile("sgd", "mean_squared_error", ())?;
/// let (x, y) = (Tensor::full(1f32, [8, 2])?, Tensor::full(3f32, [8, 1])?);
/// let flag = Arc::new(AtomicBool::new(true));
/// let options = Fit::default().batch_size(2).verbose(0).callback(Interruption::new(flag));
/// assert!(matches!(model.fit(&x, &y, options), Err(Error::Interrupted { epoch: 1, batch: 1 })));
/// # Ok::<(), kerox_train::Error>(())
/// ```
///
/// # Source
/// None of Keras's: there, `KeyboardInterrupt` comes out of `fit` wherever it is.
#[derive(Clone, Debug)]
pub struct Interruption {
    flag: Arc<AtomicBool>,
    epoch: usize,
    batch: usize,
}

impl Interruption {
    /// Ends the run when the flag is set.
    pub fn new(flag: Arc<AtomicBool>) -> Interruption {
        Interruption { flag, epoch: 0, batch: 0 }
    }

    fn check(&self) -> Result<()> {
        match self.flag.load(Ordering::Relaxed) {
            true => Err(Error::Interrupted { epoch: self.epoch + 1, batch: self.batch }),
            false => Ok(()),
        }
    }
}

impl Callback for Interruption {
    fn class_name(&self) -> &str {
        "Interruption"
    }

    fn on_epoch_begin(&mut self, _: &mut Context<'_>, epoch: usize) -> Result<()> {
        (self.epoch, self.batch) = (epoch, 0);
        Ok(())
    }

    fn on_train_batch_end(&mut self, _: &mut Context<'_>, batch: usize, _: &Logs) -> Result<()> {
        self.batch = batch + 1;
        self.check()
    }

    fn on_test_batch_end(&mut self, _: &mut Context<'_>, _: usize, _: &Logs) -> Result<()> {
        self.check()
    }

    fn on_predict_batch_end(&mut self, _: &mut Context<'_>, batch: usize) -> Result<()> {
        self.batch = batch + 1;
        self.check()
    }
}
