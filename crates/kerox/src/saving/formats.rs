//! The formats: one declaration each, and telling them apart.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::package::Package;
use super::{Error, Result, h5, json, keras_v3, remote, safetensors, saved_model, tensorflow};

/// A file format.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// The name in commands and reports.
    pub name: &'static str,
    /// What it is, in a few words.
    pub title: &'static str,
    /// What paths of this format end with, the most telling first.
    pub suffixes: &'static [&'static str],
    /// Whether it can hold the architecture.
    pub architecture: bool,
    /// Whether it can hold weights.
    pub weights: bool,
    /// Whether it can hold what the model was compiled with.
    pub training: bool,
    /// Whether it can hold the optimizer's state.
    pub optimizer: bool,
    /// Opens a file for reading; tensors stay in the file until they are asked for.
    pub open: fn(&Path) -> Result<Package>,
}

impl PartialEq for Format {
    fn eq(&self, other: &Format) -> bool {
        self.name == other.name
    }
}

impl Eq for Format {}

/// Keras HDF5: `model.save("m.h5")`, and `save_weights("w.h5")`.
pub const KERAS_H5: Format = Format {
    name: "keras-h5",
    title: "Keras HDF5",
    suffixes: &[".h5", ".hdf5", ".hdf"],
    architecture: true,
    weights: true,
    training: true,
    optimizer: true,
    open: h5::open,
};

/// `save_weights("w.weights.h5")`: one group an object. Sharded: `w.weights.json`.
pub const KERAS_WEIGHTS_H5: Format = Format {
    name: "keras-weights-h5",
    title: "Keras weights in HDF5",
    suffixes: &[".weights.h5", ".weights.json"],
    architecture: false,
    weights: true,
    training: false,
    optimizer: true,
    open: keras_v3::open_weights,
};

/// The `.keras` archive.
pub const KERAS_V3: Format = Format {
    name: "keras-v3",
    title: "Keras v3 archive",
    suffixes: &[".keras"],
    architecture: true,
    weights: true,
    training: true,
    optimizer: true,
    open: keras_v3::open,
};

/// TensorFlow's SavedModel directory.
pub const SAVED_MODEL: Format = Format {
    name: "saved-model",
    title: "SavedModel",
    suffixes: &[],
    architecture: true,
    weights: true,
    training: true,
    optimizer: true,
    open: saved_model::open,
};

/// A TensorFlow checkpoint, by its prefix.
pub const TF_CHECKPOINT: Format = Format {
    name: "tf-checkpoint",
    title: "TensorFlow checkpoint",
    suffixes: &[".ckpt", ".index"],
    architecture: false,
    weights: true,
    training: false,
    optimizer: true,
    open: tensorflow::open_checkpoint,
};

/// An architecture as JSON text.
pub const KERAS_JSON: Format = Format {
    name: "keras-json",
    title: "Keras JSON architecture",
    suffixes: &[".json"],
    architecture: true,
    weights: false,
    training: false,
    optimizer: false,
    open: json::open,
};

/// A safetensors file: weights, or a whole model with its configuration in the metadata.
pub const SAFETENSORS: Format = Format {
    name: "safetensors",
    title: "safetensors",
    suffixes: &[".safetensors"],
    architecture: true,
    weights: true,
    training: true,
    optimizer: true,
    open: safetensors::open,
};

/// Every format.
pub const ALL: &[Format] = &[KERAS_H5, KERAS_WEIGHTS_H5, KERAS_V3, SAVED_MODEL, TF_CHECKPOINT, KERAS_JSON, SAFETENSORS];

/// The format of that name, or of the short names that `--format` takes.
pub fn by_name(name: &str) -> Option<Format> {
    let name = name.to_ascii_lowercase();
    Some(match name.as_str() {
        "h5" | "hdf5" | "weights-h5" => KERAS_H5,
        "keras" => KERAS_V3,
        "keras-v3-weights" => KERAS_WEIGHTS_H5,
        "savedmodel" | "tf" | "tensorflow" => SAVED_MODEL,
        "ckpt" | "checkpoint" => TF_CHECKPOINT,
        "json" => KERAS_JSON,
        name => *ALL.iter().find(|format| format.name == name)?,
    })
}

/// The format that a path's suffix stands for.
pub fn by_suffix(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    // The longest suffix says most: `.weights.h5` before `.h5`.
    let fits = ALL.iter().flat_map(|format| format.suffixes.iter().map(move |suffix| (suffix, format)));
    fits.filter(|(suffix, _)| name.ends_with(**suffix)).max_by_key(|(suffix, _)| suffix.len()).map(|(_, f)| *f)
}

/// The prefix of the checkpoint that a path stands for: a prefix, an `.index` file, or a directory with a `checkpoint`
/// file.
pub(super) fn checkpoint_prefix(path: &Path) -> Option<PathBuf> {
    let text = path.to_string_lossy();
    if Path::new(&format!("{text}.index")).is_file() {
        return Some(path.to_path_buf());
    }
    if let Some(prefix) = text.strip_suffix(".index")
        && path.is_file()
    {
        return Some(PathBuf::from(prefix));
    }
    // Behind the indices: these are tables of the same form.
    if is_v1_table(path) {
        return Some(path.to_path_buf());
    }
    if let Some((prefix, _)) = text.rsplit_once(".data-")
        && path.is_file()
        && kerox_format_ckpt::checkpoint_exists(prefix)
    {
        return Some(PathBuf::from(prefix));
    }
    if path.is_dir() && path.join(kerox_format_ckpt::STATE_FILE).is_file() {
        return kerox_format_ckpt::latest_checkpoint(path).ok().flatten();
    }
    None
}

/// The format of what is at a path: by its content, and by its suffix only where the content leaves a choice.
///
/// # Errors
/// [`Error::NotFound`] where nothing is there, [`Error::Unknown`] for other files, [`Error::Io`].
///
/// # Example
/// ```
/// let dir = std::env::temp_dir().join("kerox-detect");
/// std::fs::create_dir_all(&dir)?;
/// std::fs::write(dir.join("model.txt"), r#"{"class_name": "Sequential", "config": []}"#)?;
/// assert_eq!(kerox::saving::detect(dir.join("model.txt"))?.name, "keras-json");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn detect(path: impl AsRef<Path>) -> Result<Format> {
    let path = path.as_ref();
    if let Some(found) = remote::detect(path)? {
        return found;
    }
    if path.is_dir()
        && let Some(format) = by_names(|name| path.join(name).is_file())
    {
        return Ok(format);
    }
    if checkpoint_prefix(path).is_some() {
        return Ok(TF_CHECKPOINT);
    }
    if let Ok(Some(state)) = kerox_format_ckpt::get_checkpoint_state(path) {
        return Err(Error::Content {
            operation: "open",
            path: path.into(),
            expected: format!("the checkpoint `{}` that its file `checkpoint` names", state.model_checkpoint_path),
            found: listing(path),
            help: "give a checkpoint that is there by its prefix".into(),
        });
    }
    if path.is_dir() {
        return Err(no_model(path, listing(path)));
    }
    if !path.exists() {
        return Err(Error::NotFound { path: path.into(), found: around(path) });
    }
    let io = |source| Error::Io { operation: "open", path: path.into(), source };
    let mut head = Vec::new();
    std::fs::File::open(path).map_err(io)?.take(4096).read_to_end(&mut head).map_err(io)?;
    // The weights inside an archive may happen to lie where HDF5 may begin.
    if !is_archive(&head) && is_hdf5(path)? {
        let file = kerox_format_h5::H5File::open(path)?;
        return Ok(of_hdf5(&file));
    }
    let size = std::fs::metadata(path).map_err(io)?.len();
    by_head(path, &head, size).ok_or_else(|| unknown(path, &head))
}

/// The format of a directory by the names in it, checkpoints left aside.
pub(super) fn by_names(has: impl Fn(&str) -> bool) -> Option<Format> {
    if has("saved_model.pb") || has("saved_model.pbtxt") {
        return Some(SAVED_MODEL);
    }
    (has("config.json") && has("model.weights.h5")).then_some(KERAS_V3)
}

/// The error for a directory of none of the formats.
pub(super) fn no_model(path: &Path, found: String) -> Error {
    let expected = "a directory with `saved_model.pb`, `checkpoint`, or `config.json` and `model.weights.h5`";
    Error::Unknown { path: path.into(), expected: expected.into(), found }
}

/// The format of a file by its first bytes, HDF5 and tables left aside.
pub(super) fn by_head(path: &Path, head: &[u8], size: u64) -> Option<Format> {
    if is_archive(head) {
        return Some(KERAS_V3);
    }
    if let (Some(length), Some(b'{')) = (head.first_chunk::<8>(), head.get(8))
        && u64::from_le_bytes(*length) <= size.saturating_sub(8)
    {
        return Some(SAFETENSORS);
    }
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if !text.iter().find(|b| !b.is_ascii_whitespace()).is_some_and(|b| matches!(b, b'{' | b'[' | b'"')) {
        return None;
    }
    let sharded = head.windows(12).any(|w| w == b"\"weight_map\"")
        || path.to_string_lossy().to_ascii_lowercase().ends_with(".weights.json");
    Some(if sharded { KERAS_WEIGHTS_H5 } else { KERAS_JSON })
}

/// The format of an open HDF5 file.
pub(super) fn of_hdf5(file: &kerox_format_h5::H5File) -> Format {
    match kerox_format_h5::keras::detect(file) {
        kerox_format_h5::keras::Layout::WeightsTree => KERAS_WEIGHTS_H5,
        _ => KERAS_H5,
    }
}

/// The error for a file of none of the formats.
pub(super) fn unknown(path: &Path, head: &[u8]) -> Error {
    let expected: Vec<&str> = ALL.iter().map(|format| format.title).collect();
    Error::Unknown { path: path.into(), expected: expected.join(", "), found: describe(head) }
}

/// What ends a table file: the last eight bytes.
pub(super) const TABLE_MAGIC: u64 = 0xdb47_7524_8b80_fb57;

/// A checkpoint of TensorFlow's first format is one table file, or several with `-?????-of-00001` behind the prefix.
fn is_v1_table(path: &Path) -> bool {
    use std::io::{Seek, SeekFrom};
    if !path.is_file() {
        return !path.exists() && kerox_format_ckpt::checkpoint_exists(path);
    }
    let mut magic = [0; 8];
    let read = std::fs::File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::End(-8))?;
        file.read_exact(&mut magic)
    });
    read.is_ok() && u64::from_le_bytes(magic) == TABLE_MAGIC
}

/// Whether a file with these first bytes is a zip archive.
pub(super) fn is_archive(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// What HDF5 begins with.
pub(super) const HDF5_SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";

/// Where HDF5 may begin: at once, or after a user block of 512, 1024, ... bytes.
pub(super) fn hdf5_starts() -> impl Iterator<Item = u64> {
    std::iter::once(0).chain(std::iter::successors(Some(512u64), |at| at.checked_mul(2)))
}

/// Whether HDF5 begins in bytes.
pub(super) fn begins_as_hdf5(bytes: &[u8]) -> bool {
    let at = |start: u64| bytes.get(usize::try_from(start).ok()?..);
    hdf5_starts().map_while(at).any(|rest| rest.starts_with(HDF5_SIGNATURE))
}

/// Whether a file is HDF5.
fn is_hdf5(path: &Path) -> Result<bool> {
    use std::io::{Seek, SeekFrom};
    let io = |source| Error::Io { operation: "open", path: path.into(), source };
    let mut file = std::fs::File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    for at in hdf5_starts().take_while(|at| at.saturating_add(8) <= size) {
        let mut signature = [0; 8];
        file.seek(SeekFrom::Start(at)).map_err(io)?;
        file.read_exact(&mut signature).map_err(io)?;
        if signature == *HDF5_SIGNATURE {
            return Ok(true);
        }
    }
    Ok(false)
}

fn describe(head: &[u8]) -> String {
    if head.is_empty() {
        return "an empty file".into();
    }
    if head.starts_with(b"\x1f\x8b") {
        return "a gzip archive; unpack it first".into();
    }
    if head.starts_with(b"version https://git-lfs") {
        return "a Git LFS pointer; fetch the file itself".into();
    }
    let shown: Vec<String> = head.iter().take(16).map(|b| format!("{b:02x}")).collect();
    format!("bytes {}", shown.join(" "))
}

fn listing(directory: &Path) -> String {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|e| format!("`{}`", e.file_name().to_string_lossy())).collect();
    names.sort();
    names.truncate(8);
    if names.is_empty() { "an empty directory".into() } else { names.join(", ") }
}

/// What is beside a path at which nothing is.
pub(super) fn around(path: &Path) -> String {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match directory.is_dir() {
        true => format!("nothing; beside it are: {}", listing(directory)),
        false => format!("nothing; there is no directory `{}` either", directory.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes() {
        let name = |path: &str| by_suffix(Path::new(path)).map(|format| format.name);
        assert_eq!(name("a/m.weights.h5"), Some("keras-weights-h5"));
        assert_eq!(name("a/m.H5"), Some("keras-h5"));
        assert_eq!(name("m.keras"), Some("keras-v3"));
        assert_eq!(name("my_model"), None);
        assert_eq!(name("m.weights.json"), Some("keras-weights-h5"));
        for format in ALL {
            assert_eq!(by_name(format.name), Some(*format));
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("other.h5"), b"").unwrap();
        let error = detect(dir.path().join("m.h5")).unwrap_err().to_string();
        assert!(error.ends_with("found nothing; beside it are: `other.h5`"), "{error}");
        let error = detect(dir.path().join("other.h5")).unwrap_err().to_string();
        assert!(error.ends_with("found an empty file"), "{error}");
    }
}
