//! Whether a save could begin, before the work whose result it is to hold.

use std::path::Path;

use crate::{Error, Result, SaveOptions, platform, target};

/// What a save puts in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// One file.
    File,
    /// A directory.
    Dir,
    /// Files of one directory whose names begin as the path ends.
    Prefix,
}

/// Whether a save to that path could begin: nothing of another kind is there, what is there may be replaced, and the
/// directory above it can be written to or made. Nothing is written. The disk may be full all the same.
///
/// # Errors
/// As [`crate::AtomicFile::create`], [`crate::AtomicDir::create`] and [`crate::FileSet::create`].
///
/// # Example
/// ```
/// use kerox_fs::{SaveOptions, TargetKind, check_target};
/// # let dir = tempfile::tempdir()?;
/// std::fs::write(dir.path().join("file"), b"")?;
/// let error = check_target(dir.path().join("file/m.h5"), TargetKind::File, &SaveOptions::new()).unwrap_err();
/// assert!(error.to_string().contains("expected a directory, found a file"));
/// check_target(dir.path().join("new/m.h5"), TargetKind::File, &SaveOptions::new())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check_target(path: impl AsRef<Path>, kind: TargetKind, options: &SaveOptions) -> Result<()> {
    let target = target::follow_links(path.as_ref())?;
    match kind {
        TargetKind::File if target.file_name().is_none() => {
            return Err(Error::Kind { path: target, expected: "a file", found: "a directory" });
        }
        TargetKind::File => target::check_file(&target, options)?,
        // `.` and `..` are there, and are checked when they are named in full.
        TargetKind::Dir if target.file_name().is_none() => return Ok(()),
        TargetKind::Dir => target::check_dir(&target, options)?,
        TargetKind::Prefix => {}
    }
    check_parent(&target, options)
}

/// The directory above a target, or the one in which it would be made.
fn check_parent(path: &Path, options: &SaveOptions) -> Result<()> {
    let mut above = target::parent_of(path);
    while std::fs::symlink_metadata(&above).is_err() {
        let next = target::parent_of(&above);
        if !options.create_parents || next == above {
            return Err(Error::io("find directory", &above)(std::io::ErrorKind::NotFound.into()));
        }
        above = next;
    }
    if !above.is_dir() {
        return Err(Error::Kind { path: above, expected: "a directory", found: "a file" });
    }
    if !platform::is_writable(&above) {
        return Err(Error::ReadOnly { path: above, what: "directory" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &Path, kind: TargetKind, expected: Result<(), &str>) {
        let found = check_target(path, kind, &SaveOptions::new()).map_err(|error| error.to_string());
        match expected {
            Ok(()) => assert_eq!(found, Ok(()), "{}", path.display()),
            Err(part) => assert!(found.as_ref().is_err_and(|text| text.contains(part)), "{found:?}"),
        }
    }

    #[test]
    fn what_cannot_be_saved_is_said_before() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("file"), b"").unwrap();
        std::fs::create_dir(at("dir")).unwrap();
        check(&at("new/deep/m.h5"), TargetKind::File, Ok(()));
        check(&at("new/deep/m"), TargetKind::Dir, Ok(()));
        check(&at("file"), TargetKind::File, Ok(()));
        check(&at("file"), TargetKind::Prefix, Ok(()));
        check(&at("dir"), TargetKind::Dir, Ok(()));
        check(&at("dir"), TargetKind::File, Err("expected a file, found a directory"));
        check(&at("file"), TargetKind::Dir, Err("expected a directory, found a file"));
        for kind in [TargetKind::File, TargetKind::Dir, TargetKind::Prefix] {
            check(&at("file/m"), kind, Err("expected a directory, found a file"));
            check(&at("file/deep/m"), kind, Err(""));
        }
        check(Path::new("m.h5"), TargetKind::File, Ok(()));
        check(Path::new("."), TargetKind::Dir, Ok(()));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
