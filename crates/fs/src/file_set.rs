//! Replacing several files of one directory together.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::record::{self, Record};
use crate::staging::{DirLock, Staging};
use crate::{Error, Result, SaveOptions, abandon, fault, platform, recover, target};

/// Several files of one directory, replaced together: readers that take a [`crate::Snapshot`] see all old files or
/// all new ones, after a kill too.
///
/// # Example
/// ```
/// use kerox_fs::{FileSet, SaveOptions};
///
/// # let dir = tempfile::tempdir()?;
/// let mut set = FileSet::create(dir.path(), "cp", &SaveOptions::new())?;
/// std::fs::write(set.file("cp.data-00000-of-00001")?, b"data")?;
/// std::fs::write(set.file("cp.index")?, b"index")?;
/// set.remove("cp.data-00001-of-00002")?;
/// set.commit()?;
/// assert_eq!(std::fs::read(dir.path().join("cp.index"))?, b"index");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileSet {
    dir: PathBuf,
    options: SaveOptions,
    record: Record,
    staging: Staging,
}

impl FileSet {
    /// Starts a replacement of files in `dir`, which is created where it is missing. `label` names the staging
    /// directory.
    ///
    /// # Errors
    /// [`Error::Kind`] where `dir` is no directory, [`Error::Io`].
    pub fn create(dir: impl AsRef<Path>, label: impl AsRef<OsStr>, options: &SaveOptions) -> Result<FileSet> {
        let dir = match dir.as_ref() {
            dir if dir.as_os_str().is_empty() => Path::new("."),
            dir => dir,
        };
        if dir.exists() && !dir.is_dir() {
            return Err(Error::Kind { path: dir.into(), expected: "a directory", found: "a file" });
        }
        target::create_dirs(dir, options)?;
        let staging = Staging::create(dir, label.as_ref())?;
        Ok(FileSet { dir: dir.into(), options: options.clone(), record: Record::default(), staging })
    }

    /// Adds a file and says where to write its new content. Files are put in place in the order in which they were
    /// added: what leads to the others goes last.
    ///
    /// # Errors
    /// [`Error::Name`] where `name` is no plain file name; otherwise as [`crate::AtomicFile::create`].
    pub fn file(&mut self, name: impl AsRef<OsStr>) -> Result<PathBuf> {
        let name = name.as_ref();
        target::check_name(&self.dir, name)?;
        target::check_file(&target::follow_links(&self.dir.join(name))?, &self.options)?;
        if !self.record.put.iter().any(|n| n == name) {
            self.record.put.push(name.to_os_string());
        }
        Ok(self.staging.new_dir().join(name))
    }

    /// Deletes a file of the directory with the commit, if it is there.
    ///
    /// # Errors
    /// [`Error::Name`].
    pub fn remove(&mut self, name: impl AsRef<OsStr>) -> Result<()> {
        let name = name.as_ref();
        target::check_name(&self.dir, name)?;
        self.record.remove.push(name.to_os_string());
        Ok(())
    }

    /// Puts the files in place.
    ///
    /// # Errors
    /// [`Error::Exists`] where a target came into being meanwhile and may not be replaced; [`Error::Busy`];
    /// [`Error::Io`]. Where the disk fails after the commit record was written, the save counts as done: the next
    /// reader or saver finishes it.
    pub fn commit(self) -> Result<()> {
        let FileSet { dir, options, mut record, staging } = self;
        let new = staging.new_dir();
        for name in &record.put {
            let staged = new.join(name);
            if let Ok(metadata) = fs::metadata(dir.join(name)) {
                platform::copy_attributes(&metadata, &staged).map_err(Error::io("set permissions of", &staged))?;
            }
            if options.durable {
                fault::step("flush file").map_err(Error::io("flush", &staged))?;
                File::open(&staged).and_then(|f| f.sync_all()).map_err(Error::io("flush", &staged))?;
            }
        }
        if options.durable {
            platform::sync_dir(&new).map_err(Error::io("flush directory", &new))?;
        }
        let lock = DirLock::exclusive(&dir)?;
        recover::roll_all_forward(&dir, &lock)?;
        if !options.overwrite {
            let there = record.put.iter().map(|name| dir.join(name)).find(|path| path.exists());
            if let Some(path) = there {
                return Err(Error::Exists { path });
            }
        }
        record.remove.retain(|name: &OsString| !record.put.contains(name) && dir.join(name).exists());
        let _in_place = abandon::putting_in_place();
        commit_record(&staging, &record, &options)?;
        recover::roll_forward(staging.path(), &dir, &record)
    }
}

/// Writes the record; when this returns, the save has happened.
pub(crate) fn commit_record(staging: &Staging, record: &Record, options: &SaveOptions) -> Result<()> {
    let (half, whole) = (staging.path().join("COMMIT.half"), staging.path().join(record::FILE));
    fault::step("write commit record").map_err(Error::io("write", &half))?;
    let written = File::create(&half).and_then(|mut file| {
        file.write_all(&record.to_bytes())?;
        if options.durable { file.sync_all() } else { Ok(()) }
    });
    written.map_err(Error::io("write", &half))?;
    if options.durable {
        platform::sync_dir(staging.path()).map_err(Error::io("flush directory", staging.path()))?;
        let parent = target::parent_of(staging.path());
        platform::sync_dir(&parent).map_err(Error::io("flush directory", &parent))?;
    }
    fault::step("commit").map_err(Error::io("rename", &whole))?;
    fs::rename(&half, &whole).map_err(Error::io("rename", &whole))?;
    if options.durable {
        let _ = platform::sync_dir(staging.path());
    }
    let _ = fault::step("committed");
    Ok(())
}
