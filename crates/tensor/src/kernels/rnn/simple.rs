//! SimpleRNN: the output is fed back.

use std::ops::Range;

use super::{RnnActivation, RnnShape};
use crate::kernels::Float;
use crate::kernels::gemm::{Layout, Matrix, gemm_strided};
use crate::kernels::wide::wide;
use crate::parallel::split_each;

/// A fully connected recurrent layer: `h(t) = activation(x(t) kernel + h(t - 1) recurrent_kernel + bias)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimpleRnn {
    /// Lengths.
    pub shape: RnnShape,
    /// Applied to each new state.
    pub activation: RnnActivation,
}

/// Weights of a [`SimpleRnn`].
#[derive(Clone, Copy, Debug)]
pub struct SimpleRnnWeights<'a, T> {
    /// `[features, units]`.
    pub kernel: &'a [T],
    /// `[units, units]`.
    pub recurrent_kernel: &'a [T],
    /// `[units]` or empty.
    pub bias: &'a [T],
}

/// Gradients of a [`SimpleRnn`]; all are overwritten.
#[derive(Debug)]
pub struct SimpleRnnGradients<'a, T> {
    /// `[batch, steps, features]`, or empty where nobody needs it.
    pub x: &'a mut [T],
    /// `[features, units]`.
    pub kernel: &'a mut [T],
    /// `[units, units]`.
    pub recurrent_kernel: &'a mut [T],
    /// `[units]` or empty.
    pub bias: &'a mut [T],
    /// Of the initial state, `[batch, units]`.
    pub initial_state: &'a mut [T],
}

impl SimpleRnn {
    /// Elements of scratch room that [`SimpleRnn::forward`] and [`SimpleRnn::backward`] need.
    pub fn scratch_len(&self) -> usize {
        self.shape.units * self.shape.units.max(self.shape.batch)
    }

    /// Computes all states `hidden` (`[batch, steps, units]`), which are the outputs. `scratch` is room for
    /// [`SimpleRnn::scratch_len`] elements.
    ///
    /// # Panics
    /// When a slice has another length than its shape.
    ///
    /// # Source
    /// keras/layers/rnn/simple_rnn.py.
    pub fn forward<T: Float>(
        &self,
        x: &[T],
        weights: SimpleRnnWeights<'_, T>,
        initial_state: &[T],
        mask: &[bool],
        hidden: &mut [T],
        scratch: &mut [T],
    ) {
        let (s, u) = (self.shape, self.shape.units);
        s.check_mask(mask);
        s.check_projection(x, weights.kernel, weights.bias, u, hidden);
        if s.batch == 0 || u == 0 {
            return;
        }
        // Sequences do not depend on each other: each thread takes some through all steps.
        let each = s.sequences_each(u * u);
        let parts = s.batch.div_ceil(each);
        split_each(parts, [(hidden, each * s.steps * u), (scratch, each * u)], |part, [hidden, state]| {
            let first = part * each;
            let rows = first..(first + each).min(s.batch);
            s.part(&rows).project(s.steps_of(x, &rows, s.features), weights.kernel, weights.bias, u, hidden);
            self.forward_sequences(rows, weights.recurrent_kernel, initial_state, mask, hidden, state);
        });
    }

    /// The steps of some sequences, whose states hold the projected input. `state` is room for a state of each.
    fn forward_sequences<T: Float>(
        &self,
        sequences: Range<usize>,
        recurrent_kernel: &[T],
        initial_state: &[T],
        mask: &[bool],
        hidden: &mut [T],
        state: &mut [T],
    ) {
        let (s, u) = (self.shape.part(&sequences), self.shape.units);
        let state = &mut state[..s.batch * u];
        let has_state = !initial_state.is_empty();
        if has_state {
            state.copy_from_slice(self.shape.states_of(initial_state, &sequences));
        } else {
            state.fill(T::ZERO);
        }
        let b = Matrix { data: recurrent_kernel, stride: u, layout: Layout::Normal };
        for t in 0..s.steps {
            if t > 0 || has_state {
                let a = Matrix { data: &*state, stride: u, layout: Layout::Normal };
                gemm_strided((s.batch, u, u), T::ONE, a, b, T::ONE, &mut hidden[t * u..], s.steps * u);
            }
            for (n, state) in state.chunks_exact_mut(u).enumerate() {
                let now = &mut hidden[(n * s.steps + t) * u..][..u];
                if s.counts(mask, sequences.start + n, t) {
                    self.activation.forward(now);
                    state.copy_from_slice(now);
                } else {
                    now.copy_from_slice(state);
                }
            }
        }
    }

    /// Backpropagation through time.
    ///
    /// # Arguments
    /// `dhidden` is the gradient of every state and `dlast` what comes on top for the state after the last step; either
    /// is empty where there is none. `dgates` is room for `[batch, steps, units]`, `scratch` for
    /// [`SimpleRnn::scratch_len`] elements.
    ///
    /// # Panics
    /// When a slice has another length than its shape.
    pub fn backward<T: Float>(
        &self,
        x: &[T],
        weights: SimpleRnnWeights<'_, T>,
        initial_state: &[T],
        mask: &[bool],
        hidden: &[T],
        (dhidden, dlast): (&[T], &[T]),
        dgates: &mut [T],
        scratch: &mut [T],
        gradients: SimpleRnnGradients<'_, T>,
    ) {
        let (s, u) = (self.shape, self.shape.units);
        s.check_mask(mask);
        let dh = gradients.initial_state;
        assert_eq!(dh.len(), s.batch * u, "rnn: the gradient of the initial state is not [batch, units]");
        s.begin_gradient(dlast, dh);
        if s.batch > 0 && u > 0 {
            let transposed = s.transpose(weights.recurrent_kernel, u, scratch);
            let each = s.sequences_each(u * u);
            let parts = s.batch.div_ceil(each);
            split_each(parts, [(&mut *dgates, each * s.steps * u), (dh, each * u)], |part, [dgates, dh]| {
                let first = part * each;
                let rows = first..(first + each).min(s.batch);
                self.backward_sequences(rows, transposed, mask, (hidden, dhidden), dgates, dh);
            });
        }
        let dgates = &*dgates;
        gradients.recurrent_kernel.fill(T::ZERO);
        s.add_recurrent_gradient(hidden, initial_state, (dgates, u, u), gradients.recurrent_kernel, u);
        s.project_backward(x, weights.kernel, (dgates, u), gradients.x, gradients.kernel, gradients.bias);
    }

    /// The steps of some sequences backwards. `dgates` and `dh` are those of these sequences, the other slices those of
    /// all.
    fn backward_sequences<T: Float>(
        &self,
        sequences: Range<usize>,
        transposed: &[T],
        mask: &[bool],
        (hidden, dhidden): (&[T], &[T]),
        dgates: &mut [T],
        dh: &mut [T],
    ) {
        let (s, u) = (self.shape, self.shape.units);
        let b = Matrix { data: transposed, stride: u, layout: Layout::Normal };
        for t in (0..s.steps).rev() {
            for (i, n) in sequences.clone().enumerate() {
                let (row, dh) = (n * s.steps + t, &mut dh[i * u..][..u]);
                if !dhidden.is_empty() {
                    dh.iter_mut().zip(&dhidden[row * u..][..u]).for_each(|(dh, &d)| *dh += d);
                }
                let dgates = &mut dgates[(i * s.steps + t) * u..][..u];
                if s.counts(mask, n, t) {
                    state_gradients(self.activation, &hidden[row * u..][..u], dh, dgates);
                } else {
                    dgates.fill(T::ZERO);
                }
            }
            let a = Matrix { data: &dgates[t * u..], stride: s.steps * u, layout: Layout::Normal };
            gemm_strided((sequences.len(), u, u), T::ONE, a, b, T::ONE, dh, u);
        }
    }
}

wide! {
    // The gradient of the sum from that of the state, of which nothing is left.
    fn state_gradients[T: Float](activation: RnnActivation, state: &[T], dh: &mut [T], dgates: &mut [T]) {
        for ((d, dh), &y) in dgates.iter_mut().zip(dh).zip(state) {
            *d = *dh * activation.slope(y);
            *dh = T::ZERO;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check_gradients, values};
    use super::*;

    #[test]
    fn gradients_are_differences() {
        for (batch, steps, masked, initial) in
            [(2, 3, false, true), (3, 2, true, false), (1, 5, true, true), (2, 1, false, false)]
        {
            let shape = RnnShape { batch, steps, features: 2, units: 3 };
            let rnn = SimpleRnn { shape, activation: RnnActivation::Tanh };
            let mask: Vec<bool> = if masked { (0..batch * steps).map(|i| i % 3 != 0).collect() } else { vec![] };
            let mut inputs = vec![
                values(batch * steps * 2, 1),
                values(6, 2),
                values(9, 3),
                values(3, 4),
                if initial { values(batch * 3, 5) } else { vec![] },
            ];
            let (dy, dlast) = (values(batch * steps * 3, 6), values(batch * 3, 7));
            let run = |i: &[Vec<f64>]| {
                let mut h = vec![f64::NAN; dy.len()];
                let w = SimpleRnnWeights { kernel: &i[1], recurrent_kernel: &i[2], bias: &i[3] };
                rnn.forward(&i[0], w, &i[4], &mask, &mut h, &mut vec![f64::NAN; rnn.scratch_len()]);
                h
            };
            let h = run(&inputs);
            let mut g: Vec<Vec<f64>> = inputs.iter().map(|i| vec![9.0; i.len()]).collect();
            g[4] = vec![9.0; batch * 3];
            let (mut dgates, mut scratch) = (vec![9.0; dy.len()], vec![f64::NAN; rnn.scratch_len()]);
            let w = SimpleRnnWeights { kernel: &inputs[1], recurrent_kernel: &inputs[2], bias: &inputs[3] };
            if let [x, kernel, recurrent_kernel, bias, initial_state] = &mut g[..] {
                let out = SimpleRnnGradients { x, kernel, recurrent_kernel, bias, initial_state };
                rnn.backward(&inputs[0], w, &inputs[4], &mask, &h, (&dy, &dlast), &mut dgates, &mut scratch, out);
            }
            g[4].truncate(inputs[4].len());
            check_gradients("simple", &mut inputs, &g, |i| {
                let h = run(i);
                let last = |n: usize, j: usize| h[(n * steps + steps - 1) * 3 + j] * dlast[n * 3 + j];
                let lasts: f64 = (0..batch).flat_map(|n| (0..3).map(move |j| last(n, j))).sum();
                lasts + h.iter().zip(&dy).map(|(a, b)| a * b).sum::<f64>()
            });
        }
    }

    #[test]
    fn no_steps_and_no_batch() {
        for (batch, steps) in [(0, 3), (2, 0)] {
            let shape = RnnShape { batch, steps, features: 2, units: 3 };
            let rnn = SimpleRnn { shape, activation: RnnActivation::Relu };
            let w = SimpleRnnWeights { kernel: &[1f32; 6], recurrent_kernel: &[1.; 9], bias: &[] };
            let mut scratch = vec![0.0; rnn.scratch_len()];
            rnn.forward(&[], w, &[], &[], &mut [], &mut scratch);
            let (mut k, mut r, mut i) = ([9f32; 6], [9f32; 9], vec![9f32; batch * 3]);
            let g = SimpleRnnGradients {
                x: &mut [],
                kernel: &mut k,
                recurrent_kernel: &mut r,
                bias: &mut [],
                initial_state: &mut i,
            };
            rnn.backward(&[], w, &[], &[], &[], (&[], &[]), &mut [], &mut scratch, g);
            assert!(k == [0.0; 6] && r == [0.0; 9] && i.iter().all(|&v| v == 0.0));
        }
    }
}
