//! Fields a message type does not know.

use std::fmt;

/// Fields, keys included, that the message type does not declare (or that were written with another wire type), in the
/// order of the file. They are written back after the known fields, where protobuf's own libraries put them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Unknown(Vec<u8>);

impl Unknown {
    /// The bytes of the fields.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends a whole field.
    pub(crate) fn push(&mut self, field: &[u8]) {
        self.0.extend_from_slice(field);
    }
}

impl fmt::Debug for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}
