//! Telling Keras's HDF5 layouts apart.

use crate::{H5File, Kind};

/// What an HDF5 file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// `model.save("m.h5")`: architecture and weights.
    WholeModel,
    /// `model.save_weights("w.h5")`: weights by layer.
    Weights,
    /// `model.save_weights("w.weights.h5")`: a tree of `vars` groups.
    WeightsTree,
    /// None of Keras's layouts.
    Other,
}

/// The layout of an open file, by its content.
pub fn detect(file: &H5File) -> Layout {
    let attributes = file.attribute_names("/").unwrap_or_default();
    let has = |name: &str| attributes.iter().any(|known| known == name);
    let names = |name: &str| attributes.iter().any(|known| known.strip_prefix(name).is_some_and(is_part));
    if has("model_config") || file.kind("model_weights") == Some(Kind::Group) {
        Layout::WholeModel
    } else if names("layer_names") {
        Layout::Weights
    } else if is_tree(file) {
        Layout::WeightsTree
    } else {
        Layout::Other
    }
}

/// What may follow `layer_names`: nothing or the number of a part.
fn is_part(rest: &str) -> bool {
    rest.bytes().all(|b| b.is_ascii_digit())
}

/// Whether every dataset lies in a `vars` group under a number, and there is such a group.
fn is_tree(file: &H5File) -> bool {
    let mut any = file.kind("vars") == Some(Kind::Group)
        || ["layers", "_layer_checkpoint_dependencies"].iter().any(|name| file.kind(name) == Some(Kind::Group));
    for path in file.datasets() {
        if path.rsplit('/').nth(1) != Some("vars") {
            return false;
        }
        any = true;
    }
    any
}
