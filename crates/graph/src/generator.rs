//! The source of random numbers in graphs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kerox_tensor::kernels::random_words;

/// A counter-based source of random numbers (Philox 4x32, 10 rounds). Clones share one state, which is two numbers:
/// the seed and how many blocks of four have been drawn. Drawing neither locks nor allocates.
///
/// # Example
/// ```
/// use kerox_graph::Generator;
/// let generator = Generator::new(7);
/// let mut first = [0u32; 6];
/// generator.fill(&mut first);
/// let again = Generator::new(7);
/// again.set_state(generator.state());
/// let (mut a, mut b) = ([0u32; 3], [0u32; 3]);
/// generator.fill(&mut a);
/// again.fill(&mut b);
/// assert_eq!(a, b);
/// ```
///
/// # Source
/// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011; `tf.random.Generator` with algorithm `philox`.
#[derive(Clone, Debug)]
pub struct Generator(Arc<State>);

#[derive(Debug)]
struct State {
    seed: AtomicU64,
    counter: AtomicU64,
}

impl Generator {
    /// A generator with that seed, nothing drawn yet.
    pub fn new(seed: u64) -> Generator {
        Generator(Arc::new(State { seed: AtomicU64::new(seed), counter: AtomicU64::new(0) }))
    }

    /// Whether both are the same generator: what one draws, the other draws no more.
    pub fn is_same(&self, other: &Generator) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Seed and number of blocks drawn: the whole state.
    pub fn state(&self) -> (u64, u64) {
        (self.0.seed.load(Ordering::Relaxed), self.0.counter.load(Ordering::Relaxed))
    }

    /// Goes to a state that [`Generator::state`] gave.
    pub fn set_state(&self, (seed, counter): (u64, u64)) {
        self.0.seed.store(seed, Ordering::Relaxed);
        self.0.counter.store(counter, Ordering::Relaxed);
    }

    /// Draws enough blocks for `n` numbers and gives the seed and the first block's counter.
    pub(crate) fn draw(&self, n: usize) -> (u64, u64) {
        let blocks = n.div_ceil(4) as u64;
        (self.0.seed.load(Ordering::Relaxed), self.0.counter.fetch_add(blocks, Ordering::Relaxed))
    }

    /// Draws uniformly distributed 32-bit numbers.
    pub fn fill(&self, out: &mut [u32]) {
        self.for_each(out.len(), |i, word| out[i] = word);
    }

    /// Draws `n` uniformly distributed 32-bit numbers and hands each to `f` with its position.
    pub fn for_each(&self, n: usize, mut f: impl FnMut(usize, u32)) {
        let (seed, first) = self.draw(n);
        for_each_word(seed, [first, 0], n, &mut f);
    }
}

/// Words drawn at once.
const WORDS: usize = 256;

/// Hands the first `n` words of the stream of a key, from a 128-bit counter on, to `f`.
pub(crate) fn for_each_word(key: u64, counter: [u64; 2], n: usize, f: &mut impl FnMut(usize, u32)) {
    let counter = u128::from(counter[1]) << 64 | u128::from(counter[0]);
    let mut words = [0u32; WORDS];
    for first in (0..n).step_by(WORDS) {
        let words = &mut words[..WORDS.min(n - first)];
        random_words::fill(key, counter.wrapping_add((first / 4) as u128), words);
        words.iter().enumerate().for_each(|(i, &word)| f(first + i, word));
    }
}

/// A number in [0, 1) from the upper 24 bits of a word.
#[inline(always)]
pub(crate) fn unit_f32(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// A number in [0, 1) from 53 bits of two words.
#[inline(always)]
pub(crate) fn unit_f64(high: u32, low: u32) -> f64 {
    ((u64::from(high) << 32 | u64::from(low)) >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_their_state() {
        let generator = Generator::new(1);
        let (mut a, mut b) = ([0; 8], [0; 8]);
        generator.fill(&mut a);
        generator.clone().fill(&mut b);
        assert_ne!(a, b);
        assert_eq!(generator.state(), (1, 4));
    }
}
