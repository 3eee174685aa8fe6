//! Discrete Fourier transforms of any length, in double precision.

use std::f64::consts::{PI, TAU};

/// A complex number: its real and its imaginary part.
pub type Complex = [f64; 2];

fn times([a, b]: Complex, [c, d]: Complex) -> Complex {
    [a * c - b * d, a * d + b * c]
}

fn turn(angle: f64) -> Complex {
    [angle.cos(), angle.sin()]
}

/// Transforms of one length.
///
/// Lengths that are no powers of two go through a convolution of twice the length or more.
///
/// # Source
/// L. Bluestein, a linear filtering approach to the computation of the discrete Fourier transform, 1970.
#[derive(Clone, Debug)]
pub struct Fourier {
    length: usize,
    halves: Halves,
    /// Of lengths that are no powers of two: the turns that each element is multiplied by before and after, and the
    /// transform of those between.
    chirp: Option<(Vec<Complex>, Vec<Complex>)>,
}

impl Fourier {
    /// What transforms of a length share.
    ///
    /// # Panics
    /// Where the length is larger than an eighth of what memory could hold.
    pub fn new(length: usize) -> Fourier {
        if length <= 1 || length.is_power_of_two() {
            return Fourier { length, halves: Halves::new(length.max(1)), chirp: None };
        }
        let halves = Halves::new((2 * length - 1).next_power_of_two());
        // The square is taken modulo a whole turn: large angles have few bits left behind the point.
        let angle = |at: usize| (at as u128 * at as u128 % (2 * length as u128)) as f64 * PI / length as f64;
        let turns: Vec<Complex> = (0..length).map(|at| turn(-angle(at))).collect();
        let mut between = vec![[0.0; 2]; halves.length];
        for (at, &[re, im]) in turns.iter().enumerate() {
            between[at] = [re, -im];
            between[(halves.length - at) % halves.length] = [re, -im];
        }
        halves.forward(&mut between);
        Fourier { length, halves, chirp: Some((turns, between)) }
    }

    /// Replaces `x` by `y[k] = Σ x[j] exp(-2πi j k / n)`.
    ///
    /// # Panics
    /// Where `x` has another length.
    ///
    /// # Example
    /// ```
    /// use kerox_tensor::kernels::fourier::Fourier;
    /// let mut x = [[1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [4.0, 0.0]];
    /// Fourier::new(4).forward(&mut x);
    /// let expected = [[10.0, 0.0], [-2.0, 2.0], [-2.0, 0.0], [-2.0, -2.0]];
    /// assert!(x.as_flattened().iter().zip(expected.as_flattened()).all(|(x, y)| (x - y).abs() < 1e-12));
    /// ```
    pub fn forward(&self, x: &mut [Complex]) {
        assert_eq!(x.len(), self.length, "elements of a transform");
        let Some((turns, between)) = &self.chirp else { return self.halves.forward(x) };
        let mut room = vec![[0.0; 2]; self.halves.length];
        room.iter_mut().zip(x.iter().zip(turns)).for_each(|(to, (&x, &turn))| *to = times(x, turn));
        self.halves.forward(&mut room);
        // The transform back is one of the conjugates.
        room.iter_mut().zip(between).for_each(|(to, &b)| {
            let [re, im] = times(*to, b);
            *to = [re, -im];
        });
        self.halves.forward(&mut room);
        let part = 1.0 / self.halves.length as f64;
        x.iter_mut().zip(room.iter().zip(turns)).for_each(|(to, (&[re, im], &turn))| {
            *to = times([re * part, -im * part], turn);
        });
    }

    /// Replaces `x` by `y[k] = Σ x[j] exp(2πi j k / n) / n`.
    ///
    /// # Panics
    /// Where `x` has another length.
    pub fn inverse(&self, x: &mut [Complex]) {
        x.iter_mut().for_each(|[_, im]| *im = -*im);
        self.forward(x);
        let part = 1.0 / self.length.max(1) as f64;
        x.iter_mut().for_each(|[re, im]| (*re, *im) = (*re * part, -*im * part));
    }
}

/// Transforms of a power of two.
#[derive(Clone, Debug)]
struct Halves {
    length: usize,
    /// `exp(-2πi k / n)` of the first half.
    turns: Vec<Complex>,
}

impl Halves {
    fn new(length: usize) -> Halves {
        let turns = (0..length / 2).map(|at| turn(-TAU * at as f64 / length as f64)).collect();
        Halves { length, turns }
    }

    fn forward(&self, x: &mut [Complex]) {
        let n = self.length;
        if n < 2 {
            return;
        }
        let shift = usize::BITS - n.trailing_zeros();
        for at in 0..n {
            let other = at.reverse_bits() >> shift;
            if at < other {
                x.swap(at, other);
            }
        }
        let mut half = 1;
        while half < n {
            let step = n / (2 * half);
            for block in x.chunks_exact_mut(2 * half) {
                let (low, high) = block.split_at_mut(half);
                for (k, (a, b)) in low.iter_mut().zip(high).enumerate() {
                    let product = times(*b, self.turns[k * step]);
                    *b = [a[0] - product[0], a[1] - product[1]];
                    *a = [a[0] + product[0], a[1] + product[1]];
                }
            }
            half *= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums as they are defined.
    fn sums(x: &[Complex]) -> Vec<Complex> {
        let n = x.len();
        let term = |j: usize, k: usize| times(x[j], turn(-TAU * (j * k % n) as f64 / n as f64));
        let add = |[a, b]: Complex, [c, d]: Complex| [a + c, b + d];
        (0..n).map(|k| (0..n).map(|j| term(j, k)).fold([0.0; 2], add)).collect()
    }

    fn close(a: &[Complex], b: &[Complex]) {
        let apart = a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(apart < 1e-11, "{} elements: {apart}", a.len());
    }

    #[test]
    fn transforms_of_every_length_are_the_sums() {
        for n in (1..40).chain([64, 100, 127, 128, 255]) {
            let x: Vec<Complex> = (0..n).map(|at| [(at * at % 7) as f64 - 3.0, (at % 5) as f64 * 0.5]).collect();
            let mut y = x.clone();
            let fourier = Fourier::new(n);
            fourier.forward(&mut y);
            close(&y, &sums(&x));
            fourier.inverse(&mut y);
            close(&y, &x);
        }
        Fourier::new(0).forward(&mut []);
    }
}
