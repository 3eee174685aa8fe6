//! Numbers in bytes: varints, and the order-preserving code of slice keys.
//!
//! # Source
//! tensorflow/core/lib/strings/ordered_code.cc: bytes compare as the coded values do.

/// Appends a base-128 varint.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 128 {
        out.push(value as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a base-128 varint off the front; `None` where it is cut off or exceeds 64 bits.
pub(crate) fn take_varint(input: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        let part = u64::from(byte & 127);
        if shift == 63 && part > 1 {
            return None;
        }
        value |= part << shift;
        if byte < 128 {
            return Some(value);
        }
    }
    None
}

/// Appends an ordered string: `00` becomes `00 ff`, `ff` becomes `ff 00`, and `00 01` ends it.
pub(crate) fn put_ordered_string(out: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        out.push(byte);
        match byte {
            0 => out.push(0xff),
            0xff => out.push(0),
            _ => {}
        }
    }
    out.extend([0, 1]);
}

/// Appends an ordered unsigned number: its length in bytes, then big-endian without leading zeros.
pub(crate) fn put_ordered_number(out: &mut Vec<u8>, value: u64) {
    let length = 8 - value.leading_zeros() as usize / 8;
    out.push(length as u8);
    out.extend(&value.to_be_bytes()[8 - length..]);
}

/// Appends an ordered signed number: the leading bits say how many bytes there are.
///
/// n bytes hold -2^(7n-1)..2^(7n-1): n leading bits are set (cleared for negative numbers), the next is the sign's.
pub(crate) fn put_ordered_signed(out: &mut Vec<u8>, value: i64) {
    let magnitude = if value < 0 { !value } else { value } as u64;
    let bits = 64 - magnitude.leading_zeros() as usize;
    // One bit for the sign; 7 bits a byte.
    let length = (bits / 7) + 1;
    // Big-endian, sign-extended to 10 bytes, of which the last `length` are written.
    let mut bytes = [if value < 0 { 0xff } else { 0 }; 10];
    bytes[2..].copy_from_slice(&value.to_be_bytes());
    let start = 10 - length;
    for bit in 0..length {
        bytes[start + bit / 8] ^= 0x80 >> (bit % 8);
    }
    out.extend(&bytes[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_read_back() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(take_varint(&mut &bytes[..]), Some(value));
            assert_eq!(take_varint(&mut &bytes[..bytes.len() - 1]), None);
        }
        assert_eq!(take_varint(&mut &[0xff; 11][..]), None);
    }

    #[test]
    fn signed_numbers_keep_their_order() {
        let check = |value, expected: &[u8]| {
            let mut out = Vec::new();
            put_ordered_signed(&mut out, value);
            assert_eq!(out, expected, "{value}");
        };
        check(0, &[0x80]);
        check(2, &[0x82]);
        check(-1, &[0x7f]);
        check(63, &[0xbf]);
        check(-64, &[0x40]);
        check(64, &[0xc0, 0x40]);
        check(-65, &[0x3f, 0xbf]);
        let values = [i64::MIN, -1 << 40, -8193, -8192, -65, -64, -1, 0, 1, 63, 64, 8191, 8192, 1 << 40, i64::MAX];
        let codes: Vec<Vec<u8>> = values
            .iter()
            .map(|&value| {
                let mut out = Vec::new();
                put_ordered_signed(&mut out, value);
                out
            })
            .collect();
        assert!(codes.is_sorted());
    }

    #[test]
    fn strings_escape_their_ends() {
        let mut out = Vec::new();
        put_ordered_string(&mut out, &[b'a', 0, 0xff]);
        assert_eq!(out, [b'a', 0, 0xff, 0xff, 0, 0, 1]);
        let mut out = Vec::new();
        put_ordered_number(&mut out, 0);
        put_ordered_number(&mut out, 258);
        assert_eq!(out, [0, 2, 1, 2]);
    }
}
