//! tensorflow/core/framework/types.proto

use kerox_tensor::DType;

enumeration! {
    /// The type of a tensor's elements.
    ///
    /// Numbers from 101 to 131 are references to variables of the type 100 lower, as TensorFlow 1 graphs have them.
    DataType {
        0 DT_INVALID, 1 DT_FLOAT, 2 DT_DOUBLE, 3 DT_INT32, 4 DT_UINT8, 5 DT_INT16, 6 DT_INT8, 7 DT_STRING,
        8 DT_COMPLEX64, 9 DT_INT64, 10 DT_BOOL, 11 DT_QINT8, 12 DT_QUINT8, 13 DT_QINT32, 14 DT_BFLOAT16,
        15 DT_QINT16, 16 DT_QUINT16, 17 DT_UINT16, 18 DT_COMPLEX128, 19 DT_HALF, 20 DT_RESOURCE, 21 DT_VARIANT,
        22 DT_UINT32, 23 DT_UINT64, 24 DT_FLOAT8_E5M2, 25 DT_FLOAT8_E4M3FN, 26 DT_FLOAT8_E4M3FNUZ,
        27 DT_FLOAT8_E4M3B11FNUZ, 28 DT_FLOAT8_E5M2FNUZ, 29 DT_INT4, 30 DT_UINT4, 31 DT_INT2,
        32 DT_UINT2, 101 DT_FLOAT_REF, 102 DT_DOUBLE_REF, 103 DT_INT32_REF, 104 DT_UINT8_REF, 105 DT_INT16_REF,
        106 DT_INT8_REF, 107 DT_STRING_REF, 108 DT_COMPLEX64_REF, 109 DT_INT64_REF, 110 DT_BOOL_REF, 111 DT_QINT8_REF,
        112 DT_QUINT8_REF, 113 DT_QINT32_REF, 114 DT_BFLOAT16_REF, 115 DT_QINT16_REF, 116 DT_QUINT16_REF,
        117 DT_UINT16_REF, 118 DT_COMPLEX128_REF, 119 DT_HALF_REF, 120 DT_RESOURCE_REF, 121 DT_VARIANT_REF,
        122 DT_UINT32_REF, 123 DT_UINT64_REF,
    }
}

impl DataType {
    /// Whether this is a reference to a variable (TensorFlow 1).
    pub fn is_ref(self) -> bool {
        self.0 > 100
    }

    /// The type without the reference.
    pub fn without_ref(self) -> DataType {
        DataType(if self.is_ref() { self.0 - 100 } else { self.0 })
    }

    /// The type of kerox's tensors; `None` for types that kerox does not have (quantized, 8-bit floats, 4-bit integers).
    pub fn dtype(self) -> Option<DType> {
        Some(match self.without_ref() {
            DataType::DT_FLOAT => DType::F32,
            DataType::DT_DOUBLE => DType::F64,
            DataType::DT_INT32 => DType::I32,
            DataType::DT_UINT8 => DType::U8,
            DataType::DT_INT16 => DType::I16,
            DataType::DT_INT8 => DType::I8,
            DataType::DT_STRING => DType::String,
            DataType::DT_COMPLEX64 => DType::Complex64,
            DataType::DT_INT64 => DType::I64,
            DataType::DT_BOOL => DType::Bool,
            DataType::DT_BFLOAT16 => DType::BF16,
            DataType::DT_UINT16 => DType::U16,
            DataType::DT_COMPLEX128 => DType::Complex128,
            DataType::DT_HALF => DType::F16,
            DataType::DT_RESOURCE => DType::Resource,
            DataType::DT_VARIANT => DType::Variant,
            DataType::DT_UINT32 => DType::U32,
            DataType::DT_UINT64 => DType::U64,
            _ => return None,
        })
    }
}

impl From<DType> for DataType {
    fn from(dtype: DType) -> DataType {
        match dtype {
            DType::F16 => DataType::DT_HALF,
            DType::BF16 => DataType::DT_BFLOAT16,
            DType::F32 => DataType::DT_FLOAT,
            DType::F64 => DataType::DT_DOUBLE,
            DType::I8 => DataType::DT_INT8,
            DType::I16 => DataType::DT_INT16,
            DType::I32 => DataType::DT_INT32,
            DType::I64 => DataType::DT_INT64,
            DType::U8 => DataType::DT_UINT8,
            DType::U16 => DataType::DT_UINT16,
            DType::U32 => DataType::DT_UINT32,
            DType::U64 => DataType::DT_UINT64,
            DType::Bool => DataType::DT_BOOL,
            DType::String => DataType::DT_STRING,
            DType::Complex64 => DataType::DT_COMPLEX64,
            DType::Complex128 => DataType::DT_COMPLEX128,
            DType::Resource => DataType::DT_RESOURCE,
            DType::Variant => DataType::DT_VARIANT,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dtype_goes_there_and_back() {
        for dtype in DType::STORABLE.into_iter().chain([DType::Resource, DType::Variant]) {
            assert_eq!(DataType::from(dtype).dtype(), Some(dtype));
        }
        assert_eq!(DataType::DT_FLOAT_REF.dtype(), Some(DType::F32));
        assert_eq!(format!("{:?} {:?}", DataType::DT_HALF, DataType(77)), "DT_HALF DataType(77)");
    }
}
