//! The file `checkpoint`: which checkpoints a directory holds and which is the latest.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use kerox_fs::{SaveOptions, Snapshot};

use crate::{Error, Result};

/// The name of the state file in a directory.
pub const STATE_FILE: &str = "checkpoint";

/// Which checkpoints a directory holds: the content of its file `checkpoint`, a text protocol buffer.
///
/// Paths in the file are relative to its directory where they lie within; [`get_checkpoint_state`] joins them to it.
///
/// # Example
/// ```
/// use kerox_format_ckpt::CheckpointState;
///
/// let text = "model_checkpoint_path: \"ckpt-2\"\nall_model_checkpoint_paths: \"ckpt-1\"\n\
///             all_model_checkpoint_paths: \"ckpt-2\"\n";
/// let state = CheckpointState::parse(text).unwrap();
/// assert_eq!(state.all_model_checkpoint_paths, ["ckpt-1", "ckpt-2"]);
/// assert_eq!(state.to_text(), text);
/// ```
///
/// # Source
/// tensorflow/python/training/checkpoint_state.proto
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckpointState {
    /// The latest.
    pub model_checkpoint_path: String,
    /// All that are kept, oldest first; the latest is the last.
    pub all_model_checkpoint_paths: Vec<String>,
    /// When each of them was written, in seconds since 1970; empty where nobody recorded it.
    pub all_model_checkpoint_timestamps: Vec<f64>,
    /// When the last one was written that is kept for good, in seconds since 1970.
    pub last_preserved_timestamp: Option<f64>,
}

impl CheckpointState {
    /// Reads the text; the error says what is wrong with it. Fields of other names are passed over.
    pub fn parse(text: &str) -> Result<CheckpointState, String> {
        let mut state = CheckpointState::default();
        let mut rest = text;
        loop {
            rest = skip_space(rest);
            if rest.is_empty() {
                return Ok(state);
            }
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let after = skip_space(after);
            let after = after.strip_prefix(':').ok_or_else(|| format!("`{}` without a value", first_line(rest)))?;
            let (value, after) = take_value(skip_space(after))?;
            let number = |value: &str| value.parse::<f64>().map_err(|_| format!("`{value}` where a number belongs"));
            match name {
                "model_checkpoint_path" => state.model_checkpoint_path = value,
                "all_model_checkpoint_paths" => state.all_model_checkpoint_paths.push(value),
                "all_model_checkpoint_timestamps" => state.all_model_checkpoint_timestamps.push(number(&value)?),
                "last_preserved_timestamp" => state.last_preserved_timestamp = Some(number(&value)?),
                "" => return Err(format!("`{}`", first_line(rest))),
                _ => {}
            }
            rest = after;
        }
    }

    /// Writes the text as TensorFlow does.
    pub fn to_text(&self) -> String {
        let mut text = format!("model_checkpoint_path: \"{}\"\n", escape(&self.model_checkpoint_path));
        for path in &self.all_model_checkpoint_paths {
            text += &format!("all_model_checkpoint_paths: \"{}\"\n", escape(path));
        }
        for timestamp in &self.all_model_checkpoint_timestamps {
            text += &format!("all_model_checkpoint_timestamps: {timestamp:?}\n");
        }
        if let Some(timestamp) = self.last_preserved_timestamp {
            text += &format!("last_preserved_timestamp: {timestamp:?}\n");
        }
        text
    }

    /// Writes the file `checkpoint` of a directory in one step; paths within the directory become relative to it.
    ///
    /// # Errors
    /// [`Error::Save`].
    pub fn write(&self, dir: impl AsRef<Path>) -> Result<()> {
        let dir = dir.as_ref();
        let mut state = self.clone();
        state.model_checkpoint_path = relative(dir, &self.model_checkpoint_path);
        state.all_model_checkpoint_paths.iter_mut().for_each(|path| *path = relative(dir, path));
        Ok(kerox_fs::write_file(dir.join(STATE_FILE), state.to_text().as_bytes(), &SaveOptions::new())?)
    }

    /// The state after a single save: only the newest name.
    pub(crate) fn of(prefix: &Path) -> CheckpointState {
        let path = prefix.to_string_lossy().into_owned();
        CheckpointState {
            model_checkpoint_path: path.clone(),
            all_model_checkpoint_paths: vec![path],
            ..CheckpointState::default()
        }
    }
}

/// Reads a directory's file `checkpoint`; relative paths in it are joined to `dir`. `None` where there is none.
///
/// # Errors
/// [`Error::Damaged`] where the file is no state, [`Error::Io`].
///
/// # Source
/// `tf.train.get_checkpoint_state`
pub fn get_checkpoint_state(dir: impl AsRef<Path>) -> Result<Option<CheckpointState>> {
    let dir = dir.as_ref();
    let path = dir.join(STATE_FILE);
    let bytes = match std::fs::read(Snapshot::of(dir).path(STATE_FILE)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => return Ok(None),
        Err(error) => return Err(Error::io("read", &path)(error)),
    };
    let mut state = CheckpointState::parse(&String::from_utf8_lossy(&bytes)).map_err(|found| Error::Damaged {
        file: path,
        offset: 0,
        expected: "lines like `model_checkpoint_path: \"cp.ckpt\"`".into(),
        found,
    })?;
    let join = |path: &mut String| *path = dir.join(&*path).to_string_lossy().into_owned();
    join(&mut state.model_checkpoint_path);
    state.all_model_checkpoint_paths.iter_mut().for_each(join);
    Ok(Some(state))
}

/// The prefix of a directory's latest checkpoint; `None` where it has no state file or the files it names are gone.
///
/// # Errors
/// As [`get_checkpoint_state`].
///
/// # Example
/// ```
/// # let dir = tempfile::tempdir()?;
/// assert_eq!(kerox_format_ckpt::latest_checkpoint(dir.path())?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `tf.train.latest_checkpoint`
pub fn latest_checkpoint(dir: impl AsRef<Path>) -> Result<Option<PathBuf>> {
    let Some(state) = get_checkpoint_state(dir)? else { return Ok(None) };
    let prefix = PathBuf::from(state.model_checkpoint_path);
    Ok(checkpoint_exists(&prefix).then_some(prefix))
}

/// Whether there is a checkpoint of that prefix, V1 or V2.
pub fn checkpoint_exists(prefix: impl AsRef<Path>) -> bool {
    let prefix = prefix.as_ref();
    let Some(name) = prefix.file_name() else { return false };
    let mut index = name.to_os_string();
    index.push(".index");
    let dir = prefix.parent().unwrap_or(Path::new("."));
    Snapshot::of(dir).path(index).is_file() || prefix.is_file()
}

/// Seconds since 1970.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// A path as it stands in the state file of `dir`.
fn relative(dir: &Path, path: &str) -> String {
    let inside = |dir: &Path, path: &Path| path.strip_prefix(dir).map(|p| p.to_string_lossy().into_owned()).ok();
    if let Some(relative) = inside(dir, Path::new(path)).filter(|p| !p.is_empty()) {
        return relative;
    }
    let absolute = |path: &Path| std::path::absolute(path).ok();
    match (absolute(dir), absolute(Path::new(path))) {
        (Some(dir), Some(absolute)) => {
            inside(&dir, &absolute).unwrap_or_else(|| absolute.to_string_lossy().into_owned())
        }
        _ => path.to_string(),
    }
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'\n' => out += "\\n",
            b'\r' => out += "\\r",
            b'\t' => out += "\\t",
            b'"' => out += "\\\"",
            b'\'' => out += "\\'",
            b'\\' => out += "\\\\",
            b' '..=b'~' => out.push(byte as char),
            _ => out += &format!("\\{byte:03o}"),
        }
    }
    out
}

/// Skips white space, comments and separators.
fn skip_space(mut text: &str) -> &str {
    loop {
        text = text.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == ';');
        match text.strip_prefix('#') {
            Some(comment) => text = comment.find('\n').and_then(|end| comment.get(end..)).unwrap_or(""),
            None => return text,
        }
    }
}

/// Takes a value off the front: strings one after another, or a word.
fn take_value(text: &str) -> Result<(String, &str), String> {
    if !text.starts_with(['"', '\'']) {
        let end = text.find(|c: char| c.is_whitespace() || ",;#".contains(c)).unwrap_or(text.len());
        return Ok((text[..end].to_string(), &text[end..]));
    }
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(quote) = rest.chars().next().filter(|c| "\"'".contains(*c)) {
        let mut at = 1;
        let input = rest.as_bytes();
        loop {
            let byte = *input.get(at).ok_or_else(|| format!("`{}` without a closing quote", first_line(text)))?;
            at += 1;
            match byte {
                b if b == quote as u8 => break,
                b'\\' => at += unescape(input.get(at..).unwrap_or(&[]), &mut bytes),
                b => bytes.push(b),
            }
        }
        rest = skip_space(rest.get(at..).unwrap_or(""));
    }
    Ok((String::from_utf8_lossy(&bytes).into_owned(), rest))
}

/// Decodes what follows a backslash; returns how many bytes that was.
fn unescape(input: &[u8], out: &mut Vec<u8>) -> usize {
    let digits = |from: usize, most: usize, radix: u32| {
        let digits: Vec<u8> =
            input.iter().skip(from).take(most).copied().take_while(|b| (*b as char).is_digit(radix)).collect();
        let value = digits.iter().fold(0u32, |n, b| n * radix + (*b as char).to_digit(radix).unwrap_or(0));
        (value as u8, digits.len())
    };
    let Some(&first) = input.first() else { return 0 };
    match first {
        b'n' => out.push(b'\n'),
        b'r' => out.push(b'\r'),
        b't' => out.push(b'\t'),
        b'0'..=b'7' => {
            let (value, length) = digits(0, 3, 8);
            out.push(value);
            return length;
        }
        b'x' | b'X' => {
            let (value, length) = digits(1, 2, 16);
            out.push(value);
            return 1 + length;
        }
        other => out.push(other),
    }
    1
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or("").chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_other_writers_are_read() {
        let text = "# written by hand\nmodel_checkpoint_path : 'a' \"b\\x41\\303\\244\"; \
                    all_model_checkpoint_paths:\"x\\\\y\\\"\"\nall_model_checkpoint_timestamps: 1795424087.9021847\n\
                    all_model_checkpoint_timestamps: 2\nlast_preserved_timestamp: 1.5e9 unknown_field: 7";
        let state = CheckpointState::parse(text).unwrap();
        assert_eq!(state.model_checkpoint_path, "abAä");
        assert_eq!(state.all_model_checkpoint_paths, ["x\\y\""]);
        assert_eq!(state.all_model_checkpoint_timestamps, [1795424087.9021847, 2.0]);
        assert_eq!(state.last_preserved_timestamp, Some(1.5e9));
        assert_eq!(CheckpointState::parse(&state.to_text()).unwrap(), state);
    }

    #[test]
    fn damaged_texts_are_refused() {
        for text in ["model_checkpoint_path", "x: \"open", "\u{1}", "last_preserved_timestamp: soon", "{", "a: 'b\\"] {
            assert!(CheckpointState::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn text_is_tensorflows() {
        let state = CheckpointState {
            model_checkpoint_path: "ä ckpt-2".into(),
            all_model_checkpoint_paths: vec!["ä ckpt-2".into()],
            all_model_checkpoint_timestamps: vec![1795424087.9021847],
            last_preserved_timestamp: Some(1795424086.0),
        };
        let expected = "model_checkpoint_path: \"\\303\\244 ckpt-2\"\nall_model_checkpoint_paths: \"\\303\\244 ckpt-2\"\n\
                        all_model_checkpoint_timestamps: 1795424087.9021847\nlast_preserved_timestamp: 1795424086.0\n";
        assert_eq!(state.to_text(), expected);
    }

    #[test]
    fn paths_are_relative_inside_and_absolute_outside() {
        assert_eq!(relative(Path::new("training_1"), "training_1/cp.ckpt"), "cp.ckpt");
        assert_eq!(relative(Path::new(""), "cp.ckpt"), "cp.ckpt");
        assert_eq!(relative(Path::new("."), "./cp.ckpt"), "cp.ckpt");
        assert_eq!(relative(Path::new("/a/b"), "/a/b/c/cp"), "c/cp");
        assert_eq!(relative(Path::new("/a/b"), "/a/cp"), "/a/cp");
    }
}
