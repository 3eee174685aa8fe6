//! What is at an address, without fetching it.

use futures_util::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::runtime::Runtime;

use crate::files::belongs;
use crate::{Error, Remote, Result, blocking};

/// The names of what is at an address, and its bytes piece by piece.
pub struct Look {
    remote: Remote,
    runtime: Option<Runtime>,
    files: Vec<(String, u64)>,
}

impl Remote {
    /// Asks which files are at the address, and how large they are: by one or two listings of names, or by asking a web
    /// server for the file and for the index of a checkpoint.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Io`]. Nothing at the address is no error: there are no files then.
    pub fn look(&self) -> Result<Look> {
        let io = |source| Error::Io { operation: "look at", path: self.address.clone().into(), source };
        let runtime = blocking::runtime().map_err(io)?;
        let files = blocking::wait_on(&runtime, self.files()).map_err(io)??;
        Ok(Look { remote: self.clone(), runtime: Some(runtime), files })
    }

    async fn files(&self) -> Result<Vec<(String, u64)>> {
        let (store, key) = (&self.store, &self.key);
        let mut found = Vec::new();
        if !self.lists {
            for suffix in ["", ".index"] {
                match store.head(&Key::from(format!("{key}{suffix}"))).await {
                    Ok(object) => found.push((suffix.to_owned(), object.size)),
                    Err(object_store::Error::NotFound { .. }) => {}
                    Err(source) => return Err(self.failed("look at")(source)),
                }
            }
            return Ok(found);
        }
        let inside = store.list(Some(key)).try_collect::<Vec<_>>().await.map_err(self.failed("list"))?;
        let parent = Key::from_iter(key.parts().take(key.parts().count().saturating_sub(1)));
        let beside = store.list_with_delimiter(Some(&parent)).await.map_err(self.failed("list"))?;
        for object in inside.into_iter().chain(beside.objects) {
            let suffix = object.location.as_ref().strip_prefix(key.as_ref());
            let is_part = |suffix: &&str| suffix.is_empty() || suffix.starts_with('/') || belongs(suffix);
            if let Some(suffix) = suffix.filter(is_part) {
                found.push((suffix.to_owned(), object.size));
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }
}

impl Look {
    /// What follows the address in the names of the files, with their sizes in bytes: nothing for the file itself,
    /// `/saved_model.pb` for one inside, `.index` for a part of a checkpoint.
    pub fn files(&self) -> &[(String, u64)] {
        &self.files
    }

    /// Fetches a piece of a file: `length` bytes from `at`, or fewer where it ends before.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such file; [`Error::Store`]; [`Error::Io`].
    pub fn read(&self, suffix: &str, at: u64, length: u64) -> Result<Vec<u8>> {
        let remote = &self.remote;
        let Some((_, size)) = self.files.iter().find(|(known, _)| known == suffix) else {
            return Err(Error::NotFound { address: format!("{}{suffix}", remote.address) });
        };
        let end = at.saturating_add(length).min(*size);
        if at >= end {
            return Ok(Vec::new());
        }
        let key = Key::from(format!("{}{suffix}", remote.key));
        let io = |source| Error::Io { operation: "read", path: remote.address.clone().into(), source };
        let Some(runtime) = &self.runtime else { return Ok(Vec::new()) };
        let got = blocking::wait_on(runtime, remote.store.get_range(&key, at..end)).map_err(io)?;
        Ok(got.map_err(remote.failed("read"))?.to_vec())
    }
}

impl Drop for Look {
    fn drop(&mut self) {
        // Closing it in an asynchronous runtime must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
