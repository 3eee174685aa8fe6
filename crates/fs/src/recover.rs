//! Putting committed content in place, by its saver or by whoever comes after it.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::record::{self, Record};
use crate::staging::{self, DirLock};
use crate::{Error, Result, fault, platform, target};

/// Finishes the committed but interrupted saves in a directory; nothing happens where there is none.
///
/// [`crate::Snapshot::of`] and every save do this by themselves.
///
/// # Errors
/// [`Error::Io`] where the directory cannot be written; its content can still be read through a
/// [`crate::Snapshot`].
pub fn recover(dir: impl AsRef<Path>) -> Result<()> {
    let dir = dir.as_ref();
    if pending(dir).is_empty() {
        return Ok(());
    }
    let lock = DirLock::exclusive(dir)?;
    roll_all_forward(dir, &lock)
}

/// The staging directories in `dir` that hold a whole commit record.
pub(crate) fn pending(dir: &Path) -> Vec<(PathBuf, Record)> {
    staging::list(dir)
        .into_iter()
        .filter_map(|path| {
            let bytes = fs::read(path.join(record::FILE)).ok()?;
            Some((path, Record::from_bytes(&bytes)?))
        })
        .collect()
}

/// Finishes what dead savers committed. The lock says that whoever wrote a record is no longer at it.
pub(crate) fn roll_all_forward(dir: &Path, _lock: &DirLock) -> Result<()> {
    for (path, record) in pending(dir) {
        roll_forward(&path, dir, &record)?;
    }
    Ok(())
}

/// Does what a record says. May be repeated after every interruption.
pub(crate) fn roll_forward(staging: &Path, dir: &Path, record: &Record) -> Result<()> {
    let into = record.into.as_ref().map_or_else(|| dir.to_path_buf(), |name| dir.join(name));
    let (new, old) = (staging.join("new"), staging.join("old"));
    for name in &record.put {
        place(&new.join(name), &into.join(name), &old)?;
    }
    for name in &record.remove {
        displace(&into.join(name), &old)?;
    }
    fault::step("flush directory").map_err(Error::io("flush directory", &into))?;
    platform::sync_dir(&into).map_err(Error::io("flush directory", &into))?;
    let file = staging.join(record::FILE);
    fault::step("remove commit record").map_err(Error::io("remove", &file))?;
    fs::remove_file(&file).map_err(Error::io("remove", &file))?;
    // From here on only rubbish is left, which the next saver removes too.
    let _ = fault::step("remove staging directory").and_then(|()| fs::remove_dir_all(staging));
    Ok(())
}

/// Moves one staged entry over its target; nothing to do where an earlier attempt has done it.
fn place(staged: &Path, target: &Path, old: &Path) -> Result<()> {
    let Ok(metadata) = fs::symlink_metadata(staged) else { return Ok(()) };
    let target = target::follow_links(target)?;
    if metadata.is_dir() || target.is_dir() {
        displace(&target, old)?;
    }
    fault::step("rename into place").map_err(Error::io("rename", &target))?;
    match fs::rename(staged, &target) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => copy_across(staged, &target),
        other => other.map_err(Error::io("rename into place", &target)),
    }
}

/// The target of a symbolic link lies on another file system: the content is copied there first.
fn copy_across(staged: &Path, target: &Path) -> Result<()> {
    let staging = staging::Staging::create(&target::parent_of(target), name_of(target))?;
    let copy = staging.new_dir().join("copy");
    fs::copy(staged, &copy).map_err(Error::io("copy to", &copy))?;
    fs::File::open(&copy).and_then(|f| f.sync_all()).map_err(Error::io("flush", &copy))?;
    fs::rename(&copy, target).map_err(Error::io("rename into place", target))?;
    fs::remove_file(staged).map_err(Error::io("remove", staged))
}

/// Takes an entry out of the way: files are deleted, directories moved aside (and deleted with the staging).
fn displace(target: &Path, old: &Path) -> Result<()> {
    let Ok(metadata) = fs::symlink_metadata(target) else { return Ok(()) };
    if !metadata.is_dir() {
        return fs::remove_file(target).map_err(Error::io("remove", target));
    }
    fs::create_dir_all(old).map_err(Error::io("create directory", old))?;
    let aside = old.join(name_of(target));
    fault::step("move old directory aside").map_err(Error::io("rename", target))?;
    fs::rename(target, &aside).map_err(Error::io("rename", target))
}

pub(crate) fn name_of(path: &Path) -> &OsStr {
    path.file_name().unwrap_or(OsStr::new("root"))
}
