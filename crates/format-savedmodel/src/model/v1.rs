//! What only models of TensorFlow 1 have: collections.

use std::collections::HashSet;

use crate::Result;
use crate::messages::meta_graph::CollectionKind;
use crate::messages::{MetaGraphDef, VariableDef};
use crate::wire::Message;

/// A variable of a TensorFlow 1 graph.
#[derive(Clone, Debug, PartialEq)]
pub struct V1Variable {
    /// Its name, which is its key in the checkpoint (of a part of a variable: that of the whole).
    pub name: String,
    /// Its declaration.
    pub def: VariableDef,
    /// Whether training changes it: whether it is among the `trainable_variables`.
    pub trainable: bool,
}

/// Collections that hold variables.
const VARIABLE_COLLECTIONS: [&str; 6] = [
    "variables",
    "trainable_variables",
    "local_variables",
    "model_variables",
    "moving_average_variables",
    "metric_variables",
];

/// All variables in collections, each once, in the order in which they are met.
pub(super) fn variables(meta_graph: &MetaGraphDef) -> Result<Vec<V1Variable>> {
    let mut found: Vec<V1Variable> = Vec::new();
    let mut met = HashSet::new();
    let trainable: HashSet<&[u8]> = bytes(meta_graph, "trainable_variables").iter().map(Vec::as_slice).collect();
    for collection in VARIABLE_COLLECTIONS {
        for message in bytes(meta_graph, collection) {
            let def = VariableDef::decode(message)
                .map_err(|error| error.within(&format!("collection_def[{collection:?}]")))?;
            if met.insert(def.variable_name.clone()) {
                let whole = def.save_slice_info_def.as_ref().map(|slice| slice.full_name.clone());
                let own = || def.variable_name.trim_end_matches(":0").to_owned();
                let name = whole.filter(|name| !name.is_empty()).unwrap_or_else(own);
                found.push(V1Variable { name, trainable: trainable.contains(message.as_slice()), def });
            }
        }
    }
    Ok(found)
}

fn bytes<'a>(meta_graph: &'a MetaGraphDef, collection: &str) -> &'a [Vec<u8>] {
    match meta_graph.collection_def.get(collection).and_then(|collection| collection.kind.as_ref()) {
        Some(CollectionKind::BytesList(list)) => &list.value,
        _ => &[],
    }
}

/// The node to run after loading, of any of the ways in which it is said.
pub(super) fn init_op(meta_graph: &MetaGraphDef) -> Option<&str> {
    // TensorFlow 2 names it by a signature, later versions of 1 by the first collection, early ones by the second.
    let signature = meta_graph.signature_def.get("__saved_model_init_op");
    let by_signature = signature.and_then(|s| s.outputs.get("__saved_model_init_op")).and_then(|t| t.name.as_deref());
    let by_collection = |name: &str| match meta_graph.collection_def.get(name)?.kind.as_ref()? {
        CollectionKind::NodeList(list) => list.value.first().map(String::as_str),
        _ => None,
    };
    by_signature.or_else(|| by_collection("saved_model_main_op")).or_else(|| by_collection("legacy_init_op"))
}
