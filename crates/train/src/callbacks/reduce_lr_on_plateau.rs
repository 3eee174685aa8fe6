//! `ReduceLROnPlateau`.

use kerox_config_json::{Config, Value, python_float};

use super::monitor::{self, MonitorMode};
use super::{Callback, Context, Logs};
use crate::{Error, Result};

/// Lowers the learning rate when a value has stopped getting better. The rate is logged as `lr`.
///
/// # Source
/// `keras.callbacks.ReduceLROnPlateau`.
#[derive(Clone, Debug)]
pub struct ReduceLROnPlateau {
    monitor: String,
    factor: f64,
    patience: usize,
    verbose: u8,
    mode: MonitorMode,
    min_delta: f64,
    cooldown: usize,
    min_lr: f64,
    best: f64,
    wait: usize,
    cooling: usize,
}

const NAME: &str = "ReduceLROnPlateau";

impl ReduceLROnPlateau {
    /// Watches that value; the rate becomes a tenth after 10 epochs without betterment.
    pub fn new(monitor: impl Into<String>) -> ReduceLROnPlateau {
        ReduceLROnPlateau {
            monitor: monitor.into(),
            factor: 0.1,
            patience: 10,
            verbose: 0,
            mode: MonitorMode::Auto,
            min_delta: 1e-4,
            cooldown: 0,
            min_lr: 0.0,
            best: f64::INFINITY,
            wait: 0,
            cooling: 0,
        }
    }

    /// What the rate is multiplied with; below 1.
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// Epochs without betterment before the rate is lowered.
    #[must_use]
    pub fn patience(mut self, epochs: usize) -> Self {
        self.patience = epochs;
        self
    }

    /// 1 tells of each change.
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

    /// The least change that counts as better.
    #[must_use]
    pub fn min_delta(mut self, delta: f64) -> Self {
        self.min_delta = delta;
        self
    }

    /// Epochs after a change that are not watched.
    #[must_use]
    pub fn cooldown(mut self, epochs: usize) -> Self {
        self.cooldown = epochs;
        self
    }

    /// The lowest rate.
    #[must_use]
    pub fn min_lr(mut self, rate: f64) -> Self {
        self.min_lr = rate;
        self
    }

    fn is_max(&self) -> bool {
        self.mode.is_max(&self.monitor, |name| name.contains("acc"))
    }
}

impl Default for ReduceLROnPlateau {
    fn default() -> Self {
        ReduceLROnPlateau::new("val_loss")
    }
}

impl Callback for ReduceLROnPlateau {
    fn class_name(&self) -> &str {
        NAME
    }

    fn on_train_begin(&mut self, cx: &mut Context<'_>) -> Result<()> {
        if self.factor.is_nan() || self.factor >= 1.0 {
            return Err(Error::argument(NAME, "factor", "a number below 1", self.factor.to_string()));
        }
        monitor::check(NAME, "monitor", &self.monitor, cx.params)?;
        self.best = monitor::worst(self.is_max());
        (self.wait, self.cooling) = (0, 0);
        Ok(())
    }

    fn on_epoch_end(&mut self, cx: &mut Context<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        let optimizer = cx.model.optimizer()?.clone();
        let old = optimizer.learning_rate();
        logs.set("lr", old);
        let Some(current) = logs.get(&self.monitor) else { return Ok(()) };
        if self.cooling > 0 {
            self.cooling -= 1;
            self.wait = 0;
        }
        if monitor::is_better(self.is_max(), current, self.best, self.min_delta) {
            self.best = current;
            self.wait = 0;
        } else if self.cooling == 0 {
            self.wait += 1;
            if self.wait >= self.patience && old > f64::from(self.min_lr as f32) {
                let rate = (old * self.factor).max(self.min_lr);
                optimizer.set_learning_rate(rate)?;
                if self.verbose > 0 {
                    let (epoch, rate) = (epoch + 1, python_float(rate));
                    let text = format_args!("\nEpoch {epoch}: ReduceLROnPlateau reducing learning rate to {rate}.");
                    super::print(cx, text)?;
                }
                self.cooling = self.cooldown;
                self.wait = 0;
            }
        }
        Ok(())
    }

    fn state(&self) -> Option<Value> {
        let config = Config::new().with("best", self.best).with("wait", self.wait);
        Some(Value::Map(config.with("cooling", self.cooling)))
    }

    fn restore(&mut self, state: &Value) -> Result<()> {
        let number = |key: &str| monitor::number(NAME, state, key);
        let (best, wait, cooling) = (number("best")?, number("wait")?, number("cooling")?);
        (self.best, self.wait, self.cooling) = (best, wait.max(0.0) as usize, cooling.max(0.0) as usize);
        Ok(())
    }
}
