//! What message types and oneofs can do.

use super::{Reader, Wire};
use crate::Result;
use crate::text::TextReader;

/// Nested messages allowed, protobuf's own default.
pub const MAX_DEPTH: u32 = 100;

/// A protobuf message.
///
/// # Example
/// ```
/// use kerox_format_savedmodel::messages::NodeDef;
/// use kerox_format_savedmodel::wire::Message;
///
/// let node = NodeDef::decode(b"\x0a\x01x\x12\x04NoOp\xfa\x3e\x01?")?;
/// assert_eq!((node.name.as_str(), node.op.as_str()), ("x", "NoOp"));
/// // Field 1007, unknown to this crate, is kept.
/// assert_eq!(node.encode(), b"\x0a\x01x\x12\x04NoOp\xfa\x3e\x01?");
/// # Ok::<(), kerox_format_savedmodel::Error>(())
/// ```
pub trait Message: Default {
    /// The message's name in its `.proto` file.
    const NAME: &'static str;

    /// Reads the value of field `number`; false where the field is unknown or has another wire type, and then nothing
    /// is read.
    ///
    /// # Errors
    /// [`crate::Error::Malformed`].
    fn merge_field(&mut self, number: u32, wire: Wire, reader: &mut Reader<'_>) -> Result<bool>;

    /// Keeps an unknown field, its key included.
    fn keep_unknown(&mut self, field: &[u8]);

    /// Reads the value of the field called `name` in the text format; false where there is none of that name.
    ///
    /// # Errors
    /// [`crate::Error::Text`].
    fn merge_text_field(&mut self, name: &str, text: &mut TextReader<'_>) -> Result<bool>;

    /// Puts the pairs of all maps inside into the order of their keys, as protobuf's deterministic serialization does.
    fn sort_maps(&mut self);

    /// Appends the message.
    fn encode_into(&self, out: &mut Vec<u8>);

    /// The message's bytes.
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    /// Reads fields until the bytes end.
    ///
    /// # Errors
    /// [`crate::Error::Malformed`].
    fn merge(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        while !reader.is_empty() {
            let start = reader.offset();
            let (number, wire) = reader.key()?;
            if !self.merge_field(number, wire, reader)? {
                reader.skip(number, wire)?;
                self.keep_unknown(reader.since(start));
            }
        }
        Ok(())
    }

    /// Reads a message that fills `bytes`.
    ///
    /// # Errors
    /// [`crate::Error::Malformed`] with the path to the field and the byte offset.
    fn decode(bytes: &[u8]) -> Result<Self> {
        let mut message = Self::default();
        message.merge(&mut Reader::new(bytes))?;
        Ok(message)
    }

    /// Reads a message in protobuf's text format (`.pbtxt`).
    ///
    /// # Errors
    /// [`crate::Error::Text`] with line and column.
    fn from_text(text: &str) -> Result<Self> {
        let mut message = Self::default();
        TextReader::new(text).message(&mut message)?;
        Ok(message)
    }
}

/// Fields of which at most one is set.
pub trait Oneof: Sized + Clone + PartialEq + std::fmt::Debug {
    /// The fields' names, as Rust writes them (`r#type`).
    const NAMES: &'static [&'static str];
    /// Reads a value; `None` where the number is another's or the wire type is wrong.
    ///
    /// # Errors
    /// [`crate::Error::Malformed`].
    fn read(number: u32, wire: Wire, reader: &mut Reader<'_>) -> Result<Option<Self>>;
    /// Reads the value of the field called `name`.
    ///
    /// # Errors
    /// [`crate::Error::Text`].
    fn read_text(name: &str, text: &mut TextReader<'_>) -> Result<Option<Self>>;
    /// Appends key and value.
    fn write(&self, out: &mut Vec<u8>);
    /// As [`Message::sort_maps`].
    fn sort_maps(&mut self);
}
