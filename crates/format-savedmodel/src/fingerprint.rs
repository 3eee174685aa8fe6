//! `fingerprint.pb`: hashes by which SavedModels are told apart.
//!
//! | hash | of |
//! |---|---|
//! | `saved_model_checksum` | all of `saved_model.pb` |
//! | `graph_def_program_hash` | the graph outside of functions, without what differs from run to run |
//! | `signature_def_hash` | the signatures with their names, in the order of these |
//! | `saved_object_graph_hash` | the concrete functions, in the order of the numbers at the end of their names |
//! | `checkpoint_hash` | the checkpoint's index file |
//!
//! All are FarmHash's fingerprints of messages in protobuf's deterministic form (maps in the order of their keys), put
//! together one after the other.

use std::collections::BTreeMap;

use kerox_tensor::{fingerprint_cat64, fingerprint64};

use crate::messages::attr_value::Value;
use crate::messages::{
    AttrValue, DataType, FingerprintDef, GraphDef, MetaGraphDef, NodeDef, SavedModelProto, SavedObjectGraph, VersionDef,
};
use crate::wire::Message;

/// The version of these hashes.
const VERSION: i32 = 1;

/// The fingerprint that TensorFlow 2.15 gives a SavedModel: of its first graph and the bytes of its checkpoint's index.
/// The hash of functions is 0 where the name of one does not end in a number: TensorFlow has none for such a model.
///
/// # Source
/// TensorFlow's `cc/saved_model/fingerprinting.cc`, `core/graph/regularization`.
pub fn fingerprint(saved_model: &SavedModelProto, checkpoint_index: &[u8]) -> FingerprintDef {
    let mut sorted = saved_model.clone();
    sorted.sort_maps();
    let checksum = fingerprint64(&sorted.encode());
    let nothing = MetaGraphDef::default();
    let meta_graph = sorted.meta_graphs.first().unwrap_or(&nothing);
    FingerprintDef {
        saved_model_checksum: checksum,
        graph_def_program_hash: fingerprint64(&regular(meta_graph.graph_def.as_deref()).encode()),
        signature_def_hash: signatures(meta_graph),
        saved_object_graph_hash: meta_graph.object_graph_def.as_deref().and_then(functions).unwrap_or_default(),
        checkpoint_hash: fingerprint64(checkpoint_index),
        version: Some(Box::new(VersionDef::new(VERSION, 0))),
        ..FingerprintDef::default()
    }
}

/// The graph without functions and versions, the numbers of functions, and the values of strings.
fn regular(graph: Option<&GraphDef>) -> GraphDef {
    let node = |node: &NodeDef| {
        let mut node = node.clone();
        match node.op.as_str() {
            "PartitionedCall" | "StatefulPartitionedCall" => {
                if let Some(Value::Func(function)) = node.attr.get_mut("f").and_then(|attr| attr.value.as_mut()) {
                    function.name.truncate(number(&function.name).map_or(function.name.len(), |(start, _)| start));
                }
                if let Some(config) = node.attr.get_mut("config_proto") {
                    *config = Value::S(Vec::new()).into();
                }
            }
            "Const" if node.attr.get("dtype") == Some(&AttrValue::from(Value::Type(DataType::DT_STRING))) => {
                if let Some(value) = node.attr.get_mut("value") {
                    value.value = None;
                }
            }
            _ => {}
        }
        node
    };
    GraphDef {
        node: graph.map_or(&[][..], |graph| &graph.node).iter().map(node).collect(),
        library: Some(Box::default()),
        versions: Some(Box::default()),
        ..GraphDef::default()
    }
}

/// Where the number at the end of a function's name begins, and the number.
fn number(name: &str) -> Option<(usize, i64)> {
    let start = name.rfind('_').map_or(0, |at| at + 1);
    let number: i64 = name.get(start..)?.parse().ok()?;
    // What is cut off is the number as it is written without leading zeros.
    let length = number.to_string().len();
    Some((name.len().checked_sub(length)?, number))
}

fn signatures(meta_graph: &MetaGraphDef) -> u64 {
    meta_graph.signature_def.iter().fold(0, |hash, (name, signature)| {
        let hash = fingerprint_cat64(hash, fingerprint64(name.as_bytes()));
        fingerprint_cat64(hash, fingerprint64(&signature.encode()))
    })
}

fn functions(objects: &SavedObjectGraph) -> Option<u64> {
    let mut ordered = BTreeMap::new();
    for (name, function) in &objects.concrete_functions {
        let (start, number) = number(name)?;
        ordered.entry(number).or_insert((name.get(..start)?, function));
    }
    Some(ordered.values().fold(0, |hash, (name, function)| {
        let hash = fingerprint_cat64(hash, fingerprint64(name.as_bytes()));
        fingerprint_cat64(hash, fingerprint64(&function.encode()))
    }))
}
