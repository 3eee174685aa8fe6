//! Where a save goes: symbolic links followed, kind and permissions checked.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::{Error, Result, SaveOptions, platform};

/// Follows symbolic links in the last component, dangling ones too: what is replaced is what they point to.
///
/// # Errors
/// [`Error::Io`] for a circle of links.
pub(crate) fn follow_links(path: &Path) -> Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(link) => path = parent_of(&path).join(link),
            Err(_) => return Ok(path),
        }
    }
    Err(Error::io("follow symbolic links of", &path)(io::Error::other("more than 40 links in a row")))
}

/// The directory that holds a path; `.` for a bare name.
pub(crate) fn parent_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_path_buf(),
        None => path.to_path_buf(),
    }
}

/// Creates missing directories, flushing those that hold new ones.
pub(crate) fn create_dirs(dir: &Path, options: &SaveOptions) -> Result<()> {
    if dir.is_dir() || !options.create_parents {
        return Ok(());
    }
    let mut missing = Vec::new();
    let mut at = dir.to_path_buf();
    while !at.exists() {
        missing.push(at.clone());
        at = parent_of(&at);
    }
    fs::create_dir_all(dir).map_err(Error::io("create directory", dir))?;
    if options.durable {
        for made in &missing {
            let parent = parent_of(made);
            platform::sync_dir(&parent).map_err(Error::io("flush directory", &parent))?;
        }
    }
    Ok(())
}

/// Refuses a file target that exists where it must not, is no regular file or may not be written.
pub(crate) fn check_file(path: &Path, options: &SaveOptions) -> Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Err(Error::Kind { path: path.into(), expected: "a file", found: "a directory" });
    }
    if !options.overwrite {
        return Err(Error::Exists { path: path.into() });
    }
    if !kind.is_file() {
        return Err(Error::Kind { path: path.into(), expected: "a file", found: "a device, pipe or socket" });
    }
    if !platform::is_writable(path) {
        return Err(Error::ReadOnly { path: path.into(), what: "file" });
    }
    Ok(())
}

/// Whether a directory can be put in place at the target.
pub(crate) fn check_dir(path: &Path, options: &SaveOptions) -> Result<()> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.is_dir() {
        return Err(Error::Kind { path: path.into(), expected: "a directory", found: "a file" });
    }
    if !options.overwrite && !is_empty(path) {
        return Err(Error::Exists { path: path.into() });
    }
    if !platform::is_writable(path) {
        return Err(Error::ReadOnly { path: path.into(), what: "directory" });
    }
    Ok(())
}

pub(crate) fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}

/// Refuses names with separators, `.` and `..`.
pub(crate) fn check_name(dir: &Path, name: &OsStr) -> Result<()> {
    let mut components = Path::new(name).components();
    match (components.next(), components.next()) {
        (Some(Component::Normal(only)), None) if only == name => Ok(()),
        _ => Err(Error::Name { dir: dir.into(), name: name.to_string_lossy().into_owned() }),
    }
}
