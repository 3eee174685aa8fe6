//! Open `.keras` files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kerox_format_h5::keras::WeightsTree;
use kerox_format_h5::{H5File, Limits, ReadAt};

use crate::archive::{Archive, ArchiveLimits};
use crate::error::{Error, Result};
use crate::member;

/// An open `.keras` archive or its unzipped directory: texts in memory, weights where they are until they are read.
///
/// # Example
/// ```
/// use kerox_format_h5::keras::TreeToWrite;
/// use kerox_format_keras::{KerasFile, KerasToWrite};
/// use kerox_tensor::Tensor;
///
/// let mut weights = TreeToWrite::new();
/// weights.object("layers/dense", Some("dense"), &[Tensor::scalar(1.0f32)])?;
/// let bytes = KerasToWrite::new("3.15.1", r#"{"class_name": "Sequential"}"#, weights).to_bytes()?;
/// let file = KerasFile::from_bytes("m.keras", bytes)?;
/// assert_eq!(file.metadata.unwrap().keras_version.as_deref(), Some("3.15.1"));
/// assert_eq!(file.weights.read("layers/dense")?, [Tensor::scalar(1.0f32)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct KerasFile {
    /// What `metadata.json` says; `None` without one, which Keras accepts.
    pub metadata: Option<Metadata>,
    /// The text of `config.json`.
    pub config: String,
    /// The weights, optimizer and all.
    pub weights: WeightsTree,
    /// Names of the assets, without `assets/`, sorted.
    pub assets: Vec<String>,
    store: Store,
}

/// What `metadata.json` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The version of Keras that wrote the file.
    pub keras_version: Option<String>,
    /// When it was written: `2026-11-23@08:51:43`.
    pub date_saved: Option<String>,
    /// The whole text.
    pub text: String,
}

#[derive(Clone, Debug)]
enum Store {
    Archive(Archive),
    Directory(PathBuf),
}

/// Bytes of a text that is read whole.
const MAX_TEXT: u64 = 1 << 30;

impl KerasFile {
    /// Opens a `.keras` file, or a directory with the same members.
    ///
    /// # Errors
    /// As [`Archive::open`]; [`Error::Missing`] without config or weights, [`Error::Text`], [`Error::H5`].
    pub fn open(path: impl AsRef<Path>) -> Result<KerasFile> {
        let path = path.as_ref();
        if path.is_dir() {
            return KerasFile::from_store(Store::Directory(path.to_path_buf()));
        }
        KerasFile::from_store(Store::Archive(Archive::open(path)?))
    }

    /// Opens a `.keras` file in memory. `name` stands for it in errors.
    ///
    /// # Errors
    /// As [`KerasFile::open`].
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Result<KerasFile> {
        let archive = Archive::from_source(name, Arc::new(bytes.into()), &ArchiveLimits::default())?;
        KerasFile::from_archive(archive)
    }

    /// Takes an open archive.
    ///
    /// # Errors
    /// As [`KerasFile::open`].
    pub fn from_archive(archive: Archive) -> Result<KerasFile> {
        KerasFile::from_store(Store::Archive(archive))
    }

    fn from_store(store: Store) -> Result<KerasFile> {
        let config = store.text(member::CONFIG)?;
        let metadata = match store.has(member::METADATA) {
            true => Some(metadata(&store, store.text(member::METADATA)?)?),
            false => None,
        };
        let name = format!("{}/{}", store.name(), member::WEIGHTS);
        let weights = H5File::from_source(name, store.source(member::WEIGHTS)?, Limits::default())?;
        let assets = store.assets()?;
        Ok(KerasFile { metadata, config, weights: WeightsTree::new(weights)?, assets, store })
    }

    /// Reads an asset, by its name without `assets/`.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Member`] for damaged data, [`Error::Io`].
    pub fn asset(&self, name: &str) -> Result<Vec<u8>> {
        let member = format!("{}{name}", member::ASSETS);
        match &self.store {
            Store::Archive(archive) => archive.read(&member),
            // Only names that were listed: no other file can be reached.
            Store::Directory(directory) if self.assets.iter().any(|known| known == name) => {
                let path = directory.join(&member);
                let io = |source| Error::Io { operation: "read asset", file: path.display().to_string(), source };
                std::fs::read(&path).map_err(io)
            }
            Store::Directory(_) => Err(self.store.missing(&member)),
        }
    }
}

impl Store {
    fn name(&self) -> String {
        match self {
            Store::Archive(archive) => archive.name().to_string(),
            Store::Directory(path) => path.display().to_string(),
        }
    }

    fn has(&self, member: &str) -> bool {
        match self {
            Store::Archive(archive) => archive.members().iter().any(|known| known.name == member),
            Store::Directory(path) => path.join(member).is_file(),
        }
    }

    fn missing(&self, member: &str) -> Error {
        let found = match self {
            Store::Archive(_) => "other members".to_string(),
            Store::Directory(path) => {
                let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
                let mut names: Vec<String> =
                    entries.map(|e| format!("`{}`", e.file_name().to_string_lossy())).collect();
                names.sort();
                names.truncate(8);
                if names.is_empty() { "an empty directory".into() } else { names.join(", ") }
            }
        };
        Error::Missing { file: self.name(), member: member.to_string(), found }
    }

    fn source(&self, member: &str) -> Result<Arc<dyn ReadAt>> {
        match self {
            Store::Archive(archive) => archive.source(member),
            Store::Directory(_) if !self.has(member) => Err(self.missing(member)),
            Store::Directory(path) => {
                let path = path.join(member);
                let io = |source| Error::Io { operation: "open", file: path.display().to_string(), source };
                let file = std::fs::File::open(&path).and_then(kerox_format_h5::FileAt::new).map_err(io)?;
                Ok(Arc::new(file))
            }
        }
    }

    fn text(&self, member: &str) -> Result<String> {
        let wrong = |expected, found| Error::Text { file: self.name(), member: member.to_string(), expected, found };
        let source = self.source(member)?;
        if source.len() > MAX_TEXT {
            return Err(wrong("a text of at most 1 GiB", format!("{} bytes", source.len())));
        }
        let mut bytes = vec![0; source.len() as usize];
        let io = |source| Error::Io { operation: "read", file: format!("{}/{member}", self.name()), source };
        source.read_exact_at(&mut bytes, 0).map_err(io)?;
        String::from_utf8(bytes)
            .map_err(|error| wrong("JSON in UTF-8", format!("another byte at {}", error.utf8_error().valid_up_to())))
    }

    fn assets(&self) -> Result<Vec<String>> {
        let mut assets = Vec::new();
        match self {
            Store::Archive(archive) => {
                let names = archive.members().iter().map(|known| &known.name);
                assets.extend(names.filter_map(|name| name.strip_prefix(member::ASSETS)).map(str::to_string));
            }
            Store::Directory(path) => list(&path.join("assets"), "", 0, &mut assets)?,
        }
        assets.sort();
        Ok(assets)
    }
}

/// Folders inside `assets` that are followed.
const MAX_FOLDERS: usize = 64;

/// Lists plain files below a directory; links are left alone.
fn list(directory: &Path, prefix: &str, depth: usize, found: &mut Vec<String>) -> Result<()> {
    if !directory.is_dir() || depth > MAX_FOLDERS {
        return Ok(());
    }
    let io = |source| Error::Io { operation: "list", file: directory.display().to_string(), source };
    for entry in std::fs::read_dir(directory).map_err(io)? {
        let entry = entry.map_err(io)?;
        let kind = entry.file_type().map_err(io)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        match () {
            () if kind.is_dir() => list(&entry.path(), &format!("{prefix}{name}/"), depth + 1, found)?,
            () if kind.is_file() => found.push(format!("{prefix}{name}")),
            () => {}
        }
    }
    Ok(())
}

fn metadata(store: &Store, text: String) -> Result<Metadata> {
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| Error::Text {
        file: store.name(),
        member: member::METADATA.to_string(),
        expected: "JSON",
        found: error.to_string(),
    })?;
    let field = |name: &str| value.get(name).and_then(|v| v.as_str()).map(str::to_string);
    Ok(Metadata { keras_version: field("keras_version"), date_saved: field("date_saved"), text })
}
