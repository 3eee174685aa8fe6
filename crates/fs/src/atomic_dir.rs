//! Replacing a directory.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::file_set::commit_record;
use crate::record::Record;
use crate::recover::{self, name_of};
use crate::staging::{DirLock, Staging};
use crate::{Error, Result, SaveOptions, abandon, fault, platform, target};

/// A directory under construction, which replaces its target when it is whole.
///
/// What the target holds under names that are not [`AtomicDir::owns`]'s belongs to others and stays.
///
/// # Example
/// ```
/// use kerox_fs::{AtomicDir, SaveOptions};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("my_model");
/// let new = AtomicDir::create(&path, &SaveOptions::new())?.owns(["saved_model.pb", "variables", "assets"]);
/// std::fs::write(new.path().join("saved_model.pb"), b"...")?;
/// new.commit()?;
/// assert!(path.join("saved_model.pb").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AtomicDir {
    target: PathBuf,
    content: PathBuf,
    owned: Vec<OsString>,
    options: SaveOptions,
    staging: Staging,
}

impl AtomicDir {
    /// Starts a replacement of `path`, which need not exist. Where it is a symbolic link, what it points to is
    /// replaced.
    ///
    /// # Errors
    /// [`Error::Exists`] where there is a directory with content and [`SaveOptions::overwrite`] is off;
    /// [`Error::Kind`] where the path is no directory; [`Error::ReadOnly`]; [`Error::Io`].
    pub fn create(path: impl AsRef<Path>, options: &SaveOptions) -> Result<AtomicDir> {
        let mut target = target::follow_links(path.as_ref())?;
        if target.file_name().is_none() {
            // `.`, `..` and the like have a name too.
            target = fs::canonicalize(&target).map_err(Error::io("find", &target))?;
        }
        if target.file_name().is_none() {
            return Err(Error::Kind { path: target, expected: "a directory below the root", found: "the root" });
        }
        target::check_dir(&target, options)?;
        let parent = target::parent_of(&target);
        target::create_dirs(&parent, options)?;
        let staging = Staging::create(&parent, name_of(&target))?;
        let content = staging.new_dir();
        Ok(AtomicDir { target, content, owned: Vec::new(), options: options.clone(), staging })
    }

    /// Names the entries that this kind of directory consists of: those that the new content lacks are deleted.
    pub fn owns<S: Into<OsString>>(mut self, names: impl IntoIterator<Item = S>) -> AtomicDir {
        self.owned.extend(names.into_iter().map(Into::into));
        self
    }

    /// Where the new content is to be written.
    pub fn path(&self) -> &Path {
        &self.content
    }

    /// What will be replaced, symbolic links followed.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Puts the new content in place.
    ///
    /// # Errors
    /// As [`crate::FileSet::commit`].
    pub fn commit(self) -> Result<()> {
        let AtomicDir { target, content, owned, options, staging } = self;
        if options.durable {
            sync_tree(&content)?;
        }
        let parent = target::parent_of(&target);
        let lock = DirLock::exclusive(&parent)?;
        recover::roll_all_forward(&parent, &lock)?;
        let _in_place = abandon::putting_in_place();
        if let Ok(metadata) = fs::symlink_metadata(&target) {
            if !options.overwrite && !target::is_empty(&target) {
                return Err(Error::Exists { path: target });
            }
            platform::copy_attributes(&metadata, &content).map_err(Error::io("set permissions of", &content))?;
            let new = names_in(&content)?;
            let old = names_in(&target)?;
            let only_ours = old.iter().all(|name| owned.contains(name) || new.contains(name));
            fault::step("exchange directories").map_err(Error::io("rename", &target))?;
            if !only_ours || !platform::exchange(&content, &target).map_err(Error::io("rename into place", &target))? {
                let remove = old.into_iter().filter(|name| owned.contains(name) && !new.contains(name)).collect();
                let record = Record { into: Some(name_of(&target).to_os_string()), put: new, remove };
                commit_record(&staging, &record, &options)?;
                return recover::roll_forward(staging.path(), &parent, &record);
            }
        } else {
            fault::step("rename into place").map_err(Error::io("rename", &target))?;
            platform::rename_new(&content, &target).map_err(|error| match error.kind() {
                io::ErrorKind::AlreadyExists => Error::Exists { path: target.clone() },
                _ => Error::io("rename into place", &target)(error),
            })?;
        }
        if options.durable {
            fault::step("flush directory").map_err(Error::io("flush directory", &parent))?;
            platform::sync_dir(&parent).map_err(Error::io("flush directory", &parent))?;
        }
        let _ = fault::step("remove old directory");
        drop(staging);
        Ok(())
    }
}

fn names_in(dir: &Path) -> Result<Vec<OsString>> {
    let entries = fs::read_dir(dir).map_err(Error::io("list", dir))?;
    let mut names = entries
        .map(|entry| entry.map(|e| e.file_name()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(Error::io("list", dir))?;
    names.sort();
    Ok(names)
}

/// Flushes every file and directory below and including `dir`.
fn sync_tree(dir: &Path) -> Result<()> {
    for name in names_in(dir)? {
        let path = dir.join(name);
        let metadata = fs::symlink_metadata(&path).map_err(Error::io("read", &path))?;
        if metadata.is_dir() {
            sync_tree(&path)?;
        } else if metadata.is_file() {
            fault::step("flush file").map_err(Error::io("flush", &path))?;
            File::open(&path).and_then(|f| f.sync_all()).map_err(Error::io("flush", &path))?;
        }
    }
    platform::sync_dir(dir).map_err(Error::io("flush directory", dir))
}
