//! Element types.

use std::fmt;

use half::{bf16, f16};

use crate::Buffer;

/// The type of a tensor's elements, known at run time.
///
/// Names follow numpy and TensorFlow (`float32`, `bool`, `string`). [`DType::Resource`] and [`DType::Variant`] exist
/// only as types of values inside a graph; no [`crate::Tensor`] holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DType {
    /// IEEE half precision.
    F16,
    /// The upper half of a single-precision float.
    BF16,
    /// IEEE single precision, Keras's `floatx`.
    F32,
    /// IEEE double precision.
    F64,
    /// Signed 8 bit.
    I8,
    /// Signed 16 bit.
    I16,
    /// Signed 32 bit.
    I32,
    /// Signed 64 bit.
    I64,
    /// Unsigned 8 bit.
    U8,
    /// Unsigned 16 bit.
    U16,
    /// Unsigned 32 bit.
    U32,
    /// Unsigned 64 bit.
    U64,
    /// One byte, 0 or 1.
    Bool,
    /// Byte strings of any length, one an element.
    String,
    /// Pairs of single-precision floats; storage only, no kernel computes with them.
    Complex64,
    /// Pairs of double-precision floats; storage only, no kernel computes with them.
    Complex128,
    /// A handle to a variable or table inside a graph.
    Resource,
    /// An opaque value inside a graph, such as a tensor list.
    Variant,
}

impl DType {
    /// Every type a [`crate::Tensor`] can hold, in declaration order.
    pub const STORABLE: [DType; 16] = [
        DType::F16,
        DType::BF16,
        DType::F32,
        DType::F64,
        DType::I8,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::U8,
        DType::U16,
        DType::U32,
        DType::U64,
        DType::Bool,
        DType::String,
        DType::Complex64,
        DType::Complex128,
    ];

    /// numpy's name: `float32`, `int64`, `bool`, `bfloat16`, `string`.
    pub fn name(self) -> &'static str {
        match self {
            DType::F16 => "float16",
            DType::BF16 => "bfloat16",
            DType::F32 => "float32",
            DType::F64 => "float64",
            DType::I8 => "int8",
            DType::I16 => "int16",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::U8 => "uint8",
            DType::U16 => "uint16",
            DType::U32 => "uint32",
            DType::U64 => "uint64",
            DType::Bool => "bool",
            DType::String => "string",
            DType::Complex64 => "complex64",
            DType::Complex128 => "complex128",
            DType::Resource => "resource",
            DType::Variant => "variant",
        }
    }

    /// The type of that [`DType::name`]; `half`, `float` and `double` are understood too.
    pub fn from_name(name: &str) -> Option<DType> {
        Some(match name {
            "half" => DType::F16,
            "float" => DType::F32,
            "double" => DType::F64,
            "resource" => DType::Resource,
            "variant" => DType::Variant,
            _ => return DType::STORABLE.into_iter().find(|d| d.name() == name),
        })
    }

    /// Bytes an element takes; `None` for strings, resources and variants.
    pub fn size(self) -> Option<usize> {
        Some(match self {
            DType::I8 | DType::U8 | DType::Bool => 1,
            DType::F16 | DType::BF16 | DType::I16 | DType::U16 => 2,
            DType::F32 | DType::I32 | DType::U32 => 4,
            DType::F64 | DType::I64 | DType::U64 | DType::Complex64 => 8,
            DType::Complex128 => 16,
            DType::String | DType::Resource | DType::Variant => return None,
        })
    }

    /// Whether this is a floating-point type (f16, bf16, f32 or f64).
    pub fn is_float(self) -> bool {
        matches!(self, DType::F16 | DType::BF16 | DType::F32 | DType::F64)
    }

    /// Whether this is a signed or unsigned integer type (bool is none).
    pub fn is_integer(self) -> bool {
        use DType::*;
        matches!(self, I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64)
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that is the element of some [`DType`].
pub trait Element: Clone + Default + PartialEq + fmt::Debug + Send + Sync + sealed::Sealed + 'static {
    /// The corresponding run-time type.
    const DTYPE: DType;
    /// Wraps elements without copying.
    fn into_buffer(elements: Vec<Self>) -> Buffer;
    /// Unwraps elements without copying; the buffer is given back where it holds another type.
    fn from_buffer(buffer: Buffer) -> Result<Vec<Self>, Buffer>;
    /// Borrows the elements; `None` where the buffer holds another type.
    fn slice(buffer: &Buffer) -> Option<&[Self]>;
    /// Borrows the elements mutably; `None` where the buffer holds another type.
    fn slice_mut(buffer: &mut Buffer) -> Option<&mut Vec<Self>>;
}

/// An element of fixed size whose bytes can be copied as they are.
pub trait Plain: Element + Copy + bytemuck::NoUninit + bytemuck::CheckedBitPattern {}

macro_rules! elements {
    ($($variant:ident $type:ty),*) => {$(
        impl sealed::Sealed for $type {}
        impl Element for $type {
            const DTYPE: DType = DType::$variant;
            fn into_buffer(elements: Vec<Self>) -> Buffer { Buffer::$variant(elements) }
            fn from_buffer(buffer: Buffer) -> Result<Vec<Self>, Buffer> {
                match buffer { Buffer::$variant(v) => Ok(v), other => Err(other) }
            }
            fn slice(buffer: &Buffer) -> Option<&[Self]> {
                match buffer { Buffer::$variant(v) => Some(v), _ => None }
            }
            fn slice_mut(buffer: &mut Buffer) -> Option<&mut Vec<Self>> {
                match buffer { Buffer::$variant(v) => Some(v), _ => None }
            }
        }
    )*};
}
// Expands to one `impl Element` a line: the variant of `DType` and `Buffer`, and the Rust type.
elements!(
    F16 f16, BF16 bf16, F32 f32, F64 f64, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64,
    Bool bool, String Vec<u8>, Complex64 [f32; 2], Complex128 [f64; 2]
);

macro_rules! plain {
    ($($type:ty),*) => {$( impl Plain for $type {} )*};
}
// Every element type but strings.
plain!(f16, bf16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, bool, [f32; 2], [f64; 2]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for dtype in DType::STORABLE {
            assert_eq!(DType::from_name(dtype.name()), Some(dtype));
        }
        assert_eq!(DType::from_name("float"), Some(DType::F32));
        assert_eq!(DType::from_name("float8"), None);
    }
}
