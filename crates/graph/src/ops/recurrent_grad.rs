//! Gradients of recurrent layers.

use kerox_tensor::kernels::rnn::{
    GruGradients, GruWeights, LstmGradients, LstmWeights, SimpleRnnGradients, SimpleRnnWeights,
};
use kerox_tensor::{Element, Shape};

use super::dispatch::for_float;
use super::recurrent::{Recurrent, RecurrentKind};
use crate::{Infer, Op, Result, Run, ValueInfo};

/// `_RecurrentGrad`: gradients of a [`Recurrent`].
///
/// Inputs: those of the recurrence, its sequence, what it saved, then the gradients that have come for the sequence
/// and the last states. Outputs: the gradients of `x`, kernel, recurrent kernel, bias (where there is one) and of the
/// initial states, whether there are any or not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecurrentGrad {
    /// What is differentiated.
    pub of: Recurrent,
    /// Whether there are gradients for the sequence, the last state and the last cell state.
    pub upstream: [bool; 3],
}

impl RecurrentGrad {
    fn scratch_shape(&self, inputs: &[&Shape]) -> (usize, usize) {
        let s = Recurrent::shape(inputs[0], inputs[2]);
        let rows = s.batch * s.steps * s.units;
        match self.of.kind {
            RecurrentKind::Simple => (rows, self.of.simple(s).scratch_len()),
            RecurrentKind::Lstm => (4 * rows, self.of.lstm(s).scratch_len()),
            RecurrentKind::Gru { reset_after } => (4 * rows, self.of.gru(s, reset_after).scratch_len()),
        }
    }
}

impl Op for RecurrentGrad {
    fn name(&self) -> &'static str {
        "_RecurrentGrad"
    }

    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        let present = self.upstream.iter().filter(|&&u| u).count();
        let saved = self.of.outputs() - self.of.first_saved();
        cx.arity(self.of.arity() + 1 + saved + present)?;
        let like = |i: usize| Ok(ValueInfo::new(cx.dtype(i)?, cx.dims(i)?.clone()));
        let mut outputs: Vec<ValueInfo> = (0..3 + usize::from(self.of.has_bias)).map(like).collect::<Result<_>>()?;
        let batch = cx.of_rank(0, 3)?.axes().and_then(|axes| axes[0]);
        let units = cx.of_rank(2, 2)?.axes().and_then(|axes| axes[0]);
        let dtype = cx.float(0)?;
        outputs.extend((0..self.of.kind.states()).map(|_| ValueInfo::new(dtype, [batch, units])));
        Ok(outputs)
    }

    fn scratch(&self, inputs: &[&Shape], _: &[&Shape]) -> usize {
        let (gates, more) = self.scratch_shape(inputs);
        gates + more
    }

    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let n = self.of.arity();
        let saved = self.of.outputs() - self.of.first_saved();
        let shapes = [run.inputs[0].shape, run.inputs[1].shape, run.inputs[2].shape];
        let (gates_len, _) = self.scratch_shape(&shapes);
        for_float!(run.dtype(), self.name(), T => {
            let s = self.of.slices::<T>(&run.inputs[..n])?;
            let (kernel, recurrent_kernel, bias) = (s.kernel, s.recurrent_kernel, s.bias);
            let hidden = run.inputs[n].slice::<T>()?;
            let slice = |i: usize| run.inputs.get(i).map_or(Ok(&[][..]), |view| view.slice::<T>());
            let (saved_a, saved_b) = (slice(n + 1)?, slice(n + 2)?);
            let mut upstream = [&[][..]; 3];
            let wanted = upstream.iter_mut().zip(self.upstream).filter(|(_, there)| *there);
            for (at, (upstream, _)) in (n + 1 + saved..).zip(wanted) {
                *upstream = slice(at)?;
            }
            let [dhidden, dlast, dlast_cell] = upstream;
            let scratch = T::slice_mut(run.scratch).map_or(&mut [][..], Vec::as_mut_slice);
            let (dgates, scratch) = scratch.split_at_mut(gates_len.min(scratch.len()));
            let [x, dkernel, drecurrent, rest @ ..] = &mut *run.outputs else { return Ok(()) };
            let (dbias, states) = match rest {
                [bias, states @ ..] if self.of.has_bias => (bias.slice::<T>()?, states),
                states => (&mut [][..], states),
            };
            let (x, dkernel, drecurrent) = (x.slice::<T>()?, dkernel.slice::<T>()?, drecurrent.slice::<T>()?);
            match (self.of.kind, states) {
                (RecurrentKind::Simple, [initial]) => {
                    let gradients = SimpleRnnGradients {
                        x,
                        kernel: dkernel,
                        recurrent_kernel: drecurrent,
                        bias: dbias,
                        initial_state: initial.slice()?,
                    };
                    let weights = SimpleRnnWeights { kernel, recurrent_kernel, bias };
                    let (rnn, upstream) = (self.of.simple(s.shape), (dhidden, dlast));
                    rnn.backward(s.x, weights, s.initial[0], s.mask, hidden, upstream, dgates, scratch, gradients);
                }
                (RecurrentKind::Lstm, [initial, initial_cell]) => {
                    let gradients = LstmGradients {
                        x,
                        kernel: dkernel,
                        recurrent_kernel: drecurrent,
                        bias: dbias,
                        initial_hidden: initial.slice()?,
                        initial_cell: initial_cell.slice()?,
                    };
                    let weights = LstmWeights { kernel, recurrent_kernel, bias };
                    let (before, upstream) = ((s.initial[0], s.initial[1]), (dhidden, (dlast, dlast_cell)));
                    let saved = (saved_b, saved_a, hidden);
                    let lstm = self.of.lstm(s.shape);
                    lstm.backward(s.x, weights, before, s.mask, saved, upstream, dgates, scratch, gradients);
                }
                (RecurrentKind::Gru { reset_after }, [initial]) => {
                    let gradients = GruGradients {
                        x,
                        kernel: dkernel,
                        recurrent_kernel: drecurrent,
                        bias: dbias,
                        initial_state: initial.slice()?,
                    };
                    let weights = GruWeights { kernel, recurrent_kernel, bias };
                    let room = dgates.split_at_mut(gates_len / 4 * 3);
                    let (saved, upstream) = ((saved_a, saved_b, hidden), (dhidden, dlast));
                    let gru = self.of.gru(s.shape, reset_after);
                    gru.backward(s.x, weights, s.initial[0], s.mask, saved, upstream, room, scratch, gradients);
                }
                _ => {}
            }
            Ok(())
        })
    }
}
