//! Protocol buffers' wire format: messages that lose nothing.
//!
//! A message is a sequence of fields, each a key (varint: `number << 3 | type`) and a value:
//!
//! | type | value |
//! |---|---|
//! | 0 | varint: 7 bits a byte, low bits first, the top bit set on all but the last of at most 10 bytes |
//! | 1 | 8 bytes, little-endian |
//! | 2 | varint length, then that many bytes: strings, bytes, messages, packed lists, map entries |
//! | 3, 4 | start and end of a group (long out of use; only skipped) |
//! | 5 | 4 bytes, little-endian |
//!
//! Example: `0a 03 61 62 63` is field 1 with the string `abc`.
//!
//! Every message type keeps the fields it does not know in `unknown`, byte for byte, and maps keep the order they had
//! in the file: a file written by TensorFlow, read and written again, comes out with the same bytes. That, an error that
//! says at which path and offset a message is broken, and the text format (which needs the fields' names) are why the
//! messages are declared by macros of this crate and not by derives of a general protobuf library.
//!
//! Source: <https://protobuf.dev/programming-guides/encoding/>.

#[macro_use]
mod declare;
pub(crate) mod field;
mod map;
mod message;
mod reader;
mod unknown;
mod value;
mod writer;

pub use map::Map;
pub use message::{MAX_DEPTH, Message, Oneof};
pub use reader::Reader;
pub use unknown::Unknown;
pub(crate) use value::write_message;
pub use value::{MapKey, Value, Wire, Zigzag};
pub(crate) use writer::{put_key, put_varint};
