//! The constants of the format.
//!
//! # Source
//! tensorflow/core/util/tensor_bundle/tensor_bundle.cc, tensorflow/core/framework/types.proto, and the table format
//! of LevelDB.

use kerox_tensor::DType;

/// The last eight bytes of a table, little-endian.
pub(crate) const TABLE_MAGIC: u64 = 0xdb47_7524_8b80_fb57;
/// Two block handles padded to 40 bytes, then the magic number.
pub(crate) const FOOTER_SIZE: usize = 48;
/// Compression type (one byte) and masked crc32c (four) after every block.
pub(crate) const TRAILER_SIZE: usize = 5;
/// A data block is closed when its estimated size reaches this many bytes.
pub(crate) const BLOCK_SIZE: usize = 262_144;
/// Entries between two that store their key whole.
pub(crate) const RESTART_INTERVAL: usize = 16;
/// Added to a rotated checksum.
pub(crate) const CRC_MASK_DELTA: u32 = 0xa282_ead8;
/// The key of the string that describes the objects.
pub const OBJECT_GRAPH_KEY: &str = "_CHECKPOINTABLE_OBJECT_GRAPH";
/// The attribute under which a variable's value goes.
pub(crate) const VARIABLE_VALUE: &str = "VARIABLE_VALUE";
/// Stands between an object's path and an attribute's name in a key.
pub(crate) const ATTRIBUTES: &str = "/.ATTRIBUTES/";
/// Stands between a variable's path and its optimizer's in a slot's key.
pub(crate) const OPTIMIZER_SLOT: &str = "/.OPTIMIZER_SLOT/";

/// TensorFlow's numbers of the types.
const DTYPES: [(DType, i32); 18] = [
    (DType::F32, 1),
    (DType::F64, 2),
    (DType::I32, 3),
    (DType::U8, 4),
    (DType::I16, 5),
    (DType::I8, 6),
    (DType::String, 7),
    (DType::Complex64, 8),
    (DType::I64, 9),
    (DType::Bool, 10),
    (DType::BF16, 14),
    (DType::U16, 17),
    (DType::Complex128, 18),
    (DType::F16, 19),
    (DType::Resource, 20),
    (DType::Variant, 21),
    (DType::U32, 22),
    (DType::U64, 23),
];

/// TensorFlow's number of a type.
pub(crate) fn dtype_number(dtype: DType) -> i32 {
    DTYPES.iter().find(|(d, _)| *d == dtype).map_or(0, |(_, n)| *n)
}

/// The type of TensorFlow's number; quantized types have none here.
pub(crate) fn dtype_of(number: i32) -> Option<DType> {
    DTYPES.iter().find(|(_, n)| *n == number).map(|(d, _)| *d)
}

/// The name of a data file: `P.data-00000-of-00002`.
pub(crate) fn shard_name(stem: &str, shard: u32, shards: u32) -> String {
    format!("{stem}.data-{shard:05}-of-{shards:05}")
}
