//! TensorBoard's event files: records of protocol buffers, each with its length and checksums.
//!
//! | part of a record | bytes |
//! |---|---|
//! | length of the data | 8, little-endian |
//! | masked crc32c of the length | 4 |
//! | data: an `Event` | as many |
//! | masked crc32c of the data | 4 |
//!
//! Source: tensorflow/core/lib/io/record_writer.cc, tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Error, Result};

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// A message of a protocol buffer under construction.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn int(mut self, field: u64, value: u64) -> Message {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    fn double(mut self, field: u64, value: f64) -> Message {
        self.varint(field << 3 | 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    fn bytes(mut self, field: u64, value: &[u8]) -> Message {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    fn message(self, field: u64, value: Message) -> Message {
        self.bytes(field, &value.0)
    }
}

/// Numbers of `DataType`.
const DT_FLOAT: u64 = 1;
const DT_DOUBLE: u64 = 2;
const DT_STRING: u64 = 7;

/// What stands in a summary.
pub(super) enum Summary<'a> {
    /// A number over steps.
    Scalar(f64),
    /// Left and right edge and count of each bucket.
    Histogram(&'a [[f64; 3]]),
    /// The architecture of a model as JSON.
    KerasModel(&'a str),
}

impl Summary<'_> {
    /// The plugin, its content and a `TensorProto`.
    fn parts(&self) -> (&'static str, &'static [u8], Message) {
        let shape = |lengths: &[usize]| {
            lengths
                .iter()
                .fold(Message::default(), |shape, &length| shape.message(2, Message::default().int(1, length as u64)))
        };
        match self {
            Summary::Scalar(value) => {
                let tensor = Message::default().int(1, DT_FLOAT).message(2, shape(&[]));
                ("scalars", b"", tensor.bytes(4, &(*value as f32).to_le_bytes()))
            }
            Summary::Histogram(buckets) => {
                let content: Vec<u8> = buckets.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
                let tensor = Message::default().int(1, DT_DOUBLE).message(2, shape(&[buckets.len(), 3]));
                ("histograms", b"", tensor.bytes(4, &content))
            }
            Summary::KerasModel(json) => {
                let tensor = Message::default().int(1, DT_STRING).message(2, shape(&[]));
                ("graph_keras_model", b"1", tensor.bytes(8, json.as_bytes()))
            }
        }
    }
}

/// Left and right edge and count of each of 30 buckets of equal width, as `tf.summary.histogram` makes them.
pub(super) fn buckets(values: &[f64]) -> Vec<[f64; 3]> {
    const COUNT: usize = 30;
    if values.is_empty() {
        return vec![[0.0; 3]; COUNT];
    }
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let width = (high - low) / COUNT as f64;
    let mut result = vec![[low, low, 0.0]; COUNT];
    if !(width > 0.0 && width.is_finite()) {
        result[COUNT - 1][2] = values.len() as f64;
        return result;
    }
    for (i, bucket) in result.iter_mut().enumerate() {
        (bucket[0], bucket[1]) = (low + i as f64 * width, low + (i + 1) as f64 * width);
    }
    result[COUNT - 1][1] = high;
    for value in values.iter().filter(|value| !value.is_nan()) {
        result[(((value - low) / width) as usize).min(COUNT - 1)][2] += 1.0;
    }
    result
}

/// A file of events that is written as they come.
pub(super) struct EventFile {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventFile {
    /// Makes a file of a new name in that directory, which is made too.
    pub fn create(directory: &Path) -> Result<EventFile> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let time = now();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("events.out.tfevents.{}.localhost.{}.{number}.v2", time as u64, std::process::id());
        let path = directory.join(name);
        let failed = |source| Error::Io { operation: "write".into(), path: path.display().to_string(), source };
        std::fs::create_dir_all(directory).map_err(failed)?;
        let file = BufWriter::new(File::options().write(true).create_new(true).open(&path).map_err(failed)?);
        let mut events = EventFile { path, file };
        let writer = Message::default().bytes(1, b"tensorflow.core.util.events_writer");
        events.write(Message::default().double(1, time).bytes(3, b"brain.Event:2").message(10, writer))?;
        Ok(events)
    }

    /// Adds one summary under a name.
    pub fn add(&mut self, tag: &str, step: u64, summary: &Summary<'_>) -> Result<()> {
        let (plugin, content, tensor) = summary.parts();
        let mut data = Message::default().bytes(1, plugin.as_bytes());
        if !content.is_empty() {
            data = data.bytes(2, content);
        }
        let metadata = Message::default().message(1, data);
        let value = Message::default().bytes(1, tag.as_bytes()).message(9, metadata).message(8, tensor);
        let event = Message::default().double(1, now()).int(2, step);
        self.write(event.message(5, Message::default().message(1, value)))
    }

    /// Writes out what has been held back.
    pub fn flush(&mut self) -> Result<()> {
        let path = self.path.display().to_string();
        self.file.flush().map_err(|source| Error::Io { operation: "write".into(), path, source })
    }

    fn write(&mut self, event: Message) -> Result<()> {
        let length = (event.0.len() as u64).to_le_bytes();
        let parts: [&[u8]; 4] = [&length, &masked(&length).to_le_bytes(), &event.0, &masked(&event.0).to_le_bytes()];
        for part in parts {
            let written = self.file.write_all(part);
            let path = || self.path.display().to_string();
            written.map_err(|source| Error::Io { operation: "write".into(), path: path(), source })?;
        }
        Ok(())
    }
}

/// The checksum as it is stored, so that checksums of data that hold checksums stay apart.
fn masked(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_all_values() {
        let made = buckets(&[0.0, 1.0, 2.0, 3.0]);
        assert_eq!((made.len(), made[0][0], made[29][1]), (30, 0.0, 3.0));
        assert_eq!(made.iter().map(|b| b[2]).sum::<f64>(), 4.0);
        assert_eq!((made[0][2], made[9][2] + made[10][2], made[29][2]), (1.0, 1.0, 1.0));
        let same = buckets(&[2.5; 7]);
        assert_eq!((same[0], same[29]), ([2.5, 2.5, 0.0], [2.5, 2.5, 7.0]));
        assert_eq!(buckets(&[]), vec![[0.0; 3]; 30]);
    }
}
