//! The options of saving.

use kerox_format_h5::write::Compression;
use kerox_tensor::DType;

use super::formats::Format;
use super::saved_model::ServingSignature;

/// Which Keras a file is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Keras 2.15 and tf-keras.
    #[default]
    Keras2,
    /// Keras 3.
    Keras3,
}

impl Dialect {
    /// The dialect of that name: `keras2` or `keras3`.
    pub fn from_name(name: &str) -> Option<Dialect> {
        match name {
            "keras2" => Some(Dialect::Keras2),
            "keras3" => Some(Dialect::Keras3),
            _ => None,
        }
    }

    /// `keras2` or `keras3`.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::Keras2 => "keras2",
            Dialect::Keras3 => "keras3",
        }
    }

    /// The version written into files.
    pub fn keras_version(self) -> &'static str {
        match self {
            Dialect::Keras2 => "2.15.0",
            Dialect::Keras3 => "3.15.1",
        }
    }
}

/// The options of saving.
///
/// # Example
/// ```
/// use kerox::saving::{Dialect, SaveOptions};
/// let options = SaveOptions::new().dialect(Dialect::Keras3).include_optimizer(false);
/// # let _ = options;
/// ```
#[derive(Clone, Debug)]
pub struct SaveOptions {
    pub(super) overwrite: bool,
    pub(super) durable: bool,
    pub(super) include_optimizer: bool,
    pub(super) format: Option<Format>,
    pub(super) dialect: Dialect,
    pub(super) is_dialect_chosen: bool,
    pub(super) dtype: Option<DType>,
    pub(super) max_shard_bytes: Option<u64>,
    pub(super) shards: Option<u32>,
    pub(super) compression: Option<Compression>,
    pub(super) date_saved: Option<String>,
    pub(super) save_traces: bool,
    pub(super) tags: Option<Vec<String>>,
    pub(super) signatures: Vec<(String, ServingSignature)>,
}

impl Default for SaveOptions {
    fn default() -> SaveOptions {
        SaveOptions::new()
    }
}

impl SaveOptions {
    /// Keras's defaults: replace what is there, with the optimizer, the format by the path's suffix, for Keras 2.15.
    pub fn new() -> SaveOptions {
        SaveOptions {
            overwrite: true,
            durable: true,
            include_optimizer: true,
            format: None,
            dialect: Dialect::Keras2,
            is_dialect_chosen: false,
            dtype: None,
            max_shard_bytes: None,
            shards: None,
            compression: None,
            date_saved: None,
            save_traces: true,
            tags: None,
            signatures: Vec::new(),
        }
    }

    /// Whether an existing file is replaced (the default) or an error.
    #[must_use]
    pub fn overwrite(mut self, overwrite: bool) -> SaveOptions {
        self.overwrite = overwrite;
        self
    }

    /// Whether everything is flushed to disk before it replaces what is there (the default). Without it, which is how Keras
    /// saves, a kill is survived all the same and a power cut is not; what a save takes is then the time of copying into the
    /// system's cache.
    #[must_use]
    pub fn durable(mut self, durable: bool) -> SaveOptions {
        self.durable = durable;
        self
    }

    /// Whether the optimizer's state is saved (the default). Without it a model in HDF5 or a SavedModel is, as Keras has it,
    /// not compiled when it is loaded.
    #[must_use]
    pub fn include_optimizer(mut self, include_optimizer: bool) -> SaveOptions {
        self.include_optimizer = include_optimizer;
        self
    }

    /// The format; by default the path's suffix decides.
    #[must_use]
    pub fn format(mut self, format: Format) -> SaveOptions {
        self.format = Some(format);
        self
    }

    /// Which Keras the file is for.
    #[must_use]
    pub fn dialect(mut self, dialect: Dialect) -> SaveOptions {
        self.dialect = dialect;
        self.is_dialect_chosen = true;
        self
    }

    /// Writes weights of floating type as this type (`F16`, `BF16`, `F32`, `F64`).
    #[must_use]
    pub fn dtype(mut self, dtype: DType) -> SaveOptions {
        self.dtype = Some(dtype);
        self
    }

    /// The largest data file in bytes, for formats that can be split.
    #[must_use]
    pub fn max_shard_bytes(mut self, bytes: u64) -> SaveOptions {
        self.max_shard_bytes = Some(bytes);
        self
    }

    /// The number of data files, for formats that can be split: TensorFlow checkpoints, and weights with an index
    /// (`.weights.json`), which have fewer where there are not as many tensors.
    #[must_use]
    pub fn shards(mut self, shards: u32) -> SaveOptions {
        self.shards = Some(shards);
        self
    }

    /// Compresses the datasets of HDF5 files; Keras reads them, and writes none itself.
    #[must_use]
    pub fn compression(mut self, compression: Compression) -> SaveOptions {
        self.compression = Some(compression);
        self
    }

    /// The date written into `.keras` files, `2026-11-23@08:51:43`. By default 1980, so that equal models give equal
    /// files.
    #[must_use]
    pub fn date_saved(mut self, date: impl Into<String>) -> SaveOptions {
        self.date_saved = Some(date.into());
        self
    }

    /// Whether SavedModels hold the functions of the model and of each layer (the default). Without them the files are
    /// smaller and made faster, and only Keras can load them: classes that it does not know have to be given to it, and
    /// there are no signatures.
    #[must_use]
    pub fn save_traces(mut self, save_traces: bool) -> SaveOptions {
        self.save_traces = save_traces;
        self
    }

    /// The tags by which loaders find the graph in a SavedModel; `serve` unless given.
    #[must_use]
    pub fn tags<S: Into<String>>(mut self, tags: impl IntoIterator<Item = S>) -> SaveOptions {
        self.tags = Some(tags.into_iter().map(Into::into).collect());
        self
    }

    /// One more signature of a SavedModel, beside `serving_default` or, under that name, in its place.
    #[must_use]
    pub fn signature(mut self, name: impl Into<String>, signature: ServingSignature) -> SaveOptions {
        let name = name.into();
        self.signatures.retain(|(other, _)| *other != name);
        self.signatures.push((name, signature));
        self
    }
}
