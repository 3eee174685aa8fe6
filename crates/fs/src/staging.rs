//! The hidden directory beside a target in which a save is prepared.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::{Error, Result, abandon, fault, platform};

/// What every staging directory's name ends with, after 16 hexadecimal digits.
const SUFFIX: &str = ".tmp";
/// What comes before those digits.
const MARK: &str = ".kerox-";
/// How long the lock of a directory is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A staging directory of a living saver; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Staging {
    path: PathBuf,
    /// Open for its lock, which says that this saver lives.
    _lock: Option<File>,
}

impl Staging {
    /// Makes a staging directory in `parent` for a target called `name`, after removing those of dead savers.
    pub(crate) fn create(parent: &Path, name: &OsStr) -> Result<Staging> {
        remove_dead(parent);
        for _ in 0..100 {
            let path = parent.join(staging_name(name));
            fault::step("create staging directory").map_err(Error::io("create directory", &path))?;
            match abandon::create(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                other => other.map_err(Error::io("create directory", &path))?,
            }
            // Directories cannot be opened as files everywhere; there they have no locks either.
            let lock = File::open(&path).ok();
            if let Some(file) = &lock {
                // Between creation and lock another saver may have taken the directory for a dead one's.
                let mine = platform::try_lock(file, true).unwrap_or(false) && platform::is_same(file, &path);
                if !mine {
                    abandon::ended(&path);
                    continue;
                }
            }
            let staging = Staging { path, _lock: lock };
            let new = staging.new_dir();
            match fs::create_dir(&new) {
                Ok(()) => return Ok(staging),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io("create directory", &new)(error)),
            }
        }
        Err(Error::io("create a staging directory in", parent)(io::Error::other("100 names were taken")))
    }

    /// The staging directory.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the new content goes.
    pub(crate) fn new_dir(&self) -> PathBuf {
        self.path.join("new")
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // After a commit record was written the directory is rolled forward, not back.
        if !self.path.join(crate::record::FILE).exists() {
            let _ = fs::remove_dir_all(&self.path);
        }
        abandon::ended(&self.path);
    }
}

/// `.<name>.kerox-<16 hex digits>.tmp`; long names are cut to keep within 255 bytes.
fn staging_name(name: &OsStr) -> OsString {
    let token = {
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        hasher.finish()
    };
    let text = name.to_string_lossy();
    let mut end = text.len().min(200);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    OsString::from(format!(".{}{MARK}{token:016x}{SUFFIX}", &text[..end]))
}

/// Whether a name is one of [`staging_name`]'s.
pub(crate) fn is_staging_name(name: &OsStr) -> bool {
    let Some(text) = name.to_str() else { return false };
    let Some(rest) = text.strip_prefix('.').and_then(|t| t.strip_suffix(SUFFIX)) else { return false };
    let Some((_, token)) = rest.rsplit_once(MARK) else { return false };
    token.len() == 16 && token.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The staging directories in `parent`, in the order of their names.
pub(crate) fn list(parent: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| is_staging_name(&entry.file_name()) && entry.file_type().is_ok_and(|t| t.is_dir()))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// Removes staging directories whose savers died before they committed.
pub(crate) fn remove_dead(parent: &Path) {
    for path in list(parent) {
        let Ok(file) = File::open(&path) else { continue };
        if platform::try_lock(&file, true).unwrap_or(false) && !path.join(crate::record::FILE).exists() {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// The lock of a directory that holds targets.
#[derive(Debug)]
pub(crate) struct DirLock(#[allow(dead_code, reason = "held open for its lock")] Option<File>);

impl DirLock {
    /// Waits for the exclusive lock, for savers.
    pub(crate) fn exclusive(dir: &Path) -> Result<DirLock> {
        DirLock::wait(dir, true)
    }

    /// Waits for the shared lock, for readers; goes on without it where it cannot be had.
    pub(crate) fn shared(dir: &Path) -> DirLock {
        DirLock::wait(dir, false).unwrap_or(DirLock(None))
    }

    fn wait(dir: &Path, exclusive: bool) -> Result<DirLock> {
        // What cannot be opened cannot be locked: go on, the operation itself will say what is wrong.
        let Ok(file) = File::open(dir) else { return Ok(DirLock(None)) };
        let start = Instant::now();
        let mut pause = Duration::from_micros(50);
        while !platform::try_lock(&file, exclusive).map_err(Error::io("lock directory", dir))? {
            if start.elapsed() > PATIENCE {
                return Err(Error::Busy { dir: dir.into(), seconds: PATIENCE.as_secs() });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
        Ok(DirLock(Some(file)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_recognised() {
        assert!(is_staging_name(&staging_name(OsStr::new("cp-0001.ckpt"))));
        assert!(is_staging_name(&staging_name(OsStr::new(&"ä".repeat(200)))));
        assert!(staging_name(OsStr::new(&"x".repeat(255))).len() <= 255);
        for foreign in [".x.tmp", "x.kerox-0123456789abcdef.tmp", ".x.kerox-0123.tmp", ".kerox-"] {
            assert!(!is_staging_name(OsStr::new(foreign)), "{foreign}");
        }
    }

    #[test]
    fn the_dead_are_removed_and_the_living_stay() {
        let dir = tempfile::tempdir().unwrap();
        let alive = Staging::create(dir.path(), OsStr::new("a")).unwrap();
        let dead = dir.path().join(".b.kerox-0123456789abcdef.tmp");
        fs::create_dir_all(dead.join("new")).unwrap();
        fs::write(dead.join("new/half"), b"half").unwrap();
        let committed = dir.path().join(".c.kerox-0123456789abcdef.tmp");
        fs::create_dir_all(&committed).unwrap();
        fs::write(committed.join(crate::record::FILE), b"").unwrap();
        remove_dead(dir.path());
        assert!(alive.path().exists());
        assert!(!dead.exists());
        assert!(committed.exists());
        let path = alive.path().to_path_buf();
        drop(alive);
        assert!(!path.exists());
    }
}
