//! Ending in the middle: what a process that was told to stop does about its saves.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

/// Held for reading while a save is put in place.
static IN_PLACE: RwLock<()> = RwLock::new(());

/// The staging directories of this process.
static LIVE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Gives up every save of this process: one that is being put in place is waited for, what the others have staged is
/// removed. For a process that is about to end by a signal, so that nothing is left beside its targets; whoever saves
/// afterwards waits for the end.
///
/// # Example
/// ```no_run
/// // In the thread that has received the signal:
/// kerox_fs::abandon_saves();
/// std::process::exit(130);
/// ```
pub fn abandon_saves() {
    let gate = IN_PLACE.write().unwrap_or_else(PoisonError::into_inner);
    let live = live();
    for path in live.iter().filter(|path| !path.join(crate::record::FILE).exists()) {
        // A thread may still be writing into it: what it adds meanwhile goes with the next try.
        for _ in 0..8 {
            if fs::remove_dir_all(path).is_ok() || !path.exists() {
                break;
            }
        }
    }
    std::mem::forget((gate, live));
}

/// A save is being put in place as long as this lives.
pub(crate) fn putting_in_place() -> RwLockReadGuard<'static, ()> {
    IN_PLACE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a staging directory, and knows of it from the moment it is there.
pub(crate) fn create(staging: &Path) -> io::Result<()> {
    let mut live = live();
    fs::create_dir(staging)?;
    live.push(staging.to_path_buf());
    Ok(())
}

pub(crate) fn ended(staging: &Path) {
    live().retain(|path| path != staging);
}

fn live() -> MutexGuard<'static, Vec<PathBuf>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}
