//! From an address into a folder.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use futures_util::TryStreamExt;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::files::belongs;
use crate::{Error, Remote, Result, blocking};

/// How many data files a checkpoint behind a web server is looked for with: such a server cannot list them.
const MOST_SHARDS: usize = 64;

impl Remote {
    /// Copies what is at the address into a folder and gives the path it has there, with the name it has at the
    /// address: a file, a directory with everything below it, or a checkpoint's prefix. Content goes to the files as it
    /// arrives; memory holds one block.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Store`] with the store's reason; [`Error::Io`].
    pub fn fetch(&self, folder: &Path) -> Result<PathBuf> {
        let (store, key) = (self.store.as_ref(), &self.key);
        let name = key.filename().unwrap_or("model");
        let target = folder.join(name);
        let io = |source| Error::Io { operation: "fetch into", path: target.clone(), source };
        std::fs::create_dir_all(folder).map_err(io)?;
        let found = blocking::wait(async {
            if self.lists {
                self.fetch_listed(store, key, &target).await
            } else {
                self.fetch_known(store, key, &target).await
            }
        })
        .map_err(io)??;
        if found { Ok(target) } else { Err(Error::NotFound { address: self.address.clone() }) }
    }

    /// Everything whose key is, or begins with, the address.
    async fn fetch_listed(&self, store: &dyn ObjectStore, key: &Key, target: &Path) -> Result<bool> {
        let mut found = self.fetch_one(store, key, target).await?;
        let inside: Vec<_> = store.list(Some(key)).try_collect().await.map_err(self.failed("list"))?;
        for object in inside {
            let Some(below) = object.location.prefix_match(key) else { continue };
            let mut path = target.to_path_buf();
            path.extend(below.map(|part| part.as_ref().to_owned()));
            if path != target {
                found |= self.fetch_one(store, &object.location, &path).await?;
            }
        }
        // A checkpoint's files lie beside each other: the prefix ends in the middle of their names.
        let parent = Key::from_iter(key.parts().take(key.parts().count().saturating_sub(1)));
        let beside = store.list_with_delimiter(Some(&parent)).await.map_err(self.failed("list"))?;
        for object in beside.objects {
            if let Some(suffix) = object.location.as_ref().strip_prefix(key.as_ref()).filter(|s| belongs(s)) {
                found |= self.fetch_one(store, &object.location, &with_suffix(target, suffix)).await?;
            }
        }
        Ok(found)
    }

    /// The file, or the index of a checkpoint and its data files.
    async fn fetch_known(&self, store: &dyn ObjectStore, key: &Key, target: &Path) -> Result<bool> {
        if self.fetch_one(store, key, target).await? {
            return Ok(true);
        }
        let place = |suffix: &str| (Key::from(format!("{key}{suffix}")), with_suffix(target, suffix));
        let (index, path) = place(".index");
        if !self.fetch_one(store, &index, &path).await? {
            return Ok(false);
        }
        for shards in 1..=MOST_SHARDS {
            let (first, path) = place(&format!(".data-00000-of-{shards:05}"));
            if self.fetch_one(store, &first, &path).await? {
                for shard in 1..shards {
                    let (data, path) = place(&format!(".data-{shard:05}-of-{shards:05}"));
                    self.fetch_one(store, &data, &path).await?;
                }
                break;
            }
        }
        Ok(true)
    }

    /// One object into one file; false where there is none of that key.
    async fn fetch_one(&self, store: &dyn ObjectStore, key: &Key, path: &Path) -> Result<bool> {
        let got = match store.get(key).await {
            Ok(got) => got,
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            Err(source) => return Err(self.failed("fetch")(source)),
        };
        let io = |source| Error::Io { operation: "write", path: path.to_path_buf(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(io)?;
        }
        let mut file = File::create(path).map_err(io)?;
        let mut content = got.into_stream();
        while let Some(block) = content.try_next().await.map_err(self.failed("fetch"))? {
            file.write_all(&block).map_err(io)?;
        }
        Ok(true)
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
