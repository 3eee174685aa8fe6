//! Reading keys, varints and lengths out of hostile bytes.

use super::{MAX_DEPTH, Wire};
use crate::{Error, Result};

/// A cursor over one message's bytes.
///
/// Nothing is allocated on the word of a length: every length is held against the bytes that are left first.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    /// Offset of `bytes[0]` in the file.
    base: usize,
    at: usize,
    depth: u32,
}

impl<'a> Reader<'a> {
    /// A cursor at the start of a top-level message.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, base: 0, at: 0, depth: 0 }
    }

    /// Offset of the next byte in the file.
    pub fn offset(&self) -> usize {
        self.base + self.at
    }

    /// Whether all bytes are read.
    pub fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// What is left.
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    /// The bytes from an offset of the file up to the cursor.
    pub(crate) fn since(&self, offset: usize) -> &'a [u8] {
        self.bytes.get(offset.saturating_sub(self.base)..self.at).unwrap_or(&[])
    }

    pub(crate) fn malformed(&self, expected: impl Into<String>, found: impl Into<String>) -> Error {
        Error::malformed(self.offset(), expected, found)
    }

    /// The next varint.
    ///
    /// # Errors
    /// [`Error::Malformed`] when the bytes end inside it or it is longer than 10 bytes.
    pub fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for (i, &byte) in self.rest().iter().take(10).enumerate() {
            // The tenth byte holds one bit; what is above it is dropped, as protobuf does.
            value |= u64::from(byte & 0x7f).checked_shl(7 * i as u32).unwrap_or(0);
            if byte < 0x80 {
                self.at += i + 1;
                return Ok(value);
            }
        }
        Err(match self.rest().len() {
            left @ 0..10 => self.malformed("the rest of a varint", format!("the end after {left} bytes")),
            _ => self.malformed("a varint of at most 10 bytes", "an 11th byte"),
        })
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// [`Error::Malformed`] when fewer are left.
    pub fn take(&mut self, length: u64) -> Result<&'a [u8]> {
        let left = self.rest();
        match usize::try_from(length).ok().and_then(|n| left.get(..n)) {
            Some(bytes) => {
                self.at += bytes.len();
                Ok(bytes)
            }
            None => Err(self.malformed(format!("{length} bytes"), format!("{} left", left.len()))),
        }
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// As [`Reader::take`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N as u64)?);
        Ok(array)
    }

    /// A length and that many bytes.
    ///
    /// # Errors
    /// As [`Reader::take`].
    pub fn delimited(&mut self) -> Result<&'a [u8]> {
        let start = self.clone();
        let length = self.varint()?;
        self.take(length).inspect_err(|_| *self = start)
    }

    /// A length and a cursor over that many bytes, one level deeper.
    ///
    /// # Errors
    /// [`Error::Malformed`] also when messages are nested deeper than [`MAX_DEPTH`].
    pub fn nested(&mut self) -> Result<Reader<'a>> {
        let bytes = self.delimited()?;
        let depth = self.depth + 1;
        if depth > MAX_DEPTH {
            return Err(self.malformed(format!("at most {MAX_DEPTH} nested messages"), "one more"));
        }
        Ok(Reader { bytes, base: self.offset() - bytes.len(), at: 0, depth })
    }

    /// A cursor over packed values: a length and that many bytes on the same level.
    pub(crate) fn packed(&mut self) -> Result<Reader<'a>> {
        let bytes = self.delimited()?;
        Ok(Reader { bytes, base: self.offset() - bytes.len(), at: 0, depth: self.depth })
    }

    /// A field's number and wire type.
    ///
    /// # Errors
    /// [`Error::Malformed`] for the number 0 and for wire types 6 and 7.
    pub fn key(&mut self) -> Result<(u32, Wire)> {
        let start = self.clone();
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|&n| n > 0 && n < 1 << 29);
        let wire = Wire::from_bits(key as u8 & 7);
        match (number, wire) {
            (Some(number), Some(wire)) => Ok((number, wire)),
            _ => Err(start.malformed("a field's key", format!("number {}, wire type {}", key >> 3, key & 7))),
        }
    }

    /// Steps over a value.
    ///
    /// # Errors
    /// [`Error::Malformed`] where it is cut off, a group is not closed, or groups are nested too deep.
    pub fn skip(&mut self, number: u32, wire: Wire) -> Result<()> {
        self.skip_within(number, wire, self.depth)
    }

    fn skip_within(&mut self, number: u32, wire: Wire, depth: u32) -> Result<()> {
        match wire {
            Wire::Varint => self.varint().map(|_| ()),
            Wire::Fixed64 => self.take(8).map(|_| ()),
            Wire::Fixed32 => self.take(4).map(|_| ()),
            Wire::Delimited => self.delimited().map(|_| ()),
            Wire::EndGroup => Err(self.malformed("a field", format!("the end of a group {number} never begun"))),
            Wire::StartGroup => {
                if depth >= MAX_DEPTH {
                    return Err(self.malformed(format!("at most {MAX_DEPTH} nested messages"), "one more"));
                }
                loop {
                    match self.key()? {
                        (n, Wire::EndGroup) if n == number => return Ok(()),
                        (n, inner) => self.skip_within(n, inner, depth + 1)?,
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints() {
        assert_eq!(Reader::new(&[0x96, 0x01]).varint().unwrap(), 150);
        let minus_one = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(Reader::new(&minus_one).varint().unwrap(), u64::MAX);
        assert!(Reader::new(&[0x80; 11]).varint().is_err());
        assert!(Reader::new(&[0x80]).varint().is_err());
    }

    #[test]
    fn a_two_gigabyte_claim_is_refused_at_once() {
        let error = Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x07, 1, 2]).delimited().unwrap_err();
        assert_eq!(error.to_string(), "read protobuf message at byte 5: expected 2147483647 bytes, found 2 left");
    }

    #[test]
    fn groups_are_stepped_over() {
        // Group 1 holding a varint field 2 and a group 3.
        let mut reader = Reader::new(&[0x0b, 0x10, 0x05, 0x1b, 0x1c, 0x0c, 0x08]);
        let (number, wire) = reader.key().unwrap();
        reader.skip(number, wire).unwrap();
        assert_eq!(reader.offset(), 6);
        let deep = [0x0bu8; 5000];
        let mut reader = Reader::new(&deep);
        let (number, wire) = reader.key().unwrap();
        assert!(reader.skip(number, wire).unwrap_err().to_string().contains("nested"));
    }
}
