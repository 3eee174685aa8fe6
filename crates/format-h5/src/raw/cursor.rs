//! Reading fields one after another, each bounded by what is left.

use crate::error::{Decoded, Fault};

/// A position in bytes that were read from a known place of the file.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    data: &'a [u8],
    pos: usize,
    at: u64,
}

impl<'a> Cursor<'a> {
    /// `at` is the file offset of `data`.
    pub(crate) fn new(data: &'a [u8], at: u64) -> Cursor<'a> {
        Cursor { data, pos: 0, at }
    }

    /// The file offset of the next byte.
    pub(crate) fn offset(&self) -> u64 {
        self.at + self.pos as u64
    }

    pub(crate) fn left(&self) -> usize {
        self.data.len() - self.pos
    }

    /// The bytes that are left, without stepping over them.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.data.get(self.pos..).unwrap_or(&[])
    }

    pub(crate) fn bytes(&mut self, n: usize) -> Decoded<&'a [u8]> {
        let found = self.left();
        let part = self.pos.checked_add(n).and_then(|end| self.data.get(self.pos..end));
        let part = part.ok_or_else(|| Fault::corrupt(self.offset(), format!("{n} bytes"), format!("{found} left")))?;
        self.pos += n;
        Ok(part)
    }

    pub(crate) fn skip(&mut self, n: usize) -> Decoded<()> {
        self.bytes(n).map(|_| ())
    }

    /// A little-endian number of `size` bytes, at most 8.
    pub(crate) fn uint(&mut self, size: usize) -> Decoded<u64> {
        let mut value = [0; 8];
        let bytes = self.bytes(size)?;
        value.get_mut(..size).ok_or_else(|| Fault::unsupported("a number of over 8 bytes"))?.copy_from_slice(bytes);
        Ok(u64::from_le_bytes(value))
    }

    pub(crate) fn u8(&mut self) -> Decoded<u8> {
        Ok(self.uint(1)? as u8)
    }

    pub(crate) fn u16(&mut self) -> Decoded<u16> {
        Ok(self.uint(2)? as u16)
    }

    pub(crate) fn u32(&mut self) -> Decoded<u32> {
        Ok(self.uint(4)? as u32)
    }

    /// Wants these bytes next.
    pub(crate) fn signature(&mut self, wanted: &[u8; 4]) -> Decoded<()> {
        let at = self.offset();
        let found = self.bytes(4)?;
        if found != wanted {
            let (wanted, found) = (wanted.escape_ascii(), found.escape_ascii());
            return Err(Fault::corrupt(at, format!("`{wanted}`"), format!("`{found}`")));
        }
        Ok(())
    }

    /// Wants one of these version numbers next.
    pub(crate) fn version(&mut self, what: &str, wanted: std::ops::RangeInclusive<u8>) -> Decoded<u8> {
        let version = self.u8()?;
        if !wanted.contains(&version) {
            return Err(Fault::unsupported(format!("{what} version {version}")));
        }
        Ok(version)
    }
}
