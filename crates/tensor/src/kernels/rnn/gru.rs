//! Gated recurrent units, in both forms.

use std::ops::Range;

use super::{RnnActivation, RnnShape};
use crate::kernels::Float;
use crate::kernels::gemm::{Layout, Matrix, gemm_strided};
use crate::kernels::unary;
use crate::kernels::wide::wide;
use crate::parallel::split_each;

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
        3 * self.shape.units * self.shape.units.max(1)
    }

    /// The biases of the input and, with `reset_after`, of the recurrent part.
    fn biases<'a, T>(&self, bias: &'a [T]) -> (&'a [T], &'a [T]) {
        bias.split_at(if self.reset_after { bias.len() / 2 } else { bias.len() })
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
        let (bias, recurrent_bias) = self.biases(weights.bias);
        s.check_mask(mask);
        s.check_projection(x, weights.kernel, bias, 3 * u, gates);
        assert!(
            inner.len() == s.rows() * u && hidden.len() == s.rows() * u,
            "gru: states are not [batch, steps, units]"
        );
        if s.batch == 0 || u == 0 {
            return;
        }
        // Both biases of the gates are added at once; that of the candidate goes through the reset gate.
        let both = &mut scratch[..bias.len()];
        both.copy_from_slice(bias);
        let (of_gates, of_candidate) = recurrent_bias.split_at(recurrent_bias.len() / 3 * 2);
        both.iter_mut().zip(of_gates).for_each(|(bias, &more)| *bias += more);
        let both = &*both;
        // Sequences do not depend on each other: each thread takes some through all steps.
        let each = s.sequences_each(3 * u * u);
        let (states, parts) = (each * s.steps * u, s.batch.div_ceil(each));
        split_each(parts, [(gates, 3 * states), (inner, states), (hidden, states)], |part, [gates, inner, hidden]| {
            let first = part * each;
            let rows = first..(first + each).min(s.batch);
            s.part(&rows).project(s.steps_of(x, &rows, s.features), weights.kernel, both, 3 * u, gates);
            let saved = GruSaved { gates, inner, hidden };
            self.forward_sequences(rows, weights.recurrent_kernel, of_candidate, initial_state, mask, saved);
        });
    }

    /// The steps of some sequences, whose gates hold the projected input.
    fn forward_sequences<T: Float>(
        &self,
        sequences: Range<usize>,
        recurrent_kernel: &[T],
        recurrent_bias: &[T],
        initial_state: &[T],
        mask: &[bool],
        saved: GruSaved<'_, T>,
    ) {
        let (s, u) = (self.shape.part(&sequences), self.shape.units);
        let GruSaved { gates, inner, hidden } = saved;
        let initial_state = self.shape.states_of(initial_state, &sequences);
        let of_gates = Matrix { data: recurrent_kernel, stride: 3 * u, layout: Layout::Normal };
        let of_candidate = Matrix { data: &recurrent_kernel[2 * u..], stride: 3 * u, layout: Layout::Normal };
        let (gates_stride, stride) = (s.steps * 3 * u, s.steps * u);
        for t in 0..s.steps {
            let a = s.states_before(hidden, initial_state, t);
            if let Some(a) = a {
                gemm_strided((s.batch, 2 * u, u), T::ONE, a, of_gates, T::ONE, &mut gates[t * 3 * u..], gates_stride);
            }
            if self.reset_after {
                let beta = if recurrent_bias.is_empty() { T::ZERO } else { T::ONE };
                for n in 0..s.batch {
                    let inner = &mut inner[(n * s.steps + t) * u..][..u];
                    match recurrent_bias {
                        [] if a.is_some() => {}
                        [] => inner.fill(T::ZERO),
                        bias => inner.copy_from_slice(bias),
                    }
                }
                if let Some(a) = a {
                    gemm_strided((s.batch, u, u), T::ONE, a, of_candidate, beta, &mut inner[t * u..], stride);
                }
            }
            for n in 0..s.batch {
                let row = n * s.steps + t;
                let (gates, inner) = (&mut gates[row * 3 * u..][..3 * u], &mut inner[row * u..][..u]);
                self.recurrent_activation.forward(&mut gates[..2 * u]);
                if self.reset_after {
                    add_reset(gates, inner);
                } else {
                    reset(gates, s.before(hidden, initial_state, n, t), inner);
                }
            }
            if !self.reset_after {
                let a = Matrix { data: &inner[t * u..], stride, layout: Layout::Normal };
                let c = &mut gates[(t * 3 + 2) * u..];
                gemm_strided((s.batch, u, u), T::ONE, a, of_candidate, T::ONE, c, gates_stride);
            }
            for n in 0..s.batch {
                let row = n * s.steps + t;
                let gates = &mut gates[row * 3 * u..][..3 * u];
                self.activation.forward(&mut gates[2 * u..]);
                let (states, out) = hidden.split_at_mut(row * u);
                let before = match t {
                    0 => s.before(&[], initial_state, n, 0),
                    _ => &states[states.len() - u..],
                };
                let out = &mut out[..u];
                match before {
                    before if s.counts(mask, sequences.start + n, t) => next_state(gates, before, out),
                    [] => out.fill(T::ZERO),
                    before => out.copy_from_slice(before),
                }
            }
        }
    }

    /// Backpropagation through time.
    ///
    /// # Arguments
    /// `saved` is what [`Gru::forward`] wrote: gates, inner, hidden. `dhidden` is the gradient of every output and
    /// `dlast` what comes on top for the last one; either is empty where there is none. `dgates` is room for
    /// `[batch, steps, 3 units]`, `dinner` for `[batch, steps, units]`, `scratch` for [`Gru::scratch_len`] elements.
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
        (dgates, dinner): (&mut [T], &mut [T]),
        scratch: &mut [T],
        gradients: GruGradients<'_, T>,
    ) {
        let (s, u) = (self.shape, self.shape.units);
        let width = 3 * u;
        s.check_mask(mask);
        let dh = gradients.initial_state;
        assert_eq!(dh.len(), s.batch * u, "gru: the gradient of the initial state is not [batch, units]");
        assert!(
            dgates.len() == s.rows() * width && dinner.len() == s.rows() * u,
            "gru: the room for gradients is not [batch, steps, 3 units] and [batch, steps, units]"
        );
        s.begin_gradient(dlast, dh);
        if s.batch > 0 && u > 0 {
            let transposed = s.transpose(weights.recurrent_kernel, width, scratch);
            let each = s.sequences_each(width * u);
            let (states, parts) = (each * s.steps * u, s.batch.div_ceil(each));
            let slices = [(&mut *dgates, 3 * states), (&mut *dinner, states), (dh, each * u)];
            split_each(parts, slices, |part, [dgates, dinner, dh]| {
                let first = part * each;
                let rows = first..(first + each).min(s.batch);
                let saved = (gates, inner, hidden, initial_state, dhidden);
                self.backward_sequences(rows, transposed, mask, saved, dgates, dinner, dh);
            });
        }
        let (dgates, dinner) = (&*dgates, &*dinner);
        let dweights = gradients.recurrent_kernel;
        dweights.fill(T::ZERO);
        if s.rows() > 0 && u > 0 {
            s.add_recurrent_gradient(hidden, initial_state, (dgates, width, 2 * u), dweights, width);
            let dcandidate = &mut dweights[2 * u..];
            if self.reset_after {
                s.add_recurrent_gradient(hidden, initial_state, (dinner, u, u), dcandidate, width);
            } else {
                // The candidate saw the reset states, which are saved for every step.
                let a = Matrix { data: inner, stride: u, layout: Layout::Transposed };
                let b = Matrix { data: &dgates[2 * u..], stride: width, layout: Layout::Normal };
                gemm_strided((u, u, s.rows()), T::ONE, a, b, T::ONE, dcandidate, width);
            }
        }
        let (dbias, dbias_recurrent) = gradients.bias.split_at_mut(gradients.bias.len().min(width));
        s.project_backward(x, weights.kernel, (dgates, width), gradients.x, gradients.kernel, dbias);
        if !dbias_recurrent.is_empty() {
            let (of_gates, of_candidate) = dbias_recurrent.split_at_mut(2 * u);
            of_gates.copy_from_slice(&dbias[..2 * u]);
            unary::bias_backward(dinner, of_candidate);
        }
    }

    /// The steps of some sequences backwards. `dgates`, `dinner` and `dh` are those of these sequences, the other slices
    /// those of all.
    fn backward_sequences<T: Float>(
        &self,
        sequences: Range<usize>,
        transposed: &[T],
        mask: &[bool],
        (gates, inner, hidden, initial_state, dhidden): (&[T], &[T], &[T], &[T], &[T]),
        dgates: &mut [T],
        dinner: &mut [T],
        dh: &mut [T],
    ) {
        let (s, u, batch) = (self.shape, self.shape.units, sequences.len());
        let (of_gates, of_candidate) = transposed.split_at(2 * u * u);
        let matrix = |data| Matrix { data, stride: u, layout: Layout::Normal };
        let (of_gates, of_candidate) = (matrix(of_gates), matrix(of_candidate));
        let (gates_stride, stride) = (s.steps * 3 * u, s.steps * u);
        for t in (0..s.steps).rev() {
            for (i, n) in sequences.clone().enumerate() {
                let (row, at) = (n * s.steps + t, i * s.steps + t);
                let dh = &mut dh[i * u..][..u];
                if !dhidden.is_empty() {
                    dh.iter_mut().zip(&dhidden[row * u..][..u]).for_each(|(dh, &d)| *dh += d);
                }
                let (dgates, dinner) = (&mut dgates[at * 3 * u..][..3 * u], &mut dinner[at * u..][..u]);
                if !s.counts(mask, n, t) {
                    dgates.fill(T::ZERO);
                    dinner.fill(T::ZERO);
                    continue;
                }
                let gates = &gates[row * 3 * u..][..3 * u];
                let before = s.before(hidden, initial_state, n, t);
                state_gradients(self.activation, self.recurrent_activation, gates, before, dh, dgates);
                if self.reset_after {
                    let inner = &inner[row * u..][..u];
                    reset_gradients(self.recurrent_activation, gates, inner, dgates, dinner);
                }
            }
            if !self.reset_after {
                // The candidate's gradient goes through the product with the reset state first.
                let a = Matrix { data: &dgates[(t * 3 + 2) * u..], stride: gates_stride, layout: Layout::Normal };
                gemm_strided((batch, u, u), T::ONE, a, of_candidate, T::ZERO, &mut dinner[t * u..], stride);
                for (i, n) in sequences.clone().enumerate().filter(|&(_, n)| s.counts(mask, n, t)) {
                    let (row, at) = (n * s.steps + t, i * s.steps + t);
                    let (gates, dgates) = (&gates[row * 3 * u..][..3 * u], &mut dgates[at * 3 * u..][..3 * u]);
                    let before = s.before(hidden, initial_state, n, t);
                    let (dinner, dh) = (&dinner[at * u..][..u], &mut dh[i * u..][..u]);
                    reset_before_gradients(self.recurrent_activation, gates, before, dinner, dgates, dh);
                }
            }
            let a = Matrix { data: &dgates[t * 3 * u..], stride: gates_stride, layout: Layout::Normal };
            gemm_strided((batch, u, 2 * u), T::ONE, a, of_gates, T::ONE, dh, u);
            if self.reset_after {
                let a = Matrix { data: &dinner[t * u..], stride, layout: Layout::Normal };
                gemm_strided((batch, u, u), T::ONE, a, of_candidate, T::ONE, dh, u);
            }
        }
    }
}

wide! {
    // `candidate += reset gate * inner`.
    fn add_reset[T: Float](gates: &mut [T], inner: &[T]) {
        let (gates, candidate) = gates.split_at_mut(2 * inner.len());
        let reset = &gates[inner.len()..];
        candidate.iter_mut().zip(reset).zip(inner).for_each(|((c, &r), &inner)| *c += r * inner);
    }
}

wide! {
    // `inner = reset gate * state before`; an empty state is zeros.
    fn reset[T: Float](gates: &[T], before: &[T], inner: &mut [T]) {
        if before.is_empty() {
            return inner.fill(T::ZERO);
        }
        let reset = &gates[inner.len()..];
        inner.iter_mut().zip(reset).zip(before).for_each(|((inner, &r), &before)| *inner = r * before);
    }
}

wide! {
    // `out = z before + (1 - z) candidate`; an empty state is zeros.
    fn next_state[T: Float](gates: &[T], before: &[T], out: &mut [T]) {
        let candidate = &gates[2 * out.len()..];
        for ((out, &z), &c) in out.iter_mut().zip(gates).zip(candidate) {
            *out = (T::ONE - z) * c;
        }
        out.iter_mut().zip(gates).zip(before).for_each(|((out, &z), &before)| *out += z * before);
    }
}

wide! {
    // Gradients of update gate and candidate from that of the state, of which what goes on by the update gate is left;
    // an empty state before is zeros.
    fn state_gradients[T: Float](
        inner: RnnActivation, outer: RnnActivation, gates: &[T], before: &[T], dh: &mut [T], dgates: &mut [T],
    ) {
        // Keras's defaults on their own, so that the loop has no branches.
        if let (RnnActivation::Tanh, RnnActivation::Sigmoid) = (inner, outer) {
            let (inner, outer) = (|y| RnnActivation::Tanh.slope(y), |y| RnnActivation::Sigmoid.slope(y));
            state_gradients_by(inner, outer, gates, before, dh, dgates);
        } else {
            state_gradients_by(|y| inner.slope(y), |y| outer.slope(y), gates, before, dh, dgates);
        }
    }
}

#[inline(always)]
fn state_gradients_by<T: Float>(
    inner: impl Fn(T) -> T,
    outer: impl Fn(T) -> T,
    gates: &[T],
    before: &[T],
    dh: &mut [T],
    dgates: &mut [T],
) {
    let u = dh.len();
    let (z, c) = (&gates[..u], &gates[2 * u..][..u]);
    let (dz, rest) = dgates.split_at_mut(u);
    let dc = &mut rest[u..][..u];
    match before {
        [] => dz.iter_mut().zip(c).for_each(|(dz, &c)| *dz = -c),
        before => dz.iter_mut().zip(before).zip(c).for_each(|((dz, &before), &c)| *dz = before - c),
    }
    for j in 0..u {
        dz[j] *= dh[j] * outer(z[j]);
        dc[j] = dh[j] * (T::ONE - z[j]) * inner(c[j]);
        dh[j] *= z[j];
    }
}

wide! {
    // Gradients of the reset gate and of the candidate's inner part, where the gate acts after the product.
    fn reset_gradients[T: Float](
        outer: RnnActivation, gates: &[T], inner: &[T], dgates: &mut [T], dinner: &mut [T],
    ) {
        let u = inner.len();
        let (reset, dinner) = (&gates[u..][..u], &mut dinner[..u]);
        let (dr, dc) = dgates[u..].split_at_mut(u);
        let dc = &dc[..u];
        for j in 0..u {
            dr[j] = dc[j] * inner[j] * outer.slope(reset[j]);
            dinner[j] = dc[j] * reset[j];
        }
    }
}

wide! {
    // Gradients of the reset gate and of the state before, where the gate acts before the product; an empty state is zeros.
    fn reset_before_gradients[T: Float](
        outer: RnnActivation, gates: &[T], before: &[T], dinner: &[T], dgates: &mut [T], dh: &mut [T],
    ) {
        let u = dh.len();
        let (reset, dinner, dr) = (&gates[u..][..u], &dinner[..u], &mut dgates[u..][..u]);
        for j in 0..u {
            dr[j] = dinner[j] * outer.slope(reset[j]);
            dh[j] += dinner[j] * reset[j];
        }
        match before {
            [] => dr.fill(T::ZERO),
            before => dr.iter_mut().zip(before).for_each(|(dr, &before)| *dr *= before),
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
                let (mut dgates, mut dinner) = (vec![f64::NAN; gates.len()], vec![f64::NAN; inner.len()]);
                let mut scratch = vec![f64::NAN; gru.scratch_len()];
                let w = GruWeights { kernel: &inputs[1], recurrent_kernel: &inputs[2], bias: &inputs[3] };
                if let [x, kernel, recurrent_kernel, bias, initial_state] = &mut g[..] {
                    let out = GruGradients { x, kernel, recurrent_kernel, bias, initial_state };
                    let (saved, room) = ((&gates[..], &inner[..], &h[..]), (&mut dgates[..], &mut dinner[..]));
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
