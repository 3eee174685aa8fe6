//! Masked crc32c, as TensorFlow stores it.

use crate::layout::CRC_MASK_DELTA;

/// The stored form of a checksum: a checksum over bytes that hold checksums stays meaningful.
pub(crate) fn mask(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(CRC_MASK_DELTA)
}

/// The masked checksum of bytes.
pub(crate) fn masked(bytes: &[u8]) -> u32 {
    mask(crc32c::crc32c(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        // RFC 3720, B.4.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(masked(b""), 0xa282_ead8);
    }
}
