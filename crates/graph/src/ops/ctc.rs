//! The loss of connectionist temporal classification.

use std::sync::Arc;

use kerox_tensor::DType;
use kerox_tensor::kernels::Float;

use super::declaration::Declaration;
use super::dispatch::{argument, for_float};
use crate::{Attrs, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo, View};

/// The table's entries of this family.
pub(super) const OPS: &[Declaration] = &[Declaration {
    name: "_CtcLoss",
    signature: "logits, labels, label_length, logit_length -> loss, backprop, states",
    build: |attrs: &Attrs| Ok(Arc::new(CtcLoss { blank: attrs.int_or("blank_index", 0)? })),
}];

/// The logarithm of next to nothing: the weight of beginning or ending where a labelling cannot. It keeps the loss of a
/// labelling that does not fit into the steps finite.
const LOG_OF_NOTHING: f64 = -706.893_623_549_172;

/// `_CtcLoss(logits, labels, label_length, logit_length)`: minus the logarithm of the probability that the steps, with
/// equal neighbours merged and blanks left out, spell the labels; and the gradient of that by the logits.
///
/// With `S = 2 * (labels + 1)` states (a start, the labels, and a blank after each of them) the probabilities of all ways
/// to a state and from it on are added up step by step, in logarithms, both normalized at every step. The third output is
/// memory for that.
///
/// # Shapes
/// `logits` is `[batch, steps, classes]`, `labels` is `[batch, labels]` and the lengths are `[batch]`, all of int64; the loss
/// is `[batch]`, its gradient is shaped as `logits`.
///
/// # Source
/// `tf.nn.ctc_loss`; Graves et al., 2006, <https://dl.acm.org/doi/10.1145/1143844.1143891>. Differs: for labels `[batch, 0]`
/// TensorFlow counts each way twice.
#[derive(Clone, Copy, Debug)]
pub struct CtcLoss {
    /// The class that stands for no label; negative numbers count from the last class.
    pub blank: i64,
}

impl Op for CtcLoss {
    fn name(&self) -> &'static str {
        "_CtcLoss"
    }
    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(4)?;
        let dtype = cx.float(0)?;
        let (logits, labels) = (cx.of_rank(0, 3)?, cx.of_rank(1, 2)?);
        let mut batch = logits.axes().and_then(|axes| axes[0]);
        for i in 1..4 {
            cx.of_dtype(i, DType::I64)?;
            let dims = cx.of_rank(i, if i == 1 { 2 } else { 1 })?;
            let own = dims.axes().and_then(|axes| axes[0]);
            if let (Some(batch), Some(own)) = (batch, own)
                && batch != own
            {
                return Err(cx.wrong(&format!("input {i}"), format!("a batch of {batch}"), dims.to_string()));
            }
            batch = batch.or(own);
        }
        let axis = |dims: &crate::Dims, i: usize| dims.axes().and_then(|axes| axes[i]);
        let (steps, classes) = (axis(&logits, 1), axis(&logits, 2));
        let states = axis(&labels, 1).and_then(|labels| labels.checked_add(1)?.checked_mul(2));
        // What leads to each state before the first and after every step, and two rows of what follows.
        let rows = steps.and_then(|steps| steps.checked_add(3));
        Ok(vec![
            ValueInfo::new(dtype, [batch]),
            ValueInfo::new(dtype, [batch, steps, classes]),
            ValueInfo::new(dtype, [batch, rows, states]),
        ])
    }
    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        let (x, labels, label_length, logit_length) = (run.input(0), run.input(1), run.input(2), run.input(3));
        let (steps, classes) = (x.shape[1], x.shape[2]);
        let most = labels.shape[1];
        let blank = if self.blank < 0 { self.blank.saturating_add(classes as i64) } else { self.blank };
        let Some(blank) = usize::try_from(blank).ok().filter(|&blank| blank < classes) else {
            let expected = format!("a class number in 0..{classes}");
            return Err(argument(self.name(), "", "blank_index", expected, self.blank.to_string()));
        };
        let lengths = [length(&label_length, "label_length", most)?, length(&logit_length, "logit_length", steps)?];
        let labels = labels.slice::<i64>()?;
        let states = 2 * (most + 1);
        for_float!(run.dtype(), self.name(), T => {
            let x = x.slice::<T>()?;
            let [loss, backprop, memory] = run.outputs else { return Ok(()) };
            let (loss, backprop, memory) = (loss.slice::<T>()?, backprop.slice::<T>()?, memory.slice::<T>()?);
            for (i, loss) in loss.iter_mut().enumerate() {
                let labels = &labels[i * most..(i + 1) * most];
                let (label_length, logit_length) = (lengths[0][i] as usize, lengths[1][i] as usize);
                for (at, &label) in labels[..label_length].iter().enumerate() {
                    if usize::try_from(label).ok().is_none_or(|label| label >= classes) {
                        let expected = format!("a class number in 0..{classes}");
                        return Err(argument(self.name(), "", &format!("label {at} of sample {i}"), expected, label.to_string()));
                    }
                }
                let size = steps * classes;
                let lattice = Lattice { labels, label_length, logit_length, blank, classes };
                let part = (steps + 3) * states;
                let memory = &mut memory[i * part..(i + 1) * part];
                *loss = lattice.run(&x[i * size..(i + 1) * size], &mut backprop[i * size..(i + 1) * size], memory);
            }
            Ok(())
        })
    }
    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let Some(dy) = cx.upstream[0] else { return Ok(vec![None; 4]) };
        let backprop = cx.outputs[1];
        let dy = cx.g.expand_dims(dy, -1)?;
        let dy = cx.g.expand_dims(dy, -1)?;
        Ok(vec![Some(cx.g.multiply(dy, backprop)?), None, None, None])
    }
}

/// Lengths of the samples, none beyond `most`.
fn length<'a>(lengths: &View<'a>, what: &str, most: usize) -> Result<&'a [i64]> {
    let lengths = lengths.slice::<i64>()?;
    match lengths.iter().position(|&length| usize::try_from(length).ok().is_none_or(|length| length > most)) {
        Some(i) => {
            Err(argument("_CtcLoss", "", &format!("{what} {i}"), format!("0 to {most}"), lengths[i].to_string()))
        }
        None => Ok(lengths),
    }
}

/// The states of one sample: state 0 is the start, `k` the label `k - 1`, and `labels + 1 + k` the blank after state `k`.
struct Lattice<'a> {
    labels: &'a [i64],
    label_length: usize,
    logit_length: usize,
    blank: usize,
    classes: usize,
}

/// The logarithm of the sum of exponentials of some numbers.
fn log_sum<T: Float>(of: impl Iterator<Item = T> + Clone) -> T {
    let largest = of.clone().fold(T::LOWEST, |a, b| a.larger(b));
    if largest == T::LOWEST {
        return largest;
    }
    largest + of.fold(T::ZERO, |sum, x| sum + (x - largest).exp()).ln()
}

/// Takes the logarithm of the sum of exponentials off a row; gives it. A row of nothings stays.
fn normalize<T: Float>(row: &mut [T]) -> T {
    let sum = log_sum(row.iter().copied());
    if sum != T::LOWEST {
        row.iter_mut().for_each(|x| *x -= sum);
    }
    sum
}

impl Lattice<'_> {
    fn half(&self) -> usize {
        self.labels.len() + 1
    }

    /// The class that a state but the start shows. Labels beyond the length may be anything: they count as blanks.
    fn class(&self, state: usize) -> usize {
        match state.checked_sub(1).and_then(|at| self.labels.get(at)) {
            Some(&label) if state <= self.label_length => label as usize,
            _ => self.blank,
        }
    }

    /// The states from which a state is reached in one step.
    fn before(&self, state: usize) -> impl Iterator<Item = usize> + Clone {
        let half = self.half();
        // A blank comes after itself and its label; a label after itself, the blank before and the label before,
        // unless that is the same one.
        let (own, second, third) = match state.checked_sub(half) {
            Some(label) => (Some(state), Some(label), None),
            None => {
                let differs = state == 1 || state > 1 && self.class(state) != self.class(state - 1);
                let label = state.checked_sub(1);
                (Some(state).filter(|&s| s > 0), label.map(|l| l + half), label.filter(|_| differs))
            }
        };
        own.into_iter().chain(second).chain(third)
    }

    /// The states that are reached from a state in one step.
    fn after(&self, state: usize) -> impl Iterator<Item = usize> + Clone {
        let half = self.half();
        let (own, second, third) = match state.checked_sub(half) {
            Some(label) => (Some(state), Some(label + 1).filter(|&l| l < half), None),
            None => {
                let next = Some(state + 1).filter(|&next| next < half);
                let differs = |&next: &usize| state == 0 || self.class(next) != self.class(state);
                (Some(state).filter(|&s| s > 0), Some(state + half), next.filter(differs))
            }
        };
        own.into_iter().chain(second).chain(third)
    }

    fn run<T: Float>(&self, x: &[T], backprop: &mut [T], memory: &mut [T]) -> T {
        let states = 2 * self.half();
        let nothing = T::from_f64(LOG_OF_NOTHING);
        for (row, x) in backprop.chunks_exact_mut(self.classes).zip(x.chunks_exact(self.classes)) {
            row.copy_from_slice(x);
            normalize(row);
        }
        let (ways_to, follow) = memory.split_at_mut(memory.len() - 2 * states);
        let (mut here, mut next) = follow.split_at_mut(states);
        ways_to[..states].fill(nothing);
        ways_to[0] = T::ZERO;
        for step in 0..self.logit_length {
            let (before, after) = ways_to[step * states..(step + 2) * states].split_at_mut(states);
            let observed = &backprop[step * self.classes..(step + 1) * self.classes];
            after[0] = T::LOWEST;
            for (state, way) in after.iter_mut().enumerate().skip(1) {
                *way = log_sum(self.before(state).map(|s| before[s])) + observed[self.class(state)];
            }
            normalize(after);
        }
        next.fill(nothing);
        next[self.label_length] = T::ZERO;
        next[self.label_length + self.half()] = T::ZERO;
        backprop[self.logit_length * self.classes..].fill(T::ZERO);
        let mut total = 0.0;
        for step in (0..self.logit_length).rev() {
            let row = &mut backprop[step * self.classes..(step + 1) * self.classes];
            // The start shows nothing.
            let onward = |state: usize| if state == 0 { T::LOWEST } else { row[self.class(state)] + next[state] };
            for (state, way) in here.iter_mut().enumerate() {
                *way = log_sum(self.after(state).map(onward));
            }
            total += normalize(here).to_f64();
            // What the states are worth at this step, in the row of the ways that led there.
            let worth = &mut ways_to[(step + 1) * states..(step + 2) * states];
            worth.iter_mut().zip(next.iter()).for_each(|(worth, &next)| *worth += next);
            normalize(worth);
            row.iter_mut().for_each(|x| *x = x.exp());
            for (state, &worth) in worth.iter().enumerate().skip(1) {
                row[self.class(state)] -= worth.exp();
            }
            std::mem::swap(&mut here, &mut next);
        }
        // After the last swap `next` is what follows from the states before the first step.
        T::from_f64(-(next[0].to_f64() + total))
    }
}

impl Graph {
    /// The loss of connectionist temporal classification: how unlikely it is that the steps spell the labels.
    ///
    /// `blank` is the class that stands for no label; negative numbers count from the last class.
    ///
    /// # Shapes
    /// `logits` is `[batch, steps, classes]`, `labels` is `[batch, labels]`, `label_length` and `logit_length` are `[batch]`,
    /// the last three of int64; the loss is `[batch]`.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where they do not fit; a run fails where a label is no class number or a length is
    /// beyond the end.
    ///
    /// # Example
    /// Two steps of equal chances spell the label 1 as `1 1`, `1 _` or `_ 1`: three ways of four.
    /// ```
    /// use kerox_graph::{Executor, Graph, Plan};
    /// use kerox_tensor::Tensor;
    /// let mut g = Graph::new();
    /// let logits = g.constant(Tensor::full(0f32, [1, 2, 2])?)?;
    /// let labels = g.constant(Tensor::full(1i64, [1, 1])?)?;
    /// let one_label = g.constant(Tensor::full(1i64, [1])?)?;
    /// let two_steps = g.constant(Tensor::full(2i64, [1])?)?;
    /// let loss = g.ctc_loss(logits, labels, one_label, two_steps, 0)?;
    /// let mut executor = Executor::new(Plan::compile(&g, &[], &[], &[loss], &[])?);
    /// executor.run(&[])?;
    /// let loss = executor.output(0).tensor()?.as_slice::<f32>()?[0];
    /// assert!((loss + 0.75f32.ln()).abs() < 1e-6);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ctc_loss(
        &mut self,
        logits: Value,
        labels: Value,
        label_length: Value,
        logit_length: Value,
        blank: i64,
    ) -> Result<Value> {
        self.add_single(CtcLoss { blank }, &[logits, labels, label_length, logit_length])
    }
}
