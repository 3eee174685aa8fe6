//! What can go wrong with files.

use std::path::PathBuf;

use super::LoadReport;

/// The result of reading and writing files.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong while reading and writing files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A TensorFlow checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] kerox_format_ckpt::Error),
    /// An HDF5 file.
    #[error(transparent)]
    H5(#[from] kerox_format_h5::Error),
    /// A `.keras` file or sharded weights.
    #[error(transparent)]
    Keras(#[from] kerox_format_keras::Error),
    /// A SavedModel's messages.
    #[error(transparent)]
    SavedModel(#[from] kerox_format_savedmodel::Error),
    /// The graphs of a SavedModel.
    #[error(transparent)]
    GraphDef(#[from] kerox_graph_def::Error),
    /// A graph.
    #[error(transparent)]
    Graph(#[from] kerox_graph::Error),
    /// A safetensors file.
    #[error(transparent)]
    Safetensors(#[from] kerox_format_safetensors::Error),
    /// An address.
    #[cfg(feature = "cloud")]
    #[error(transparent)]
    Remote(#[from] kerox_remote::Error),
    /// A configuration inside a file.
    #[error("read the model of `{}`: {source}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with its JSON path.
        source: kerox_config_json::Error,
    },
    /// A layer.
    #[error(transparent)]
    Layer(#[from] kerox_layers::Error),
    /// The training state.
    #[error(transparent)]
    Train(#[from] kerox_train::Error),
    /// An optimizer.
    #[error(transparent)]
    Optimizer(#[from] kerox_optim::Error),
    /// A tensor.
    #[error(transparent)]
    Tensor(#[from] kerox_tensor::Error),
    /// A configuration that cannot be written, or read from text.
    #[error(transparent)]
    Json(#[from] kerox_config_json::Error),
    /// Replacing what is at a path.
    #[error(transparent)]
    Save(#[from] kerox_fs::Error),
    /// The system could not read.
    #[error("{operation} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Nothing is at the path.
    #[error("open `{}`: expected a file, a directory or a checkpoint prefix, found {found}", path.display())]
    NotFound {
        /// The path as given.
        path: PathBuf,
        /// What is there instead.
        found: String,
    },
    /// None of the known formats.
    #[error("open `{}`: expected {expected}, found {found}", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The formats that would have been right.
        expected: String,
        /// What its first bytes look like.
        found: String,
    },
    /// The format cannot hold, or this file does not hold, what was asked for.
    #[error("{operation} `{}`: expected {expected}, found {found}; {help}", path.display())]
    Content {
        /// What was tried.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What is needed.
        expected: String,
        /// What is there.
        found: String,
        /// What to do.
        help: String,
    },
    /// A layer of a SavedModel whose class is not known, and that has no functions to run in its place.
    #[error("load a model from `{}`: expected the class or traced functions of the layer `{name}` of class `{class_name}` (object {object}), found neither; register the class with `register_keras_serializable` or pass it in `custom_objects`", path.display())]
    UnknownLayer {
        /// The directory.
        path: PathBuf,
        /// The layer's name.
        name: String,
        /// Its class.
        class_name: String,
        /// The number of the object.
        object: usize,
    },
    /// Weights that do not fit the model. Nothing has been changed.
    #[error("load weights from `{}`: {summary}{}", path.display(), list(.report))]
    Weights {
        /// The file.
        path: PathBuf,
        /// Keras's sentence.
        summary: String,
        /// Every tensor of both sides.
        report: Box<LoadReport>,
    },
    /// What a conversion would lose, where nothing may be lost.
    #[error("convert `{}` to {format}: expected everything to be carried over, found {} that cannot be: {}", path.display(), what.len(), what.join("; "))]
    Lost {
        /// The source.
        path: PathBuf,
        /// The target's format.
        format: &'static str,
        /// What would be lost.
        what: Vec<String>,
    },
    /// An option that does not go with the others.
    #[error("{operation}: expected {expected}, found {found}")]
    Option {
        /// What was tried.
        operation: &'static str,
        /// What is allowed.
        expected: String,
        /// What was given.
        found: String,
    },
}

/// The tensors without partner, as lines below the message.
fn list(report: &LoadReport) -> String {
    use kerox_format_ckpt::LoadOutcome::{Matched, UnusedInFile};
    let mut text = String::new();
    let wrong = report.with(|outcome| !matches!(outcome, Matched));
    let (mut shown, mut left) = (0, 0);
    for entry in wrong {
        if shown == 20 {
            left += 1;
            continue;
        }
        shown += 1;
        let detail = match &entry.outcome {
            UnusedInFile => "in the file only".to_string(),
            kerox_format_ckpt::LoadOutcome::ShapeMismatch { expected, found } => {
                format!("expected shape {expected}, found {found}")
            }
            kerox_format_ckpt::LoadOutcome::Failed { message } => message.clone(),
            outcome => outcome.name().replace('_', " "),
        };
        text += &format!("; `{}`: {detail}", entry.path);
    }
    if left > 0 {
        text += &format!("; and {left} more");
    }
    text
}

impl Error {
    /// What to do about it, where the message ends with that: `expected ..., found ...; <what to do>`.
    pub fn help(&self) -> Option<&str> {
        match self {
            Error::Content { help, .. } => Some(help),
            _ => None,
        }
    }
}
