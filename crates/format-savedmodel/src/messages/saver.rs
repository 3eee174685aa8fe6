//! tensorflow/core/protobuf/saver.proto

enumeration! {
    /// The form of a checkpoint.
    CheckpointFormatVersion { 0 LEGACY, 1 V1, 2 V2, }
}

message! {
    /// The nodes that save and restore a graph's variables.
    SaverDef {
        /// The placeholder for the checkpoint's prefix.
        single 1 filename_tensor_name: String,
        /// The tensor that, when computed, saves.
        single 2 save_tensor_name: String,
        /// The node that restores.
        single 3 restore_op_name: String,
        /// Checkpoints kept.
        single 4 max_to_keep: i32,
        /// Whether every device has its own shard.
        single 5 sharded: bool,
        /// How often one is kept for good.
        single 6 keep_checkpoint_every_n_hours: f32,
        /// The form of the checkpoints.
        single 7 version: CheckpointFormatVersion,
    }
}
