//! Random words, many counters at once.

use crate::kernels::wide::wide;
use crate::random::philox;

/// Counters that go through the rounds side by side.
const LANES: usize = 8;

wide! {
    fn blocks[](key: u64, counter: u128, out: &mut [u32]) {
        for (i, out) in out.chunks_exact_mut(4 * LANES).enumerate() {
            let mut c = [[0u32; LANES]; 4];
            for lane in 0..LANES {
                let counter = counter.wrapping_add((i * LANES + lane) as u128);
                for (word, c) in c.iter_mut().enumerate() {
                    c[lane] = (counter >> (32 * word)) as u32;
                }
            }
            let mut k = [key as u32, (key >> 32) as u32];
            for _ in 0..10 {
                let old = c;
                for lane in 0..LANES {
                    let a = u64::from(old[0][lane]) * 0xd251_1f53;
                    c[0][lane] = (a >> 32) as u32;
                    c[3][lane] = a as u32;
                }
                for lane in 0..LANES {
                    let b = u64::from(old[2][lane]) * 0xcd9e_8d57;
                    c[2][lane] = (b >> 32) as u32;
                    c[1][lane] = b as u32;
                }
                for lane in 0..LANES {
                    let high = c[0][lane];
                    c[0][lane] = c[2][lane] ^ old[1][lane] ^ k[0];
                    c[2][lane] = high ^ old[3][lane] ^ k[1];
                }
                k = [k[0].wrapping_add(0x9e37_79b9), k[1].wrapping_add(0xbb67_ae85)];
            }
            for (lane, out) in out.chunks_exact_mut(4).enumerate() {
                for word in 0..4 {
                    out[word] = c[word][lane];
                }
            }
        }
    }
}

/// Fills `out` with the words of [`philox`] for this counter and those that follow it.
///
/// # Example
/// ```
/// use kerox_tensor::{kernels::random_words, random::philox};
/// let mut words = [0; 6];
/// random_words::fill(7, 100, &mut words);
/// assert_eq!((&words[..4], &words[4..]), (&philox(100, 7)[..], &philox(101, 7)[..2]));
/// ```
pub fn fill(key: u64, counter: u128, out: &mut [u32]) {
    let (whole, rest) = out.split_at_mut(out.len() / (4 * LANES) * (4 * LANES));
    blocks(key, counter, whole);
    let done = whole.len() / 4;
    for (i, out) in rest.chunks_mut(4).enumerate() {
        let words = philox(counter.wrapping_add((done + i) as u128), key);
        out.copy_from_slice(&words[..out.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_one_counter_after_the_other() {
        for (key, counter) in [(0, 0), (u64::MAX - 3, u128::from(u64::MAX) - 5), (9, u128::MAX - 20)] {
            let mut words = [0; 131];
            fill(key, counter, &mut words);
            for (i, words) in words.chunks(4).enumerate() {
                assert_eq!(words, &philox(counter.wrapping_add(i as u128), key)[..words.len()]);
            }
        }
    }
}
