//! Hashes of strings that other programs computed too: they have to agree to the bit.

/// SipHash-2-4.
pub(super) fn sip_hash(key: [u64; 2], s: &[u8]) -> u64 {
    let mut v = [
        key[0] ^ 0x736f_6d65_7073_6575,
        key[1] ^ 0x646f_7261_6e64_6f6d,
        key[0] ^ 0x6c79_6765_6e65_7261,
        key[1] ^ 0x7465_6462_7974_6573,
    ];
    fn round(v: &mut [u64; 4]) {
        v[0] = v[0].wrapping_add(v[1]);
        v[1] = v[1].rotate_left(13) ^ v[0];
        v[0] = v[0].rotate_left(32);
        v[2] = v[2].wrapping_add(v[3]);
        v[3] = v[3].rotate_left(16) ^ v[2];
        v[0] = v[0].wrapping_add(v[3]);
        v[3] = v[3].rotate_left(21) ^ v[0];
        v[2] = v[2].wrapping_add(v[1]);
        v[1] = v[1].rotate_left(17) ^ v[2];
        v[2] = v[2].rotate_left(32);
    }
    let mut word = |m: u64| {
        v[3] ^= m;
        round(&mut v);
        round(&mut v);
        v[0] ^= m;
    };
    let (blocks, rest) = s.as_chunks::<8>();
    let mut last = (s.len() as u64) << 56;
    for (i, &b) in rest.iter().enumerate() {
        last |= u64::from(b) << (8 * i);
    }
    for block in blocks {
        word(u64::from_le_bytes(*block));
    }
    word(last);
    v[2] ^= 0xff;
    for _ in 0..4 {
        round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

/// MurmurHash64A with the seed of TensorFlow.
pub(super) fn murmur_hash(s: &[u8]) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    let mut h = 0xde_cafc_affe_u64 ^ (s.len() as u64).wrapping_mul(M);
    let (blocks, rest) = s.as_chunks::<8>();
    for block in blocks {
        let mut k = u64::from_le_bytes(*block).wrapping_mul(M);
        k ^= k >> 47;
        h = (h ^ k.wrapping_mul(M)).wrapping_mul(M);
    }
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, &b| tail << 8 | u64::from(b));
        h = (h ^ tail).wrapping_mul(M);
    }
    h = (h ^ h >> 47).wrapping_mul(M);
    h ^ h >> 47
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values: `tf.strings.to_hash_bucket_strong` with 2^31 - 1 buckets.
    #[test]
    fn hashes_are_tensorflows() {
        let long: Vec<u8> = (0..200u32).map(|i| (i * 7 % 251) as u8).collect();
        let cases: [(Vec<u8>, u64); 10] = [
            (b"".to_vec(), 1_761_168_125),
            (b"a".to_vec(), 294_755_910),
            (b"abcd".to_vec(), 453_866_342),
            (b"hello".to_vec(), 678_338_557),
            (b"hello world".to_vec(), 76_835_107),
            (b"0123456789abcdefXYZ".to_vec(), 78_092_662),
            (vec![b'x'; 40], 2_092_696_231),
            ((33..97).collect(), 126_475_493),
            ((30..120).collect(), 1_780_761_207),
            (long, 1_918_963_168),
        ];
        for (s, strong) in cases {
            assert_eq!(sip_hash([123_456_789, 987_654_321], &s) % 0x7fff_ffff, strong, "{} bytes", s.len());
        }
    }
}
