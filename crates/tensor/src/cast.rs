//! Conversion between element types.

use half::{bf16, f16};

use crate::{DType, Element, Error, Result, Tensor, each_buffer};

/// A number that can become any other.
trait Number: Copy {
    fn f64(self) -> f64;
    fn f32(self) -> f32;
    /// Toward zero; out of range integers wrap.
    fn i64(self) -> i64;
    fn is_zero(self) -> bool;
}

macro_rules! primitive {
    ($($type:ty),*) => {$(
        impl Number for $type {
            fn f64(self) -> f64 { self as f64 }
            fn f32(self) -> f32 { self as f32 }
            fn i64(self) -> i64 { self as i64 }
            fn is_zero(self) -> bool { self == 0 as $type }
        }
    )*};
}
// Expands to one `impl Number` a type.
primitive!(f32, f64, i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! through {
    ($($type:ty, $v:ident => $inner:expr);*) => {$(
        impl Number for $type {
            fn f64(self) -> f64 { let $v = self; $inner.f64() }
            fn f32(self) -> f32 { let $v = self; $inner.f32() }
            fn i64(self) -> i64 { let $v = self; $inner.i64() }
            fn is_zero(self) -> bool { let $v = self; $inner.is_zero() }
        }
    )*};
}
// Expands to one `impl Number` a type, by way of another type.
through!(f16, v => v.to_f32(); bf16, v => v.to_f32(); bool, v => u8::from(v); [f32; 2], v => v[0]; [f64; 2], v => v[0]);

/// Elements of a tensor as numbers of each kind.
trait Convert {
    fn convert(&self, to: DType) -> Option<crate::Buffer>;
}

impl<T: Number> Convert for Vec<T> {
    fn convert(&self, to: DType) -> Option<crate::Buffer> {
        fn all<T: Copy, U: Element>(from: &[T], f: impl Fn(T) -> U) -> crate::Buffer {
            U::into_buffer(from.iter().map(|&v| f(v)).collect())
        }
        Some(match to {
            DType::F16 => all(self, |v| f16::from_f64(v.f64())),
            DType::BF16 => all(self, |v| bf16::from_f64(v.f64())),
            DType::F32 => all(self, T::f32),
            DType::F64 => all(self, T::f64),
            DType::I8 => all(self, |v| v.i64() as i8),
            DType::I16 => all(self, |v| v.i64() as i16),
            DType::I32 => all(self, |v| v.i64() as i32),
            DType::I64 => all(self, T::i64),
            DType::U8 => all(self, |v| v.i64() as u8),
            DType::U16 => all(self, |v| v.i64() as u16),
            DType::U32 => all(self, |v| v.i64() as u32),
            // Floats beyond i64 still fit.
            DType::U64 => all(self, |v| if v.f64() >= 9.3e18 { v.f64() as u64 } else { v.i64() as u64 }),
            DType::Bool => all(self, |v| !v.is_zero()),
            DType::Complex64 => all(self, |v| [v.f32(), 0.0]),
            DType::Complex128 => all(self, |v| [v.f64(), 0.0]),
            DType::String | DType::Resource | DType::Variant => return None,
        })
    }
}

impl Convert for Vec<Vec<u8>> {
    fn convert(&self, _: DType) -> Option<crate::Buffer> {
        None
    }
}

impl Tensor {
    /// The elements as another type.
    ///
    /// Floats become integers by cutting off what is behind the point; integers that do not fit wrap around, floats
    /// beyond 64 bits become the nearest 64-bit integer first, NaN becomes 0. Anything but 0 is true; true is 1.
    /// A complex number loses its imaginary part.
    ///
    /// # Errors
    /// [`Error::Argument`] between strings and numbers.
    ///
    /// # Example
    /// ```
    /// use kerox_tensor::{DType, Tensor};
    /// let x = Tensor::from_vec(vec![-1.9f32, 0.0, 2.5], [3])?;
    /// assert_eq!(x.cast(DType::I32)?.as_slice::<i32>()?, [-1, 0, 2]);
    /// assert_eq!(x.cast(DType::Bool)?.as_slice::<bool>()?, [true, false, true]);
    /// # Ok::<(), kerox_tensor::Error>(())
    /// ```
    ///
    /// # Source
    /// tf.cast.
    pub fn cast(&self, to: DType) -> Result<Tensor> {
        let from = self.dtype();
        if from == to {
            return Ok(self.clone());
        }
        // Both complex: the imaginary part stays.
        let buffer = match (self.buffer(), to) {
            (crate::Buffer::Complex64(v), DType::Complex128) => {
                Some(Element::into_buffer(v.iter().map(|c| [f64::from(c[0]), f64::from(c[1])]).collect::<Vec<_>>()))
            }
            (crate::Buffer::Complex128(v), DType::Complex64) => {
                Some(Element::into_buffer(v.iter().map(|c| [c[0] as f32, c[1] as f32]).collect::<Vec<_>>()))
            }
            (buffer, _) => each_buffer!(buffer, v => v.convert(to)),
        };
        let buffer = buffer.ok_or_else(|| Error::Argument {
            operation: "cast tensor".to_owned(),
            argument: "dtype".to_owned(),
            expected: format!("a type that {from} converts to"),
            found: to.to_string(),
        })?;
        Tensor::from_buffer(buffer, self.shape().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_every_pair_of_types() {
        let numbers = || DType::STORABLE.into_iter().filter(|&d| d != DType::String);
        let x = Tensor::from_vec(vec![0f32, 1.0], [2]).unwrap();
        for a in numbers() {
            for b in numbers() {
                let there = x.cast(a).unwrap().cast(b).unwrap();
                assert_eq!(there.dtype(), b);
                assert_eq!(there.cast(DType::F32).unwrap(), x, "{a} {b}");
            }
        }
    }

    #[test]
    fn edges() {
        let cast = |v: f64, to| Tensor::scalar(v).cast(to).unwrap();
        assert_eq!(cast(300.7, DType::U8).to_scalar::<u8>(), Ok(44));
        assert_eq!(cast(f64::NAN, DType::I32).to_scalar::<i32>(), Ok(0));
        assert_eq!(cast(1.8e19, DType::U64).to_scalar::<u64>(), Ok(18_000_000_000_000_000_000));
        assert_eq!(Tensor::scalar(u64::MAX).cast(DType::U64).unwrap().to_scalar::<u64>(), Ok(u64::MAX));
        assert_eq!(Tensor::scalar(u64::MAX).cast(DType::I64).unwrap().to_scalar::<i64>(), Ok(-1));
        assert_eq!(Tensor::scalar(-1i8).cast(DType::U16).unwrap().to_scalar::<u16>(), Ok(u16::MAX));
        assert_eq!(Tensor::scalar([1f32, 2.0]).cast(DType::Complex128).unwrap().to_scalar(), Ok([1f64, 2.0]));
        let error = Tensor::scalar(1f32).cast(DType::String).unwrap_err();
        let expected = "cast tensor argument `dtype`: expected a type that float32 converts to, found string";
        assert_eq!(error.to_string(), expected);
        assert!(Tensor::from_strings(["a"], [1]).unwrap().cast(DType::String).is_ok());
    }
}
