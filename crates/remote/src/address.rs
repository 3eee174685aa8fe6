//! Addresses, and the stores behind them.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;
use object_store::path::Path as Key;
use url::Url;

use crate::{Error, Result};

/// The schemes whose objects can be listed.
const STORES: &[&str] = &["s3", "s3a", "gs", "az", "azure", "adl", "abfs", "abfss"];
const EXPECTED: &str = "`s3://bucket/key`, `gs://bucket/key`, `az://container/key`, or `http(s)://host/path`";

/// Whether a path is an address that this crate understands: `scheme://...`.
///
/// # Example
/// ```
/// assert!(kerox_remote::is_remote("s3://models/digits.keras"));
/// assert!(!kerox_remote::is_remote("models/s3/digits.keras"));
/// assert!(!kerox_remote::is_remote("C:\\models\\digits.keras"));
/// ```
pub fn is_remote(path: &str) -> bool {
    path.split_once("://")
        .is_some_and(|(scheme, _)| STORES.contains(&scheme) || ["http", "https", "file"].contains(&scheme))
}

/// The path that a `file:` address stands for; `None` for other addresses. What lies there is read and written as any
/// path is.
///
/// # Errors
/// [`Error::Address`] where it names another machine or no absolute path.
///
/// # Example
/// ```
/// # #[cfg(unix)] {
/// let path = kerox_remote::local_path("file:///models/my%20digits.keras")?;
/// assert_eq!(path.as_deref(), Some(std::path::Path::new("/models/my digits.keras")));
/// # }
/// assert_eq!(kerox_remote::local_path("s3://models/digits.keras")?, None);
/// # Ok::<(), kerox_remote::Error>(())
/// ```
pub fn local_path(address: &str) -> Result<Option<PathBuf>> {
    if !address.starts_with("file:") {
        return Ok(None);
    }
    let wrong = |found: String| Error::Address { address: address.into(), expected: EXPECTED, found };
    let url = Url::parse(address).map_err(|error| wrong(error.to_string()))?;
    url.to_file_path().map(Some).map_err(|()| wrong("no absolute path of this machine".into()))
}

/// What is, or is to be, at an address of a store.
#[derive(Clone)]
pub struct Remote {
    pub(crate) address: String,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) key: Key,
    /// Whether the store can say which keys it has.
    pub(crate) lists: bool,
}

impl Remote {
    /// Understands an address. Nothing is asked of the store yet.
    ///
    /// # Errors
    /// [`Error::Address`] for other forms, `file:` too: see [`local_path`]; [`Error::Store`] where the environment's settings contradict each other.
    pub fn open(address: &str) -> Result<Remote> {
        let wrong = |found: String| Error::Address { address: address.into(), expected: EXPECTED, found };
        let url = Url::parse(address).map_err(|error| wrong(error.to_string()))?;
        match url.scheme() {
            scheme if STORES.contains(&scheme) || scheme.starts_with("http") => {
                // The environment may have provided one already; either will do.
                let _ = rustls::crypto::ring::default_provider().install_default();
                let settings = std::env::vars_os().filter_map(|(name, value)| {
                    Some((name.into_string().ok()?.to_ascii_lowercase(), value.into_string().ok()?))
                });
                // Who writes `http` means it.
                let plain = (scheme == "http").then(|| ("allow_http".to_owned(), "true".to_owned()));
                let settings = settings.chain(plain);
                let (store, key) = object_store::parse_url_opts(&url, settings).map_err(|source| Error::Store {
                    operation: "open",
                    address: address.into(),
                    source: Box::new(source),
                })?;
                if key.as_ref().is_empty() {
                    return Err(wrong("no key behind the host or bucket".into()));
                }
                Ok(Remote { address: address.into(), store: Arc::from(store), key, lists: STORES.contains(&scheme) })
            }
            scheme => Err(wrong(format!("the scheme `{scheme}`"))),
        }
    }

    pub(crate) fn failed(&self, operation: &'static str) -> impl Fn(object_store::Error) -> Error {
        let address = self.address.clone();
        move |source| Error::Store { operation, address: address.clone(), source: Box::new(source) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_addresses_are_refused_with_the_forms_there_are() {
        for (address, found) in [
            ("ftp://host/m.h5", "the scheme `ftp`"),
            ("file:///m.h5", "the scheme `file`"),
            ("s3://bucket", "no key behind the host or bucket"),
            ("no address", "relative URL without a base"),
        ] {
            let Err(error) = Remote::open(address) else { panic!("{address}") };
            assert_eq!(error.to_string(), format!("open `{address}`: expected {EXPECTED}, found {found}"));
        }
    }
}
