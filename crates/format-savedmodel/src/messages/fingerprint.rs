//! tensorflow/core/protobuf/fingerprint.proto

use super::VersionDef;

message! {
    /// The content of `fingerprint.pb` (from TensorFlow 2.12 on): hashes that tell SavedModels apart.
    FingerprintDef {
        /// Of the whole `saved_model.pb`.
        single 1 saved_model_checksum: u64,
        /// Of the graph without names that vary.
        single 2 graph_def_program_hash: u64,
        /// Of the signatures.
        single 3 signature_def_hash: u64,
        /// Of the object graph.
        single 4 saved_object_graph_hash: u64,
        /// Of the checkpoint's index.
        single 5 checkpoint_hash: u64,
        /// Version of these hashes.
        message 6 version: VersionDef,
        /// Identifier of the model.
        single 7 uuid: String,
    }
}
