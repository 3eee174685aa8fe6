//! Gated recurrent units, in both forms.

use super::{RnnActivation, RnnShape};
use crate::kernels::Float;
use crate::kernels::gemm::{Layout, Matrix, gemm_strided};
use crate::kernels::unary;

/// A GRU layer. Gates lie in Keras's order: update `z`, reset `r`, candidate `c`; `h(t) = z h(t - 1) + (1 - z) c`.
///
/// With `reset_after` the candidate is `activation(x_c + r (h(t - 1) recurrent_c + recurrent_bias_c))`, else it is
/// `activation(x_c + (r h(t - 1)) recurrent_c)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gru {
    /// Lengths.
    pub shape: RnnShape,
    /// Of the candidate.
    pub activation: RnnActivation,
    /// Of the gates.
    pub recurrent_activation: RnnActivation,
    /// Whether the reset gate acts after the matrix product (Keras 2's default) or before.
    pub reset_after: bool,
}

/// Weights of a [`Gru`].
#[derive(Clone, Copy, Debug)]
pub struct GruWeights<'a, T> {
    /// `[features, 3 units]`.
    pub kernel: &'a [T],
    /// `[units, 3 units]`.
    pub recurrent_kernel: &'a [T],
    /// With `reset_after` `[2, 3 units]` (input, recurrent), else `[3 units]`; or empty.
    pub bias: &'a [T],
}

/// What [`Gru::forward`] writes and [`Gru::backward`] reads.
#[derive(Debug)]
pub struct GruSaved<'a, T> {
    /// Activated gates, `[batch, steps, 3 units]`.
    pub gates: &'a mut [T],
    /// With `reset_after` the candidate's recurrent part, else the reset state; `[batch, steps, units]`.
    pub inner: &'a mut [T],
    /// Outputs, `[batch, steps, units]`.
    pub hidden: &'a mut [T],
}

/// Gradients of a [`Gru`]; all are overwritten.
#[derive(Debug)]
pub struct GruGradients<'a, T> {
    /// `[batch, steps, features]`, or empty where nobody needs it.
    pub x: &'a mut [T],
    /// `[features, 3 units]`.
    pub kernel: &'a mut [T],
    /// `[units, 3 units]`.
    pub recurrent_kernel: &'a mut [T],
    /// As the bias, or empty.
    pub bias: &'a mut [T],
    /// Of the initial state, `[batch, units]`.
    pub initial_state: &'a mut [T],
}

impl Gru {
    /// Elements of scratch room that [`Gru::forward`] and [`Gru::backward`] need besides what is saved.
    pub fn scratch_len(&self) -> usize {
        3 * self.shape.batch * self.shape.units
    }

    fn input_bias<'a, T>(&self, bias: &'a [T]) -> &'a [T] {
        if self.reset_after { &bias[..bias.len() / 2] } else { bias }
    }

    /// Computes all outputs. `scratch` is room for [`Gru::scratch_len`] elements.
    ///
    /// # Panics
    /// When a slice has another length than its shape.
    ///
    /// # Source
    /// keras/layers/rnn/gru.py.
    pub fn forward<T: Float>(
        &self,
        x: &[T],
        weights: GruWeights<'_, T>,
        initial_state: &[T],
        mask: &[bool],
        saved: GruSaved<'_, T>,
        scratch: &mut [T],
    ) {
        let (s, u) = (self.shape, self.shape.units);
        let GruSaved { gates, inner, hidden } = saved;
        s.check_mask(mask);
        assert!(
            inner.len() == s.rows() * u && hidden.len() == s.rows() * u,
            "gru: states are not [batch, steps, units]"
        );
        s.project(x, weights.kernel, self.input_bias(weights.bias), 3 * u, gates);
        if s.batch == 0 || u == 0 {
            return;
        }
        // How many of the gates' columns the first product of a step covers.
        let columns = if self.reset_after { 3 * u } else { 2 * u };
        let recurrent_bias = if self.reset_after && !weights.bias.is_empty() { &weights.bias[3 * u..] } else { &[] };
        let b = Matrix { data: weights.recurrent_kernel, stride: 3 * u, layout: Layout::Normal };
        for t in 0..s.steps {
            let product = &mut scratch[..s.batch * columns];
            match recurrent_bias {
                [] => product.fill(T::ZERO),
                bias => product.chunks_exact_mut(columns).for_each(|row| row.copy_from_slice(bias)),
            }
            if let Some(a) = s.states_before(hidden, initial_state, t) {
                gemm_strided((s.batch, columns, u), T::ONE, a, b, T::ONE, product, columns);
            }
            for n in 0..s.batch {
                let row = n * s.steps + t;
                let gates = &mut gates[row * 3 * u..][..3 * u];
                let product = &product[n * columns..][..columns];
                gates[..2 * u].iter_mut().zip(product).for_each(|(g, &p)| *g += p);
                self.recurrent_activation.forward(&mut gates[..2 * u]);
                let inner = &mut inner[row * u..][..u];
                if self.reset_after {
                    inner.copy_from_slice(&product[2 * u..]);
                    for j in 0..u {
                        gates[2 * u + j] += gates[u + j] * inner[j];
                    }
                } else {
                    let before = s.before(hidden, initial_state, n, t);
                    for j in 0..u {
                        inner[j] = gates[u + j] * before.get(j).copied().unwrap_or(T::ZERO);
                    }
                }
            }
            if !self.reset_after {
                let a = Matrix { data: &inner[t * u..], stride: s.steps * u, layout: Layout::Normal };
                let b = Matrix { data: &weights.recurrent_kernel[2 * u..], stride: 3 * u, layout: Layout::Normal };
                let c = &mut gates[(t * 3 + 2) * u..];
                gemm_strided((s.batch, u, u), T::ONE, a, b, T::ONE, c, s.steps * 3 * u);
            }
            for n in 0..s.batch {
                let row = n * s.steps + t;
                let gates = &mut gates[row * 3 * u..][..3 * u];
                self.activation.forward(&mut gates[2 * u..]);
                let (states, out) = hidden.split_at_mut(row * u);
                let before = match t {
                    0 if initial_state.is_empty() => &[],
                    0 => &initial_state[n * u..][..u],
                    _ => &states[states.len() - u..],
                };
                for j in 0..u {
                    let before = before.get(j).copied().unwrap_or(T::ZERO);
                    let (z, c) = (gates[j], gates[2 * u + j]);
                    out[j] = if s.counts(mask, n, t) { z * before + (T::ONE - z) * c } else { before };
                }
            }
        }
    }

    /// Backpropagation through time.
    ///
    /// # Arguments
    /// `saved` is what [`Gru::forward`] wrote: gates, inner, hidden. `dhidden` is the gradient of every output and
    /// `dlast` what comes on top for the last one; either is empty where there is none. `dgates` and `drecurrent` are room for `[batch, steps, 3 units]`
    /// each, `scratch` for [`Gru::scratch_len`] elements.
    ///
    /// # Panics
    /// When a slice has another length than its shape.
    pub fn backward<T: Float>(
        &self,
        x: &[T],
        weights: GruWeights<'_, T>,
        initial_state: &[T],
        mask: &[bool],
        (gates, inner, hidden): (&[T], &[T], &[T]),
        (dhidden, dlast): (&[T], &[T]),
        (dgates, drecurrent): (&mut [T], &mut [T]),
        scratch: &mut [T],
        gradients: GruGradients<'_, T>,
    ) {
        let (s, u) = (self.shape, self.shape.units);
        s.check_mask(mask);
        let dh = gradients.initial_state;
        assert_eq!(dh.len(), s.batch * u, "gru: the gradient of the initial state is not [batch, units]");
        s.begin_gradient(dlast, dh);
        let (width, stride) = (3 * u, s.steps * 3 * u);
        let (activation, gate) = (self.activation, self.recurrent_activation);
        for t in (0..s.steps).rev() {
            if s.batch == 0 || u == 0 {
                break;
            }
            for n in 0..s.batch {
                let row = n * s.steps + t;
                let dh = &mut dh[n * u..][..u];
                if !dhidden.is_empty() {
                    dh.iter_mut().zip(&dhidden[row * u..][..u]).for_each(|(dh, &d)| *dh += d);
                }
                let dgates = &mut dgates[row * width..][..width];
                let drecurrent = &mut drecurrent[row * width..][..width];
                if !s.counts(mask, n, t) {
                    dgates.fill(T::ZERO);
                    drecurrent.fill(T::ZERO);
                    continue;
                }
                let (gates, inner) = (&gates[row * width..][..width], &inner[row * u..][..u]);
                let before = s.before(hidden, initial_state, n, t);
                for j in 0..u {
                    let (z, r, c) = (gates[j], gates[u + j], gates[2 * u + j]);
                    let before = before.get(j).copied().unwrap_or(T::ZERO);
                    dgates[j] = dh[j] * (before - c) * gate.slope(z);
                    let dc = dh[j] * (T::ONE - z) * activation.slope(c);
                    dgates[2 * u + j] = dc;
                    if self.reset_after {
                        dgates[u + j] = dc * inner[j] * gate.slope(r);
                        drecurrent[2 * u + j] = dc * r;
                    }
                    dh[j] *= z;
                }
            }
            if !self.reset_after {
                // The candidate's gradient goes through the product with the reset state first.
                let reset = &mut scratch[..s.batch * u];
                let a = Matrix { data: &dgates[t * width + 2 * u..], stride, layout: Layout::Normal };
                let b = Matrix { data: &weights.recurrent_kernel[2 * u..], stride: width, layout: Layout::Transposed };
                gemm_strided((s.batch, u, u), T::ONE, a, b, T::ZERO, reset, u);
                for n in (0..s.batch).filter(|&n| s.counts(mask, n, t)) {
                    let row = n * s.steps + t;
                    let before = s.before(hidden, initial_state, n, t);
                    for j in 0..u {
                        let (r, d) = (gates[row * width + u + j], reset[n * u + j]);
                        dgates[row * width + u + j] = d * before.get(j).copied().unwrap_or(T::ZERO) * gate.slope(r);
                        dh[n * u + j] += d * r;
                    }
                }
            }
            for n in (0..s.batch).filter(|&n| s.counts(mask, n, t)) {
                let at = (n * s.steps + t) * width;
                drecurrent[at..at + 2 * u].copy_from_slice(&dgates[at..at + 2 * u]);
            }
            let columns = if self.reset_after { width } else { 2 * u };
            let a = Matrix { data: &drecurrent[t * width..], stride, layout: Layout::Normal };
            let b = Matrix { data: weights.recurrent_kernel, stride: width, layout: Layout::Transposed };
            gemm_strided((s.batch, u, columns), T::ONE, a, b, T::ONE, dh, u);
        }
        let (dgates, drecurrent) = (&*dgates, &*drecurrent);
        gradients.recurrent_kernel.fill(T::ZERO);
        let dweights = gradients.recurrent_kernel;
        if self.reset_after {
            s.add_recurrent_gradient(hidden, initial_state, (drecurrent, width, width), dweights, width);
        } else if s.rows() > 0 && u > 0 {
            s.add_recurrent_gradient(hidden, initial_state, (dgates, width, 2 * u), dweights, width);
            // The candidate saw the reset states, which are saved for every step.
            let a = Matrix { data: inner, stride: u, layout: Layout::Transposed };
            let b = Matrix { data: &dgates[2 * u..], stride: width, layout: Layout::Normal };
            gemm_strided((u, u, s.rows()), T::ONE, a, b, T::ONE, &mut dweights[2 * u..], width);
        }
        let has_bias = !gradients.bias.is_empty();
        let (dbias, dbias_recurrent) = gradients.bias.split_at_mut(if has_bias { width } else { 0 });
        s.project_backward(x, weights.kernel, (dgates, width), gradients.x, gradients.kernel, dbias);
        if !dbias_recurrent.is_empty() {
            unary::bias_backward(drecurrent, dbias_recurrent);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check_gradients, values};
    use super::*;

    #[test]
    fn gradients_are_differences() {
        for reset_after in [true, false] {
            for (batch, steps, masked, initial) in
                [(2, 3, false, true), (3, 2, true, false), (1, 5, true, true), (2, 1, false, false)]
            {
                let (f, u) = (2, 3);
                let shape = RnnShape { batch, steps, features: f, units: u };
                let (activation, recurrent_activation) = (RnnActivation::Tanh, RnnActivation::Sigmoid);
                let gru = Gru { shape, activation, recurrent_activation, reset_after };
                let mask: Vec<bool> = if masked { (0..batch * steps).map(|i| i % 3 != 0).collect() } else { vec![] };
                let bias = if reset_after { 6 * u } else { 3 * u };
                let mut inputs = vec![
                    values(batch * steps * f, 1),
                    values(f * 3 * u, 2),
                    values(u * 3 * u, 3),
                    values(bias, 4),
                    if initial { values(batch * u, 5) } else { vec![] },
                ];
                let (dy, dlast) = (values(batch * steps * u, 7), values(batch * u, 8));
                let run = |i: &[Vec<f64>]| {
                    let n = dy.len();
                    let (mut g, mut c, mut h) = (vec![f64::NAN; n * 3], vec![f64::NAN; n], vec![f64::NAN; n]);
                    let w = GruWeights { kernel: &i[1], recurrent_kernel: &i[2], bias: &i[3] };
                    let mut scratch = vec![f64::NAN; gru.scratch_len()];
                    let saved = GruSaved { gates: &mut g, inner: &mut c, hidden: &mut h };
                    gru.forward(&i[0], w, &i[4], &mask, saved, &mut scratch);
                    (g, c, h)
                };
                let (gates, inner, h) = run(&inputs);
                let mut g: Vec<Vec<f64>> = inputs.iter().map(|i| vec![9.0; i.len()]).collect();
                g[4] = vec![9.0; batch * u];
                let (mut dgates, mut drecurrent) = (vec![f64::NAN; gates.len()], vec![f64::NAN; gates.len()]);
                let mut scratch = vec![f64::NAN; gru.scratch_len()];
                let w = GruWeights { kernel: &inputs[1], recurrent_kernel: &inputs[2], bias: &inputs[3] };
                if let [x, kernel, recurrent_kernel, bias, initial_state] = &mut g[..] {
                    let out = GruGradients { x, kernel, recurrent_kernel, bias, initial_state };
                    let (saved, room) = ((&gates[..], &inner[..], &h[..]), (&mut dgates[..], &mut drecurrent[..]));
                    gru.backward(&inputs[0], w, &inputs[4], &mask, saved, (&dy, &dlast), room, &mut scratch, out);
                }
                g[4].truncate(inputs[4].len());
                let what = format!("gru reset_after {reset_after} {batch} {steps}");
                check_gradients(&what, &mut inputs, &g, |i| {
                    let h = run(i).2;
                    let last = |n: usize, j: usize| h[(n * steps + steps - 1) * u + j] * dlast[n * u + j];
                    let lasts: f64 = (0..batch).flat_map(|n| (0..u).map(move |j| last(n, j))).sum();
                    lasts + h.iter().zip(&dy).map(|(a, b)| a * b).sum::<f64>()
                });
            }
        }
    }
}
