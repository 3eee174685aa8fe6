//! Choosing a kernel by element type.

use kerox_tensor::DType;

use crate::Error;

/// Runs an expression with a type alias for f32 or f64; other types are an error of the operation.
macro_rules! for_float {
    ($dtype:expr, $op:expr, $t:ident => $body:expr) => {
        match $dtype {
            kerox_tensor::DType::F32 => {
                type $t = f32;
                $body
            }
            kerox_tensor::DType::F64 => {
                type $t = f64;
                $body
            }
            found => Err($crate::ops::dispatch::unsupported($op, found)),
        }
    };
}

/// Runs an expression with a type alias for a type of whole numbers; other types are an error of the operation.
macro_rules! for_whole {
    ($dtype:expr, $op:expr, $t:ident => $body:expr) => {
        match $dtype {
            kerox_tensor::DType::I32 => {
                type $t = i32;
                $body
            }
            kerox_tensor::DType::I64 => {
                type $t = i64;
                $body
            }
            kerox_tensor::DType::U8 => {
                type $t = u8;
                $body
            }
            kerox_tensor::DType::I8 => {
                type $t = i8;
                $body
            }
            kerox_tensor::DType::U16 => {
                type $t = u16;
                $body
            }
            kerox_tensor::DType::I16 => {
                type $t = i16;
                $body
            }
            kerox_tensor::DType::U32 => {
                type $t = u32;
                $body
            }
            kerox_tensor::DType::U64 => {
                type $t = u64;
                $body
            }
            found => Err($crate::ops::dispatch::unsupported($op, found)),
        }
    };
}

/// Runs an expression with a type alias for any type kernels calculate with.
macro_rules! for_number {
    ($dtype:expr, $op:expr, $t:ident => $body:expr) => {
        match $dtype {
            kerox_tensor::DType::F32 => {
                type $t = f32;
                $body
            }
            kerox_tensor::DType::F64 => {
                type $t = f64;
                $body
            }
            whole => $crate::ops::dispatch::for_whole!(whole, $op, $t => $body),
        }
    };
}

/// Runs an expression with a type alias for any element type, strings included: for kernels that only move elements.
macro_rules! for_any {
    ($dtype:expr, $op:expr, $t:ident => $body:expr) => {{
        let dtype = $dtype;
        if dtype == kerox_tensor::DType::String {
            type $t = Vec<u8>;
            $body
        } else {
            kerox_tensor::each_plain!(dtype, $t => $body, else Err($crate::ops::dispatch::unsupported($op, dtype)))
        }
    }};
}

pub(crate) use {for_any, for_float, for_number, for_whole};

/// The error of a kernel that does not exist for a type.
pub(crate) fn unsupported(op: &str, found: DType) -> Error {
    argument(op, "", "type", "a type this operation computes with", found.to_string())
}

/// An error about an argument, outside of shape inference.
pub(crate) fn argument(
    op: &str,
    node: &str,
    argument: &str,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> Error {
    Error::Argument {
        op: op.into(),
        node: node.into(),
        argument: argument.into(),
        expected: expected.into(),
        found: found.into(),
    }
}
