//! Which local files belong to a path: itself, what is in it, or what shares its prefix.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// A file to be stored, and what is to be added to the address for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub path: PathBuf,
    /// Empty, `/name/of/file`, or `.index`.
    pub suffix: String,
}

fn io(operation: &'static str, path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io { operation, path: path.clone(), source }
}

/// The files of a path in the order in which they are to be stored: those by which readers find the others last.
pub(crate) fn parts(path: &Path) -> Result<Vec<Part>> {
    let mut found = Vec::new();
    if path.is_file() {
        found.push(Part { path: path.to_path_buf(), suffix: String::new() });
    } else if path.is_dir() {
        walk(path, "", &mut found)?;
    }
    if let (Some(name), Some(folder)) = (path.file_name().and_then(|n| n.to_str()), path.parent()) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        if folder.is_dir() {
            for entry in fs::read_dir(folder).map_err(io("list", folder))? {
                let path = entry.map_err(io("list", folder))?.path();
                let suffix = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_prefix(name));
                if let Some(suffix) = suffix.filter(|s| belongs(s)) {
                    found.push(Part { suffix: suffix.to_owned(), path });
                }
            }
        }
    }
    found.sort_by(|a, b| (rank(&a.suffix), &a.suffix).cmp(&(rank(&b.suffix), &b.suffix)));
    Ok(found)
}

/// Whether a file with that end is a part of the checkpoint whose prefix comes before it.
pub(crate) fn belongs(suffix: &str) -> bool {
    suffix == ".index" || suffix.starts_with(".data-")
}

fn rank(suffix: &str) -> usize {
    match suffix.rsplit('/').next().unwrap_or(suffix) {
        "saved_model.pb" | "saved_model.pbtxt" => 2,
        "checkpoint" => 3,
        name if name.ends_with(".index") => 1,
        _ => 0,
    }
}

fn walk(folder: &Path, under: &str, found: &mut Vec<Part>) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(io("list", folder))? {
        let entry = entry.map_err(io("list", folder))?;
        let path = entry.path();
        let name = entry.file_name().into_string().map_err(|name| Error::Io {
            operation: "store",
            path: folder.join(name),
            source: std::io::Error::other("the name is not UTF-8"),
        })?;
        let suffix = format!("{under}/{name}");
        match entry.file_type().map_err(io("look at", &path))?.is_dir() {
            true => walk(&path, &suffix, found)?,
            false => found.push(Part { path, suffix }),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_to_the_rest_comes_last() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("model");
        fs::create_dir_all(model.join("variables")).unwrap();
        for name in [
            "saved_model.pb",
            "keras_metadata.pb",
            "variables/variables.index",
            "variables/variables.data-00000-of-00001",
        ] {
            fs::write(model.join(name), b"").unwrap();
        }
        let suffixes: Vec<String> = parts(&model).unwrap().into_iter().map(|part| part.suffix).collect();
        assert_eq!(
            suffixes,
            [
                "/keras_metadata.pb",
                "/variables/variables.data-00000-of-00001",
                "/variables/variables.index",
                "/saved_model.pb"
            ]
        );
        let prefix = model.join("variables").join("variables");
        let suffixes: Vec<String> = parts(&prefix).unwrap().into_iter().map(|part| part.suffix).collect();
        assert_eq!(suffixes, [".data-00000-of-00001", ".index"]);
    }
}
