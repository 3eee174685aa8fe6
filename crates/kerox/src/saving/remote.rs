//! Addresses in place of paths, with the feature `cloud`.

use std::path::Path;

use super::Result;

#[cfg(feature = "cloud")]
pub(super) use cloud::{Fetched, fetch, remove, store};
#[cfg(not(feature = "cloud"))]
pub(super) use local::{Fetched, fetch, remove, store};

/// The path as an address, if it is one.
fn address(path: &Path) -> Option<&str> {
    let text = path.to_str()?;
    let (scheme, _) = text.split_once("://")?;
    // One letter is a drive.
    (scheme.len() > 1 && scheme.bytes().all(|b| b.is_ascii_alphanumeric())).then_some(text)
}

#[cfg(feature = "cloud")]
mod cloud {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use kerox_remote::Remote;
    use tempfile::TempDir;

    use super::super::Error;
    use super::{Result, address};

    /// A copy that is there as long as this is.
    #[derive(Clone, Debug)]
    pub(in super::super) struct Fetched {
        pub path: PathBuf,
        _folder: Arc<TempDir>,
    }

    fn folder(operation: &'static str, path: &Path) -> Result<TempDir> {
        tempfile::tempdir().map_err(|source| Error::Io { operation, path: path.into(), source })
    }

    /// A copy of what is at an address; none for a path.
    pub(in super::super) fn fetch(path: &Path) -> Result<Option<Fetched>> {
        let Some(address) = address(path) else { return Ok(None) };
        let folder = folder("fetch", path)?;
        let path = Remote::open(address)?.fetch(folder.path())?;
        Ok(Some(Fetched { path, _folder: Arc::new(folder) }))
    }

    /// Lets `write` write into a folder and stores the result at the address; `None` where the path is no address.
    pub(in super::super) fn store(
        path: &Path,
        overwrite: bool,
        write: impl FnOnce(&Path) -> Result<()>,
    ) -> Option<Result<()>> {
        let address = address(path)?;
        Some((|| {
            let remote = Remote::open(address)?;
            let folder = folder("save to", path)?;
            let local = folder.path().join(path.file_name().unwrap_or("model".as_ref()));
            write(&local)?;
            Ok(remote.store(&local, overwrite)?)
        })())
    }

    /// Removes what is at an address; `None` where the path is no address.
    pub(in super::super) fn remove(path: &Path) -> Option<Result<()>> {
        let address = address(path)?;
        Some(Remote::open(address).and_then(|remote| remote.remove()).map_err(Error::from))
    }
}

#[cfg(not(feature = "cloud"))]
mod local {
    use std::convert::Infallible;
    use std::path::{Path, PathBuf};

    use super::super::Error;
    use super::{Result, address};

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
