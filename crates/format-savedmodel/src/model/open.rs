//! Opening a directory.
//!
//! | file | content |
//! |---|---|
//! | `saved_model.pb` or `saved_model.pbtxt` | graphs, functions, objects ([`SavedModelProto`]) |
//! | `keras_metadata.pb` | what Keras knows of the objects; TensorFlow 2.5 to 2.15, models saved by Keras only |
//! | `variables/variables.index`, `variables/variables.data-?????-of-?????` | a checkpoint; absent without variables |
//! | `assets/` | files the graph reads |
//! | `fingerprint.pb` | hashes; from TensorFlow 2.12 on |
//!
//! Not read: `saved_model.cpb`, a model above 2 GB in chunks.

use std::path::{Path, PathBuf};

use super::MetaGraph;
use crate::messages::{FingerprintDef, SavedMetadata, SavedModelProto};
use crate::wire::Message;
use crate::{Error, Result};

/// The largest `saved_model.pb`: protobuf's limit of 2 GiB.
const MAX_BYTES: u64 = 1 << 31;

/// A SavedModel.
///
/// # Example
/// ```no_run
/// use kerox_format_savedmodel::SavedModel;
///
/// let model = SavedModel::open("saved_model/my_model")?;
/// let graph = model.meta_graph(&["serve"])?;
/// for signature in graph.signatures() {
///     println!("{}: {:?} -> {:?}", signature.name, signature.inputs, signature.outputs);
/// }
/// # Ok::<(), kerox_format_savedmodel::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SavedModel {
    dir: PathBuf,
    /// The content of `saved_model.pb`.
    pub proto: SavedModelProto,
    /// The content of `keras_metadata.pb`, where there is one.
    pub keras_metadata: Option<SavedMetadata>,
    /// The content of `fingerprint.pb`, where there is one that can be read.
    pub fingerprint: Option<FingerprintDef>,
}

impl SavedModel {
    /// Whether a directory looks like a SavedModel.
    pub fn is_saved_model(dir: impl AsRef<Path>) -> bool {
        ["saved_model.pb", "saved_model.pbtxt", "saved_model.cpb"].iter().any(|name| dir.as_ref().join(name).is_file())
    }

    /// Reads the messages of a directory; variables and assets stay where they are.
    ///
    /// # Errors
    /// [`Error::NotSavedModel`], [`Error::Io`], [`Error::Malformed`], [`Error::Text`].
    pub fn open(dir: impl AsRef<Path>) -> Result<SavedModel> {
        let dir = dir.as_ref();
        let not = |expected: &str, found: String| Error::NotSavedModel {
            dir: dir.to_owned(),
            expected: expected.to_owned(),
            found,
        };
        let (binary, text) = (dir.join("saved_model.pb"), dir.join("saved_model.pbtxt"));
        let proto = if let Some(bytes) = read(&binary)? {
            SavedModelProto::decode(&bytes).map_err(|error| error.in_file("saved_model.pb"))?
        } else if let Some(bytes) = read(&text)? {
            let text = String::from_utf8(bytes).map_err(|error| {
                let at = error.utf8_error().valid_up_to();
                Error::malformed(at, "UTF-8", "bytes that are none").in_file("saved_model.pbtxt")
            })?;
            SavedModelProto::from_text(&text).map_err(|error| error.in_file("saved_model.pbtxt"))?
        } else if dir.join("saved_model.cpb").exists() {
            let found = "`saved_model.cpb` in chunks; save it in parts below 2 GB".to_owned();
            return Err(not("`saved_model.pb` or `saved_model.pbtxt`", found));
        } else {
            let found = if dir.is_dir() { "neither" } else { "no such directory" };
            return Err(not("`saved_model.pb` or `saved_model.pbtxt`", found.to_owned()));
        };
        if proto.meta_graphs.is_empty() {
            return Err(not("a meta graph at least", "none".to_owned()));
        }
        let keras_metadata = match read(&dir.join("keras_metadata.pb"))? {
            Some(bytes) => Some(SavedMetadata::decode(&bytes).map_err(|error| error.in_file("keras_metadata.pb"))?),
            None => None,
        };
        // Fingerprints are never needed: a broken one is none.
        let fingerprint = read(&dir.join("fingerprint.pb"))?.and_then(|bytes| FingerprintDef::decode(&bytes).ok());
        Ok(SavedModel { dir: dir.to_owned(), proto, keras_metadata, fingerprint })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The prefix of the checkpoint with the variables' values. There is none when the model has no variables.
    pub fn variables_prefix(&self) -> PathBuf {
        self.dir.join("variables").join("variables")
    }

    /// All graphs.
    pub fn meta_graphs(&self) -> Vec<MetaGraph<'_>> {
        let metadata = self.keras_metadata.as_ref();
        self.proto.meta_graphs.iter().map(|def| MetaGraph::new(def, metadata)).collect()
    }

    /// The graph with exactly these tags, in any order; without tags the only graph.
    ///
    /// # Errors
    /// [`Error::NotSavedModel`] when there is none, naming the tags there are.
    pub fn meta_graph(&self, tags: &[&str]) -> Result<MetaGraph<'_>> {
        let sorted = |tags: &mut dyn Iterator<Item = &str>| {
            let mut tags: Vec<String> = tags.map(str::to_owned).collect();
            tags.sort();
            tags
        };
        let graphs = self.meta_graphs();
        let all: Vec<String> =
            graphs.iter().map(|graph| format!("{:?}", sorted(&mut graph.tags().iter().map(String::as_str)))).collect();
        let wanted = sorted(&mut tags.iter().copied());
        let only = graphs.len() == 1;
        let fits = |graph: &MetaGraph<'_>| match tags {
            [] => only,
            _ => sorted(&mut graph.tags().iter().map(String::as_str)) == wanted,
        };
        graphs.into_iter().find(fits).ok_or_else(|| Error::NotSavedModel {
            dir: self.dir.clone(),
            expected: format!("a meta graph with the tags {wanted:?}"),
            found: all.join(", "),
        })
    }
}

/// The bytes of a file; `None` where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let io = |source| Error::Io { operation: "read", path: path.to_owned(), source };
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() > MAX_BYTES => {
            let found = format!("{} bytes", metadata.len());
            Err(Error::invalid("file", format!("`{}`", path.display()), format!("at most {MAX_BYTES} bytes"), found))
        }
        Ok(_) => std::fs::read(path).map(Some).map_err(io),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io(error)),
    }
}
