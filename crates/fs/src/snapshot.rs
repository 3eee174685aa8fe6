//! The reader's side.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::recover;
use crate::staging::DirLock;

/// A directory at a moment at which no saver is putting anything in place.
///
/// While it lives, savers wait: open the files that belong together and let go of it. Nothing is written, not even
/// where the directory may be; only a save that was interrupted after its commit is finished. Where that is not
/// allowed (a read-only directory), [`Snapshot::path`] leads to the committed files where they lie.
///
/// # Example
/// ```
/// # let dir = tempfile::tempdir()?;
/// # std::fs::write(dir.path().join("cp.index"), b"index")?;
/// let snapshot = kerox_fs::Snapshot::of(dir.path());
/// let index = std::fs::read(snapshot.path("cp.index"))?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Snapshot {
    dir: PathBuf,
    committed: HashMap<OsString, PathBuf>,
    _lock: DirLock,
}

impl Snapshot {
    /// Waits for a commit in progress and finishes an interrupted one.
    pub fn of(dir: impl AsRef<Path>) -> Snapshot {
        let dir = match dir.as_ref() {
            dir if dir.as_os_str().is_empty() => Path::new("."),
            dir => dir,
        };
        let mut lock = DirLock::shared(dir);
        let mut committed = HashMap::new();
        if !recover::pending(dir).is_empty() {
            drop(lock);
            // Not being allowed to finish it is no reason not to read it.
            let _ = recover::recover(dir);
            lock = DirLock::shared(dir);
            for (staging, record) in recover::pending(dir) {
                if record.into.is_none() {
                    let new = staging.join("new");
                    let left = record.put.into_iter().map(|name| (name.clone(), new.join(name)));
                    committed.extend(left.filter(|(_, path)| path.exists()));
                }
            }
        }
        Snapshot { dir: dir.to_path_buf(), committed, _lock: lock }
    }

    /// Where the file of that name is to be read.
    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        let name = name.as_ref();
        self.committed.get(name).cloned().unwrap_or_else(|| self.dir.join(name))
    }
}
