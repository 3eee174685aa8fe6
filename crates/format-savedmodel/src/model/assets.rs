//! Files that belong to a model.

use std::path::{Component, Path, PathBuf};

use crate::messages::meta_graph::CollectionKind;
use crate::messages::{AssetFileDef, MetaGraphDef};
use crate::wire::Message;
use crate::{Error, Result};

/// A file in the directory `assets`.
#[derive(Clone, Debug, PartialEq)]
pub struct Asset {
    /// Its name, relative to `assets`.
    pub name: String,
    /// The tensor of the graph that has to hold its path, `node:index`.
    pub tensor: String,
}

impl Asset {
    fn new(def: &AssetFileDef) -> Result<Asset> {
        check_name(&def.filename)?;
        let tensor = def.tensor_info.as_ref().and_then(|info| info.name.clone()).unwrap_or_default();
        Ok(Asset { name: def.filename.clone(), tensor })
    }

    /// Where the file is.
    pub fn path(&self, model: &Path) -> PathBuf {
        model.join("assets").join(&self.name)
    }
}

/// Refuses names that lead out of `assets`.
///
/// # Errors
/// [`Error::Invalid`] for empty and absolute names and those with `..`, a drive or a NUL byte.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    // Backslashes and colons part names on Windows, where the model may be opened too.
    let foreign = name.contains(['\\', ':', '\0']);
    if name.is_empty() || !inside || foreign {
        return Err(Error::invalid("asset", format!("`{name}`"), "a path inside of `assets`", "another"));
    }
    Ok(())
}

/// The collection in which TensorFlow 1 keeps them, each as an `Any`.
const V1_COLLECTION: &str = "saved_model_assets";

/// The assets of a meta graph, in order.
pub(super) fn of(meta_graph: &MetaGraphDef) -> Result<Vec<Asset>> {
    if !meta_graph.asset_file_def.is_empty() {
        return meta_graph.asset_file_def.iter().map(Asset::new).collect();
    }
    match meta_graph.collection_def.get(V1_COLLECTION).and_then(|collection| collection.kind.as_ref()) {
        Some(CollectionKind::AnyList(list)) => list
            .value
            .iter()
            .map(|any| {
                let def = AssetFileDef::decode(&any.value);
                Asset::new(&def.map_err(|error| error.within(&format!("collection_def[{V1_COLLECTION:?}]")))?)
            })
            .collect(),
        _ => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_inside() {
        for name in ["words.txt", "a/b.txt", "v1.2..txt"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "/etc/passwd", "../x", "a/../../x", "..", "c:\\x", "a\\..\\x", "./x"] {
            assert!(check_name(name).is_err(), "{name}");
        }
        let error = check_name("../x").unwrap_err().to_string();
        assert_eq!(error, "read asset `../x`: expected a path inside of `assets`, found another");
    }
}
