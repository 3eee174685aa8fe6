//! tensorflow/core/framework/node_def.proto

use super::AttrValue;
use crate::wire::Map;

message! {
    /// One operation of a graph or function.
    NodeDef {
        /// The name, unique in its graph.
        single 1 name: String,
        /// The operation, or a function of the library.
        single 2 op: String,
        /// Inputs: in a graph `node`, `node:index` or `^node`; in a function `argument`, `node:output:index` or `^node`.
        repeated 3 input: String,
        /// The device asked for, if any.
        single 4 device: String,
        /// Attributes; those equal to their default may be missing.
        map 5 attr: Map<String, AttrValue>,
        /// Where the node came from.
        message 6 experimental_debug_info: ExperimentalDebugInfo,
    }
}

message! {
    /// Names a node had before it was merged or moved. (`NodeDef.ExperimentalDebugInfo`.)
    ExperimentalDebugInfo {
        /// Nodes.
        repeated 1 original_node_names: String,
        /// The functions they were in.
        repeated 2 original_func_names: String,
    }
}
