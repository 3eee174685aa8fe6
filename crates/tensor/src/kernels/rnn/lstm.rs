//! Long short-term memory.

use std::ops::Range;

use super::{RnnActivation, RnnShape};
use crate::kernels::Float;
use crate::kernels::gemm::{Layout, Matrix, gemm_strided};
use crate::kernels::wide::wide;
use crate::parallel::{split_each, threads};

/// An LSTM layer. Gates lie in Keras's order: input `i`, forget `f`, candidate `g`, output `o`.
///
/// `c(t) = f c(t - 1) + i g`, `h(t) = o activation(c(t))`, where `g` goes through `activation` and the other gates
/// through `recurrent_activation`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lstm {
    /// Lengths.
    pub shape: RnnShape,
    /// Of the candidate and the output.
    pub activation: RnnActivation,
    /// Of the gates.
    pub recurrent_activation: RnnActivation,
}

/// Weights of an [`Lstm`].
#[derive(Clone, Copy, Debug)]
pub struct LstmWeights<'a, T> {
    /// `[features, 4 units]`.
    pub kernel: &'a [T],
    /// `[units, 4 units]`.
    pub recurrent_kernel: &'a [T],
    /// `[4 units]` or empty.
    pub bias: &'a [T],
}

/// What [`Lstm::forward`] writes and [`Lstm::backward`] reads.
#[derive(Debug)]
pub struct LstmSaved<'a, T> {
    /// Activated gates, `[batch, steps, 4 units]`.
    pub gates: &'a mut [T],
    /// Cell states, `[batch, steps, units]`.
    pub cells: &'a mut [T],
    /// Outputs, `[batch, steps, units]`.
    pub hidden: &'a mut [T],
}

/// Gradients of an [`Lstm`]; all are overwritten.
#[derive(Debug)]
pub struct LstmGradients<'a, T> {
    /// `[batch, steps, features]`, or empty where nobody needs it.
    pub x: &'a mut [T],
    /// `[features, 4 units]`.
    pub kernel: &'a mut [T],
    /// `[units, 4 units]`.
    pub recurrent_kernel: &'a mut [T],
    /// `[4 units]` or empty.
    pub bias: &'a mut [T],
    /// Of the initial output, `[batch, units]`.
    pub initial_hidden: &'a mut [T],
    /// Of the initial cell state, `[batch, units]`.
    pub initial_cell: &'a mut [T],
}

impl Lstm {
    /// Computes all outputs and cell states.
    ///
    /// # Arguments
    /// `initial` are output and cell state before the first step, `[batch, units]` or empty.
    ///
    /// # Panics
    /// When a slice has another length than its shape.
    ///
    /// # Source
    /// keras/layers/rnn/lstm.py.
    pub fn forward<T: Float>(
        &self,
        x: &[T],
        weights: LstmWeights<'_, T>,
        initial: (&[T], &[T]),
        mask: &[bool],
        saved: LstmSaved<'_, T>,
    ) {
        let (s, u) = (self.shape, self.shape.units);
        let LstmSaved { gates, cells, hidden } = saved;
        s.check_mask(mask);
        assert!(
            cells.len() == s.rows() * u && hidden.len() == s.rows() * u,
            "lstm: states are not [batch, steps, units]"
        );
        s.check_projection(x, weights.kernel, weights.bias, 4 * u, gates);
        if s.batch == 0 || u == 0 {
            return;
        }
        // Sequences do not depend on each other: each thread takes some through all steps.
        let each = s.sequences_each(4 * u * u);
        let (states, parts) = (each * s.steps * u, s.batch.div_ceil(each));
        split_each(parts, [(gates, 4 * states), (cells, states), (hidden, states)], |part, [gates, cells, hidden]| {
            let first = part * each;
            let rows = first..(first + each).min(s.batch);
            s.part(&rows).project(s.steps_of(x, &rows, s.features), weights.kernel, weights.bias, 4 * u, gates);
            self.forward_sequences(rows, weights.recurrent_kernel, initial, mask, gates, cells, hidden);
        });
    }

    /// The steps of some sequences, whose gates hold the projected input.
    fn forward_sequences<T: Float>(
        &self,
        sequences: Range<usize>,
        recurrent_kernel: &[T],
        initial: (&[T], &[T]),
        mask: &[bool],
        gates: &mut [T],
        cells: &mut [T],
        hidden: &mut [T],
    ) {
        let (s, u) = (self.shape.part(&sequences), self.shape.units);
        let b = Matrix { data: recurrent_kernel, stride: 4 * u, layout: Layout::Normal };
        let initial = (self.shape.states_of(initial.0, &sequences), self.shape.states_of(initial.1, &sequences));
        for t in 0..s.steps {
            if let Some(a) = s.states_before(hidden, initial.0, t) {
                let c = &mut gates[t * 4 * u..];
                gemm_strided((s.batch, 4 * u, u), T::ONE, a, b, T::ONE, c, s.steps * 4 * u);
            }
            for n in 0..s.batch {
                let row = n * s.steps + t;
                let gates = &mut gates[row * 4 * u..][..4 * u];
                self.recurrent_activation.forward(&mut gates[..2 * u]);
                self.activation.forward(&mut gates[2 * u..3 * u]);
                self.recurrent_activation.forward(&mut gates[3 * u..]);
                let (cells_before, cell) = cells.split_at_mut(row * u);
                let cell = &mut cell[..u];
                match t {
                    0 if initial.1.is_empty() => cell.fill(T::ZERO),
                    0 => cell.copy_from_slice(&initial.1[n * u..][..u]),
                    _ => cell.copy_from_slice(&cells_before[cells_before.len() - u..]),
                }
                let (hidden_before, out) = hidden.split_at_mut(row * u);
                let out = &mut out[..u];
                if !s.counts(mask, sequences.start + n, t) {
                    match t {
                        0 if initial.0.is_empty() => out.fill(T::ZERO),
                        0 => out.copy_from_slice(&initial.0[n * u..][..u]),
                        _ => out.copy_from_slice(&hidden_before[hidden_before.len() - u..]),
                    }
                    continue;
                }
                next_cell(gates, cell);
                out.copy_from_slice(cell);
                self.activation.forward(out);
                let o = &gates[3 * u..];
                out.iter_mut().zip(o).for_each(|(h, &o)| *h *= o);
            }
        }
    }

    /// Elements of scratch room that [`Lstm::backward`] needs.
    pub fn scratch_len(&self) -> usize {
        let u = self.shape.units;
        4 * u * u + self.shape.batch.min(threads()).max(1) * u
    }

    /// Backpropagation through time.
    ///
    /// # Arguments
    /// `saved` is what [`Lstm::forward`] wrote: gates, cells, hidden. `dhidden` is the gradient of every output;
    /// `dlast` is what comes on top for output and cell state after the last step. Any is empty where there is none.
    /// `dgates` is room for `[batch, steps, 4 units]`, `scratch` for [`Lstm::scratch_len`] elements.
    ///
    /// # Panics
    /// When a slice has another length than its shape.
    pub fn backward<T: Float>(
        &self,
        x: &[T],
        weights: LstmWeights<'_, T>,
        initial: (&[T], &[T]),
        mask: &[bool],
        (gates, cells, hidden): (&[T], &[T], &[T]),
        (dhidden, dlast): (&[T], (&[T], &[T])),
        dgates: &mut [T],
        scratch: &mut [T],
        gradients: LstmGradients<'_, T>,
    ) {
        let (s, u) = (self.shape, self.shape.units);
        s.check_mask(mask);
        let (dh, dc) = (gradients.initial_hidden, gradients.initial_cell);
        assert!(dh.len() == s.batch * u && dc.len() == dh.len(), "lstm: gradients of states are not [batch, units]");
        s.begin_gradient(dlast.0, dh);
        s.begin_gradient(dlast.1, dc);
        if s.batch > 0 && u > 0 {
            let (transposed, active) = scratch.split_at_mut(4 * u * u);
            let transposed = s.transpose(weights.recurrent_kernel, 4 * u, transposed);
            let each = s.sequences_each(4 * u * u).max(s.batch.div_ceil((active.len() / u).max(1)));
            let (states, parts) = (each * s.steps * u, s.batch.div_ceil(each));
            let slices = [(&mut *dgates, 4 * states), (&mut *dh, each * u), (&mut *dc, each * u), (active, u)];
            split_each(parts, slices, |part, [dgates, dh, dc, active]| {
                let first = part * each;
                let rows = first..(first + each).min(s.batch);
                let saved = (gates, cells, initial.1, dhidden);
                self.backward_sequences(rows, transposed, mask, saved, dgates, dh, dc, &mut active[..u]);
            });
        }
        let dgates = &*dgates;
        gradients.recurrent_kernel.fill(T::ZERO);
        let width = 4 * u;
        s.add_recurrent_gradient(hidden, initial.0, (dgates, width, width), gradients.recurrent_kernel, width);
        s.project_backward(x, weights.kernel, (dgates, width), gradients.x, gradients.kernel, gradients.bias);
    }

    /// The steps of some sequences backwards. `dgates`, `dh` and `dc` are those of these sequences, the other slices those
    /// of all.
    fn backward_sequences<T: Float>(
        &self,
        sequences: Range<usize>,
        transposed: &[T],
        mask: &[bool],
        (gates, cells, initial_cell, dhidden): (&[T], &[T], &[T], &[T]),
        dgates: &mut [T],
        dh: &mut [T],
        dc: &mut [T],
        active: &mut [T],
    ) {
        let (s, u) = (self.shape, self.shape.units);
        let b = Matrix { data: transposed, stride: u, layout: Layout::Normal };
        for t in (0..s.steps).rev() {
            for (i, n) in sequences.clone().enumerate() {
                let row = n * s.steps + t;
                let (dh, dc) = (&mut dh[i * u..][..u], &mut dc[i * u..][..u]);
                if !dhidden.is_empty() {
                    dh.iter_mut().zip(&dhidden[row * u..][..u]).for_each(|(dh, &d)| *dh += d);
                }
                let dgates = &mut dgates[(i * s.steps + t) * 4 * u..][..4 * u];
                if !s.counts(mask, n, t) {
                    dgates.fill(T::ZERO);
                    continue;
                }
                active.copy_from_slice(&cells[row * u..][..u]);
                self.activation.forward(active);
                let before = s.before(cells, initial_cell, n, t);
                let gates = &gates[row * 4 * u..][..4 * u];
                cell_gradients(self.activation, self.recurrent_activation, gates, before, active, dh, dc, dgates);
            }
            let a = Matrix { data: &dgates[t * 4 * u..], stride: s.steps * 4 * u, layout: Layout::Normal };
            gemm_strided((sequences.len(), u, 4 * u), T::ONE, a, b, T::ONE, dh, u);
        }
    }
}

wide! {
    // `cell = f cell + i g`.
    fn next_cell[T: Float](gates: &[T], cell: &mut [T]) {
        let u = cell.len();
        let (i, rest) = gates.split_at(u);
        let (f, rest) = rest.split_at(u);
        for (((cell, &i), &f), &g) in cell.iter_mut().zip(i).zip(f).zip(rest) {
            *cell = f * *cell + i * g;
        }
    }
}

wide! {
    // Gradients of one step of one sequence; an empty `before` is zeros. `active` is the activated cell state.
    fn cell_gradients[T: Float](
        inner: RnnActivation, outer: RnnActivation, gates: &[T], before: &[T], active: &[T], dh: &mut [T], dc: &mut [T],
        dgates: &mut [T],
    ) {
        // Keras's defaults on their own, so that the loop has no branches.
        if let (RnnActivation::Tanh, RnnActivation::Sigmoid) = (inner, outer) {
            let (inner, outer) = (|y| RnnActivation::Tanh.slope(y), |y| RnnActivation::Sigmoid.slope(y));
            gradients_by(inner, outer, gates, before, active, dh, dc, dgates);
        } else {
            gradients_by(|y| inner.slope(y), |y| outer.slope(y), gates, before, active, dh, dc, dgates);
        }
    }
}

#[inline(always)]
fn gradients_by<T: Float>(
    inner: impl Fn(T) -> T,
    outer: impl Fn(T) -> T,
    gates: &[T],
    before: &[T],
    active: &[T],
    dh: &mut [T],
    dc: &mut [T],
    dgates: &mut [T],
) {
    let u = active.len();
    let (dh, dc) = (&mut dh[..u], &mut dc[..u]);
    let (i, rest) = gates.split_at(u);
    let (f, rest) = rest.split_at(u);
    let (g, o) = rest.split_at(u);
    let o = &o[..u];
    let (di, rest) = dgates.split_at_mut(u);
    let (df, rest) = rest.split_at_mut(u);
    let (dg, d_o) = rest.split_at_mut(u);
    let d_o = &mut d_o[..u];
    for j in 0..u {
        let d = dc[j] + dh[j] * o[j] * inner(active[j]);
        di[j] = d * g[j] * outer(i[j]);
        df[j] = d * outer(f[j]);
        dg[j] = d * i[j] * inner(g[j]);
        d_o[j] = dh[j] * active[j] * outer(o[j]);
        dc[j] = d * f[j];
        dh[j] = T::ZERO;
    }
    match before {
        [] => df.fill(T::ZERO),
        before => df.iter_mut().zip(before).for_each(|(df, &before)| *df *= before),
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
            let (f, u) = (2, 3);
            let shape = RnnShape { batch, steps, features: f, units: u };
            let lstm = Lstm { shape, activation: RnnActivation::Tanh, recurrent_activation: RnnActivation::Sigmoid };
            let mask: Vec<bool> = if masked { (0..batch * steps).map(|i| i % 3 != 0).collect() } else { vec![] };
            let state = |seed| if initial { values(batch * u, seed) } else { vec![] };
            let mut inputs = vec![
                values(batch * steps * f, 1),
                values(f * 4 * u, 2),
                values(u * 4 * u, 3),
                values(4 * u, 4),
                state(5),
                state(6),
            ];
            let (dy, dlast) = (values(batch * steps * u, 7), values(batch * u, 8));
            let run = |i: &[Vec<f64>]| {
                let (mut g, mut c, mut h) =
                    (vec![f64::NAN; dy.len() * 4], vec![f64::NAN; dy.len()], vec![f64::NAN; dy.len()]);
                let w = LstmWeights { kernel: &i[1], recurrent_kernel: &i[2], bias: &i[3] };
                lstm.forward(
                    &i[0],
                    w,
                    (&i[4], &i[5]),
                    &mask,
                    LstmSaved { gates: &mut g, cells: &mut c, hidden: &mut h },
                );
                (g, c, h)
            };
            let (gates, cells, h) = run(&inputs);
            let mut g: Vec<Vec<f64>> = inputs.iter().map(|i| vec![9.0; i.len()]).collect();
            g[4] = vec![9.0; batch * u];
            g[5] = vec![9.0; batch * u];
            let (mut dgates, mut scratch) = (vec![9.0; gates.len()], vec![0.0; lstm.scratch_len()]);
            let w = LstmWeights { kernel: &inputs[1], recurrent_kernel: &inputs[2], bias: &inputs[3] };
            if let [x, kernel, recurrent_kernel, bias, initial_hidden, initial_cell] = &mut g[..] {
                let out = LstmGradients { x, kernel, recurrent_kernel, bias, initial_hidden, initial_cell };
                let saved = (&gates[..], &cells[..], &h[..]);
                let initial = (&inputs[4][..], &inputs[5][..]);
                lstm.backward(
                    &inputs[0],
                    w,
                    initial,
                    &mask,
                    saved,
                    (&dy, (&dlast, &dlast)),
                    &mut dgates,
                    &mut scratch,
                    out,
                );
            }
            g[4].truncate(inputs[4].len());
            g[5].truncate(inputs[5].len());
            check_gradients("lstm", &mut inputs, &g, |i| {
                let (_, c, h) = run(i);
                let outputs: f64 = h.iter().zip(&dy).map(|(a, b)| a * b).sum();
                let at = |n: usize, j: usize| (n * steps + steps - 1) * u + j;
                let last = |n: usize, j: usize| (c[at(n, j)] + h[at(n, j)]) * dlast[n * u + j];
                outputs + (0..batch).flat_map(|n| (0..u).map(move |j| last(n, j))).sum::<f64>()
            });
        }
    }
}
