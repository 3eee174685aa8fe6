//! FarmHash's fingerprints of bytes, which other programs compute too: they have to agree to the bit.

const K0: u64 = 0xc3a5_c85c_97cb_3127;
const K1: u64 = 0xb492_b66f_be98_f273;
const K2: u64 = 0x9ae1_6a3b_2f90_404f;

fn fetch64(s: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&s[at..at + 8]);
    u64::from_le_bytes(bytes)
}

fn fetch32(s: &[u8], at: usize) -> u64 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&s[at..at + 4]);
    u64::from(u32::from_le_bytes(bytes))
}

fn shift_mix(v: u64) -> u64 {
    v ^ (v >> 47)
}

fn mix(u: u64, v: u64, mul: u64) -> u64 {
    let a = shift_mix((u ^ v).wrapping_mul(mul));
    shift_mix((v ^ a).wrapping_mul(mul)).wrapping_mul(mul)
}

fn up_to_16(s: &[u8]) -> u64 {
    let n = s.len() as u64;
    let mul = K2.wrapping_add(n * 2);
    match s.len() {
        8.. => {
            let a = fetch64(s, 0).wrapping_add(K2);
            let b = fetch64(s, s.len() - 8);
            let c = b.rotate_right(37).wrapping_mul(mul).wrapping_add(a);
            let d = a.rotate_right(25).wrapping_add(b).wrapping_mul(mul);
            mix(c, d, mul)
        }
        4.. => mix(n.wrapping_add(fetch32(s, 0) << 3), fetch32(s, s.len() - 4), mul),
        1.. => {
            let (a, b, c) = (u64::from(s[0]), u64::from(s[s.len() / 2]), u64::from(s[s.len() - 1]));
            let (y, z) = (a + (b << 8), n + (c << 2));
            shift_mix(y.wrapping_mul(K2) ^ z.wrapping_mul(K0)).wrapping_mul(K2)
        }
        0 => K2,
    }
}

/// The beginning that lengths from 17 to 64 share.
fn ends(s: &[u8], first: u64, mul: u64) -> (u64, u64, u64) {
    let a = fetch64(s, 0).wrapping_mul(first);
    let b = fetch64(s, 8);
    let c = fetch64(s, s.len() - 8).wrapping_mul(mul);
    let d = fetch64(s, s.len() - 16).wrapping_mul(K2);
    let y = a.wrapping_add(b).rotate_right(43).wrapping_add(c.rotate_right(30)).wrapping_add(d);
    let z = a.wrapping_add(b.wrapping_add(K2).rotate_right(18)).wrapping_add(c);
    (a, y, mix(y, z, mul))
}

fn up_to_64(s: &[u8]) -> u64 {
    let mul = K2.wrapping_add(s.len() as u64 * 2);
    let (a, y, z) = ends(s, K2, mul);
    let e = fetch64(s, 16).wrapping_mul(mul);
    let f = fetch64(s, 24);
    let g = y.wrapping_add(fetch64(s, s.len() - 32)).wrapping_mul(mul);
    let h = z.wrapping_add(fetch64(s, s.len() - 24)).wrapping_mul(mul);
    let u = e.wrapping_add(f).rotate_right(43).wrapping_add(g.rotate_right(30)).wrapping_add(h);
    let v = e.wrapping_add(f.wrapping_add(a).rotate_right(18)).wrapping_add(g);
    mix(u, v, mul)
}

/// 32 bytes at `at` into a pair.
fn weak(s: &[u8], at: usize, a: u64, b: u64) -> (u64, u64) {
    let [w, x, y, z] = [0, 8, 16, 24].map(|i| fetch64(s, at + i));
    let a = a.wrapping_add(w);
    let b = b.wrapping_add(a).wrapping_add(z).rotate_right(21);
    let c = a;
    let a = a.wrapping_add(x).wrapping_add(y);
    (a.wrapping_add(z), b.wrapping_add(a.rotate_right(44)).wrapping_add(c))
}

/// FarmHash's `Fingerprint64`: what TensorFlow hashes strings and files with.
///
/// # Example
/// ```
/// assert_eq!(kerox_tensor::fingerprint64(b"hello") % 0x7fff_ffff, 441_440_317);
/// ```
///
/// # Source
/// FarmHash (google/farmhash), `farmhashna::Hash64`.
pub fn fingerprint64(s: &[u8]) -> u64 {
    match s.len() {
        0..=16 => return up_to_16(s),
        17..=32 => return ends(s, K1, K2.wrapping_add(s.len() as u64 * 2)).2,
        33..=64 => return up_to_64(s),
        _ => {}
    }
    let seed = 81u64;
    let mut y = seed.wrapping_mul(K1).wrapping_add(113);
    let mut z = shift_mix(y.wrapping_mul(K2).wrapping_add(113)).wrapping_mul(K2);
    let (mut v, mut w) = ((0u64, 0u64), (0u64, 0u64));
    let mut x = seed.wrapping_mul(K2).wrapping_add(fetch64(s, 0));
    let end = (s.len() - 1) / 64 * 64;
    for at in (0..end).step_by(64) {
        x = x.wrapping_add(y).wrapping_add(v.0).wrapping_add(fetch64(s, at + 8)).rotate_right(37).wrapping_mul(K1);
        y = y.wrapping_add(v.1).wrapping_add(fetch64(s, at + 48)).rotate_right(42).wrapping_mul(K1);
        x ^= w.1;
        y = y.wrapping_add(v.0).wrapping_add(fetch64(s, at + 40));
        z = z.wrapping_add(w.0).rotate_right(33).wrapping_mul(K1);
        v = weak(s, at, v.1.wrapping_mul(K1), x.wrapping_add(w.0));
        w = weak(s, at + 32, z.wrapping_add(w.1), y.wrapping_add(fetch64(s, at + 16)));
        std::mem::swap(&mut z, &mut x);
    }
    let mul = K1.wrapping_add((z & 0xff) << 1);
    let at = s.len() - 64;
    w.0 = w.0.wrapping_add((s.len() as u64 - 1) & 63);
    v.0 = v.0.wrapping_add(w.0);
    w.0 = w.0.wrapping_add(v.0);
    x = x.wrapping_add(y).wrapping_add(v.0).wrapping_add(fetch64(s, at + 8)).rotate_right(37).wrapping_mul(mul);
    y = y.wrapping_add(v.1).wrapping_add(fetch64(s, at + 48)).rotate_right(42).wrapping_mul(mul);
    x ^= w.1.wrapping_mul(9);
    y = y.wrapping_add(v.0.wrapping_mul(9)).wrapping_add(fetch64(s, at + 40));
    z = z.wrapping_add(w.0).rotate_right(33).wrapping_mul(mul);
    v = weak(s, at, v.1.wrapping_mul(mul), x.wrapping_add(w.0));
    w = weak(s, at + 32, z.wrapping_add(w.1), y.wrapping_add(fetch64(s, at + 16)));
    std::mem::swap(&mut z, &mut x);
    let left = mix(v.0, w.0, mul).wrapping_add(shift_mix(y).wrapping_mul(K0)).wrapping_add(z);
    mix(left, mix(v.1, w.1, mul).wrapping_add(x), mul)
}

/// TensorFlow's `FingerprintCat64`: the fingerprint of two things one after the other, from that of each.
///
/// # Source
/// TensorFlow's `tsl/platform/fingerprint.h`.
pub fn fingerprint_cat64(first: u64, second: u64) -> u64 {
    const MUL: u64 = 0xc6a4_a793_5bd1_e995;
    let mixed = (first ^ MUL) ^ shift_mix(second.wrapping_mul(MUL)).wrapping_mul(MUL);
    shift_mix(shift_mix(mixed.wrapping_mul(MUL)).wrapping_mul(MUL))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected values: `tf.strings.to_hash_bucket_fast` with 2^31 - 1 buckets.
    #[test]
    fn fingerprints_are_tensorflows() {
        let long: Vec<u8> = (0..200u32).map(|i| (i * 7 % 251) as u8).collect();
        let cases: [(Vec<u8>, u64); 10] = [
            (b"".to_vec(), 1_699_943_623),
            (b"a".to_vec(), 493_484_721),
            (b"abcd".to_vec(), 2_127_136_445),
            (b"hello".to_vec(), 441_440_317),
            (b"hello world".to_vec(), 1_022_762_667),
            (b"0123456789abcdefXYZ".to_vec(), 562_722_482),
            (vec![b'x'; 40], 76_221_941),
            ((33..97).collect(), 990_984_757),
            ((30..120).collect(), 2_104_972_178),
            (long, 446_617_440),
        ];
        for (s, expected) in cases {
            assert_eq!(fingerprint64(&s) % 0x7fff_ffff, expected, "{} bytes", s.len());
        }
    }
}
