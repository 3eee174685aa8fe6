//! The steps of a cell that no operation computes at once: one by one, or as a loop.

use kerox_graph::ops::{Index, StepLoop};
use kerox_graph::{Dims, Value, ValueInfo};
use kerox_tensor::DType;

use super::cell::{Cell, CellMemory};
use super::sequence_options::Sequences;
use super::states;
use crate::{Call, Error, Result};

/// A cell and what it goes over: `x` `[batch, steps, ...]` and a mask `[batch, steps]`, in the order of computation.
pub(super) struct Steps<'a> {
    pub cell: &'a dyn Cell,
    pub options: &'a Sequences,
    pub x: Value,
    /// Type and shape of one step.
    pub step: &'a ValueInfo,
    pub mask: Option<Value>,
}

/// The sequence of outputs (the last one, where only that is wanted), the last output, the last states.
type Results = (Value, Value, Vec<Value>);

impl Steps<'_> {
    /// Adds the steps one by one.
    pub fn unrolled(
        &self,
        cx: &mut Call<'_>,
        steps: usize,
        mut states: Vec<Value>,
        mut memory: CellMemory,
    ) -> Result<Results> {
        let dtype = cx.g.dtype(self.x);
        let shape = self.cell.output_shape(self.step);
        if steps == 0 {
            let zeros = states::zeros(cx, self.x, &shape, dtype)?;
            let lengths: Vec<usize> = std::iter::once(0).chain(shape.iter().copied()).collect();
            let sequence = states::zeros(cx, self.x, &lengths, dtype)?;
            return Ok((sequence, zeros, states));
        }
        let xs = cx.g.unstack(self.x, 1)?;
        let masks = self.mask.map(|mask| cx.g.unstack(mask, 1)).transpose()?;
        let mut outputs: Vec<Value> = Vec::with_capacity(steps);
        for (t, &x) in xs.iter().enumerate() {
            let mask = masks.as_ref().map(|masks| masks[t]);
            let (output, new) = self.one(cx, (x, mask), outputs.last().copied(), &states, &mut memory)?;
            outputs.push(output);
            states = new;
        }
        let last = outputs[outputs.len() - 1];
        let sequence = if self.options.return_sequences { cx.g.stack(&outputs, 1)? } else { last };
        Ok((sequence, last, states))
    }

    /// Adds a loop over the steps, however many there are.
    pub fn looped(&self, cx: &mut Call<'_>, initial: &[Value], mut memory: CellMemory) -> Result<Results> {
        let output = self.first(cx, initial, &mut memory)?;
        let shape = self.cell.output_shape(self.step);
        let zeros = states::zeros(cx, self.x, &shape, output.dtype)?;

        let by_step = |cx: &mut Call<'_>, x: Value| {
            let rank = cx.g.dims(x).rank().unwrap_or(2) as i64;
            let perm: Vec<i64> = [1, 0].into_iter().chain(2..rank).collect();
            let x = cx.g.transpose(x, &perm)?;
            let dims = cx.g.dims(x).axes().map_or_else(Dims::unknown, |axes| Dims::from(&axes[1..]));
            Ok::<_, Error>((x, dims))
        };
        let mut sequences = vec![by_step(cx, self.x)?];
        if let Some(mask) = self.mask {
            sequences.push(by_step(cx, mask)?);
        }
        let lengths = cx.g.shape_of(self.x)?;
        let steps = cx.g.strided_slice(lengths, &[Index::At(1)])?;
        let batch = self.step.dims.axes().and_then(|axes| axes.first().copied()).flatten();
        let with_batch = |shape: &[usize]| -> Dims {
            std::iter::once(batch).chain(shape.iter().map(|&d| Some(d))).collect::<Dims>()
        };
        // The last output, then the states, then what the steps have added to the loss.
        let mut carried = vec![(zeros, with_batch(&shape))];
        let shapes = self.cell.state_shapes(self.step);
        carried.extend(initial.iter().zip(&shapes).map(|(&state, shape)| (state, with_batch(shape))));
        let n_states = initial.len();
        for dtype in output.losses {
            carried.push((cx.g.number(0.0, dtype)?, Dims::scalar()));
        }
        // Dropout masks and the constants of the caller, and what stands in the place of variables.
        let replaced = cx.replaced();
        let constants: Vec<Value> = memory.values().chain(replaced.iter().map(|(_, value)| *value)).collect();
        let n_memory = constants.len() - replaced.len();
        let of = StepLoop { name: "rnn", steps, sequences, carried, constants };

        // The loop is added to the outer graph, while the cell is called in that of the body.
        let mut outer = std::mem::take(cx.g);
        let added = outer.step_loop::<Error>(&of, |g, at| {
            let (kept, values) = at.constants.split_at(n_memory);
            let values = replaced.iter().zip(values).map(|((id, _), &value)| (*id, value)).collect();
            cx.in_graph(g, values, |cx| {
                let x = (at.sequences[0], at.sequences.get(1).copied());
                let states = &at.carried[1..=n_states];
                let (output, new) = self.one(cx, x, Some(at.carried[0]), states, &mut memory.with_values(kept))?;
                let mut carried = vec![output];
                carried.extend(new);
                for (&sum, &loss) in at.carried[1 + n_states..].iter().zip(&cx.losses) {
                    carried.push(cx.g.add(sum, loss)?);
                }
                Ok((self.options.return_sequences.then_some(output), carried))
            })
        });
        *cx.g = outer;
        let (sequence, mut carried) = added?;
        cx.losses.extend(carried.split_off(1 + n_states));
        let last = carried.remove(0);
        let sequence = match sequence {
            Some(sequence) => by_step(cx, sequence)?.0,
            None => last,
        };
        Ok((sequence, last, carried))
    }

    /// Takes the first step outside the loop, so that layers inside the cell are built, calls are recorded and dropout
    /// masks made once for all steps. What it computes is not used.
    fn first(&self, cx: &mut Call<'_>, initial: &[Value], memory: &mut CellMemory) -> Result<First> {
        let (n_losses, n_metrics, n_effects) = (cx.losses.len(), cx.metrics.len(), cx.g.effects.len());
        let x = cx.g.strided_slice(self.x, &[Index::ALL, Index::At(0)])?;
        let (output, _) = self.cell.step(cx, x, initial, memory)?;
        let losses = cx.losses.split_off(n_losses).into_iter().map(|loss| cx.g.dtype(loss)).collect();
        cx.metrics.truncate(n_metrics);
        cx.g.effects.truncate(n_effects);
        Ok(First { dtype: cx.g.dtype(output), losses })
    }

    /// One step: output and states, those before it where the mask says that it does not count.
    fn one(
        &self,
        cx: &mut Call<'_>,
        (x, mask): (Value, Option<Value>),
        before: Option<Value>,
        states: &[Value],
        memory: &mut CellMemory,
    ) -> Result<(Value, Vec<Value>)> {
        let (mut output, mut new) = self.cell.step(cx, x, states, memory)?;
        if let Some(mask) = mask {
            let before = match before {
                Some(before) if !self.options.zero_output_for_mask => before,
                _ => cx.g.zeros_like(output)?,
            };
            output = where_mask(cx, mask, output, before)?;
            for (new, &old) in new.iter_mut().zip(states) {
                *new = where_mask(cx, mask, *new, old)?;
            }
        }
        Ok((output, new))
    }
}

/// What the first step says of all.
struct First {
    dtype: DType,
    /// The types of what a step adds to the loss.
    losses: Vec<DType>,
}

/// `t` where the mask `[batch]` is true, else `e`.
fn where_mask(cx: &mut Call<'_>, mask: Value, t: Value, e: Value) -> Result<Value> {
    let rank = cx.g.dims(t).rank().unwrap_or(2);
    let mut mask = mask;
    for _ in 1..rank {
        mask = cx.g.expand_dims(mask, -1)?;
    }
    Ok(cx.g.select(mask, t, e)?)
}
