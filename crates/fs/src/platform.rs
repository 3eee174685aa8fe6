//! What differs between operating systems.

#[cfg(unix)]
pub(crate) use unix::*;

#[cfg(not(unix))]
pub(crate) use other::*;

#[cfg(unix)]
mod unix {
    use std::fs::{self, File};
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use rustix::fs::{Access, FlockOperation};

    /// Takes the exclusive or shared lock of an open file or directory; `false` where another holds it. File systems
    /// without locks count as locked: there is nobody to wait for.
    pub(crate) fn try_lock(file: &File, exclusive: bool) -> io::Result<bool> {
        let operation =
            if exclusive { FlockOperation::NonBlockingLockExclusive } else { FlockOperation::NonBlockingLockShared };
        loop {
            return match rustix::fs::flock(file, operation) {
                Ok(()) => Ok(true),
                Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
                Err(rustix::io::Errno::INTR) => continue,
                Err(_) => Ok(true),
            };
        }
    }

    /// Whether the path still names the open directory.
    pub(crate) fn is_same(file: &File, path: &Path) -> bool {
        match (file.metadata(), fs::symlink_metadata(path)) {
            (Ok(a), Ok(b)) => a.dev() == b.dev() && a.ino() == b.ino(),
            _ => false,
        }
    }

    /// Renames unless the new name exists (`AlreadyExists`).
    pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
                Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {}
                other => return Ok(other?),
            }
        }
        // A hard link is as atomic and as exclusive, for files.
        if from.is_file() && fs::hard_link(from, to).is_ok() {
            return fs::remove_file(from);
        }
        match fs::symlink_metadata(to) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(from, to),
        }
    }

    /// Exchanges two names in one step; `false` where the file system cannot.
    pub(crate) fn exchange(a: &Path, b: &Path) -> io::Result<bool> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            use rustix::io::Errno;
            match renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE) {
                Ok(()) => Ok(true),
                // EBUSY: a mount point, which keeps its place; EXDEV: one that lies elsewhere.
                Err(Errno::INVAL | Errno::NOSYS | Errno::BUSY | Errno::XDEV) => Ok(false),
                Err(error) => Err(error.into()),
            }
        }
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        {
            let _ = (a, b);
            Ok(false)
        }
    }

    /// Has the disk find room for the bytes from `from` to `to`; the file stays as long as it is. Where there is no room or no
    /// way to ask, the writes that follow will tell.
    pub(crate) fn make_room(file: &File, from: u64, to: u64) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let _ = rustix::fs::fallocate(file, rustix::fs::FallocateFlags::KEEP_SIZE, from, to.saturating_sub(from));
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let _ = (file, from, to);
    }

    /// Waits until the disk has a directory's entries.
    pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
        match File::open(dir)?.sync_all() {
            // Some network file systems have nothing to flush.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            other => other,
        }
    }

    /// Whether this user may write the file or directory.
    pub(crate) fn is_writable(path: &Path) -> bool {
        rustix::fs::access(path, Access::WRITE_OK).is_ok()
    }

    /// Gives a file the mode, and where allowed the owner, of the one it is to replace.
    pub(crate) fn copy_attributes(from: &fs::Metadata, to: &Path) -> io::Result<()> {
        let now = fs::symlink_metadata(to)?;
        if (now.uid(), now.gid()) != (from.uid(), from.gid()) {
            // Only the superuser can: others keep their own name on what they wrote.
            let _ = std::os::unix::fs::chown(to, Some(from.uid()), Some(from.gid()));
        }
        fs::set_permissions(to, from.permissions())
    }
}

#[cfg(not(unix))]
mod other {
    use std::fs::{self, File};
    use std::io;
    use std::path::Path;

    pub(crate) fn try_lock(_file: &File, _exclusive: bool) -> io::Result<bool> {
        Ok(true)
    }

    pub(crate) fn is_same(_file: &File, path: &Path) -> bool {
        path.exists()
    }

    pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
        match fs::symlink_metadata(to) {
            Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
            Err(_) => fs::rename(from, to),
        }
    }

    pub(crate) fn exchange(_a: &Path, _b: &Path) -> io::Result<bool> {
        Ok(false)
    }

    pub(crate) fn make_room(_file: &File, _from: u64, _to: u64) {}

    pub(crate) fn sync_dir(_dir: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn is_writable(path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|m| !m.permissions().readonly())
    }

    pub(crate) fn copy_attributes(from: &fs::Metadata, to: &Path) -> io::Result<()> {
        fs::set_permissions(to, from.permissions())
    }
}
