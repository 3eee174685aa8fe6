//! `TensorBoard`.

use std::path::PathBuf;

use kerox_tensor::DType;

use super::event_file::{EventFile, Summary, buckets};
use super::{Callback, Context, Logs};
use crate::Result;

/// How often batches are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpdateFreq {
    /// Epochs alone.
    #[default]
    Epoch,
    /// Every so many batches, besides epochs.
    Batches(usize),
}

/// Writes the logs of epochs (and batches), histograms of weights and the architecture as event files, which TensorBoard
/// shows.
///
/// Training goes to `log_dir/train`, validation to `log_dir/validation`, under the names `epoch_loss`, `batch_loss` and
/// so on.
///
/// # Example
/// ```no_run
/// use kerox_train::callbacks::TensorBoard;
/// let callback = TensorBoard::new("logs/run-1").histogram_freq(1);
/// # drop(callback);
/// ```
///
/// # Source
/// `keras.callbacks.TensorBoard`; differs: no graph of operations, no images of weights, no profile.
pub struct TensorBoard {
    log_dir: PathBuf,
    histogram_freq: usize,
    write_graph: bool,
    write_steps_per_second: bool,
    update_freq: UpdateFreq,
    train: Option<EventFile>,
    validation: Option<EventFile>,
    step: u64,
    epoch_start: (u64, Option<std::time::Instant>),
}

impl TensorBoard {
    /// Writes into that directory.
    pub fn new(log_dir: impl Into<PathBuf>) -> TensorBoard {
        TensorBoard {
            log_dir: log_dir.into(),
            histogram_freq: 0,
            write_graph: true,
            write_steps_per_second: false,
            update_freq: UpdateFreq::Epoch,
            train: None,
            validation: None,
            step: 0,
            epoch_start: (0, None),
        }
    }

    /// Histograms of the weights every so many epochs; 0, the default, for none.
    #[must_use]
    pub fn histogram_freq(mut self, epochs: usize) -> Self {
        self.histogram_freq = epochs;
        self
    }

    /// Whether the architecture is written; true by default.
    #[must_use]
    pub fn write_graph(mut self, write: bool) -> Self {
        self.write_graph = write;
        self
    }

    /// Whether steps per second are written; false by default.
    #[must_use]
    pub fn write_steps_per_second(mut self, write: bool) -> Self {
        self.write_steps_per_second = write;
        self
    }

    /// How often batches are written; not at all by default.
    #[must_use]
    pub fn update_freq(mut self, freq: UpdateFreq) -> Self {
        self.update_freq = freq;
        self
    }

    fn train(&mut self) -> Result<&mut EventFile> {
        if self.train.is_none() {
            self.train = Some(EventFile::create(&self.log_dir.join("train"))?);
        }
        self.train.as_mut().ok_or_else(|| crate::Error::argument("fit", "log_dir", "a file to write to", "none"))
    }

    fn validation(&mut self) -> Result<&mut EventFile> {
        if self.validation.is_none() {
            self.validation = Some(EventFile::create(&self.log_dir.join("validation"))?);
        }
        self.validation.as_mut().ok_or_else(|| crate::Error::argument("fit", "log_dir", "a file to write to", "none"))
    }

    fn histograms(&mut self, cx: &Context<'_>, epoch: u64) -> Result<()> {
        for layer in cx.model.layers() {
            for weight in layer.weights() {
                let value = weight.variable.value();
                if !value.dtype().is_float() {
                    continue;
                }
                let value = value.cast(DType::F64)?;
                // Keras names the variable with its output, whose colon TensorBoard does not take.
                let tag = format!("{}_0/histogram", weight.variable.name());
                let histogram = buckets(value.as_slice::<f64>()?);
                self.train()?.add(&tag, epoch, &Summary::Histogram(&histogram))?;
            }
        }
        Ok(())
    }
}

impl Callback for TensorBoard {
    fn class_name(&self) -> &str {
        "TensorBoard"
    }

    fn on_train_begin(&mut self, cx: &mut Context<'_>) -> Result<()> {
        self.step = 0;
        if self.write_graph {
            // A model of layers that no configuration describes has no architecture to show.
            if let Ok(json) = kerox_layers::models::to_json(cx.model.network(), kerox_config_json::Form::Keras2Keras) {
                self.train()?.add("keras", 0, &Summary::KerasModel(&json))?;
            }
        }
        self.train()?.flush()
    }

    fn on_epoch_begin(&mut self, _: &mut Context<'_>, _: usize) -> Result<()> {
        self.epoch_start = (self.step, Some(std::time::Instant::now()));
        Ok(())
    }

    fn on_train_batch_end(&mut self, _: &mut Context<'_>, _: usize, logs: &Logs) -> Result<()> {
        self.step += 1;
        let UpdateFreq::Batches(freq) = self.update_freq else { return Ok(()) };
        let step = self.step;
        if step.is_multiple_of(freq.max(1) as u64) {
            for (name, value) in &logs.0 {
                self.train()?.add(&format!("batch_{name}"), step, &Summary::Scalar(*value))?;
            }
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, cx: &mut Context<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        let step = epoch as u64;
        for (name, value) in &logs.0 {
            match name.strip_prefix("val_") {
                Some(name) => self.validation()?.add(&format!("epoch_{name}"), step, &Summary::Scalar(*value))?,
                None => self.train()?.add(&format!("epoch_{name}"), step, &Summary::Scalar(*value))?,
            }
        }
        if let (true, (first, Some(start))) = (self.write_steps_per_second, self.epoch_start) {
            let rate = (self.step - first) as f64 / start.elapsed().as_secs_f64().max(f64::MIN_POSITIVE);
            self.train()?.add("epoch_steps_per_second", step, &Summary::Scalar(rate))?;
        }
        if self.histogram_freq > 0 && epoch.is_multiple_of(self.histogram_freq) {
            self.histograms(cx, step)?;
        }
        self.train()?.flush()?;
        self.validation.as_mut().map_or(Ok(()), EventFile::flush)
    }

    fn on_train_end(&mut self, _: &mut Context<'_>, _: &Logs) -> Result<()> {
        let train = self.train.take().map_or(Ok(()), |mut file| file.flush());
        self.validation.take().map_or(Ok(()), |mut file| file.flush())?;
        train
    }
}
