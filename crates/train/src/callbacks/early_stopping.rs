//! `EarlyStopping`.

use kerox_config_json::{Config, Value};
use kerox_tensor::Tensor;

use super::monitor::{self, MonitorMode};
use super::{Callback, Context, Logs};
use crate::Result;

/// Ends training when a value has stopped getting better.
///
/// # Source
/// `keras.callbacks.EarlyStopping`.
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    monitor: String,
    min_delta: f64,
    patience: usize,
    verbose: u8,
    mode: MonitorMode,
    baseline: Option<f64>,
    restore_best_weights: bool,
    start_from_epoch: usize,
    wait: usize,
    best: f64,
    best_epoch: usize,
    best_weights: Option<Vec<Tensor>>,
    stopped_epoch: usize,
}

const NAME: &str = "EarlyStopping";

impl EarlyStopping {
    /// Watches that value with no patience.
    pub fn new(monitor: impl Into<String>) -> EarlyStopping {
        EarlyStopping {
            monitor: monitor.into(),
            min_delta: 0.0,
            patience: 0,
            verbose: 0,
            mode: MonitorMode::Auto,
            baseline: None,
            restore_best_weights: false,
            start_from_epoch: 0,
            wait: 0,
            best: f64::INFINITY,
            best_epoch: 0,
            best_weights: None,
            stopped_epoch: 0,
        }
    }

    /// The least change that counts as better.
    #[must_use]
    pub fn min_delta(mut self, delta: f64) -> Self {
        self.min_delta = delta.abs();
        self
    }

    /// Epochs without betterment before it ends.
    #[must_use]
    pub fn patience(mut self, epochs: usize) -> Self {
        self.patience = epochs;
        self
    }

    /// 1 tells of the end.
    #[must_use]
    pub fn verbose(mut self, verbose: u8) -> Self {
        self.verbose = verbose;
        self
    }

    /// Whether less or more is better: `auto`, `min`, `max`.
    #[must_use]
    pub fn mode(mut self, mode: impl Into<MonitorMode>) -> Self {
        self.mode = mode.into();
        self
    }

    /// What has to be bettered for patience to start again.
    #[must_use]
    pub fn baseline(mut self, value: f64) -> Self {
        self.baseline = Some(value);
        self
    }

    /// Whether the weights of the best epoch are put back at the end.
    #[must_use]
    pub fn restore_best_weights(mut self, restore: bool) -> Self {
        self.restore_best_weights = restore;
        self
    }

    /// Epochs that are not watched.
    #[must_use]
    pub fn start_from_epoch(mut self, epoch: usize) -> Self {
        self.start_from_epoch = epoch;
        self
    }

    fn is_max(&self) -> bool {
        let is_auto_max = |name: &str| ["acc", "accuracy", "auc"].iter().any(|end| name.ends_with(end));
        self.mode.is_max(&self.monitor, is_auto_max)
    }
}

impl Default for EarlyStopping {
    fn default() -> Self {
        EarlyStopping::new("val_loss")
    }
}

impl Callback for EarlyStopping {
    fn class_name(&self) -> &str {
        NAME
    }

    fn on_train_begin(&mut self, cx: &mut Context<'_>) -> Result<()> {
        monitor::check(NAME, "monitor", &self.monitor, cx.params)?;
        (self.wait, self.stopped_epoch, self.best_epoch) = (0, 0, 0);
        self.best = monitor::worst(self.is_max());
        self.best_weights = None;
        Ok(())
    }

    fn on_epoch_end(&mut self, cx: &mut Context<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        let Some(current) = logs.get(&self.monitor).filter(|_| epoch >= self.start_from_epoch) else { return Ok(()) };
        if self.restore_best_weights && self.best_weights.is_none() {
            self.best_weights = Some(cx.model.get_weights());
        }
        self.wait += 1;
        let is_max = self.is_max();
        if monitor::is_better(is_max, current, self.best, self.min_delta) {
            (self.best, self.best_epoch) = (current, epoch);
            if self.restore_best_weights {
                self.best_weights = Some(cx.model.get_weights());
            }
            if self.baseline.is_none_or(|line| monitor::is_better(is_max, current, line, self.min_delta)) {
                self.wait = 0;
                return Ok(());
            }
        }
        if self.wait >= self.patience && epoch > 0 {
            self.stopped_epoch = epoch;
            cx.model.stop_training = true;
            if let Some(weights) = &self.best_weights {
                if self.verbose > 0 {
                    let best = self.best_epoch + 1;
                    let text = format_args!("Restoring model weights from the end of the best epoch: {best}.");
                    super::print(cx, text)?;
                }
                cx.model.set_weights(weights)?;
            }
        }
        Ok(())
    }

    fn on_train_end(&mut self, cx: &mut Context<'_>, _: &Logs) -> Result<()> {
        if self.stopped_epoch > 0 && self.verbose > 0 {
            super::print(cx, format_args!("Epoch {}: early stopping", self.stopped_epoch + 1))?;
        }
        Ok(())
    }

    fn state(&self) -> Option<Value> {
        let config = Config::new().with("wait", self.wait).with("best", self.best);
        Some(Value::Map(config.with("best_epoch", self.best_epoch)))
    }

    fn restore(&mut self, state: &Value) -> Result<()> {
        let number = |key: &str| monitor::number(NAME, state, key);
        let (wait, best, epoch) = (number("wait")?, number("best")?, number("best_epoch")?);
        (self.wait, self.best, self.best_epoch) = (wait.max(0.0) as usize, best, epoch.max(0.0) as usize);
        Ok(())
    }
}
