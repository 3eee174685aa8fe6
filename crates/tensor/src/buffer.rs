//! Elements in row-major order, without a shape.

use half::{bf16, f16};

use crate::{DType, Element, Error, Plain, Result};

/// The elements of a tensor in row-major order, one variant a [`DType`].
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "one variant a dtype, described there")]
pub enum Buffer {
    F16(Vec<f16>),
    BF16(Vec<bf16>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    I8(Vec<i8>),
    I16(Vec<i16>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
    U64(Vec<u64>),
    Bool(Vec<bool>),
    String(Vec<Vec<u8>>),
    Complex64(Vec<[f32; 2]>),
    Complex128(Vec<[f64; 2]>),
}

/// Runs an expression for the element vector in a [`Buffer`], whatever its type.
///
/// `each_buffer!(buffer, v => v.len())` expands to a `match` with one arm a variant, `v` bound to its vector.
#[macro_export]
macro_rules! each_buffer {
    ($buffer:expr, $v:ident => $body:expr) => {
        match $buffer {
            $crate::Buffer::F16($v) => $body,
            $crate::Buffer::BF16($v) => $body,
            $crate::Buffer::F32($v) => $body,
            $crate::Buffer::F64($v) => $body,
            $crate::Buffer::I8($v) => $body,
            $crate::Buffer::I16($v) => $body,
            $crate::Buffer::I32($v) => $body,
            $crate::Buffer::I64($v) => $body,
            $crate::Buffer::U8($v) => $body,
            $crate::Buffer::U16($v) => $body,
            $crate::Buffer::U32($v) => $body,
            $crate::Buffer::U64($v) => $body,
            $crate::Buffer::Bool($v) => $body,
            $crate::Buffer::String($v) => $body,
            $crate::Buffer::Complex64($v) => $body,
            $crate::Buffer::Complex128($v) => $body,
        }
    };
}

/// Runs an expression with a type alias bound to the Rust type of a storable [`DType`] of fixed size.
///
/// `each_plain!(dtype, T => body, else other)` runs `body` with `T` naming the type, and `other` for strings,
/// resources and variants.
#[macro_export]
macro_rules! each_plain {
    ($dtype:expr, $t:ident => $body:expr, else $other:expr) => {
        $crate::each_plain!(@arms $dtype, $t, $body, $other;
            F16 $crate::f16, BF16 $crate::bf16, F32 f32, F64 f64, I8 i8, I16 i16, I32 i32, I64 i64,
            U8 u8, U16 u16, U32 u32, U64 u64, Bool bool, Complex64 [f32; 2], Complex128 [f64; 2])
    };
    (@arms $dtype:expr, $t:ident, $body:expr, $other:expr; $($variant:ident $type:ty),*) => {
        match $dtype {
            $($crate::DType::$variant => { type $t = $type; $body })*
            _ => $other,
        }
    };
}

impl Buffer {
    /// `len` zeros (false, empty strings).
    ///
    /// # Errors
    /// [`Error::NoStorage`] for resources and variants.
    pub fn zeros(dtype: DType, len: usize) -> Result<Buffer> {
        if dtype == DType::String {
            return Ok(Buffer::String(vec![Vec::new(); len]));
        }
        each_plain!(dtype, T => {
            let elements = vec![T::default(); len];
            crate::pages::expect_use(bytemuck::cast_slice(&elements));
            Ok(T::into_buffer(elements))
        }, else Err(Error::NoStorage { dtype }))
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        fn of<T: Element>(_: &[T]) -> DType {
            T::DTYPE
        }
        each_buffer!(self, v => of(v))
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        each_buffer!(self, v => v.len())
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements' bytes in native (little-endian) order; `None` for strings.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        trait Bytes {
            fn bytes(&self) -> Option<&[u8]>;
        }
        impl<T: Plain> Bytes for Vec<T> {
            fn bytes(&self) -> Option<&[u8]> {
                Some(bytemuck::cast_slice(self))
            }
        }
        impl Bytes for Vec<Vec<u8>> {
            fn bytes(&self) -> Option<&[u8]> {
                None
            }
        }
        each_buffer!(self, v => v.bytes())
    }

    /// The elements' bytes, writable: files are read straight into them. `None` for strings and for bool, where not
    /// every byte is a value (see [`Buffer::from_bytes`]).
    pub fn as_bytes_mut(&mut self) -> Option<&mut [u8]> {
        trait Bytes {
            fn bytes(&mut self) -> Option<&mut [u8]>;
        }
        macro_rules! pod {
            ($($type:ty),*) => {$( impl Bytes for Vec<$type> {
                fn bytes(&mut self) -> Option<&mut [u8]> { Some(bytemuck::cast_slice_mut(self)) }
            } )*};
        }
        // Every element type for which all bit patterns are values.
        pod!(f16, bf16, f32, f64, i8, i16, i32, i64, u8, u16, u32, u64, [f32; 2], [f64; 2]);
        impl Bytes for Vec<bool> {
            fn bytes(&mut self) -> Option<&mut [u8]> {
                None
            }
        }
        impl Bytes for Vec<Vec<u8>> {
            fn bytes(&mut self) -> Option<&mut [u8]> {
                None
            }
        }
        each_buffer!(self, v => v.bytes())
    }

    /// Copies little-endian bytes into a new buffer.
    ///
    /// # Errors
    /// [`Error::ByteLength`] where the length is no multiple of the element's size, [`Error::NotBool`] for a bool
    /// byte other than 0 and 1, [`Error::NoStorage`] for strings, resources and variants.
    pub fn from_bytes(dtype: DType, bytes: &[u8]) -> Result<Buffer> {
        let size = dtype.size().ok_or(Error::NoStorage { dtype })?;
        if !bytes.len().is_multiple_of(size) {
            return Err(Error::ByteLength { dtype, expected: bytes.len() / size * size, found: bytes.len() });
        }
        if dtype == DType::Bool {
            if let Some(at) = bytes.iter().position(|&b| b > 1) {
                return Err(Error::NotBool { at, found: bytes[at] });
            }
            return Ok(Buffer::Bool(bytes.iter().map(|&b| b == 1).collect()));
        }
        let mut buffer = Buffer::zeros(dtype, bytes.len() / size)?;
        if let Some(target) = buffer.as_bytes_mut() {
            target.copy_from_slice(bytes);
        }
        Ok(buffer)
    }
}
