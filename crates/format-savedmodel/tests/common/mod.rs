//! Where the files written by TensorFlow are.
#![allow(dead_code, reason = "every test file uses a part")]

use std::path::{Path, PathBuf};

/// `golden/savedmodel/<name>` of this repository.
pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../golden/savedmodel").join(name)
}

/// The larger collection beside the repository, if it is there.
pub fn shared() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let dir = std::env::var_os("KEROX_SHARED").map_or_else(beside, PathBuf::from);
    if !dir.is_dir() {
        println!("skipped: no directory {}", dir.display());
    }
    dir.is_dir().then_some(dir)
}

/// All files below a directory, sorted.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { left.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}
