//! Random numbers from a counter: the whole state is a key and a counter, which can be saved and set.
//!
//! A [`Generator`] is TensorFlow's `tf.random.Generator` with the algorithm Philox: the same state gives the same
//! uniform, normal and truncated normal numbers, and the same state afterwards.

mod philox;

use std::f64::consts::TAU;

pub use philox::philox;

use crate::{DType, Error, Result, Tensor};

/// Counters that one number may use up, as TensorFlow reserves them.
const RESERVED: u128 = 256;

/// A random generator with saveable state.
///
/// # Example
/// ```
/// use kerox_tensor::random::Generator;
/// let mut generator = Generator::from_seed(7);
/// let saved = generator.state();
/// let (mut a, mut b) = ([0f32; 3], [0f32; 3]);
/// generator.uniform_f32(&mut a);
/// Generator::from_state(&saved)?.uniform_f32(&mut b);
/// assert_eq!(a, b);
/// # Ok::<(), kerox_tensor::Error>(())
/// ```
///
/// # Source
/// tensorflow/core/lib/random/{philox_random,random_distributions}.h; Salmon et al., "Parallel random numbers: as easy
/// as 1, 2, 3".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator {
    key: u64,
    counter: u128,
}

/// Words in the order in which counters give them.
struct Words {
    key: u64,
    counter: u128,
    block: [u32; 4],
    used: usize,
}

impl Words {
    fn next(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox(self.counter, self.key);
            self.counter = self.counter.wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }
}

/// In [0, 1) with 23 random bits.
fn unit_f32(x: u32) -> f32 {
    f32::from_bits((127 << 23) | (x & 0x7f_ffff)) - 1.0
}

/// In [0, 1) with 52 random bits.
fn unit_f64(high: u32, low: u32) -> f64 {
    f64::from_bits((1023 << 52) | (u64::from(high & 0xf_ffff) << 32) | u64::from(low)) - 1.0
}

/// Two normal numbers from two words (Box and Muller).
fn normal_f32(x: [u32; 2]) -> [f32; 2] {
    let (angle, radius) = (std::f32::consts::TAU * unit_f32(x[1]), (-2.0 * unit_f32(x[0]).max(1e-7).ln()).sqrt());
    [angle.sin() * radius, angle.cos() * radius]
}

/// Two normal numbers from four words.
fn normal_f64(x: [u32; 4]) -> [f64; 2] {
    let (angle, radius) = (TAU * unit_f64(x[2], x[3]), (-2.0 * unit_f64(x[0], x[1]).max(1e-7).ln()).sqrt());
    [angle.sin() * radius, angle.cos() * radius]
}

impl Generator {
    /// A generator whose key is this seed, as `tf.random.Generator.from_key_counter(seed, 0, "philox")`.
    pub fn from_seed(seed: u64) -> Generator {
        Generator { key: seed, counter: 0 }
    }

    /// A generator from its state: `int64 [3]`, the counter's lower and upper half and the key, as TensorFlow has it.
    ///
    /// # Errors
    /// [`Error::DType`], [`Error::Length`].
    pub fn from_state(state: &Tensor) -> Result<Generator> {
        match state.as_slice::<i64>()? {
            &[low, high, key] => {
                Ok(Generator { key: key as u64, counter: u128::from(low as u64) | u128::from(high as u64) << 64 })
            }
            other => Err(Error::Length { shape: state.shape().clone(), expected: 3, found: other.len() }),
        }
    }

    /// The state, in the form that [`Generator::from_state`] takes.
    pub fn state(&self) -> Tensor {
        let state = vec![self.counter as u64 as i64, (self.counter >> 64) as u64 as i64, self.key as i64];
        Tensor::from(&ndarray::arr1(&state))
    }

    fn advance(&mut self, numbers: usize) {
        self.counter = self.counter.wrapping_add(numbers as u128 * RESERVED);
    }

    fn words(&self, skip: u128) -> Words {
        Words { key: self.key, counter: self.counter.wrapping_add(skip), block: [0; 4], used: 4 }
    }

    /// Fills with numbers equally likely in [0, 1).
    pub fn uniform_f32(&mut self, out: &mut [f32]) {
        for (i, out) in out.chunks_mut(4).enumerate() {
            let block = philox(self.counter.wrapping_add(i as u128), self.key).map(unit_f32);
            out.copy_from_slice(&block[..out.len()]);
        }
        self.advance(out.len());
    }

    /// Fills with numbers equally likely in [0, 1).
    pub fn uniform_f64(&mut self, out: &mut [f64]) {
        for (i, out) in out.chunks_mut(2).enumerate() {
            let x = philox(self.counter.wrapping_add(i as u128), self.key);
            let block = [unit_f64(x[0], x[1]), unit_f64(x[2], x[3])];
            out.copy_from_slice(&block[..out.len()]);
        }
        self.advance(out.len());
    }

    /// Fills with normal numbers of mean 0 and standard deviation 1.
    pub fn normal_f32(&mut self, out: &mut [f32]) {
        for (i, out) in out.chunks_mut(4).enumerate() {
            let x = philox(self.counter.wrapping_add(i as u128), self.key);
            let ([a, b], [c, d]) = (normal_f32([x[0], x[1]]), normal_f32([x[2], x[3]]));
            out.copy_from_slice(&[a, b, c, d][..out.len()]);
        }
        self.advance(out.len());
    }

    /// Fills with normal numbers of mean 0 and standard deviation 1.
    pub fn normal_f64(&mut self, out: &mut [f64]) {
        for (i, out) in out.chunks_mut(2).enumerate() {
            let block = normal_f64(philox(self.counter.wrapping_add(i as u128), self.key));
            out.copy_from_slice(&block[..out.len()]);
        }
        self.advance(out.len());
    }

    /// Fills with normal numbers of mean 0 and standard deviation 1, of which those beyond 2 are drawn again.
    pub fn truncated_normal_f32(&mut self, out: &mut [f32]) {
        for (i, out) in out.chunks_mut(4).enumerate() {
            // Each group of 4 has counters of its own, of which it uses as many as it needs.
            let mut words = self.words(i as u128 * RESERVED);
            let mut filled = 0;
            while filled < out.len() {
                for v in normal_f32([words.next(), words.next()]) {
                    if v.abs() < 2.0 && filled < out.len() {
                        out[filled] = v;
                        filled += 1;
                    }
                }
            }
        }
        self.advance(out.len());
    }

    /// Fills with normal numbers of mean 0 and standard deviation 1, of which those beyond 2 are drawn again.
    pub fn truncated_normal_f64(&mut self, out: &mut [f64]) {
        for (i, out) in out.chunks_mut(2).enumerate() {
            let mut words = self.words(i as u128 * RESERVED / 2);
            let mut filled = 0;
            while filled < out.len() {
                for v in normal_f64([words.next(), words.next(), words.next(), words.next()]) {
                    if v.abs() < 2.0 && filled < out.len() {
                        out[filled] = v;
                        filled += 1;
                    }
                }
            }
        }
        self.advance(out.len());
    }

    /// Fills with integers equally likely in `0..n`, without bias.
    ///
    /// # Panics
    /// When `n` is 0 and there is something to fill.
    pub fn below(&mut self, n: u64, out: &mut [u64]) {
        let mut words = self.words(0);
        out.iter_mut().for_each(|out| *out = draw_below(&mut words, n));
        self.advance(out.len());
    }

    /// Puts elements in random order, all orders equally likely (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        let mut words = self.words(0);
        for i in (1..items.len()).rev() {
            items.swap(i, draw_below(&mut words, i as u64 + 1) as usize);
        }
        self.advance(items.len());
    }

    /// The numbers `0..n` in random order.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }

    /// `n` generators with keys drawn from this one, each with a stream of its own.
    pub fn split(&mut self, n: usize) -> Vec<Generator> {
        let mut words = self.words(0);
        let mut key = || u64::from(words.next()) | u64::from(words.next()) << 32;
        let generators = (0..n).map(|_| Generator { key: key(), counter: 0 }).collect();
        self.advance(n);
        generators
    }

    /// A tensor of numbers equally likely in [0, 1), of type `f32` or `f64`.
    ///
    /// # Errors
    /// [`Error::NoStorage`] for other types, [`Error::TooLarge`].
    pub fn uniform(&mut self, dtype: DType, shape: impl Into<crate::Shape>) -> Result<Tensor> {
        self.tensor(dtype, shape.into(), Generator::uniform_f32, Generator::uniform_f64)
    }

    /// A tensor of normal numbers of mean 0 and standard deviation 1, of type `f32` or `f64`.
    ///
    /// # Errors
    /// As [`Generator::uniform`].
    pub fn normal(&mut self, dtype: DType, shape: impl Into<crate::Shape>) -> Result<Tensor> {
        self.tensor(dtype, shape.into(), Generator::normal_f32, Generator::normal_f64)
    }

    /// A tensor of normal numbers within 2 standard deviations of 1, of type `f32` or `f64`.
    ///
    /// # Errors
    /// As [`Generator::uniform`].
    pub fn truncated_normal(&mut self, dtype: DType, shape: impl Into<crate::Shape>) -> Result<Tensor> {
        self.tensor(dtype, shape.into(), Generator::truncated_normal_f32, Generator::truncated_normal_f64)
    }

    fn tensor(
        &mut self,
        dtype: DType,
        shape: crate::Shape,
        single: fn(&mut Generator, &mut [f32]),
        double: fn(&mut Generator, &mut [f64]),
    ) -> Result<Tensor> {
        let mut tensor = Tensor::zeros(dtype, shape)?;
        match dtype {
            DType::F32 => single(self, tensor.as_mut_slice()?),
            DType::F64 => double(self, tensor.as_mut_slice()?),
            _ => return Err(Error::NoStorage { dtype }),
        }
        Ok(tensor)
    }
}

/// In `0..n`: the upper half of a product with a random word, drawn again where the lower half would bias it.
fn draw_below(words: &mut Words, n: u64) -> u64 {
    assert!(n > 0, "random integers: expected an upper bound of at least 1, found 0");
    loop {
        let x = u64::from(words.next()) | u64::from(words.next()) << 32;
        let product = u128::from(x) * u128::from(n);
        if product as u64 >= n.wrapping_neg() % n {
            return (product >> 64) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(x: &[f64]) -> (f64, f64) {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        (mean, (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / x.len() as f64).sqrt())
    }

    #[test]
    fn moments_are_right() {
        let mut g = Generator::from_seed(1);
        let mut single = |fill: fn(&mut Generator, &mut [f32])| {
            let mut x = vec![0f32; 100_001];
            fill(&mut g, &mut x);
            x.into_iter().map(f64::from).collect::<Vec<f64>>()
        };
        let near = |(mean, deviation): (f64, f64), expected: (f64, f64)| {
            assert!((mean - expected.0).abs() < 0.01 && (deviation - expected.1).abs() < 0.01, "{mean} {deviation}");
        };
        near(moments(&single(Generator::uniform_f32)), (0.5, 12f64.sqrt().recip()));
        near(moments(&single(Generator::normal_f32)), (0.0, 1.0));
        let x = single(Generator::truncated_normal_f32);
        assert!(x.iter().all(|v| v.abs() < 2.0));
        near(moments(&x), (0.0, 0.879_596_566));
        let mut x = vec![0.0; 100_001];
        g.uniform_f64(&mut x);
        near(moments(&x), (0.5, 12f64.sqrt().recip()));
        g.normal_f64(&mut x);
        near(moments(&x), (0.0, 1.0));
        g.truncated_normal_f64(&mut x);
        near(moments(&x), (0.0, 0.879_596_566));
    }

    #[test]
    fn integers_are_equally_likely() {
        let mut x = vec![0; 60_000];
        Generator::from_seed(3).below(6, &mut x);
        for face in 0..6 {
            let count = x.iter().filter(|&&v| v == face).count();
            assert!((9_700..10_300).contains(&count), "{face}: {count}");
        }
        Generator::from_seed(3).below(u64::MAX, &mut x);
        assert!(x.iter().any(|&v| v > 1 << 62));
    }

    #[test]
    fn permutations_hold_each_number_once() {
        let mut order = Generator::from_seed(4).permutation(1000);
        assert_ne!(order[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        order.sort_unstable();
        assert!(order.into_iter().eq(0..1000));
        assert!(Generator::from_seed(4).permutation(0).is_empty());
    }

    #[test]
    fn states_and_streams() {
        let mut g = Generator::from_seed(5);
        g.normal(DType::F64, [3, 5]).unwrap();
        let again = Generator::from_state(&g.state()).unwrap();
        assert_eq!(g, again);
        assert_eq!(g.state().as_slice::<i64>().unwrap(), [15 * 256, 0, 5]);
        let mut streams = g.split(3);
        let numbers: Vec<Tensor> = streams.iter_mut().map(|s| s.uniform(DType::F32, [4]).unwrap()).collect();
        assert!(numbers[0] != numbers[1] && numbers[1] != numbers[2]);
        assert!(Generator::from_state(&Tensor::scalar(1i64)).is_err());
        assert!(g.uniform(DType::I32, [1]).is_err());
    }
}
