//! Tensors of strings in a data file.
//!
//! | part | bytes | content |
//! |---|---|---|
//! | lengths | n | a varint an element |
//! | checksum | 4 | masked crc32c over the lengths, each as `u32` (as `u64` where it needs more) |
//! | strings | n | one after another |
//!
//! The entry's checksum covers the lengths as `u32` or `u64`, the four checksum bytes and the strings.

use crate::coding::{put_varint, take_varint};
use crate::crc;

/// Appends the stored form; returns the entry's masked checksum.
pub(crate) fn encode(strings: &[Vec<u8>], out: &mut Vec<u8>) -> u32 {
    let mut crc = 0u32;
    for string in strings {
        put_varint(out, string.len() as u64);
        crc = append_length(crc, string.len() as u64, false);
    }
    let lengths = crc::mask(crc).to_le_bytes();
    out.extend(lengths);
    crc = crc32c::crc32c_append(crc, &lengths);
    for string in strings {
        out.extend(string);
        crc = crc32c::crc32c_append(crc, string);
    }
    crc::mask(crc)
}

/// What is wrong with stored strings.
pub(crate) enum Fault {
    /// What was expected and what was found.
    Layout(String, String),
    /// The checksum stored and that of the bytes.
    Checksum(u32, u32),
}

/// Reads the stored form of `count` strings and checks both checksums.
pub(crate) fn decode(bytes: &[u8], count: usize, big_endian: bool, entry_crc: u32) -> Result<Vec<Vec<u8>>, Fault> {
    let layout = |expected: &str, found: String| Fault::Layout(expected.into(), found);
    // Every string takes a byte for its length at least.
    if count > bytes.len() {
        return Err(layout(&format!("at least {count} bytes for {count} strings"), format!("{} bytes", bytes.len())));
    }
    let mut rest = bytes;
    let mut lengths = Vec::with_capacity(count);
    let mut crc = 0u32;
    for i in 0..count {
        let length =
            take_varint(&mut rest).ok_or_else(|| layout("the lengths of all strings", format!("{i} of them")))?;
        crc = append_length(crc, length, big_endian);
        lengths.push(length);
    }
    let (stored, mut rest) = rest
        .split_first_chunk::<4>()
        .ok_or_else(|| layout("the checksum of the lengths", "the tensor's end".into()))?;
    let number = if big_endian { u32::from_be_bytes(*stored) } else { u32::from_le_bytes(*stored) };
    if number != crc::mask(crc) {
        return Err(Fault::Checksum(number, crc::mask(crc)));
    }
    crc = crc32c::crc32c_append(crc, stored);
    crc = crc32c::crc32c_append(crc, rest);
    if crc::mask(crc) != entry_crc {
        return Err(Fault::Checksum(entry_crc, crc::mask(crc)));
    }
    let mut strings = Vec::with_capacity(count);
    for &length in &lengths {
        let length = usize::try_from(length).ok().filter(|&n| n <= rest.len());
        let length = length.ok_or_else(|| layout("strings within the tensor", format!("{} bytes left", rest.len())))?;
        let (string, after) = rest.split_at(length);
        strings.push(string.to_vec());
        rest = after;
    }
    match rest.len() {
        0 => Ok(strings),
        n => Err(layout("strings that fill the tensor", format!("{n} further bytes"))),
    }
}

fn append_length(crc: u32, length: u64, big_endian: bool) -> u32 {
    match (u32::try_from(length), big_endian) {
        (Ok(short), false) => crc32c::crc32c_append(crc, &short.to_le_bytes()),
        (Ok(short), true) => crc32c::crc32c_append(crc, &short.to_be_bytes()),
        (Err(_), false) => crc32c::crc32c_append(crc, &length.to_le_bytes()),
        (Err(_), true) => crc32c::crc32c_append(crc, &length.to_be_bytes()),
    }
}
