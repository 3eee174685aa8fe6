//! From a folder to an address.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use futures_util::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{ObjectStoreExt, PutMode, WriteMultipart};

use crate::files::{self, Part};
use crate::{Error, Remote, Result, blocking};

/// Bytes of one request of a multipart upload.
const BLOCK: usize = 8 << 20;
/// Requests of one upload that may be under way at one time.
const AT_ONCE: usize = 4;

impl Remote {
    /// Stores a local file, directory or checkpoint prefix at the address; what a directory held there before and holds
    /// no longer is deleted at the end.
    ///
    /// # Errors
    /// [`Error::Exists`] where something is there and `overwrite` is false; [`Error::Unsupported`] for several files
    /// and a web server; [`Error::Store`]; [`Error::Io`].
    pub fn store(&self, local: &Path, overwrite: bool) -> Result<()> {
        let io = |source| Error::Io { operation: "store", path: local.to_path_buf(), source };
        let parts = files::parts(local)?;
        if parts.is_empty() {
            return Err(io(std::io::ErrorKind::NotFound.into()));
        }
        if !self.lists && parts.len() > 1 {
            return Err(Error::Unsupported {
                operation: "save to",
                address: self.address.clone(),
                expected: "a store that takes several files",
                found: "a web server",
                help: "save a single file, `.keras` or `.h5`",
            });
        }
        blocking::wait(self.put_all(&parts, overwrite)).map_err(io)?
    }

    /// Deletes what is at the address: a file, a directory, or a checkpoint's files.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Io`].
    pub fn remove(&self) -> Result<()> {
        let io = |source| Error::Io { operation: "remove", path: self.address.clone().into(), source };
        blocking::wait(async {
            for key in self.there().await? {
                self.delete(&key).await?;
            }
            Ok(())
        })
        .map_err(io)?
    }

    async fn put_all(&self, parts: &[Part], overwrite: bool) -> Result<()> {
        let before = self.there().await?;
        if !overwrite && !before.is_empty() {
            return Err(Error::Exists { address: self.address.clone() });
        }
        let mut kept = Vec::new();
        for part in parts {
            let key = Key::parse(format!("{}{}", self.key, part.suffix))
                .map_err(|error| self.failed("store")(error.into()))?;
            self.put(&key, &part.path, overwrite).await?;
            kept.push(key);
        }
        for old in before.iter().filter(|old| !kept.contains(old)) {
            self.delete(old).await?;
        }
        Ok(())
    }

    /// The keys that make up what is at the address now.
    async fn there(&self) -> Result<Vec<Key>> {
        let (store, key) = (&self.store, &self.key);
        let mut found = Vec::new();
        match store.head(key).await {
            Ok(object) => found.push(object.location),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(source) => return Err(self.failed("look at")(source)),
        }
        if self.lists {
            let inside: Vec<_> = store.list(Some(key)).try_collect().await.map_err(self.failed("list"))?;
            found.extend(inside.into_iter().map(|object| object.location).filter(|location| location != key));
            let parent = Key::from_iter(key.parts().take(key.parts().count().saturating_sub(1)));
            let beside = store.list_with_delimiter(Some(&parent)).await.map_err(self.failed("list"))?;
            found.extend(
                beside
                    .objects
                    .into_iter()
                    .map(|object| object.location)
                    .filter(|location| location.as_ref().strip_prefix(key.as_ref()).is_some_and(files::belongs)),
            );
        }
        Ok(found)
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        match self.store.delete(key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(self.failed("remove")(source)),
        }
    }

    /// One file: by one request where it fits into a block, by a multipart upload otherwise.
    async fn put(&self, key: &Key, path: &Path, overwrite: bool) -> Result<()> {
        let io = |source| Error::Io { operation: "read", path: path.to_path_buf(), source };
        let mut file = File::open(path).map_err(io)?;
        let mut block = Vec::new();
        read_block(&mut file, &mut block).map_err(io)?;
        if block.len() < BLOCK {
            let mode = if overwrite { PutMode::Overwrite } else { PutMode::Create };
            return match self.store.put_opts(key, block.into(), mode.into()).await {
                Ok(_) => Ok(()),
                Err(object_store::Error::AlreadyExists { .. }) => Err(Error::Exists { address: self.address.clone() }),
                Err(source) => Err(self.failed("store")(source)),
            };
        }
        let failed = self.failed("store");
        let mut upload =
            WriteMultipart::new_with_chunk_size(self.store.put_multipart(key).await.map_err(&failed)?, BLOCK);
        while !block.is_empty() {
            upload.wait_for_capacity(AT_ONCE).await.map_err(&failed)?;
            upload.put(std::mem::take(&mut block).into());
            if let Err(source) = read_block(&mut file, &mut block) {
                // What has been uploaded never becomes visible; the store is told to forget it.
                let _ = upload.abort().await;
                return Err(io(source));
            }
        }
        upload.finish().await.map(|_| ()).map_err(&failed)
    }
}

/// Reads until the block is full or the file ends.
fn read_block(file: &mut File, block: &mut Vec<u8>) -> std::io::Result<()> {
    block.clear();
    file.by_ref().take(BLOCK as u64).read_to_end(block).map(|_| ())
}
