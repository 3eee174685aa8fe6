//! The element types that operations of Keras 3 compute in.

use kerox_config_json::Value as Json;
use kerox_tensor::DType;

/// The type that values of two types are cast to before an operation.
///
/// # Source
/// keras/src/backend/common/dtypes.py; differs: unsigned and signed 64-bit integers meet in float32, as there with the
/// default `floatx`.
pub(super) fn common(a: DType, b: DType) -> DType {
    let size = |dtype: DType| dtype.size().unwrap_or(0);
    let larger = if size(a) >= size(b) { a } else { b };
    let is_signed = |dtype| matches!(dtype, DType::I8 | DType::I16 | DType::I32 | DType::I64);
    match (a.is_float(), b.is_float()) {
        _ if a == b => a,
        (true, true) if size(a) == size(b) => DType::F32,
        (true, true) => larger,
        (true, false) => a,
        (false, true) => b,
        (false, false) if a == DType::Bool => b,
        (false, false) if b == DType::Bool => a,
        (false, false) if is_signed(a) == is_signed(b) => larger,
        (false, false) => {
            let (signed, unsigned) = if is_signed(a) { (a, b) } else { (b, a) };
            match size(unsigned) {
                n if n < size(signed) => signed,
                1 => DType::I16,
                2 => DType::I32,
                4 => DType::I64,
                _ => DType::F32,
            }
        }
    }
}

/// The type that a number of Python takes beside a tensor of type `other`.
pub(super) fn beside(number: &Json, other: DType) -> DType {
    match number {
        Json::Float(_) if !other.is_float() => DType::F32,
        Json::Int(_) if other == DType::Bool => DType::I32,
        Json::Bool(_) => DType::Bool,
        _ => other,
    }
}

/// The type that a number of Python has alone.
pub(super) fn alone(number: &Json) -> DType {
    match number {
        Json::Int(_) => DType::I32,
        Json::Bool(_) => DType::Bool,
        _ => DType::F32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_meet_as_in_keras_3() {
        use DType::*;
        let cases = [
            (F32, F32, F32),
            (F32, F64, F64),
            (F16, BF16, F32),
            (F16, I64, F16),
            (Bool, F32, F32),
            (Bool, U8, U8),
            (I32, I64, I64),
            (U8, I8, I16),
            (U8, I32, I32),
            (U32, I32, I64),
            (U64, I8, F32),
        ];
        for (a, b, expected) in cases {
            assert_eq!((common(a, b), common(b, a)), (expected, expected), "{a} and {b}");
        }
    }

    #[test]
    fn numbers_take_the_type_of_tensors_that_can_hold_them() {
        assert_eq!(beside(&Json::Float(1.5), DType::I32), DType::F32);
        assert_eq!(beside(&Json::Float(1.5), DType::F16), DType::F16);
        assert_eq!(beside(&Json::Int(1), DType::U8), DType::U8);
        assert_eq!(beside(&Json::Int(1), DType::Bool), DType::I32);
        assert_eq!(alone(&Json::Int(1)), DType::I32);
    }
}
