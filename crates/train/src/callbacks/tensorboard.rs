//! `TensorBoard`: event files.
//!
//! | part of a record | bytes | content |
//! |---|---|---|
//! | length | 8 | bytes of the event, little-endian |
//! | checksum of the length | 4 | masked crc32c |
//! | event | as said | a protobuf message `Event` |
//! | checksum of the event | 4 | masked crc32c |
//!
//! Source: tensorflow/core/lib/io/record_writer.cc, tensorflow/core/util/event.proto, tensorboard/plugins/scalar.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;

use super::{Callback, Context, Logs};
use crate::{Error, Result};

const NAME: &str = "TensorBoard";

/// Writes what training logs as event files that TensorBoard shows: `epoch_loss` and the like below `train/` and
/// `validation/`, and `evaluation_loss_vs_iterations`.
///
/// Every record is handed to the system when it is written: what was logged before a crash is there.
///
/// # Example
/// ```
/// use kerox_train::callbacks::TensorBoard;
/// let callback = TensorBoard::new("logs/run-1").update_freq(100);
/// ```
///
/// # Source
/// `keras.callbacks.TensorBoard`; scalars only: no graphs, histograms, images or profiles.
#[derive(Debug)]
pub struct TensorBoard {
    log_dir: PathBuf,
    update_freq: Option<usize>,
    batches: usize,
    train: Option<EventFile>,
    validation: Option<EventFile>,
}

impl TensorBoard {
    /// Writes below that directory, which is made where it is not there.
    pub fn new(log_dir: impl Into<PathBuf>) -> TensorBoard {
        TensorBoard { log_dir: log_dir.into(), update_freq: None, batches: 0, train: None, validation: None }
    }

    /// Writes `batch_loss` and the like after each so many batches, too.
    #[must_use]
    pub fn update_freq(mut self, batches: usize) -> Self {
        self.update_freq = Some(batches.max(1));
        self
    }
}

/// Opens a file below the directory when it is first written to.
fn opened<'f>(file: &'f mut Option<EventFile>, log_dir: &Path, name: &str) -> Result<&'f mut EventFile> {
    match file {
        Some(file) => Ok(file),
        None => Ok(file.insert(EventFile::create(&log_dir.join(name))?)),
    }
}

fn iterations(cx: &Context<'_>) -> i64 {
    let iterations = cx.model.optimizer().ok().map(|optimizer| optimizer.iterations().value());
    iterations.and_then(|value| value.to_scalar::<i64>().ok()).unwrap_or(0)
}

impl Callback for TensorBoard {
    fn class_name(&self) -> &str {
        NAME
    }

    fn on_train_begin(&mut self, _: &mut Context<'_>) -> Result<()> {
        (self.train, self.validation, self.batches) = (None, None, 0);
        Ok(())
    }

    fn on_train_batch_end(&mut self, cx: &mut Context<'_>, _: usize, logs: &Logs) -> Result<()> {
        let Some(every) = self.update_freq else { return Ok(()) };
        self.batches += 1;
        if self.batches % every != 0 {
            return Ok(());
        }
        let step = iterations(cx);
        let file = opened(&mut self.train, &self.log_dir, "train")?;
        logs.0.iter().try_for_each(|(name, value)| file.scalar(&format!("batch_{name}"), *value, step))
    }

    fn on_epoch_end(&mut self, cx: &mut Context<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        for (name, value) in &logs.0 {
            let (file, name) = match name.strip_prefix("val_") {
                Some(name) => (opened(&mut self.validation, &self.log_dir, "validation")?, name),
                None => (opened(&mut self.train, &self.log_dir, "train")?, name.as_str()),
            };
            file.scalar(&format!("epoch_{name}"), *value, epoch as i64)?;
        }
        // A rate that never changes is not worth a curve.
        let optimizer = cx.model.optimizer().ok().filter(|optimizer| optimizer.learning_rate_variable().is_none());
        if let Some(rate) = optimizer.map(|optimizer| optimizer.learning_rate()) {
            opened(&mut self.train, &self.log_dir, "train")?.scalar("epoch_learning_rate", rate, epoch as i64)?;
        }
        Ok(())
    }

    fn on_test_end(&mut self, cx: &mut Context<'_>, logs: &Logs) -> Result<()> {
        let step = iterations(cx);
        let file = opened(&mut self.validation, &self.log_dir, "validation")?;
        let mut each = logs.0.iter();
        each.try_for_each(|(name, value)| file.scalar(&format!("evaluation_{name}_vs_iterations"), *value, step))
    }

    fn on_train_end(&mut self, _: &mut Context<'_>, _: &Logs) -> Result<()> {
        (self.train, self.validation) = (None, None);
        Ok(())
    }
}

/// A file of events.
#[derive(Debug)]
struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    fn create(directory: &Path) -> Result<EventFile> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        fs::create_dir_all(directory).map_err(failed(directory))?;
        let seconds = now() as u64;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("events.out.tfevents.{seconds:010}.kerox.{}.{number}.v2", std::process::id());
        let path = directory.join(name);
        let file = File::create(&path).map_err(failed(&path))?;
        let mut events = EventFile { path, file };
        events.write(&Event { wall_time: now(), file_version: Some("brain.Event:2".into()), ..Event::default() })?;
        Ok(events)
    }

    fn scalar(&mut self, tag: &str, value: f64, step: i64) -> Result<()> {
        let plugin_data = Some(PluginData { plugin_name: "scalars".into() });
        let value = Value {
            tag: tag.into(),
            tensor: Some(TensorProto { dtype: DT_FLOAT, shape: Some(TensorShape {}), float_val: vec![value as f32] }),
            metadata: Some(SummaryMetadata { plugin_data, data_class: DATA_CLASS_SCALAR }),
        };
        let summary = Some(Summary { value: vec![value] });
        self.write(&Event { wall_time: now(), step, summary, ..Event::default() })
    }

    fn write(&mut self, event: &Event) -> Result<()> {
        let event = event.encode_to_vec();
        let length = (event.len() as u64).to_le_bytes();
        let mut record = Vec::with_capacity(event.len() + 16);
        record.extend(length);
        record.extend(masked(&length).to_le_bytes());
        record.extend(&event);
        record.extend(masked(&event).to_le_bytes());
        self.file.write_all(&record).map_err(failed(&self.path))
    }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.display().to_string();
    move |source| Error::Io { operation: "write events to".into(), path, source }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// The checksum as records have it: rotated, and a constant added.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

const DT_FLOAT: i32 = 1;
const DATA_CLASS_SCALAR: i32 = 1;

#[derive(Clone, PartialEq, Message)]
struct Event {
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(message, optional, tag = "8")]
    tensor: Option<TensorProto>,
    #[prost(message, optional, tag = "9")]
    metadata: Option<SummaryMetadata>,
}

#[derive(Clone, PartialEq, Message)]
struct SummaryMetadata {
    #[prost(message, optional, tag = "1")]
    plugin_data: Option<PluginData>,
    #[prost(int32, tag = "4")]
    data_class: i32,
}

#[derive(Clone, PartialEq, Message)]
struct PluginData {
    #[prost(string, tag = "1")]
    plugin_name: String,
}

#[derive(Clone, PartialEq, Message)]
struct TensorProto {
    #[prost(int32, tag = "1")]
    dtype: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<TensorShape>,
    #[prost(float, repeated, tag = "5")]
    float_val: Vec<f32>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorShape {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_framed_and_summed_up() {
        let dir = std::env::temp_dir().join(format!("kerox-tensorboard-{}", std::process::id()));
        let mut file = EventFile::create(&dir).unwrap();
        file.scalar("epoch_loss", 0.5, 3).unwrap();
        let bytes = fs::read(&file.path).unwrap();
        fs::remove_dir_all(&dir).unwrap();
        // The first record of every event file, as TensorFlow writes it but for the time.
        assert_eq!(bytes[..12], [24, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22]);
        assert_eq!(bytes[21..36], *b"\x1a\x0dbrain.Event:2");
        let second = &bytes[40..];
        let length = u64::from_le_bytes(second[..8].try_into().unwrap()) as usize;
        assert_eq!(second.len(), length + 16);
        let event = Event::decode(&second[12..12 + length]).unwrap();
        let value = &event.summary.as_ref().unwrap().value[0];
        assert_eq!((event.step, value.tag.as_str()), (3, "epoch_loss"));
        assert_eq!(value.tensor.as_ref().unwrap().float_val, [0.5]);
    }
}
