//! tensorflow/core/protobuf/meta_graph.proto

use super::structured_value::TypeSpecProto;
use super::{Any, DataType, GraphDef, OpList, SavedObjectGraph, SaverDef, TensorProto, TensorShapeProto};
use crate::wire::Map;

message! {
    /// A graph with all that is needed to use it.
    MetaGraphDef {
        /// Tags and versions.
        message 1 meta_info_def: MetaInfoDef,
        /// The graph.
        message 2 graph_def: GraphDef,
        /// How to save and restore it.
        message 3 saver_def: SaverDef,
        /// Named collections.
        map 4 collection_def: Map<String, CollectionDef>,
        /// Named signatures.
        map 5 signature_def: Map<String, SignatureDef>,
        /// Files the graph reads.
        repeated 6 asset_file_def: AssetFileDef,
        /// The objects (TensorFlow 2).
        message 7 object_graph_def: SavedObjectGraph,
    }
}

message! {
    /// Tags and versions. (`MetaGraphDef.MetaInfoDef`.)
    MetaInfoDef {
        /// The user's version.
        single 1 meta_graph_version: String,
        /// The operations used, without descriptions.
        message 2 stripped_op_list: OpList,
        /// Anything.
        message 3 any_info: Any,
        /// The tags by which a meta graph is chosen: `serve`, `train`, `gpu`.
        repeated 4 tags: String,
        /// TensorFlow's version.
        single 5 tensorflow_version: String,
        /// TensorFlow's revision.
        single 6 tensorflow_git_version: String,
        /// Whether attributes equal to their default are left out.
        single 7 stripped_default_attrs: bool,
        /// From a function of the library to the name users know it by.
        map 8 function_aliases: Map<String, String>,
    }
}

message! {
    /// A collection.
    CollectionDef {
        /// Its kind and values.
        oneof 1|2|3|4|5 kind: CollectionKind,
    }
}

oneof! {
    /// The kinds of [`CollectionDef`].
    CollectionKind {
        /// Names of nodes or tensors.
        1 NodeList node_list: NodeList,
        /// Messages as bytes.
        2 BytesList bytes_list: BytesList,
        /// Integers.
        3 Int64List int64_list: Int64List,
        /// Floats.
        4 FloatList float_list: FloatList,
        /// Messages with their types.
        5 AnyList any_list: AnyList,
    }
}

message! {
    /// Names of nodes or tensors.
    NodeList {
        /// The names.
        repeated 1 value: String,
    }
}

message! {
    /// Messages as bytes, such as [`super::VariableDef`]s.
    BytesList {
        /// The messages.
        repeated 1 value: Vec<u8>,
    }
}

message! {
    /// Integers.
    Int64List {
        /// The integers.
        repeated 1 value: i64,
    }
}

message! {
    /// Floats.
    FloatList {
        /// The floats.
        repeated 1 value: f32,
    }
}

message! {
    /// Messages with their types.
    AnyList {
        /// The messages.
        repeated 1 value: Any,
    }
}

message! {
    /// What can be computed: inputs, outputs, and in which manner.
    SignatureDef {
        /// From the user's name of an input to the tensor.
        map 1 inputs: Map<String, TensorInfo>,
        /// From the user's name of an output to the tensor.
        map 2 outputs: Map<String, TensorInfo>,
        /// `tensorflow/serving/predict`, `.../classify`, `.../regress`, or the user's.
        single 3 method_name: String,
        /// Values of inputs that are not given.
        map 4 defaults: Map<String, TensorProto>,
    }
}

message! {
    /// A tensor of the graph.
    TensorInfo {
        /// Of a dense tensor: its name, `node:index`.
        optional 1 name: String,
        /// The type of the elements.
        single 2 dtype: DataType,
        /// The lengths of the axes.
        message 3 tensor_shape: TensorShapeProto,
        /// Of a sparse tensor: its three parts.
        message 4 coo_sparse: CooSparse,
        /// Of any other tensor: its parts.
        message 5 composite_tensor: CompositeTensor,
    }
}

message! {
    /// A sparse tensor. (`TensorInfo.CooSparse`.)
    CooSparse {
        /// Values.
        single 1 values_tensor_name: String,
        /// Indices, `[values, rank]`.
        single 2 indices_tensor_name: String,
        /// Dense shape, `[rank]`.
        single 3 dense_shape_tensor_name: String,
    }
}

message! {
    /// A tensor of several parts, such as a ragged one. (`TensorInfo.CompositeTensor`.)
    CompositeTensor {
        /// Its type.
        message 1 type_spec: TypeSpecProto,
        /// Its parts.
        repeated 2 components: TensorInfo,
    }
}

message! {
    /// A file the graph reads.
    AssetFileDef {
        /// The tensor that holds its path.
        message 1 tensor_info: TensorInfo,
        /// Its name in the directory `assets`.
        single 2 filename: String,
    }
}
