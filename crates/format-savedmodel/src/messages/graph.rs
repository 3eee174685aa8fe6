//! tensorflow/core/framework/graph.proto

use super::{FunctionDefLibrary, NodeDef, VersionDef};

message! {
    /// A graph of operations.
    GraphDef {
        /// The nodes, in any order.
        repeated 1 node: NodeDef,
        /// The functions they call.
        message 2 library: FunctionDefLibrary,
        /// Version of the graph's form before `versions`.
        single 3 version: i32,
        /// Version of the graph's form.
        message 4 versions: VersionDef,
    }
}
