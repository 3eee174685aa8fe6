//! Filters of chunked data: deflate, shuffle, fletcher32, lzf.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::cursor::Cursor;
use crate::error::{Decoded, Fault};

/// One step of the pipeline.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Filter {
    pub(crate) id: u16,
    pub(crate) name: String,
    pub(crate) values: Vec<u32>,
}

/// Filters HDF5 allows at most.
const MAX_FILTERS: u8 = 32;

pub(crate) fn read(mut cursor: Cursor<'_>) -> Decoded<Vec<Filter>> {
    let version = cursor.version("filter pipeline", 1..=2)?;
    let at = cursor.offset();
    let count = cursor.u8()?;
    if count > MAX_FILTERS {
        return Err(Fault::corrupt(at, format!("at most {MAX_FILTERS} filters"), format!("{count}")));
    }
    if version == 1 {
        cursor.skip(6)?;
    }
    let mut filters = Vec::new();
    for _ in 0..count {
        let id = cursor.u16()?;
        let name_len = if version == 1 || id >= 256 { cursor.u16()? as usize } else { 0 };
        cursor.skip(2)?;
        let n_values = cursor.u16()?;
        let name = cursor.bytes(if version == 1 { name_len.next_multiple_of(8) } else { name_len })?;
        let name = String::from_utf8_lossy(name).trim_end_matches('\0').to_string();
        let mut values = Vec::new();
        for _ in 0..n_values {
            values.push(cursor.u32()?);
        }
        if version == 1 && n_values % 2 == 1 {
            cursor.skip(4)?;
        }
        filters.push(Filter { id, name, values });
    }
    Ok(filters)
}

/// Undoes the pipeline for one chunk. `mask` has a bit for each filter that was left out; `size` is the length in
/// bytes that must come out.
pub(crate) fn undo(filters: &[Filter], mask: u32, stored: Vec<u8>, size: usize, at: u64) -> Decoded<Vec<u8>> {
    let mut bytes = stored;
    for (i, filter) in filters.iter().enumerate().rev() {
        if mask >> i & 1 == 1 {
            continue;
        }
        bytes = match filter.id {
            1 => inflate(&bytes, size, at)?,
            2 => unshuffle(&bytes, filter.values.first().map_or(1, |&n| n as usize)),
            3 => check_fletcher32(bytes, at)?,
            32000 => lzf(&bytes, size, at)?,
            id => {
                let name = if filter.name.is_empty() { "without a name" } else { &filter.name };
                return Err(Fault::unsupported(format!("data behind filter {id} ({name})")));
            }
        };
    }
    if bytes.len() != size {
        return Err(Fault::corrupt(at, format!("a chunk of {size} bytes"), format!("{}", bytes.len())));
    }
    Ok(bytes)
}

fn inflate(bytes: &[u8], size: usize, at: u64) -> Decoded<Vec<u8>> {
    // A checksum filter before deflate adds a few bytes.
    let most = size.saturating_add(16);
    let mut out = Vec::with_capacity(size.min(bytes.len().saturating_mul(1100)));
    let read = ZlibDecoder::new(bytes).take(most as u64 + 1).read_to_end(&mut out);
    match read {
        Ok(_) if out.len() <= most => Ok(out),
        Ok(_) => Err(Fault::corrupt(at, format!("a chunk of {size} bytes"), "more of them")),
        Err(error) => Err(Fault::corrupt(at, "deflated data", error.to_string())),
    }
}

/// Collects byte 0 of every element, byte 1 of every element, ... back into elements.
fn unshuffle(bytes: &[u8], element: usize) -> Vec<u8> {
    let count = bytes.len().checked_div(element).unwrap_or(0);
    if element < 2 || count < 2 {
        return bytes.to_vec();
    }
    let mut out = vec![0; bytes.len()];
    for (plane, run) in bytes.chunks_exact(count).take(element).enumerate() {
        for (target, &byte) in out.iter_mut().skip(plane).step_by(element).zip(run) {
            *target = byte;
        }
    }
    let whole = count * element;
    if let (Some(target), Some(rest)) = (out.get_mut(whole..), bytes.get(whole..)) {
        target.copy_from_slice(rest);
    }
    out
}

/// The reverse of [`unshuffle`].
pub(crate) fn shuffle(bytes: &[u8], element: usize) -> Vec<u8> {
    let count = bytes.len().checked_div(element).unwrap_or(0);
    if element < 2 || count < 2 {
        return bytes.to_vec();
    }
    let mut out = Vec::with_capacity(bytes.len());
    for plane in 0..element {
        out.extend(bytes.iter().skip(plane).step_by(element).take(count));
    }
    out.extend(bytes.iter().skip(count * element));
    out
}

/// Verifies and removes the checksum at the end of a chunk.
fn check_fletcher32(mut bytes: Vec<u8>, at: u64) -> Decoded<Vec<u8>> {
    let Some(split) = bytes.len().checked_sub(4) else {
        return Err(Fault::corrupt(at, "a chunk with a checksum", format!("{} bytes", bytes.len())));
    };
    let stored = bytes.split_off(split);
    let stored = stored.iter().rev().fold(0u32, |w, &byte| w << 8 | u32::from(byte));
    let expected = fletcher32(&bytes);
    // HDF5 before 1.6.3 stored the halves swapped on little-endian machines.
    let swapped = expected.swap_bytes().rotate_left(16);
    if stored != expected && stored != swapped {
        return Err(Fault::corrupt(at, format!("checksum {expected:#010x}"), format!("{stored:#010x}")));
    }
    Ok(bytes)
}

fn fletcher32(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (0u64, 0u64);
    let mut words = bytes.chunks_exact(2);
    for pair in &mut words {
        let [a, b] = pair else { continue };
        low = (low + (u64::from(*a) << 8 | u64::from(*b))) % 65535;
        high = (high + low) % 65535;
    }
    if let [last] = words.remainder() {
        low = (low + (u64::from(*last) << 8)) % 65535;
        high = (high + low) % 65535;
    }
    // The reference algorithm folds 16-bit carries, where a nonzero multiple of 65535 stays 65535.
    let fold = |sum: u64| if sum == 0 && bytes.iter().any(|&b| b != 0) { 65535 } else { sum as u32 };
    fold(high) << 16 | fold(low)
}

/// h5py's own compression, LZF by Marc Lehmann.
fn lzf(bytes: &[u8], size: usize, at: u64) -> Decoded<Vec<u8>> {
    let damaged = || Fault::corrupt(at, format!("LZF data of {size} bytes"), "a reference outside them");
    let mut out: Vec<u8> = Vec::with_capacity(size.min(bytes.len().saturating_mul(264)));
    let mut input = bytes.iter().copied();
    while let Some(control) = input.next() {
        if control < 32 {
            for _ in 0..=control {
                out.push(input.next().ok_or_else(damaged)?);
            }
        } else {
            let mut len = usize::from(control >> 5);
            if len == 7 {
                len += usize::from(input.next().ok_or_else(damaged)?);
            }
            let back = (usize::from(control & 31) << 8) + usize::from(input.next().ok_or_else(damaged)?) + 1;
            let start = out.len().checked_sub(back).ok_or_else(damaged)?;
            // The run may reach into what it appends.
            for from in start..start + len + 2 {
                let byte = out.get(from).copied().ok_or_else(damaged)?;
                out.push(byte);
            }
        }
        if out.len() > size {
            return Err(damaged());
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffling_comes_back() {
        let bytes: Vec<u8> = (0..23).collect();
        for element in [1, 2, 3, 4, 8, 22, 23, 24] {
            assert_eq!(unshuffle(&shuffle(&bytes, element), element), bytes, "{element}");
        }
        assert_eq!(shuffle(&[1, 2, 3, 4, 5], 2), [1, 3, 2, 4, 5]);
    }

    #[test]
    fn lzf_literals_and_references() {
        // Three literals, then 5 bytes from 3 back.
        assert_eq!(lzf(&[2, b'a', b'b', b'c', 3 << 5, 2], 8, 0).unwrap(), b"abcabcab");
        assert!(lzf(&[1 << 5, 0], 8, 0).is_err());
    }

    #[test]
    fn a_deflate_bomb_stops_at_the_chunk() {
        let mut zip = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut zip, &[0; 1 << 20]).unwrap();
        let bytes = zip.finish().unwrap();
        assert_eq!(inflate(&bytes, 1 << 20, 0).unwrap().len(), 1 << 20);
        assert!(inflate(&bytes, 1000, 0).is_err());
    }
}
