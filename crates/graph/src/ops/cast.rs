//! Conversion between element types.

use kerox_tensor::{Buffer, DType, bf16, f16};

use super::dispatch::unsupported;
use crate::{Data, Result, Run};

/// A type elements are converted to.
trait Target: Sized {
    fn of_f64(value: f64) -> Self;
    fn of_f32(value: f32) -> Self;
    fn of_i64(value: i64) -> Self;
    fn of_u64(value: u64) -> Self;
}

macro_rules! targets {
    ($($type:ty)*) => {$( impl Target for $type {
        #[inline(always)]
        fn of_f64(value: f64) -> Self { value as $type }
        #[inline(always)]
        fn of_f32(value: f32) -> Self { value as $type }
        #[inline(always)]
        fn of_i64(value: i64) -> Self { value as $type }
        #[inline(always)]
        fn of_u64(value: u64) -> Self { value as $type }
    } )*};
}
// One `impl Target` a type that Rust's `as` converts to: floats are cut towards zero, integers wrap.
targets!(f32 f64 i8 i16 i32 i64 u8 u16 u32 u64);

macro_rules! halves {
    ($($type:ty)*) => {$( impl Target for $type {
        fn of_f64(value: f64) -> Self { <$type>::from_f64(value) }
        fn of_f32(value: f32) -> Self { <$type>::from_f32(value) }
        fn of_i64(value: i64) -> Self { <$type>::from_f64(value as f64) }
        fn of_u64(value: u64) -> Self { <$type>::from_f64(value as f64) }
    } )*};
}
// One `impl Target` a half type.
halves!(f16 bf16);

impl Target for bool {
    fn of_f64(value: f64) -> Self {
        value != 0.0
    }
    fn of_f32(value: f32) -> Self {
        value != 0.0
    }
    fn of_i64(value: i64) -> Self {
        value != 0
    }
    fn of_u64(value: u64) -> Self {
        value != 0
    }
}

fn convert<T: Target>(from: &Buffer, n: usize, to: &mut [T]) -> Result<()> {
    macro_rules! each {
        ($v:expr, $f:expr) => {
            to.iter_mut().zip(&$v[..n]).for_each(|(o, &x)| *o = $f(x))
        };
    }
    match from {
        Buffer::F32(v) => each!(v, T::of_f32),
        Buffer::F64(v) => each!(v, T::of_f64),
        Buffer::F16(v) => each!(v, |x: f16| T::of_f32(x.to_f32())),
        Buffer::BF16(v) => each!(v, |x: bf16| T::of_f32(x.to_f32())),
        Buffer::I8(v) => each!(v, |x| T::of_i64(i64::from(x))),
        Buffer::I16(v) => each!(v, |x| T::of_i64(i64::from(x))),
        Buffer::I32(v) => each!(v, |x| T::of_i64(i64::from(x))),
        Buffer::I64(v) => each!(v, T::of_i64),
        Buffer::U8(v) => each!(v, |x| T::of_i64(i64::from(x))),
        Buffer::U16(v) => each!(v, |x| T::of_i64(i64::from(x))),
        Buffer::U32(v) => each!(v, |x| T::of_i64(i64::from(x))),
        Buffer::U64(v) => each!(v, T::of_u64),
        Buffer::Bool(v) => each!(v, |x| T::of_i64(i64::from(x))),
        _ => return Err(unsupported("Cast", from.dtype())),
    }
    Ok(())
}

/// Converts the first input to the type of the first output.
pub(super) fn cast(run: &mut Run<'_, '_>) -> Result<()> {
    let input = run.input(0);
    let Data::Elements(from) = input.data else { return Err(unsupported("Cast", DType::Variant)) };
    let n = input.shape.elements();
    let to = &mut *run.outputs[0].buffer;
    match to {
        Buffer::F32(out) => convert(from, n, out),
        Buffer::F64(out) => convert(from, n, out),
        Buffer::F16(out) => convert(from, n, out),
        Buffer::BF16(out) => convert(from, n, out),
        Buffer::I8(out) => convert(from, n, out),
        Buffer::I16(out) => convert(from, n, out),
        Buffer::I32(out) => convert(from, n, out),
        Buffer::I64(out) => convert(from, n, out),
        Buffer::U8(out) => convert(from, n, out),
        Buffer::U16(out) => convert(from, n, out),
        Buffer::U32(out) => convert(from, n, out),
        Buffer::U64(out) => convert(from, n, out),
        Buffer::Bool(out) => convert(from, n, out),
        other => Err(unsupported("Cast", other.dtype())),
    }
}
