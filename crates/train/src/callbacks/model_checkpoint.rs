//! `ModelCheckpoint`.

use std::collections::VecDeque;

use kerox_config_json::{Config, Value};

use super::monitor::{self, MonitorMode};
use super::template::{self, Number};
use std::path::Path;

use super::{Callback, Context, Logs};
use crate::saving::{Content, saver};
use crate::{Error, Result};

/// When a model is saved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaveFreq {
    /// After each epoch (or each `period` epochs).
    #[default]
    Epoch,
    /// After each so many batches.
    Batches(usize),
}

impl From<usize> for SaveFreq {
    fn from(batches: usize) -> SaveFreq {
        SaveFreq::Batches(batches)
    }
}

/// Saves the model while it is trained.
///
/// The path may have parts to be filled in as by Python's `str.format`: `{epoch:04d}` (from 1), `{batch}` where
/// `save_freq` counts batches, and every name of the logs: `{val_loss:.2f}`. A name that there will not be is an error
/// before training.
///
/// # Example
/// ```
/// use kerox_train::callbacks::ModelCheckpoint;
/// let best = ModelCheckpoint::new("training/cp-{epoch:04d}.ckpt").save_weights_only(true).save_best_only(true).verbose(1);
/// ```
///
/// # Source
/// `keras.callbacks.ModelCheckpoint`; `max_to_keep` is added.
#[derive(Clone, Debug)]
pub struct ModelCheckpoint {
    filepath: String,
    monitor: String,
    verbose: u8,
    save_best_only: bool,
    save_weights_only: bool,
    mode: MonitorMode,
    save_freq: SaveFreq,
    period: usize,
    initial_value_threshold: Option<f64>,
    max_to_keep: Option<usize>,
    best: Option<f64>,
    epoch: usize,
    epochs_since_save: usize,
    batches_since_save: usize,
    last_batch: Option<usize>,
    kept: VecDeque<String>,
}

const NAME: &str = "ModelCheckpoint";

impl ModelCheckpoint {
    /// Saves the whole model to that path after each epoch.
    pub fn new(filepath: impl AsRef<Path>) -> ModelCheckpoint {
        ModelCheckpoint {
            filepath: filepath.as_ref().to_string_lossy().into_owned(),
            monitor: "val_loss".into(),
            verbose: 0,
            save_best_only: false,
            save_weights_only: false,
            mode: MonitorMode::Auto,
            save_freq: SaveFreq::Epoch,
            period: 1,
            initial_value_threshold: None,
            max_to_keep: None,
            best: None,
            epoch: 0,
            epochs_since_save: 0,
            batches_since_save: 0,
            last_batch: None,
            kept: VecDeque::new(),
        }
    }

    /// What is watched for `save_best_only`; `val_loss` by default.
    #[must_use]
    pub fn monitor(mut self, name: impl Into<String>) -> Self {
        self.monitor = name.into();
        self
    }

    /// 1 tells of each save.
    #[must_use]
    pub fn verbose(mut self, verbose: u8) -> Self {
        self.verbose = verbose;
        self
    }

    /// Saves only what is better than everything before.
    #[must_use]
    pub fn save_best_only(mut self, best_only: bool) -> Self {
        self.save_best_only = best_only;
        self
    }

    /// Saves weights instead of the whole model.
    #[must_use]
    pub fn save_weights_only(mut self, weights_only: bool) -> Self {
        self.save_weights_only = weights_only;
        self
    }

    /// Whether less or more is better: `auto`, `min`, `max`.
    #[must_use]
    pub fn mode(mut self, mode: impl Into<MonitorMode>) -> Self {
        self.mode = mode.into();
        self
    }

    /// When it is saved; after each epoch by default.
    #[must_use]
    pub fn save_freq(mut self, freq: impl Into<SaveFreq>) -> Self {
        self.save_freq = freq.into();
        self
    }

    /// Saves after each so many epochs.
    #[must_use]
    pub fn period(mut self, epochs: usize) -> Self {
        self.period = epochs;
        self
    }

    /// What has to be bettered first, for `save_best_only`.
    #[must_use]
    pub fn initial_value_threshold(mut self, value: f64) -> Self {
        self.initial_value_threshold = Some(value);
        self
    }

    /// How many of the files it wrote stay; all by default.
    #[must_use]
    pub fn max_to_keep(mut self, files: usize) -> Self {
        self.max_to_keep = Some(files);
        self
    }

    /// The best value so far.
    pub fn best(&self) -> Option<f64> {
        self.best
    }

    fn is_max(&self) -> bool {
        self.mode.is_max(&self.monitor, |name| name.contains("acc") || name.starts_with("fmeasure"))
    }

    fn save(&mut self, cx: &mut Context<'_>, batch: Option<usize>, logs: &Logs) -> Result<()> {
        if self.save_freq == SaveFreq::Epoch && self.epochs_since_save < self.period {
            return Ok(());
        }
        self.epochs_since_save = 0;
        let epoch = self.epoch + 1;
        let path = template::fill(&self.filepath, |name| match name {
            "epoch" => Some(Number::Int(epoch as i64)),
            "batch" => batch.map(|b| Number::Int(b as i64 + 1)),
            name => logs.get(name).map(Number::Float),
        })?;
        if !self.save_best_only {
            self.say(cx, format_args!("\nEpoch {epoch}: saving model to {path}"))?;
            return self.write(cx, path);
        }
        let monitor = self.monitor.clone();
        let Some(current) = logs.get(&monitor) else {
            let warning = format_args!("WARNING: Can save best model only with {monitor} available, skipping.");
            return super::print(cx, warning);
        };
        let is_max = self.is_max();
        let best = self.best.unwrap_or(monitor::worst(is_max));
        let (old, new) = (Fixed(best), Fixed(current));
        if !monitor::is_better(is_max, current, best, 0.0) {
            return self.say(cx, format_args!("\nEpoch {epoch}: {monitor} did not improve from {old}"));
        }
        let text = format_args!("\nEpoch {epoch}: {monitor} improved from {old} to {new}, saving model to {path}");
        self.say(cx, text)?;
        self.write(cx, path)?;
        self.best = Some(current);
        Ok(())
    }

    fn say(&self, cx: &mut Context<'_>, text: std::fmt::Arguments<'_>) -> Result<()> {
        if self.verbose > 0 { super::print(cx, text) } else { Ok(()) }
    }

    fn write(&mut self, cx: &mut Context<'_>, path: String) -> Result<()> {
        let content = if self.save_weights_only { Content::Weights } else { Content::Whole };
        let failed = |event: String| move |source| Error::Callback { callback: NAME.into(), event, source };
        let saver = saver(NAME)?;
        saver.save(cx.model, &path, content).map_err(failed(format!("save `{path}`")))?;
        let Some(limit) = self.max_to_keep else { return Ok(()) };
        self.kept.retain(|kept| *kept != path);
        self.kept.push_back(path);
        while self.kept.len() > limit.max(1) {
            if let Some(oldest) = self.kept.pop_front() {
                saver.remove(&oldest).map_err(failed(format!("remove `{oldest}`")))?;
            }
        }
        Ok(())
    }
}

/// Five digits, as Python writes them.
struct Fixed(f64);

impl std::fmt::Display for Fixed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            x if x.is_nan() => f.write_str("nan"),
            x => write!(f, "{x:.5}"),
        }
    }
}

impl Callback for ModelCheckpoint {
    fn class_name(&self) -> &str {
        NAME
    }

    fn on_train_begin(&mut self, cx: &mut Context<'_>) -> Result<()> {
        saver(NAME)?;
        if self.save_freq == SaveFreq::Batches(0) || self.period == 0 {
            return Err(Error::argument(NAME, "save_freq", "\"epoch\" or a positive number of batches", "0"));
        }
        if self.save_best_only {
            monitor::check(NAME, "monitor", &self.monitor, cx.params)?;
        }
        let per_batch = matches!(self.save_freq, SaveFreq::Batches(_));
        for name in template::names(&self.filepath)? {
            if name == "epoch" || (name == "batch" && per_batch) {
                continue;
            }
            monitor::check(NAME, "filepath", name, cx.params)?;
            if per_batch && name.starts_with("val_") {
                let expected = "names of the logs of a batch, which has no validation";
                return Err(Error::argument(NAME, "filepath", expected, format!("`{name}`")));
            }
        }
        if self.best.is_none() {
            self.best = self.initial_value_threshold;
        }
        Ok(())
    }

    fn on_epoch_begin(&mut self, _: &mut Context<'_>, epoch: usize) -> Result<()> {
        self.epoch = epoch;
        Ok(())
    }

    fn on_train_batch_end(&mut self, cx: &mut Context<'_>, batch: usize, logs: &Logs) -> Result<()> {
        let SaveFreq::Batches(every) = self.save_freq else { return Ok(()) };
        self.batches_since_save += match self.last_batch {
            Some(last) if batch > last => batch - last,
            _ => batch + 1,
        };
        self.last_batch = Some(batch);
        if self.batches_since_save < every {
            return Ok(());
        }
        self.batches_since_save = 0;
        self.save(cx, Some(batch), logs)
    }

    fn on_epoch_end(&mut self, cx: &mut Context<'_>, _: usize, logs: &mut Logs) -> Result<()> {
        self.epochs_since_save += 1;
        if self.save_freq == SaveFreq::Epoch { self.save(cx, None, logs) } else { Ok(()) }
    }

    fn state(&self) -> Option<Value> {
        let kept: Vec<Value> = self.kept.iter().map(Value::from).collect();
        let last = self.last_batch.map(|b| b as i64);
        Some(Value::Map(
            Config::new()
                .with("best", self.best)
                .with("epochs_since_save", self.epochs_since_save)
                .with("batches_since_save", self.batches_since_save)
                .with("last_batch", last)
                .with("kept", kept),
        ))
    }

    fn restore(&mut self, state: &Value) -> Result<()> {
        let count = |key: &str| monitor::number(NAME, state, key).map(|x| x.max(0.0) as usize);
        let (epochs, batches) = (count("epochs_since_save")?, count("batches_since_save")?);
        self.best =
            state.get("best").filter(|v| !v.is_null()).map(|_| monitor::number(NAME, state, "best")).transpose()?;
        self.last_batch = state.get("last_batch").and_then(Value::as_i64).and_then(|b| usize::try_from(b).ok());
        (self.epochs_since_save, self.batches_since_save) = (epochs, batches);
        let kept = state.get("kept").and_then(Value::as_list).unwrap_or(&[]);
        self.kept = kept.iter().filter_map(|v| v.as_str().map(str::to_string)).collect();
        Ok(())
    }
}
