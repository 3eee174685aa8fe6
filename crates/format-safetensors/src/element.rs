//! Names of the element types.

use kerox_tensor::DType;

/// What can be read and written.
pub(crate) const KNOWN: &str = "F16, BF16, F32, F64, I8, I16, I32, I64, U8, U16, U32, U64, BOOL, C64";

/// safetensors's name; `None` for types it has none for.
pub(crate) fn name(dtype: DType) -> Option<&'static str> {
    Some(match dtype {
        DType::F16 => "F16",
        DType::BF16 => "BF16",
        DType::F32 => "F32",
        DType::F64 => "F64",
        DType::I8 => "I8",
        DType::I16 => "I16",
        DType::I32 => "I32",
        DType::I64 => "I64",
        DType::U8 => "U8",
        DType::U16 => "U16",
        DType::U32 => "U32",
        DType::U64 => "U64",
        DType::Bool => "BOOL",
        DType::Complex64 => "C64",
        _ => return None,
    })
}

/// The type of that name.
pub(crate) fn dtype(found: &str) -> Option<DType> {
    DType::STORABLE.into_iter().find(|&dtype| name(dtype) == Some(found))
}
