//! `CSVLogger`.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use kerox_config_json::python_float;

use super::{Callback, Context, Logs};
use crate::{Error, Result};

/// Writes the logs of each epoch as a line of a CSV file, columns in the order of their names.
///
/// # Source
/// `keras.callbacks.CSVLogger`.
#[derive(Debug)]
pub struct CSVLogger {
    filename: PathBuf,
    separator: char,
    append: bool,
    file: Option<File>,
    keys: Option<Vec<String>>,
    has_header: bool,
}

impl CSVLogger {
    /// Writes to that file, which is replaced; missing directories are made.
    pub fn new(filename: impl Into<PathBuf>) -> CSVLogger {
        let filename = filename.into();
        CSVLogger { filename, separator: ',', append: false, file: None, keys: None, has_header: false }
    }

    /// What stands between values; a comma by default.
    #[must_use]
    pub fn separator(mut self, separator: char) -> Self {
        self.separator = separator;
        self
    }

    /// Adds to the file that is there, for runs that go on.
    #[must_use]
    pub fn append(mut self, append: bool) -> Self {
        self.append = append;
        self
    }

    fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error + use<> {
        let path = path.display().to_string();
        move |source| Error::Io { operation: "write".into(), path, source }
    }

    fn field(&self, text: &str) -> String {
        if text.contains([self.separator, '"', '\r', '\n']) {
            return format!("\"{}\"", text.replace('"', "\"\""));
        }
        text.to_string()
    }
}

impl Callback for CSVLogger {
    fn class_name(&self) -> &str {
        "CSVLogger"
    }

    fn on_train_begin(&mut self, _: &mut Context<'_>) -> Result<()> {
        if let Some(parent) = self.filename.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::create_dir_all(parent).map_err(Self::failed(parent))?;
        }
        self.has_header = self.append && std::fs::metadata(&self.filename).is_ok_and(|metadata| metadata.len() > 0);
        let mut options = File::options();
        options.create(true).write(true).append(self.append).truncate(!self.append);
        self.file = Some(options.open(&self.filename).map_err(Self::failed(&self.filename))?);
        self.keys = None;
        Ok(())
    }

    fn on_epoch_end(&mut self, _: &mut Context<'_>, epoch: usize, logs: &mut Logs) -> Result<()> {
        let separator = self.separator.to_string();
        let mut text = String::new();
        let keys = self.keys.get_or_insert_with(|| {
            let mut keys: Vec<String> = logs.names().map(str::to_string).collect();
            keys.sort();
            keys
        });
        let keys = keys.clone();
        if !self.has_header {
            let names = std::iter::once("epoch").chain(keys.iter().map(String::as_str));
            text = names.map(|name| self.field(name)).collect::<Vec<_>>().join(&separator) + "\r\n";
            self.has_header = true;
        }
        let values = keys.iter().map(|key| logs.get(key).map_or("NA".to_string(), python_float));
        text += &std::iter::once(epoch.to_string()).chain(values).collect::<Vec<_>>().join(&separator);
        text += "\r\n";
        let failed = Self::failed(&self.filename);
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(text.as_bytes()).and_then(|()| file.flush()).map_err(failed)
    }

    fn on_train_end(&mut self, _: &mut Context<'_>, _: &Logs) -> Result<()> {
        self.file = None;
        Ok(())
    }
}
