//! tensorflow/core/protobuf/saved_model.proto

use super::MetaGraphDef;

message! {
    /// The content of `saved_model.pb`. (`SavedModel`.)
    SavedModelProto {
        /// Version of the form; 1.
        single 1 saved_model_schema_version: i64,
        /// The graphs, told apart by their tags.
        repeated 2 meta_graphs: MetaGraphDef,
    }
}
