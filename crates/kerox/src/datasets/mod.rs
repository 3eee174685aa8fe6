//! Data sets: read from where Keras keeps them, or from what ships with the crate.

pub mod digits;
#[cfg(feature = "download")]
mod download;
pub mod imdb;
pub mod mnist;
mod numpy_random;
mod object_array;

#[cfg(feature = "image")]
pub(crate) use numpy_random::RandomState;

use std::path::{Path, PathBuf};

use kerox_tensor::{Tensor, npz};

/// The result of loading data.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Images or samples, and labels.
pub type Split = (Tensor, Tensor);

/// What can go wrong while loading data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No file of the data set in any of the folders.
    #[error("load {dataset}: expected one of {expected} in {folders}, found none; put one there, or set KEROX_HOME")]
    NotFound {
        /// The data set.
        dataset: String,
        /// The files that would do.
        expected: String,
        /// Where they were looked for.
        folders: String,
    },
    /// A file that holds something else.
    #[error("load {file}: expected {expected}, found {found}")]
    Content {
        /// The file.
        file: String,
        /// What belongs there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// An argument that leaves nothing.
    #[error("load {dataset} argument `{argument}`: expected {expected}, found {found}")]
    Argument {
        /// The data set.
        dataset: String,
        /// Keras's name of the argument.
        argument: String,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// A file that could not be fetched, or is not the one that was to be fetched.
    #[error("download {address}: expected {expected}, found {found}; put the file into {place} by hand")]
    Download {
        /// Where it was to come from.
        address: String,
        /// What was to come.
        expected: String,
        /// What came.
        found: String,
        /// Where it was to be kept.
        place: String,
    },
    /// A file that cannot be written.
    #[error(transparent)]
    Fs(#[from] kerox_fs::Error),
    /// A file that cannot be read.
    #[error("load {file}")]
    Io {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// An array that cannot be read.
    #[error(transparent)]
    Tensor(#[from] kerox_tensor::Error),
}

/// Where Keras and kerox keep things: `$KEROX_HOME`, `$KERAS_HOME`, `~/.keras`, as far as they are known.
fn homes() -> Vec<PathBuf> {
    let mut homes: Vec<PathBuf> = Vec::new();
    homes.extend(std::env::var_os("KEROX_HOME").map(PathBuf::from));
    homes.extend(std::env::var_os("KERAS_HOME").map(PathBuf::from));
    homes.extend(std::env::var_os("HOME").map(|home| Path::new(&home).join(".keras")));
    homes
}

/// Folders in which data sets are looked for, in order: `$KEROX_HOME/datasets`, `$KERAS_HOME/datasets`,
/// `~/.keras/datasets`, in each of them a folder named after the set first; then `$KEROX_SHARED/data/<set>`.
pub(crate) fn folders(dataset: &str) -> Vec<PathBuf> {
    let in_home = |home: PathBuf| [home.join("datasets").join(dataset), home.join("datasets")];
    let shared = std::env::var_os("KEROX_SHARED").map(|folder| Path::new(&folder).join("data").join(dataset));
    homes().into_iter().flat_map(in_home).chain(shared).collect()
}

#[cfg(not(feature = "download"))]
fn not_found(dataset: &str, expected: &str, folders: &[PathBuf]) -> Error {
    Error::NotFound {
        dataset: dataset.into(),
        expected: expected.into(),
        folders: folders.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", "),
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|source| Error::Io { file: path.display().to_string(), source })
}

/// The arrays of an `.npz` in memory.
pub(crate) fn arrays<const N: usize>(bytes: &[u8], file: &str, names: [&str; N]) -> Result<[Tensor; N]> {
    let mut npz = npz::Npz::open(std::io::Cursor::new(bytes), file)?;
    let mut read = Vec::with_capacity(N);
    for name in names {
        read.push(npz.read(name)?);
    }
    read.try_into().map_err(|_| Error::Content {
        file: file.into(),
        expected: names.join(", "),
        found: "fewer arrays".into(),
    })
}

/// The first `at` samples of an array, and the others.
pub(crate) fn split_at(tensor: &Tensor, at: usize) -> Result<(Tensor, Tensor)> {
    let samples = tensor.shape().first().copied().unwrap_or(0);
    let row: usize = tensor.shape().iter().skip(1).product();
    let part = |from: usize, to: usize| -> Result<Tensor> {
        let shape: kerox_tensor::Shape =
            std::iter::once(to - from).chain(tensor.shape().iter().skip(1).copied()).collect();
        Ok(kerox_tensor::each_buffer!(tensor.buffer(), v => Tensor::from_vec(v[from * row..to * row].to_vec(), shape))?)
    };
    let at = at.min(samples);
    Ok((part(0, at)?, part(at, samples)?))
}
