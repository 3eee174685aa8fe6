//! What Keras saved of the objects.

use kerox_config_json::{Limits, Value};

use super::Objects;
use crate::messages::SavedMetadata;
use crate::messages::saved_object_graph::Kind;
use crate::{Error, Result};

/// What Keras saved of a model, layer, input layer or metric.
#[derive(Clone, Debug, PartialEq)]
pub struct KerasNode {
    /// Number of the object.
    pub node_id: usize,
    /// Path from the root: `root.layer_with_weights-0`. Empty in files of TensorFlow up to 2.4.
    pub path: String,
    /// Its kind: `_tf_keras_layer`, `_tf_keras_sequential`, `_tf_keras_metric`, ...
    pub identifier: String,
    /// Class, configuration and more.
    pub metadata: Value,
}

impl KerasNode {
    /// The class's name.
    pub fn class_name(&self) -> Option<&str> {
        self.metadata.get("class_name")?.as_str()
    }

    /// The object's own name.
    pub fn name(&self) -> Option<&str> {
        let of_config = || self.metadata.get("config")?.get("name");
        self.metadata.get("name").or_else(of_config)?.as_str()
    }
}

/// The entries of `keras_metadata.pb`.
pub(super) fn from_metadata(metadata: &SavedMetadata, objects: usize) -> Result<Vec<KerasNode>> {
    let node = |node: &crate::messages::KerasObject| {
        let known = usize::try_from(node.node_id).ok().filter(|&id| id < objects);
        let node_id = known.ok_or_else(|| {
            let (expected, found) = (format!("an object below {objects}"), node.node_id.to_string());
            Error::invalid("keras_metadata.pb", format!("node `{}`", node.node_path), expected, found)
        })?;
        Ok(KerasNode {
            node_id,
            path: node.node_path.clone(),
            identifier: node.identifier.clone(),
            metadata: json(&node.metadata, &node.node_path)?,
        })
    };
    metadata.nodes.iter().map(node).collect()
}

/// The same out of the object graph, where TensorFlow up to 2.4 kept it.
pub(super) fn from_objects(objects: Objects<'_>) -> Result<Vec<KerasNode>> {
    let mut nodes = Vec::new();
    for object in objects.iter() {
        if let Some(Kind::UserObject(user)) = &object.def.kind
            && user.identifier.starts_with("_tf_keras")
            && !user.metadata.is_empty()
        {
            let metadata = json(&user.metadata, &format!("object {}", object.id))?;
            let identifier = user.identifier.clone();
            nodes.push(KerasNode { node_id: object.id, path: String::new(), identifier, metadata });
        }
    }
    Ok(nodes)
}

fn json(text: &str, place: &str) -> Result<Value> {
    Value::parse_bytes(text.as_bytes(), &Limits::default())
        .map_err(|error| Error::invalid("Keras metadata of", format!("`{place}`"), "JSON", error.to_string()))
}
