//! Recurrent layers over all steps in one operation.

use kerox_tensor::kernels::Float;
use kerox_tensor::kernels::rnn::{
    Gru, GruSaved, GruWeights, Lstm, LstmSaved, LstmWeights, RnnActivation, RnnShape, SimpleRnn, SimpleRnnWeights,
};
use kerox_tensor::{DType, Element, Shape};

use super::dispatch::for_float;
use super::recurrent_grad::RecurrentGrad;
use crate::{Dims, Grad, Graph, Infer, Op, Result, Run, Value, ValueInfo, View};

/// Which recurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecurrentKind {
    /// The output is fed back.
    Simple,
    /// Long short-term memory.
    Lstm,
    /// Gated recurrent unit.
    Gru {
        /// Whether the reset gate acts after the matrix product.
        reset_after: bool,
    },
}

impl RecurrentKind {
    /// Blocks of units side by side in the kernels.
    pub fn gates(self) -> usize {
        match self {
            RecurrentKind::Simple => 1,
            RecurrentKind::Lstm => 4,
            RecurrentKind::Gru { .. } => 3,
        }
    }

    /// Number of states.
    pub fn states(self) -> usize {
        if self == RecurrentKind::Lstm { 2 } else { 1 }
    }

    /// Widths, in units, of what backpropagation needs beside the sequence.
    fn saved(self) -> &'static [usize] {
        match self {
            RecurrentKind::Simple => &[],
            RecurrentKind::Lstm => &[1, 4],
            RecurrentKind::Gru { .. } => &[3, 1],
        }
    }
}

/// `_SimpleRnn`, `_Lstm`, `_Gru`: a whole recurrent layer.
///
/// Inputs: `x`, kernel, recurrent kernel, bias (where there is one), mask (where there is one), initial states (where
/// there are any). Outputs: the sequence of states, each state after the last step, then what the gradient needs:
/// for `_Lstm` cell states and gates, for `_Gru` gates and the candidate's inner part.
///
/// # Shapes
/// `x` is `[batch, steps, features]`; the kernel `[features, gates units]`, the recurrent kernel `[units, gates units]`,
/// the bias `[gates units]` (`[2, gates units]` for a GRU that resets after); the mask, bools, `[batch, steps]`; states
/// `[batch, units]`; the sequence `[batch, steps, units]`. Where the mask is false the state stays as it was.
///
/// # Source
/// keras/layers/rnn; TensorFlow has loops in the place of these operations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recurrent {
    /// Which recurrence.
    pub kind: RecurrentKind,
    /// Of states and candidates.
    pub activation: RnnActivation,
    /// Of gates.
    pub recurrent_activation: RnnActivation,
    /// Whether there is a bias.
    pub has_bias: bool,
    /// Whether there is a mask.
    pub has_mask: bool,
    /// Whether there are initial states; zeros if not.
    pub has_initial: bool,
}

/// The inputs of a [`Recurrent`] as slices; those that are not there are empty.
pub(super) struct Slices<'a, T> {
    pub shape: RnnShape,
    pub x: &'a [T],
    pub kernel: &'a [T],
    pub recurrent_kernel: &'a [T],
    pub bias: &'a [T],
    pub mask: &'a [bool],
    pub initial: [&'a [T]; 2],
}

impl Recurrent {
    /// How many inputs there are.
    pub(super) fn arity(&self) -> usize {
        3 + usize::from(self.has_bias)
            + usize::from(self.has_mask)
            + if self.has_initial { self.kind.states() } else { 0 }
    }

    /// Position of the first of what is saved among the outputs.
    pub(super) fn first_saved(&self) -> usize {
        1 + self.kind.states()
    }

    /// How many outputs there are.
    pub(super) fn outputs(&self) -> usize {
        self.first_saved() + self.kind.saved().len()
    }

    /// The lengths in the shapes of input and recurrent kernel.
    pub(super) fn shape(x: &Shape, recurrent_kernel: &Shape) -> RnnShape {
        RnnShape { batch: x[0], steps: x[1], features: x[2], units: recurrent_kernel[0] }
    }

    pub(super) fn slices<'a, T: Float + Element>(&self, inputs: &[View<'a>]) -> Result<Slices<'a, T>> {
        let mut rest = inputs[3..].iter();
        let mut next = |there: bool| if there { rest.next() } else { None };
        let elements = |view: Option<&View<'a>>| view.map_or(Ok(&[][..]), |view| view.slice::<T>());
        let bias = elements(next(self.has_bias))?;
        let mask = next(self.has_mask).map_or(Ok(&[][..]), |view| view.slice::<bool>())?;
        let first = elements(next(self.has_initial))?;
        let second = elements(next(self.has_initial && self.kind.states() == 2))?;
        Ok(Slices {
            shape: Recurrent::shape(inputs[0].shape, inputs[2].shape),
            x: inputs[0].slice()?,
            kernel: inputs[1].slice()?,
            recurrent_kernel: inputs[2].slice()?,
            bias,
            mask,
            initial: [first, second],
        })
    }

    pub(super) fn simple(&self, shape: RnnShape) -> SimpleRnn {
        SimpleRnn { shape, activation: self.activation }
    }

    pub(super) fn lstm(&self, shape: RnnShape) -> Lstm {
        Lstm { shape, activation: self.activation, recurrent_activation: self.recurrent_activation }
    }

    pub(super) fn gru(&self, shape: RnnShape, reset_after: bool) -> Gru {
        let (activation, recurrent_activation) = (self.activation, self.recurrent_activation);
        Gru { shape, activation, recurrent_activation, reset_after }
    }
}

/// Copies the rows of the last step, or the initial state where there is no step.
fn last_step<T: Float>(shape: RnnShape, sequence: &[T], initial: &[T], out: &mut [T]) {
    let u = shape.units;
    if shape.steps == 0 {
        return if initial.is_empty() { out.fill(T::ZERO) } else { out.copy_from_slice(initial) };
    }
    for n in 0..shape.batch {
        out[n * u..][..u].copy_from_slice(&sequence[((n + 1) * shape.steps - 1) * u..][..u]);
    }
}

impl Op for Recurrent {
    fn name(&self) -> &'static str {
        match self.kind {
            RecurrentKind::Simple => "_SimpleRnn",
            RecurrentKind::Lstm => "_Lstm",
            RecurrentKind::Gru { .. } => "_Gru",
        }
    }

    fn infer(&self, cx: &Infer<'_>) -> Result<Vec<ValueInfo>> {
        cx.arity(self.arity())?;
        let dtype = cx.float(0)?;
        let (x, recurrent_kernel) = (cx.of_rank(0, 3)?, cx.of_rank(2, 2)?);
        let at = |dims: &Dims, axis: usize| dims.axes().and_then(|axes| axes[axis]);
        let (batch, steps, features) = (at(&x, 0), at(&x, 1), at(&x, 2));
        let units = at(&recurrent_kernel, 0);
        let width = units.map(|u| u * self.kind.gates());
        let check = |i: usize, expected: &[Option<usize>], of: DType| {
            cx.of_dtype(i, of)?;
            match cx.dims(i)?.merge(&expected.into()) {
                Some(_) => Ok(()),
                None => {
                    let expected = format!("shape {}", Dims::from(expected));
                    Err(cx.wrong(&format!("input {i}"), expected, format!("shape {}", cx.dims(i)?)))
                }
            }
        };
        check(1, &[features, width], dtype)?;
        check(2, &[units, width], dtype)?;
        let mut i = 3;
        if self.has_bias {
            match self.kind {
                RecurrentKind::Gru { reset_after: true } => check(i, &[Some(2), width], dtype)?,
                _ => check(i, &[width], dtype)?,
            }
            i += 1;
        }
        if self.has_mask {
            check(i, &[batch, steps], DType::Bool)?;
            i += 1;
        }
        for i in i..self.arity() {
            check(i, &[batch, units], dtype)?;
        }
        let mut outputs = vec![ValueInfo::new(dtype, [batch, steps, units])];
        outputs.extend((0..self.kind.states()).map(|_| ValueInfo::new(dtype, [batch, units])));
        for &width in self.kind.saved() {
            outputs.push(ValueInfo::new(dtype, [batch, steps, units.map(|u| u * width)]));
        }
        Ok(outputs)
    }

    fn scratch(&self, inputs: &[&Shape], _: &[&Shape]) -> usize {
        let shape = Recurrent::shape(inputs[0], inputs[2]);
        match self.kind {
            RecurrentKind::Simple => self.simple(shape).scratch_len(),
            RecurrentKind::Lstm => 0,
            RecurrentKind::Gru { reset_after } => self.gru(shape, reset_after).scratch_len(),
        }
    }

    fn run(&self, run: &mut Run<'_, '_>) -> Result<()> {
        for_float!(run.dtype(), self.name(), T => {
            let s = self.slices::<T>(run.inputs)?;
            let (kernel, recurrent_kernel, bias) = (s.kernel, s.recurrent_kernel, s.bias);
            let scratch = T::slice_mut(run.scratch).map_or(&mut [][..], Vec::as_mut_slice);
            match (self.kind, &mut *run.outputs) {
                (RecurrentKind::Simple, [sequence, last]) => {
                    let sequence = sequence.slice::<T>()?;
                    let weights = SimpleRnnWeights { kernel, recurrent_kernel, bias };
                    self.simple(s.shape).forward(s.x, weights, s.initial[0], s.mask, sequence, scratch);
                    last_step(s.shape, sequence, s.initial[0], last.slice()?);
                }
                (RecurrentKind::Lstm, [sequence, last, last_cell, cells, gates]) => {
                    let (hidden, cells) = (sequence.slice::<T>()?, cells.slice::<T>()?);
                    let weights = LstmWeights { kernel, recurrent_kernel, bias };
                    let saved = LstmSaved { gates: gates.slice()?, cells: &mut *cells, hidden: &mut *hidden };
                    self.lstm(s.shape).forward(s.x, weights, (s.initial[0], s.initial[1]), s.mask, saved);
                    last_step(s.shape, hidden, s.initial[0], last.slice()?);
                    last_step(s.shape, cells, s.initial[1], last_cell.slice()?);
                }
                (RecurrentKind::Gru { reset_after }, [sequence, last, gates, inner]) => {
                    let hidden = sequence.slice::<T>()?;
                    let weights = GruWeights { kernel, recurrent_kernel, bias };
                    let saved = GruSaved { gates: gates.slice()?, inner: inner.slice()?, hidden: &mut *hidden };
                    self.gru(s.shape, reset_after).forward(s.x, weights, s.initial[0], s.mask, saved, scratch);
                    last_step(s.shape, hidden, s.initial[0], last.slice()?);
                }
                _ => {}
            }
            Ok(())
        })
    }

    fn lower(&self, g: &mut Graph, inputs: &[Value]) -> Result<Option<Vec<Value>>> {
        super::recurrent_loop::lower(self, g, inputs).map(Some)
    }

    fn gradient(&self, cx: &mut Grad<'_>) -> Result<Vec<Option<Value>>> {
        let mut inputs = cx.inputs.to_vec();
        inputs.push(cx.outputs[0]);
        inputs.extend_from_slice(&cx.outputs[self.first_saved()..]);
        let upstream = [0, 1, 2].map(|i| cx.upstream.get(i).copied().flatten().filter(|_| i < self.first_saved()));
        inputs.extend(upstream.iter().flatten());
        let op = RecurrentGrad { of: *self, upstream: upstream.map(|u| u.is_some()) };
        let mut found = cx.g.add_op(op, &inputs)?.into_iter().map(Some);
        let mut gradients: Vec<Option<Value>> = found.by_ref().take(3 + usize::from(self.has_bias)).collect();
        if self.has_mask {
            gradients.push(None);
        }
        if self.has_initial {
            gradients.extend(found);
        }
        Ok(gradients)
    }
}

impl Graph {
    /// A whole recurrent layer: the sequence of states and each state after the last step.
    ///
    /// # Arguments
    /// `op` says which; its `has_...` fields are set from what is given here. `weights` are kernel, recurrent kernel
    /// and, where there is one, the bias.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] where types or shapes do not fit.
    ///
    /// # Example
    /// ```
    /// use kerox_graph::{Dims, Graph, ops::{Recurrent, RecurrentKind}};
    /// use kerox_tensor::{DType, kernels::rnn::RnnActivation};
    /// let mut g = Graph::new();
    /// let x = g.placeholder("x", DType::F32, Dims::from([None, Some(7), Some(2)]))?;
    /// let kernel = g.full(&[2, 12], 0.1, DType::F32)?;
    /// let recurrent_kernel = g.full(&[3, 12], 0.1, DType::F32)?;
    /// let op = Recurrent::new(RecurrentKind::Lstm, RnnActivation::Tanh, RnnActivation::Sigmoid);
    /// let (sequence, last) = g.recurrent(op, x, &[kernel, recurrent_kernel], None, &[])?;
    /// assert_eq!(g.dims(sequence).to_string(), "(None, 7, 3)");
    /// assert_eq!(last.len(), 2);
    /// # Ok::<(), kerox_graph::Error>(())
    /// ```
    pub fn recurrent(
        &mut self,
        mut op: Recurrent,
        x: Value,
        weights: &[Value],
        mask: Option<Value>,
        initial: &[Value],
    ) -> Result<(Value, Vec<Value>)> {
        op.has_bias = weights.len() > 2;
        op.has_mask = mask.is_some();
        op.has_initial = !initial.is_empty();
        let inputs: Vec<Value> = [x].iter().chain(weights).chain(&mask).chain(initial).copied().collect();
        let mut outputs = self.add_op(op, &inputs)?;
        outputs.truncate(op.first_saved());
        let sequence = outputs.remove(0);
        Ok((sequence, outputs))
    }
}

impl Recurrent {
    /// A recurrence without bias, mask and initial states.
    pub fn new(kind: RecurrentKind, activation: RnnActivation, recurrent_activation: RnnActivation) -> Recurrent {
        Recurrent { kind, activation, recurrent_activation, has_bias: false, has_mask: false, has_initial: false }
    }
}
