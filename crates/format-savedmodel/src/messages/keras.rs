//! keras/src/protobuf/saved_metadata.proto

use super::VersionDef;

message! {
    /// The content of `keras_metadata.pb`: what Keras knows of the objects.
    SavedMetadata {
        /// One entry a model, layer, input layer and metric.
        repeated 1 nodes: KerasObject,
    }
}

message! {
    /// One object. (`SavedObject`.)
    KerasObject {
        /// Its node in the object graph.
        single 2 node_id: i32,
        /// Its path from the root: `root.layer_with_weights-0`.
        single 3 node_path: String,
        /// Its kind: `_tf_keras_layer` and so on.
        single 4 identifier: String,
        /// Class, configuration and more, as JSON.
        single 5 metadata: String,
        /// Version of the JSON's form.
        message 6 version: VersionDef,
    }
}
