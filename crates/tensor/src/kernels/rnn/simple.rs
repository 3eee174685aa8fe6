//! SimpleRNN: the output is fed back.

use super::{RnnActivation, RnnShape};
use crate::kernels::Float;
use crate::kernels::gemm::{Layout, Matrix, gemm_strided};

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
    /// Computes all states `hidden` (`[batch, steps, units]`), which are the outputs.
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
    ) {
        let (s, u) = (self.shape, self.shape.units);
        s.check_mask(mask);
        s.project(x, weights.kernel, weights.bias, u, hidden);
        let b = Matrix { data: weights.recurrent_kernel, stride: u, layout: Layout::Normal };
        for t in 0..s.steps {
            if s.batch == 0 || u == 0 {
                return;
            }
            // The step is computed where it will stay; the one before it is borrowed beside it.
            if t == 0 {
                if let Some(a) = s.states_before(&[], initial_state, 0) {
                    gemm_strided((s.batch, u, u), T::ONE, a, b, T::ONE, hidden, s.steps * u);
                }
            } else {
                for n in 0..s.batch {
                    let (before, now) = hidden[(n * s.steps + t - 1) * u..].split_at_mut(u);
                    let a = Matrix { data: &*before, stride: u, layout: Layout::Normal };
                    gemm_strided((1, u, u), T::ONE, a, b, T::ONE, &mut now[..u], u);
                }
            }
            for n in 0..s.batch {
                let (before, now) = hidden.split_at_mut((n * s.steps + t) * u);
                let now = &mut now[..u];
                if s.counts(mask, n, t) {
                    self.activation.forward(now);
                } else if t > 0 {
                    now.copy_from_slice(&before[before.len() - u..]);
                } else if initial_state.is_empty() {
                    now.fill(T::ZERO);
                } else {
                    now.copy_from_slice(&initial_state[n * u..][..u]);
                }
            }
        }
    }

    /// Backpropagation through time.
    ///
    /// # Arguments
    /// `dhidden` is the gradient of every state and `dlast` what comes on top for the state after the last step; either
    /// is empty where there is none. `dgates` is room for `[batch, steps, units]`.
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
        gradients: SimpleRnnGradients<'_, T>,
    ) {
        let (s, u) = (self.shape, self.shape.units);
        s.check_mask(mask);
        let dh = gradients.initial_state;
        assert_eq!(dh.len(), s.batch * u, "rnn: the gradient of the initial state is not [batch, units]");
        s.begin_gradient(dlast, dh);
        let b = Matrix { data: weights.recurrent_kernel, stride: u, layout: Layout::Transposed };
        for t in (0..s.steps).rev() {
            if s.batch == 0 || u == 0 {
                break;
            }
            for n in 0..s.batch {
                let at = (n * s.steps + t) * u;
                let dh = &mut dh[n * u..][..u];
                if !dhidden.is_empty() {
                    dh.iter_mut().zip(&dhidden[at..at + u]).for_each(|(dh, &d)| *dh += d);
                }
                for j in 0..u {
                    if s.counts(mask, n, t) {
                        dgates[at + j] = dh[j] * self.activation.slope(hidden[at + j]);
                        dh[j] = T::ZERO;
                    } else {
                        dgates[at + j] = T::ZERO;
                    }
                }
            }
            let a = Matrix { data: &dgates[t * u..], stride: s.steps * u, layout: Layout::Normal };
            gemm_strided((s.batch, u, u), T::ONE, a, b, T::ONE, dh, u);
        }
        let dgates = &*dgates;
        gradients.recurrent_kernel.fill(T::ZERO);
        s.add_recurrent_gradient(hidden, initial_state, (dgates, u, u), gradients.recurrent_kernel, u);
        s.project_backward(x, weights.kernel, (dgates, u), gradients.x, gradients.kernel, gradients.bias);
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
                rnn.forward(&i[0], w, &i[4], &mask, &mut h);
                h
            };
            let h = run(&inputs);
            let mut g: Vec<Vec<f64>> = inputs.iter().map(|i| vec![9.0; i.len()]).collect();
            g[4] = vec![9.0; batch * 3];
            let mut dgates = vec![9.0; dy.len()];
            let w = SimpleRnnWeights { kernel: &inputs[1], recurrent_kernel: &inputs[2], bias: &inputs[3] };
            if let [x, kernel, recurrent_kernel, bias, initial_state] = &mut g[..] {
                let out = SimpleRnnGradients { x, kernel, recurrent_kernel, bias, initial_state };
                rnn.backward(&inputs[0], w, &inputs[4], &mask, &h, (&dy, &dlast), &mut dgates, out);
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
            rnn.forward(&[], w, &[], &[], &mut []);
            let (mut k, mut r, mut i) = ([9f32; 6], [9f32; 9], vec![9f32; batch * 3]);
            let g = SimpleRnnGradients {
                x: &mut [],
                kernel: &mut k,
                recurrent_kernel: &mut r,
                bias: &mut [],
                initial_state: &mut i,
            };
            rnn.backward(&[], w, &[], &[], &[], (&[], &[]), &mut [], g);
            assert!(k == [0.0; 6] && r == [0.0; 9] && i.iter().all(|&v| v == 0.0));
        }
    }
}
