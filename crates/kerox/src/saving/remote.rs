//! Addresses in place of paths, with the feature `cloud`.

use std::path::Path;

use super::Result;
use super::formats::Format;

#[cfg(feature = "cloud")]
pub(super) use cloud::{Fetched, detect, fetch, local, remove, store};
#[cfg(not(feature = "cloud"))]
pub(super) use paths::{Fetched, detect, fetch, local, remove, store};

/// The path as an address, if it is one.
fn address(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    let (scheme, _) = text.split_once("://")?;
    // One letter is a drive.
    (scheme.len() > 1 && scheme.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(text)
}

#[cfg(feature = "cloud")]
mod look;

#[cfg(feature = "cloud")]
mod cloud {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use kerox_remote::Remote;
    use tempfile::TempDir;

    use super::super::{Error, formats};
    use super::{Format, Result, address, look};

    /// What is at an address, as a path: that of a `file:` address itself, else a copy that is there as long as this is.
    #[derive(Clone, Debug)]
    pub(in super::super) struct Fetched {
        pub path: PathBuf,
        _folder: Option<Arc<TempDir>>,
    }

    /// The path that is meant, where it is one of the file system.
    pub(in super::super) fn local(path: &Path) -> Result<Option<PathBuf>> {
        match address(path) {
            None => Ok(Some(path.to_path_buf())),
            Some(address) => Ok(kerox_remote::local_path(address)?),
        }
    }

    fn folder(operation: &'static str, path: &Path) -> Result<TempDir> {
        tempfile::tempdir().map_err(|source| Error::Io { operation, path: path.into(), source })
    }

    /// A copy of what is at an address; none for a path.
    pub(in super::super) fn fetch(path: &Path) -> Result<Option<Fetched>> {
        let Some(address) = address(path) else { return Ok(None) };
        if let Some(path) = kerox_remote::local_path(address)? {
            return Ok(Some(Fetched { path, _folder: None }));
        }
        let folder = folder("fetch", path)?;
        let path = Remote::open(address)?.fetch(folder.path())?;
        Ok(Some(Fetched { path, _folder: Some(Arc::new(folder)) }))
    }

    /// The format of what is at an address; none for a path. A store is asked for names and for the bytes that tell.
    pub(in super::super) fn detect(path: &Path) -> Result<Option<Result<Format>>> {
        let Some(address) = address(path) else { return Ok(None) };
        if let Some(local) = kerox_remote::local_path(address)? {
            return Ok(Some(formats::detect(local)));
        }
        Ok(Some(look::detect(path, Arc::new(Remote::open(address)?.look()?))))
    }

    /// Lets `write` write into a folder and stores the result at the address, or write to the path of a `file:` address;
    /// `None` where the path is no address.
    pub(in super::super) fn store(
        path: &Path,
        overwrite: bool,
        write: impl FnOnce(&Path) -> Result<()>,
    ) -> Option<Result<()>> {
        let address = address(path)?;
        Some((|| {
            if let Some(local) = kerox_remote::local_path(address)? {
                return write(&local);
            }
            let remote = Remote::open(address)?;
            let folder = folder("save to", path)?;
            let local = folder.path().join(path.file_name().unwrap_or("model".as_ref()));
            write(&local)?;
            Ok(remote.store(&local, overwrite)?)
        })())
    }

    /// Removes what is at an address of a store; `None` where the path is no such address.
    pub(in super::super) fn remove(path: &Path) -> Option<Result<()>> {
        let address = address(path).filter(|address| !matches!(kerox_remote::local_path(address), Ok(Some(_))))?;
        Some(Remote::open(address).and_then(|remote| remote.remove()).map_err(Error::from))
    }
}

#[cfg(not(feature = "cloud"))]
mod paths {
    use std::convert::Infallible;
    use std::path::{Path, PathBuf};

    use super::super::Error;
    use super::{Format, Result, address};

    /// Never made.
    #[derive(Clone, Debug)]
    pub(in super::super) struct Fetched {
        pub path: PathBuf,
        _never: Infallible,
    }

    fn refuse<T>(operation: &'static str, path: &Path) -> Option<Result<T>> {
        address(path)?;
        Some(Err(Error::Content {
            operation,
            path: path.into(),
            expected: "a path".into(),
            found: "an address".into(),
            help: "build kerox with the feature `cloud`".into(),
        }))
    }

    pub(in super::super) fn local(path: &Path) -> Result<Option<PathBuf>> {
        refuse("save to", path).unwrap_or_else(|| Ok(Some(path.to_path_buf())))
    }

    pub(in super::super) fn detect(path: &Path) -> Result<Option<Result<Format>>> {
        refuse("open", path).transpose()
    }

    pub(in super::super) fn fetch(path: &Path) -> Result<Option<Fetched>> {
        refuse("open", path).transpose()
    }

    pub(in super::super) fn store(
        path: &Path,
        _overwrite: bool,
        _write: impl FnOnce(&Path) -> Result<()>,
    ) -> Option<Result<()>> {
        refuse("save to", path)
    }

    pub(in super::super) fn remove(path: &Path) -> Option<Result<()>> {
        refuse("remove", path)
    }
}
