//! numpy's legacy shuffling, so that a seed gives the order that Keras gives.

/// The Mersenne Twister as `numpy.random.RandomState` seeds and uses it.
///
/// # Source
/// M. Matsumoto, T. Nishimura, "Mersenne Twister", 1998; `numpy.random.RandomState`.
#[derive(Debug)]
pub(crate) struct RandomState {
    key: [u32; 624],
    position: usize,
}

impl RandomState {
    pub fn new(seed: u32) -> RandomState {
        let mut key = [0; 624];
        let mut word = seed;
        for (i, slot) in key.iter_mut().enumerate() {
            *slot = word;
            word = (word ^ (word >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i as u32 + 1);
        }
        RandomState { key, position: 624 }
    }

    fn next(&mut self) -> u32 {
        if self.position == 624 {
            for i in 0..624 {
                let joined = (self.key[i] & 0x8000_0000) | (self.key[(i + 1) % 624] & 0x7fff_ffff);
                let odd = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
                self.key[i] = self.key[(i + 397) % 624] ^ (joined >> 1) ^ odd;
            }
            self.position = 0;
        }
        let mut word = self.key[self.position];
        self.position += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// A number from 0 to `largest`, which is below 2^32.
    fn interval(&mut self, largest: usize) -> usize {
        let mask = u32::MAX.checked_shr((largest as u32).leading_zeros()).unwrap_or(0);
        loop {
            let number = (self.next() & mask) as usize;
            if number <= largest {
                return number;
            }
        }
    }

    /// `numpy.random.RandomState.shuffle`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.interval(i);
            items.swap(i, j);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The expected orders are those of numpy 1.26.
    #[test]
    fn orders_are_numpys() {
        let mut state = RandomState::new(113);
        let mut order: Vec<usize> = (0..10).collect();
        state.shuffle(&mut order);
        assert_eq!(order, EXPECTED_FIRST);
        let mut order: Vec<usize> = (0..1000).collect();
        state.shuffle(&mut order);
        assert_eq!(order[..10], EXPECTED_SECOND);
        let mut one = [7];
        RandomState::new(0).shuffle(&mut one);
        RandomState::new(0).shuffle::<u8>(&mut []);
        assert_eq!(one, [7]);
    }

    const EXPECTED_FIRST: [usize; 10] = [9, 3, 6, 1, 0, 7, 4, 8, 2, 5];
    const EXPECTED_SECOND: [usize; 10] = [475, 774, 256, 961, 990, 713, 22, 455, 286, 681];
}
