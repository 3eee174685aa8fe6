//! Values of fields: what follows a key.

use super::writer::put_delimited;
use super::{Message, Reader, put_varint};
use crate::text::TextReader;
use crate::{Error, Result};

/// How a value is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Wire {
    /// 1 to 10 bytes.
    Varint = 0,
    /// 8 bytes.
    Fixed64 = 1,
    /// A length and that many bytes.
    Delimited = 2,
    /// Start of a group.
    StartGroup = 3,
    /// End of a group.
    EndGroup = 4,
    /// 4 bytes.
    Fixed32 = 5,
}

impl Wire {
    pub(crate) fn from_bits(bits: u8) -> Option<Wire> {
        Some(match bits {
            0 => Wire::Varint,
            1 => Wire::Fixed64,
            2 => Wire::Delimited,
            3 => Wire::StartGroup,
            4 => Wire::EndGroup,
            5 => Wire::Fixed32,
            _ => return None,
        })
    }
}

/// A Rust type that is the value of a field.
pub trait Value: Default + Clone + PartialEq + std::fmt::Debug {
    /// The layout.
    const WIRE: Wire;
    /// Reads a value; the key is read already.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    fn read(reader: &mut Reader<'_>) -> Result<Self>;
    /// Appends the value, without key.
    fn write(&self, out: &mut Vec<u8>);
    /// Reads the text format's form.
    ///
    /// # Errors
    /// [`Error::Text`].
    fn read_text(text: &mut TextReader<'_>) -> Result<Self>;
    /// Whether the value is the one that proto3 leaves out.
    fn is_default(&self) -> bool;
    /// As [`Message::sort_maps`]; nothing for values that are no messages.
    fn sort_maps(&mut self) {}
}

/// A [`Value`] that can be a map's key.
pub trait MapKey: Value + Ord + std::hash::Hash {}
impl MapKey for String {}
impl MapKey for i32 {}
impl MapKey for u32 {}
impl MapKey for i64 {}

macro_rules! varints {
    ($($type:ty;)*) => {$(
        impl Value for $type {
            const WIRE: Wire = Wire::Varint;
            fn read(reader: &mut Reader<'_>) -> Result<Self> { Ok(reader.varint()? as $type) }
            // Negative 32-bit numbers are written sign-extended to 10 bytes.
            fn write(&self, out: &mut Vec<u8>) { put_varint(out, *self as i64 as u64) }
            fn read_text(text: &mut TextReader<'_>) -> Result<Self> {
                let number = text.integer()?;
                <$type>::try_from(number).map_err(|_| text.wrong(concat!("a value of ", stringify!($type)), number.to_string()))
            }
            fn is_default(&self) -> bool { *self == 0 }
        }
    )*};
}
// int32, int64, uint32 and uint64; a varint too large for the type is cut, as protobuf does.
varints!(i32; i64; u32; u64;);

impl Value for bool {
    const WIRE: Wire = Wire::Varint;
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(reader.varint()? != 0)
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn read_text(text: &mut TextReader<'_>) -> Result<Self> {
        text.boolean()
    }
    fn is_default(&self) -> bool {
        !*self
    }
}

macro_rules! floats {
    ($($type:ty, $wire:ident;)*) => {$(
        impl Value for $type {
            const WIRE: Wire = Wire::$wire;
            fn read(reader: &mut Reader<'_>) -> Result<Self> { Ok(<$type>::from_le_bytes(reader.array()?)) }
            fn write(&self, out: &mut Vec<u8>) { out.extend_from_slice(&self.to_le_bytes()) }
            fn read_text(text: &mut TextReader<'_>) -> Result<Self> { Ok(text.float()? as $type) }
            // Minus zero is not the default: it is written.
            fn is_default(&self) -> bool { self.to_bits() == 0 }
        }
    )*};
}
// float and double.
floats!(f32, Fixed32; f64, Fixed64;);

impl Value for String {
    const WIRE: Wire = Wire::Delimited;
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let bytes = reader.delimited()?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(error) => {
                let at = reader.offset() - bytes.len() + error.valid_up_to();
                Err(Error::malformed(at, "UTF-8", "bytes that are none"))
            }
        }
    }
    fn write(&self, out: &mut Vec<u8>) {
        put_varint(out, self.len() as u64);
        out.extend_from_slice(self.as_bytes());
    }
    fn read_text(text: &mut TextReader<'_>) -> Result<Self> {
        let bytes = text.string()?;
        String::from_utf8(bytes).map_err(|_| text.wrong("UTF-8", "bytes that are none"))
    }
    fn is_default(&self) -> bool {
        self.is_empty()
    }
}

impl Value for Vec<u8> {
    const WIRE: Wire = Wire::Delimited;
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(reader.delimited()?.to_vec())
    }
    fn write(&self, out: &mut Vec<u8>) {
        put_varint(out, self.len() as u64);
        out.extend_from_slice(self);
    }
    fn read_text(text: &mut TextReader<'_>) -> Result<Self> {
        text.string()
    }
    fn is_default(&self) -> bool {
        self.is_empty()
    }
}

/// `sint64`: a number folded so that small negative ones are short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zigzag(pub i64);

impl Value for Zigzag {
    const WIRE: Wire = Wire::Varint;
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let folded = reader.varint()?;
        Ok(Zigzag((folded >> 1) as i64 ^ -((folded & 1) as i64)))
    }
    fn write(&self, out: &mut Vec<u8>) {
        put_varint(out, (self.0 << 1 ^ self.0 >> 63) as u64);
    }
    fn read_text(text: &mut TextReader<'_>) -> Result<Self> {
        i64::read_text(text).map(Zigzag)
    }
    fn is_default(&self) -> bool {
        self.0 == 0
    }
}

impl<T: Value> Value for Box<T> {
    const WIRE: Wire = T::WIRE;
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        T::read(reader).map(Box::new)
    }
    fn write(&self, out: &mut Vec<u8>) {
        (**self).write(out);
    }
    fn read_text(text: &mut TextReader<'_>) -> Result<Self> {
        T::read_text(text).map(Box::new)
    }
    fn is_default(&self) -> bool {
        (**self).is_default()
    }
}

/// Shared by the `Value` of every message type.
pub(crate) fn write_message(message: &impl Message, out: &mut Vec<u8>) {
    put_delimited(out, |out| message.encode_into(out));
}
