//! Recurrent layers over all steps at once.
//!
//! Sequences are `[batch, steps, ...]`, as Keras has them. The input is projected for all steps in one matrix product;
//! each step then adds the product with the state before it, in place. What backpropagation needs lies in slices of
//! the caller: the activated gates, the states. A layer that goes backwards gets a reversed sequence.
//!
//! Where `mask` (`[batch, steps]`) is false the state stays as it was before; so an output there repeats the last one.
//! An empty mask masks nothing, an empty initial state is zeros, an empty bias is none.

mod gru;
mod lstm;
mod simple;

pub use gru::{Gru, GruGradients, GruSaved, GruWeights};
pub use lstm::{Lstm, LstmGradients, LstmSaved, LstmWeights};
pub use simple::{SimpleRnn, SimpleRnnGradients, SimpleRnnWeights};

use std::ops::Range;

use crate::kernels::Float;
use crate::kernels::gemm::{Layout, Matrix, gemm_strided};
use crate::kernels::unary::{self, Unary};
use crate::parallel::threads;

/// Lengths of a recurrent layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RnnShape {
    /// Sequences.
    pub batch: usize,
    /// Steps of a sequence.
    pub steps: usize,
    /// Features of a step.
    pub features: usize,
    /// Units of the state.
    pub units: usize,
}

impl RnnShape {
    fn rows(&self) -> usize {
        self.batch * self.steps
    }

    /// Sequences that each thread takes, where a step of one costs `work` multiplications.
    fn sequences_each(&self, work: usize) -> usize {
        let parts = threads().min(self.rows().saturating_mul(work) / (1 << 18)).clamp(1, self.batch.max(1));
        self.batch.div_ceil(parts)
    }

    /// Whether step `t` of sequence `b` counts.
    fn counts(&self, mask: &[bool], b: usize, t: usize) -> bool {
        mask.is_empty() || mask[b * self.steps + t]
    }

    fn check_mask(&self, mask: &[bool]) {
        assert!(mask.is_empty() || mask.len() == self.rows(), "rnn: the mask is not [batch, steps]");
    }

    /// The row of a state before step `t`: in the sequence of states, or the initial one, which may be empty (zeros).
    fn before<'a, T>(&self, states: &'a [T], initial: &'a [T], b: usize, t: usize) -> &'a [T] {
        match t {
            0 if initial.is_empty() => &[],
            0 => &initial[b * self.units..][..self.units],
            _ => &states[(b * self.steps + t - 1) * self.units..][..self.units],
        }
    }

    /// States before step `t` as a matrix `[batch, units]`; `None` for zeros.
    fn states_before<'a, T>(&self, states: &'a [T], initial: &'a [T], t: usize) -> Option<Matrix<'a, T>> {
        let layout = Layout::Normal;
        match t {
            0 if initial.is_empty() => None,
            0 => Some(Matrix { data: initial, stride: self.units, layout }),
            _ => Some(Matrix { data: &states[(t - 1) * self.units..], stride: self.steps * self.units, layout }),
        }
    }

    /// The gradient of the state after the last step: `dlast`, or zeros where that is empty.
    fn begin_gradient<T: Float>(&self, dlast: &[T], out: &mut [T]) {
        match dlast {
            [] => out.fill(T::ZERO),
            dlast => out.copy_from_slice(dlast),
        }
    }

    /// Adds `sum over t of states(t - 1)' gradients(t)` to `dweights`, of which `columns` from the beginning of each
    /// row of `stride` are written. Rows of `gradients` (`[batch, steps, width]`, beginning anywhere) are `width` apart.
    fn add_recurrent_gradient<T: Float>(
        &self,
        states: &[T],
        initial: &[T],
        (gradients, width, columns): (&[T], usize, usize),
        dweights: &mut [T],
        stride: usize,
    ) {
        let (layout, u) = (Layout::Transposed, self.units);
        if self.rows() == 0 || u == 0 {
            return;
        }
        if !initial.is_empty() {
            let a = Matrix { data: initial, stride: u, layout };
            let b = Matrix { data: gradients, stride: self.steps * width, layout: Layout::Normal };
            gemm_strided((u, columns, self.batch), T::ONE, a, b, T::ONE, dweights, stride);
        }
        // One product a step or one a sequence, whichever are fewer.
        if self.steps <= self.batch {
            for t in 1..self.steps {
                let a = Matrix { data: &states[(t - 1) * u..], stride: self.steps * u, layout };
                let b = Matrix { data: &gradients[t * width..], stride: self.steps * width, layout: Layout::Normal };
                gemm_strided((u, columns, self.batch), T::ONE, a, b, T::ONE, dweights, stride);
            }
        } else if self.steps > 1 {
            for n in 0..self.batch {
                let a = Matrix { data: &states[n * self.steps * u..], stride: u, layout };
                let b = &gradients[(n * self.steps + 1) * width..];
                let b = Matrix { data: b, stride: width, layout: Layout::Normal };
                gemm_strided((u, columns, self.steps - 1), T::ONE, a, b, T::ONE, dweights, stride);
            }
        }
    }

    /// The recurrent kernel `[units, width]` transposed, in `room`: once instead of in each step.
    fn transpose<'a, T: Float>(&self, recurrent_kernel: &[T], width: usize, room: &'a mut [T]) -> &'a [T] {
        let room = &mut room[..self.units * width];
        for (unit, row) in recurrent_kernel.chunks_exact(width.max(1)).enumerate() {
            row.iter().enumerate().for_each(|(gate, &w)| room[gate * self.units + unit] = w);
        }
        room
    }

    /// Checks the operands of [`RnnShape::project`].
    fn check_projection<T>(&self, x: &[T], kernel: &[T], bias: &[T], width: usize, out: &[T]) {
        let rows = self.rows();
        assert_eq!(x.len(), rows * self.features, "rnn: the input is not [batch, steps, features]");
        assert_eq!(kernel.len(), self.features * width, "rnn: the kernel has another length than its shape");
        assert_eq!(out.len(), rows * width, "rnn: the gates have another length than their shape");
        assert!(bias.is_empty() || bias.len() == width, "rnn: the bias has another length than its shape");
    }

    /// The part of a shape that some sequences are.
    fn part(&self, sequences: &Range<usize>) -> RnnShape {
        RnnShape { batch: sequences.len(), ..*self }
    }

    /// The elements of a sequence `[batch, steps, width]` that belong to some sequences; nothing of nothing.
    fn steps_of<'a, T>(&self, values: &'a [T], sequences: &Range<usize>, width: usize) -> &'a [T] {
        let each = self.steps * width;
        if values.is_empty() { values } else { &values[sequences.start * each..sequences.end * each] }
    }

    /// The elements of a state `[batch, units]` that belong to some sequences; nothing of nothing.
    fn states_of<'a, T>(&self, states: &'a [T], sequences: &Range<usize>) -> &'a [T] {
        let u = self.units;
        if states.is_empty() { states } else { &states[sequences.start * u..sequences.end * u] }
    }

    /// `out = x kernel + bias` for all steps.
    fn project<T: Float>(&self, x: &[T], kernel: &[T], bias: &[T], width: usize, out: &mut [T]) {
        let b = Matrix { data: kernel, stride: width, layout: Layout::Normal };
        let f = self.features;
        for (first, rows) in near_rows(self.rows(), width) {
            let out = &mut out[first * width..][..rows * width];
            match bias {
                [] => out.fill(T::ZERO),
                bias => out.chunks_exact_mut(width).for_each(|row| row.copy_from_slice(bias)),
            }
            let a = Matrix { data: &x[first * f..], stride: f, layout: Layout::Normal };
            gemm_strided((rows, width, f), T::ONE, a, b, T::ONE, out, width);
        }
    }

    /// Gradients of [`RnnShape::project`]; an empty `dx` or `dbias` is left out.
    fn project_backward<T: Float>(
        &self,
        x: &[T],
        kernel: &[T],
        (gradients, width): (&[T], usize),
        dx: &mut [T],
        dkernel: &mut [T],
        dbias: &mut [T],
    ) {
        let f = self.features;
        dkernel.fill(T::ZERO);
        dbias.fill(T::ZERO);
        for (first, rows) in near_rows(self.rows(), width) {
            let g = Matrix { data: &gradients[first * width..], stride: width, layout: Layout::Normal };
            if !dx.is_empty() {
                let b = Matrix { data: kernel, stride: width, layout: Layout::Transposed };
                gemm_strided((rows, f, width), T::ONE, g, b, T::ZERO, &mut dx[first * f..][..rows * f], f);
            }
            let a = Matrix { data: &x[first * f..], stride: f, layout: Layout::Transposed };
            gemm_strided((f, width, rows), T::ONE, a, g, T::ONE, dkernel, width);
            if !dbias.is_empty() {
                add_column_sums((rows, width), g, dbias);
            }
        }
    }
}

/// Elements of gates that are taken at once, so that they are still in the second-level cache when they are used again.
const NEAR: usize = 1 << 16;
/// Rows that are taken at once at most and, where there are as many, at least.
const NEAR_ROWS: (usize, usize) = (64, 512);

/// First row and number of rows of the pieces in which `rows` of `width` elements are gone through.
fn near_rows(rows: usize, width: usize) -> impl Iterator<Item = (usize, usize)> {
    let each = (NEAR / width.max(1)).clamp(NEAR_ROWS.0, NEAR_ROWS.1);
    (0..rows).step_by(each).map(move |first| (first, each.min(rows - first)))
}

/// Adds the sums of the columns of at most [`NEAR_ROWS`] rows.
fn add_column_sums<T: Float>((rows, columns): (usize, usize), values: Matrix<'_, T>, sums: &mut [T]) {
    let ones = [T::ONE; NEAR_ROWS.1];
    let a = Matrix { data: &ones[..rows], stride: rows, layout: Layout::Normal };
    gemm_strided((1, columns, rows), T::ONE, a, values, T::ONE, sums, columns);
}

/// The activations of recurrent layers: those whose slope can be told from their value, so that nothing else is saved.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum RnnActivation {
    /// None.
    Linear,
    /// Hyperbolic tangent.
    Tanh,
    /// Logistic function.
    Sigmoid,
    /// Keras 2: 0.2 x + 0.5 cut at 0 and 1.
    HardSigmoid,
    /// Keras 3: x / 6 + 0.5 cut at 0 and 1.
    HardSigmoid3,
    /// max(x, 0).
    Relu,
    /// x, below 0 this scale (not negative) times e^x - 1.
    Elu(f64),
    /// log(1 + e^x).
    Softplus,
    /// x / (1 + |x|).
    Softsign,
    /// e^x.
    Exponential,
}

impl RnnActivation {
    fn forward<T: Float>(self, x: &mut [T]) {
        let function = match self {
            RnnActivation::Linear => Unary::Identity,
            RnnActivation::Tanh => Unary::Tanh,
            RnnActivation::Sigmoid => Unary::Sigmoid,
            RnnActivation::HardSigmoid => Unary::HardSigmoid,
            RnnActivation::HardSigmoid3 => Unary::HardSigmoid3,
            RnnActivation::Relu => Unary::Relu,
            RnnActivation::Elu(alpha) => Unary::Elu(alpha),
            RnnActivation::Softplus => Unary::Softplus,
            RnnActivation::Softsign => Unary::Softsign,
            RnnActivation::Exponential => Unary::Exp,
        };
        unary::forward_in_place(function, x);
    }

    /// The slope where the value is `y`.
    #[inline(always)]
    fn slope<T: Float>(self, y: T) -> T {
        let inside = |scale: f64| if y > T::ZERO && y < T::ONE { T::from_f64(scale) } else { T::ZERO };
        match self {
            RnnActivation::Linear => T::ONE,
            RnnActivation::Tanh => T::ONE - y * y,
            RnnActivation::Sigmoid => y * (T::ONE - y),
            RnnActivation::HardSigmoid => inside(0.2),
            RnnActivation::HardSigmoid3 => inside(1.0 / 6.0),
            RnnActivation::Relu => T::from_count(usize::from(y > T::ZERO)),
            RnnActivation::Elu(alpha) => {
                if y > T::ZERO {
                    T::ONE
                } else {
                    y + T::from_f64(alpha)
                }
            }
            RnnActivation::Softplus => -(-y).expm1(),
            RnnActivation::Softsign => {
                let d = T::ONE - y.abs();
                d * d
            }
            RnnActivation::Exponential => y,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values without pattern in -0.5..0.5.
    pub(super) fn values(n: usize, seed: usize) -> Vec<f64> {
        (0..n).map(|i| ((i + seed * 31) * 7919 % 1009) as f64 / 1009.0 - 0.5).collect()
    }

    /// Compares gradients with central differences of `loss` by each of `inputs`.
    pub(super) fn check_gradients(
        what: &str,
        inputs: &mut [Vec<f64>],
        gradients: &[Vec<f64>],
        loss: impl Fn(&[Vec<f64>]) -> f64,
    ) {
        assert_eq!(inputs.len(), gradients.len());
        for k in 0..inputs.len() {
            for i in 0..gradients[k].len() {
                let old = inputs[k][i];
                inputs[k][i] = old + 1e-5;
                let up = loss(inputs);
                inputs[k][i] = old - 1e-5;
                let down = loss(inputs);
                inputs[k][i] = old;
                let (expected, found) = ((up - down) / 2e-5, gradients[k][i]);
                assert!((expected - found).abs() < 1e-7, "{what}: input {k} element {i}: {expected}, found {found}");
            }
        }
    }

    #[test]
    fn slopes_are_those_of_the_values() {
        use RnnActivation::*;
        for a in [Linear, Tanh, Sigmoid, HardSigmoid, HardSigmoid3, Relu, Elu(0.7), Softplus, Softsign, Exponential] {
            for x in [-4.0, -1.1, -0.2, 0.3, 1.7, 3.3f64] {
                let mut v = [x, x + 1e-6, x - 1e-6];
                a.forward(&mut v);
                let expected = (v[1] - v[2]) / 2e-6;
                assert!((a.slope(v[0]) - expected).abs() < 1e-7, "{a:?} {x}");
            }
        }
    }

    /// Long sequences in such numbers that threads share them, and each on its own: outputs and gradients of all of them.
    #[test]
    fn sequences_are_the_same_alone_and_together() {
        let (batch, steps, f, u) = (24, 7, 5, 64);
        let whole = RnnShape { batch, steps, features: f, units: u };
        assert!(whole.rows() * u * u >= 2 << 18, "shared out among threads");
        let (x, kernel, recurrent) = (values(batch * steps * f, 1), values(f * 4 * u, 2), values(u * 4 * u, 3));
        let (bias, state, cell) = (values(6 * u, 4), values(batch * u, 5), values(batch * u, 6));
        let (dy, dlast) = (values(batch * steps * u, 7), values(batch * u, 8));
        let mask: Vec<bool> = (0..batch * steps).map(|i| i % 5 != 3).collect();
        let (activation, recurrent_activation) = (RnnActivation::Tanh, RnnActivation::Sigmoid);
        // Outputs, gradients of x and of the first states; then those of the weights.
        let run = |gates: usize, reset_after: bool, first: usize, batch: usize| -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
            let shape = RnnShape { batch, ..whole };
            let steps_of = |v: &[f64], width: usize| v[first * steps * width..][..batch * steps * width].to_vec();
            let states_of = |v: &[f64]| v[first * u..][..batch * u].to_vec();
            let (x, dy, dlast) = (steps_of(&x, f), steps_of(&dy, u), states_of(&dlast));
            let (state, cell) = (states_of(&state), states_of(&cell));
            let mask = &mask[first * steps..][..batch * steps];
            let (kernel, recurrent_kernel) = (&kernel[..f * gates * u], &recurrent[..u * gates * u]);
            let bias = &bias[..if reset_after { 6 } else { gates } * u];
            let n = batch * steps * u;
            let (mut h, mut c, mut g) = (vec![f64::NAN; n], vec![f64::NAN; n], vec![f64::NAN; gates * n]);
            let (mut dgates, mut dinner) = (g.clone(), c.clone());
            let mut scratch = vec![f64::NAN; 4 * u * u + batch * u];
            let (mut dx, mut dk, mut dr) = (x.clone(), kernel.to_vec(), recurrent_kernel.to_vec());
            let (mut db, mut dh, mut dc) = (bias.to_vec(), state.clone(), state.clone());
            match gates {
                1 => {
                    let rnn = SimpleRnn { shape, activation };
                    let w = SimpleRnnWeights { kernel, recurrent_kernel, bias };
                    rnn.forward(&x, w, &state, mask, &mut h, &mut scratch);
                    let out = SimpleRnnGradients {
                        x: &mut dx,
                        kernel: &mut dk,
                        recurrent_kernel: &mut dr,
                        bias: &mut db,
                        initial_state: &mut dh,
                    };
                    rnn.backward(&x, w, &state, mask, &h, (&dy, &dlast), &mut dgates, &mut scratch, out);
                }
                3 => {
                    let gru = Gru { shape, activation, recurrent_activation, reset_after };
                    let w = GruWeights { kernel, recurrent_kernel, bias };
                    let saved = GruSaved { gates: &mut g, inner: &mut c, hidden: &mut h };
                    gru.forward(&x, w, &state, mask, saved, &mut scratch);
                    let out = GruGradients {
                        x: &mut dx,
                        kernel: &mut dk,
                        recurrent_kernel: &mut dr,
                        bias: &mut db,
                        initial_state: &mut dh,
                    };
                    let room = (&mut dgates[..], &mut dinner[..]);
                    gru.backward(&x, w, &state, mask, (&g, &c, &h), (&dy, &dlast), room, &mut scratch, out);
                }
                _ => {
                    let lstm = Lstm { shape, activation, recurrent_activation };
                    let w = LstmWeights { kernel, recurrent_kernel, bias };
                    let saved = LstmSaved { gates: &mut g, cells: &mut c, hidden: &mut h };
                    lstm.forward(&x, w, (&state, &cell), mask, saved);
                    let out = LstmGradients {
                        x: &mut dx,
                        kernel: &mut dk,
                        recurrent_kernel: &mut dr,
                        bias: &mut db,
                        initial_hidden: &mut dh,
                        initial_cell: &mut dc,
                    };
                    let (before, upstream) = ((&state[..], &cell[..]), (&dy[..], (&dlast[..], &dlast[..])));
                    lstm.backward(&x, w, before, mask, (&g, &c, &h), upstream, &mut dgates, &mut scratch, out);
                }
            }
            (vec![h, dx, dh, dc], vec![dk, dr, db])
        };
        for (gates, reset_after) in [(1, false), (3, true), (3, false), (4, false)] {
            let (each, sums) = run(gates, reset_after, 0, batch);
            let mut summed: Vec<Vec<f64>> = sums.iter().map(|v| vec![0.0; v.len()]).collect();
            for n in 0..batch {
                let (alone, weights) = run(gates, reset_after, n, 1);
                for (k, (alone, each)) in alone.iter().zip(&each).enumerate() {
                    let together = &each[n * alone.len()..][..alone.len()];
                    let worst = alone.iter().zip(together).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                    assert!(worst < 1e-12, "{gates} gates, {reset_after}, sequence {n}, value {k}: {worst}");
                }
                for (sum, part) in summed.iter_mut().zip(&weights) {
                    sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
                }
            }
            for (k, (a, b)) in summed.iter().zip(&sums).enumerate() {
                let worst = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(worst < 1e-10, "{gates} gates, {reset_after}, weights {k}: {worst}");
            }
        }
    }
}
