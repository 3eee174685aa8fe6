//! The protocol buffer messages of checkpoints.
//!
//! # Source
//! tensorflow/core/protobuf/tensor_bundle.proto, trackable_object_graph.proto, saved_tensor_slice.proto and
//! tensorflow/core/framework/{tensor,tensor_shape,tensor_slice,versions}.proto. Types are plain numbers: what is no
//! type this crate knows must not make a file unreadable.

use prost::Message;

/// The first entry of an index.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BundleHeader {
    #[prost(int32, tag = "1")]
    pub(crate) num_shards: i32,
    /// 0 little, 1 big.
    #[prost(int32, tag = "2")]
    pub(crate) endianness: i32,
    #[prost(message, optional, tag = "3")]
    pub(crate) version: Option<VersionDef>,
}

/// Who wrote it and who may read it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct VersionDef {
    #[prost(int32, tag = "1")]
    pub(crate) producer: i32,
    #[prost(int32, tag = "2")]
    pub(crate) min_consumer: i32,
    #[prost(int32, repeated, tag = "3")]
    pub(crate) bad_consumers: Vec<i32>,
}

/// Every further entry of an index.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BundleEntry {
    #[prost(int32, tag = "1")]
    pub(crate) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) shape: Option<TensorShape>,
    #[prost(int32, tag = "3")]
    pub(crate) shard_id: i32,
    #[prost(int64, tag = "4")]
    pub(crate) offset: i64,
    #[prost(int64, tag = "5")]
    pub(crate) size: i64,
    #[prost(fixed32, tag = "6")]
    pub(crate) crc32c: u32,
    #[prost(message, repeated, tag = "7")]
    pub(crate) slices: Vec<TensorSlice>,
}

/// Lengths of axes.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TensorShape {
    #[prost(message, repeated, tag = "2")]
    pub(crate) dim: Vec<Dim>,
    #[prost(bool, tag = "3")]
    pub(crate) unknown_rank: bool,
}

/// Length of an axis.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Dim {
    #[prost(int64, tag = "1")]
    pub(crate) size: i64,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
}

/// A box within a tensor, one extent an axis.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TensorSlice {
    #[prost(message, repeated, tag = "1")]
    pub(crate) extent: Vec<Extent>,
}

/// A range of an axis; without a length, the whole axis.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Extent {
    #[prost(int64, tag = "1")]
    pub(crate) start: i64,
    #[prost(int64, optional, tag = "2")]
    pub(crate) length: Option<i64>,
}

/// The value of the object graph's key.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TrackableObjectGraph {
    #[prost(message, repeated, tag = "1")]
    pub(crate) nodes: Vec<TrackableObject>,
}

/// An object.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TrackableObject {
    #[prost(message, repeated, tag = "1")]
    pub(crate) children: Vec<ObjectReference>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) attributes: Vec<SerializedTensor>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) slot_variables: Vec<SlotVariableReference>,
    #[prost(message, optional, tag = "4")]
    pub(crate) registered_saver: Option<RegisteredSaver>,
    #[prost(message, optional, tag = "5")]
    pub(crate) has_checkpoint_values: Option<BoolValue>,
}

/// An edge.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ObjectReference {
    #[prost(int32, tag = "1")]
    pub(crate) node_id: i32,
    #[prost(string, tag = "2")]
    pub(crate) local_name: String,
}

/// A value of an object.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SerializedTensor {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) full_name: String,
    #[prost(string, tag = "3")]
    pub(crate) checkpoint_key: String,
}

/// A slot variable of an optimizer.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SlotVariableReference {
    #[prost(int32, tag = "1")]
    pub(crate) original_variable_node_id: i32,
    #[prost(string, tag = "2")]
    pub(crate) slot_name: String,
    #[prost(int32, tag = "3")]
    pub(crate) slot_variable_node_id: i32,
}

/// Saving by a function of the object's own.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RegisteredSaver {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) object_name: String,
}

/// A bool that may be absent.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct BoolValue {
    #[prost(bool, tag = "1")]
    pub(crate) value: bool,
}

/// A value of a V1 checkpoint's table.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SavedTensorSlices {
    #[prost(message, optional, tag = "1")]
    pub(crate) meta: Option<SavedTensorSliceMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) data: Option<SavedSlice>,
}

/// What a V1 checkpoint holds.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SavedTensorSliceMeta {
    #[prost(message, repeated, tag = "1")]
    pub(crate) tensor: Vec<SavedSliceMeta>,
    #[prost(message, optional, tag = "2")]
    pub(crate) versions: Option<VersionDef>,
}

/// One tensor of a V1 checkpoint.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SavedSliceMeta {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) shape: Option<TensorShape>,
    #[prost(int32, tag = "3")]
    pub(crate) dtype: i32,
    #[prost(message, repeated, tag = "4")]
    pub(crate) slice: Vec<TensorSlice>,
}

/// One slice of a V1 checkpoint.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SavedSlice {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) slice: Option<TensorSlice>,
    #[prost(message, optional, tag = "3")]
    pub(crate) data: Option<TensorProto>,
}

/// A tensor within a message.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TensorProto {
    #[prost(int32, tag = "1")]
    pub(crate) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(crate) tensor_shape: Option<TensorShape>,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) tensor_content: Vec<u8>,
    #[prost(float, repeated, tag = "5")]
    pub(crate) float_val: Vec<f32>,
    #[prost(double, repeated, tag = "6")]
    pub(crate) double_val: Vec<f64>,
    #[prost(int32, repeated, tag = "7")]
    pub(crate) int_val: Vec<i32>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub(crate) string_val: Vec<Vec<u8>>,
    #[prost(float, repeated, tag = "9")]
    pub(crate) scomplex_val: Vec<f32>,
    #[prost(int64, repeated, tag = "10")]
    pub(crate) int64_val: Vec<i64>,
    #[prost(bool, repeated, tag = "11")]
    pub(crate) bool_val: Vec<bool>,
    #[prost(double, repeated, tag = "12")]
    pub(crate) dcomplex_val: Vec<f64>,
    #[prost(int32, repeated, tag = "13")]
    pub(crate) half_val: Vec<i32>,
    #[prost(uint32, repeated, tag = "16")]
    pub(crate) uint32_val: Vec<u32>,
    #[prost(uint64, repeated, tag = "17")]
    pub(crate) uint64_val: Vec<u64>,
}
