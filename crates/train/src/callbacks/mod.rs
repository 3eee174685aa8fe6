//! Callbacks: what happens around training.
//!
//! `RemoteMonitor` is missing: nothing here speaks to a network. A [`LambdaCallback`] can send the logs anywhere.

mod backup_and_restore;
mod csv_logger;
mod early_stopping;
mod event_file;
mod history;
mod interruption;
mod lambda_callback;
mod learning_rate_scheduler;
mod model_checkpoint;
mod monitor;
mod reduce_lr_on_plateau;
mod swap_ema_weights;
mod template;
mod tensor_board;
mod terminate_on_nan;

use std::fmt;

pub use backup_and_restore::BackupAndRestore;
pub use csv_logger::CSVLogger;
pub use early_stopping::EarlyStopping;
pub use history::History;
pub use interruption::Interruption;
pub use lambda_callback::LambdaCallback;
pub use learning_rate_scheduler::LearningRateScheduler;
pub use model_checkpoint::{ModelCheckpoint, SaveFreq};
pub use monitor::MonitorMode;
pub use reduce_lr_on_plateau::ReduceLROnPlateau;
pub use swap_ema_weights::SwapEMAWeights;
pub use tensor_board::{TensorBoard, UpdateFreq};
pub use terminate_on_nan::TerminateOnNaN;

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

    /// The values as one JSON object, as `evaluate(..., return_dict=True)` of Keras gives them.
    ///
    /// # Example
    /// ```
    /// use kerox_config_json::Style;
    /// let logs = kerox_train::Logs(vec![("loss".into(), 0.5)]);
    /// assert_eq!(logs.to_json().to_json(Style::Python), r#"{"loss": 0.5}"#);
    /// ```
    pub fn to_json(&self) -> kerox_config_json::Value {
        let values = self.0.iter().map(|(name, value)| (name.clone(), kerox_config_json::Value::from(*value)));
        kerox_config_json::Value::Map(values.collect())
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
    /// Whether it deals with losses that are no finite numbers; otherwise they are an error.
    fn handles_non_finite(&self) -> bool {
        false
    }
    /// Whether [`Callback::on_state`] is to be called.
    fn takes_state(&self) -> bool {
        false
    }
    /// After all callbacks were told of the end of an epoch: all that is needed to go on from here, beside the model
    /// and the optimizer.
    ///
    /// # Errors
    /// Ends the run.
    fn on_state(&mut self, cx: &mut Context<'_>, state: &kerox_config_json::Value) -> Result<()> {
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

/// Prints a line.
pub(crate) fn print(cx: &mut Context<'_>, text: fmt::Arguments<'_>) -> Result<()> {
    let written = cx.console.write_fmt(format_args!("{text}\n")).and_then(|()| cx.console.flush());
    written.map_err(|source| crate::Error::Io { operation: "write".into(), path: "console".into(), source })
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
