//! From a folder to an address.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use futures_util::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, WriteMultipart};

use crate::address::Place;
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
        match &self.place {
            Place::Local(path) => self.copy(&parts, path, overwrite),
            Place::Object { lists: false, .. } if parts.len() > 1 => Err(Error::Unsupported {
                operation: "save to",
                address: self.address.clone(),
                expected: "a store that takes several files",
                found: "a web server",
                help: "save a single file, `.keras` or `.h5`",
            }),
            Place::Object { store, key, lists } => {
                blocking::wait(self.put_all(store.as_ref(), key, &parts, *lists, overwrite)).map_err(io)?
            }
        }
    }

    /// Deletes what is at the address: a file, a directory, or a checkpoint's files.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::Io`].
    pub fn remove(&self) -> Result<()> {
        match &self.place {
            Place::Local(path) => {
                let io = |source| Error::Io { operation: "remove", path: path.clone(), source };
                for part in files::parts(path)? {
                    std::fs::remove_file(&part.path).map_err(io)?;
                }
                if path.is_dir() { std::fs::remove_dir_all(path).map_err(io) } else { Ok(()) }
            }
            Place::Object { store, key, lists } => {
                let io = |source| Error::Io { operation: "remove", path: self.address.clone().into(), source };
                blocking::wait(async {
                    for key in self.there(store.as_ref(), key, *lists).await? {
                        self.delete(store.as_ref(), &key).await?;
                    }
                    Ok(())
                })
                .map_err(io)?
            }
        }
    }

    fn copy(&self, parts: &[Part], path: &Path, overwrite: bool) -> Result<()> {
        if !overwrite && !files::parts(path)?.is_empty() {
            return Err(Error::Exists { address: self.address.clone() });
        }
        for part in parts {
            let target = std::path::PathBuf::from(format!("{}{}", path.display(), part.suffix));
            let io = |source| Error::Io { operation: "write", path: target.clone(), source };
            if let Some(folder) = target.parent() {
                std::fs::create_dir_all(folder).map_err(io)?;
            }
            let staged = target.with_extension("part");
            std::fs::copy(&part.path, &staged).and_then(|_| std::fs::rename(&staged, &target)).map_err(io)?;
        }
        Ok(())
    }

    async fn put_all(
        &self,
        store: &dyn ObjectStore,
        key: &Key,
        parts: &[Part],
        lists: bool,
        overwrite: bool,
    ) -> Result<()> {
        let before = self.there(store, key, lists).await?;
        if !overwrite && !before.is_empty() {
            return Err(Error::Exists { address: self.address.clone() });
        }
        let mut kept = Vec::new();
        for part in parts {
            let key =
                Key::parse(format!("{key}{}", part.suffix)).map_err(|error| self.failed("store")(error.into()))?;
            self.put(store, &key, &part.path, overwrite).await?;
            kept.push(key);
        }
        for old in before.iter().filter(|old| !kept.contains(old)) {
            self.delete(store, old).await?;
        }
        Ok(())
    }

    /// The keys that make up what is at the address now.
    async fn there(&self, store: &dyn ObjectStore, key: &Key, lists: bool) -> Result<Vec<Key>> {
        let mut found = Vec::new();
        match store.head(key).await {
            Ok(object) => found.push(object.location),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(source) => return Err(self.failed("look at")(source)),
        }
        if lists {
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

    async fn delete(&self, store: &dyn ObjectStore, key: &Key) -> Result<()> {
        match store.delete(key).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(self.failed("remove")(source)),
        }
    }

    /// One file: by one request where it fits into a block, by a multipart upload otherwise.
    async fn put(&self, store: &dyn ObjectStore, key: &Key, path: &Path, overwrite: bool) -> Result<()> {
        let io = |source| Error::Io { operation: "read", path: path.to_path_buf(), source };
        let mut file = File::open(path).map_err(io)?;
        let mut block = Vec::new();
        read_block(&mut file, &mut block).map_err(io)?;
        if block.len() < BLOCK {
            let mode = if overwrite { PutMode::Overwrite } else { PutMode::Create };
            return match store.put_opts(key, block.into(), mode.into()).await {
                Ok(_) => Ok(()),
                Err(object_store::Error::AlreadyExists { .. }) => Err(Error::Exists { address: self.address.clone() }),
                Err(source) => Err(self.failed("store")(source)),
            };
        }
        let failed = self.failed("store");
        let mut upload = WriteMultipart::new_with_chunk_size(store.put_multipart(key).await.map_err(&failed)?, BLOCK);
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
