//! tensorflow/core/framework/versions.proto

message! {
    /// Who wrote something, and who may read it.
    VersionDef {
        /// The writer's version.
        single 1 producer: i32,
        /// The lowest version that may read it.
        single 2 min_consumer: i32,
        /// Versions that may not read it.
        repeated 3 bad_consumers: i32,
    }
}

impl VersionDef {
    /// A version with producer and lowest reader.
    pub fn new(producer: i32, min_consumer: i32) -> VersionDef {
        VersionDef { producer, min_consumer, ..VersionDef::default() }
    }
}
