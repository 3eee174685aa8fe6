//! Callbacks: what happens around training.

mod history;

use std::fmt;

pub use history::History;

use crate::{Model, Result};

/// Names and values of a batch or epoch, in the order in which Keras has them: `loss`, metrics, `val_...`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs(pub Vec<(String, f64)>);

impl Logs {
    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| *v)
    }

    /// Sets a value, in place or at the end.
    pub fn set(&mut self, name: &str, value: f64) {
        match self.0.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_string(), value)),
        }
    }

    /// The names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

/// What callbacks know of the run: Keras's `params`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params {
    /// 0 silent, 1 progress bar, 2 one line an epoch.
    pub verbose: u8,
    /// Number of epochs, those before `initial_epoch` included.
    pub epochs: usize,
    /// Batches an epoch, if known.
    pub steps: Option<usize>,
    /// The names the logs of an epoch will have, `val_...` included.
    pub log_names: Vec<String>,
    /// Samples a batch, if known.
    pub batch_size: Option<usize>,
}

/// What a callback can see and change.
pub struct Context<'a> {
    /// The model; `model.stop_training = true` ends the run after the epoch.
    pub model: &'a mut Model,
    /// What is known of the run.
    pub params: &'a Params,
    /// Where text for the user goes.
    pub console: &'a mut dyn std::io::Write,
}

/// Something that is called around training, testing and prediction. Epochs and batches are counted from 0.
///
/// # Source
/// `keras.callbacks.Callback`.
#[allow(unused_variables)]
pub trait Callback: Send {
    /// The class, for messages.
    fn class_name(&self) -> &str;

    /// Before training. This is where arguments are checked against [`Params::log_names`].
    ///
    /// # Errors
    /// Ends the run.
    fn on_train_begin(&mut self, cx: &mut Context<'_>) -> Result<()> {
        Ok(())
    }
    /// After training, also where it ended early.
    ///
    /// # Errors
    /// Is reported once all other callbacks were called.
    fn on_train_end(&mut self, cx: &mut Context<'_>, logs: &Logs) -> Result<()> {
        Ok(())
    }
    /// Before an epoch.
    ///
    /// # Errors
    /// Ends the run.
    fn on_epoch_begin(&mut self, cx: &mut Context<'_>, epoch: usize) -> Result<()> {
        Ok(())
    }
    /// After an epoch and its validation. Logs may be added to.
    ///
    /// # Errors
    /// Ends the run.
    fn on_epoch_end(&mut self, cx: &mut Context<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        Ok(())
    }
    /// Before a training batch.
    ///
    /// # Errors
    /// Ends the run.
    fn on_train_batch_begin(&mut self, cx: &mut Context<'_>, batch: usize) -> Result<()> {
        Ok(())
    }
    /// After a training batch; the logs are those of the epoch so far.
    ///
    /// # Errors
    /// Ends the run.
    fn on_train_batch_end(&mut self, cx: &mut Context<'_>, batch: usize, logs: &Logs) -> Result<()> {
        Ok(())
    }
    /// Before evaluation or validation.
    ///
    /// # Errors
    /// Ends the run.
    fn on_test_begin(&mut self, cx: &mut Context<'_>) -> Result<()> {
        Ok(())
    }
    /// After evaluation or validation.
    ///
    /// # Errors
    /// Ends the run.
    fn on_test_end(&mut self, cx: &mut Context<'_>, logs: &Logs) -> Result<()> {
        Ok(())
    }
    /// Before a batch of evaluation.
    ///
    /// # Errors
    /// Ends the run.
    fn on_test_batch_begin(&mut self, cx: &mut Context<'_>, batch: usize) -> Result<()> {
        Ok(())
    }
    /// After a batch of evaluation.
    ///
    /// # Errors
    /// Ends the run.
    fn on_test_batch_end(&mut self, cx: &mut Context<'_>, batch: usize, logs: &Logs) -> Result<()> {
        Ok(())
    }
    /// Before prediction.
    ///
    /// # Errors
    /// Ends the run.
    fn on_predict_begin(&mut self, cx: &mut Context<'_>) -> Result<()> {
        Ok(())
    }
    /// After prediction.
    ///
    /// # Errors
    /// Ends the run.
    fn on_predict_end(&mut self, cx: &mut Context<'_>) -> Result<()> {
        Ok(())
    }
    /// Before a batch of prediction.
    ///
    /// # Errors
    /// Ends the run.
    fn on_predict_batch_begin(&mut self, cx: &mut Context<'_>, batch: usize) -> Result<()> {
        Ok(())
    }
    /// After a batch of prediction.
    ///
    /// # Errors
    /// Ends the run.
    fn on_predict_batch_end(&mut self, cx: &mut Context<'_>, batch: usize) -> Result<()> {
        Ok(())
    }
    /// What has to be kept for a run to be resumed exactly; `None` where there is nothing.
    fn state(&self) -> Option<kerox_config_json::Value> {
        None
    }
    /// Takes up a state given by [`Callback::state`].
    ///
    /// # Errors
    /// Where it is not one.
    fn restore(&mut self, state: &kerox_config_json::Value) -> Result<()> {
        Ok(())
    }
}

impl fmt::Debug for dyn Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class_name())
    }
}

/// The callbacks of a run in the order in which they are called: the user's, then the history, then the progress bar.
#[derive(Default)]
pub struct CallbackList<'a>(pub Vec<Box<dyn Callback + 'a>>);

impl CallbackList<'_> {
    /// Calls each in order; the first error ends it.
    ///
    /// # Errors
    /// The first.
    pub fn each(&mut self, mut event: impl FnMut(&mut dyn Callback) -> Result<()>) -> Result<()> {
        self.0.iter_mut().try_for_each(|callback| event(&mut **callback))
    }

    /// Calls each in order whatever fails, and gives the first error.
    ///
    /// # Errors
    /// The first.
    pub fn all(&mut self, mut event: impl FnMut(&mut dyn Callback) -> Result<()>) -> Result<()> {
        let mut first = Ok(());
        for callback in &mut self.0 {
            let result = event(&mut **callback);
            if first.is_ok() {
                first = result;
            }
        }
        first
    }
}
