//! Recurrent layers as TensorFlow's loops.
//!
//! ```text
//! x [batch, steps, features] -> projections of all steps [steps, batch, gates units]
//! a loop over projections and masks that carries the states -> the sequence [batch, steps, units]
//! ```

use kerox_tensor::kernels::rnn::RnnActivation;
use kerox_tensor::kernels::unary::Unary as Function;

use super::recurrent::{Recurrent, RecurrentKind};
use super::slice::Index;
use super::step_loop::StepLoop;
use crate::{Dim, Dims, Error, Graph, Result, Value};

/// The inputs of a [`Recurrent`] by name.
struct Inputs {
    x: Value,
    kernel: Value,
    recurrent_kernel: Value,
    bias: Option<Value>,
    mask: Option<Value>,
    initial: Vec<Value>,
}

impl Inputs {
    fn new(op: &Recurrent, inputs: &[Value]) -> Inputs {
        let mut rest = inputs[3..].iter().copied();
        let bias = if op.has_bias { rest.next() } else { None };
        let mask = if op.has_mask { rest.next() } else { None };
        Inputs { x: inputs[0], kernel: inputs[1], recurrent_kernel: inputs[2], bias, mask, initial: rest.collect() }
    }
}

/// The last axis of a value.
fn last_axis(g: &Graph, value: Value) -> Dim {
    g.dims(value).axes().and_then(|axes| axes.last().copied()).flatten()
}

/// Adds the loop and gives all outputs of the operation; those that only its own gradient needs are not made.
pub(super) fn lower(op: &Recurrent, g: &mut Graph, inputs: &[Value]) -> Result<Vec<Value>> {
    let i = Inputs::new(op, inputs);
    let dtype = g.dtype(i.x);
    let units = g.dims(i.recurrent_kernel).axes().and_then(|axes| axes[0]);
    let width = units.map(|u| u * op.kind.gates());
    let sizes = g.shape_of(i.x)?;
    let size_at = |g: &mut Graph, at: i64| g.strided_slice(sizes, &[Index::At(at)]);
    let (batch, steps) = (size_at(g, 0)?, size_at(g, 1)?);
    let (input_bias, recurrent_bias) = biases(op, g, i.bias)?;

    // All steps are projected at once.
    let by_step = g.transpose(i.x, &[1, 0, 2])?;
    let features = last_axis(g, i.x).map_or(-1, |n| n as i64);
    let rows = g.reshape(by_step, &[-1, features])?;
    let mut projected = g.matmul(rows, i.kernel, false, false)?;
    if let Some(bias) = input_bias {
        projected = g.bias_add(projected, bias)?;
    }
    let columns = g.shape_of(projected)?;
    let columns = g.strided_slice(columns, &[Index::At(1)])?;
    let whole = g.stack(&[steps, batch, columns], 0)?;
    let projected = g.reshape_to(projected, whole)?;

    let mut states = i.initial.clone();
    if states.is_empty() {
        let lengths = g.shape_of(i.recurrent_kernel)?;
        let lengths = g.strided_slice(lengths, &[Index::At(0)])?;
        let (shape, zero) = (g.stack(&[batch, lengths], 0)?, g.number(0.0, dtype)?);
        let zeros = g.fill(shape, zero)?;
        states = vec![zeros; op.kind.states()];
    }
    let mut sequences = vec![(projected, Dims::from([None, width]))];
    if let Some(mask) = i.mask {
        sequences.push((g.transpose(mask, &[1, 0])?, Dims::from([None])));
    }
    let of = StepLoop {
        name: &crate::Op::name(op)[1..].to_lowercase(),
        steps,
        sequences,
        carried: states.into_iter().map(|state| (state, Dims::from([None, units]))).collect(),
        constants: std::iter::once(i.recurrent_kernel).chain(recurrent_bias).collect(),
    };
    let (stacked, last) = g.step_loop::<Error>(&of, |g, at| {
        let recurrent_bias = at.constants.get(1).copied();
        let mut new = step(op, g, at.sequences[0], &at.carried, at.constants[0], recurrent_bias)?;
        if let Some(&mask) = at.sequences.get(1) {
            let mask = g.expand_dims(mask, -1)?;
            for (new, &old) in new.iter_mut().zip(&at.carried) {
                *new = g.select(mask, *new, old)?;
            }
        }
        Ok((Some(new[0]), new))
    })?;
    let sequence = g.transpose(stacked.unwrap_or(last[0]), &[1, 0, 2])?;
    let mut all = vec![sequence];
    all.extend(last);
    // The rest is for the operation's own gradient, which is not exported.
    all.resize(op.outputs(), sequence);
    Ok(all)
}

/// What is added to the projections of the input, and to those of the state.
fn biases(op: &Recurrent, g: &mut Graph, bias: Option<Value>) -> Result<(Option<Value>, Option<Value>)> {
    let Some(bias) = bias else { return Ok((None, None)) };
    if op.kind != (RecurrentKind::Gru { reset_after: true }) {
        return Ok((Some(bias), None));
    }
    let both = g.unstack(bias, 0)?;
    Ok((Some(both[0]), Some(both[1])))
}

/// One step: the new states from the projection of the input and the old states.
fn step(
    op: &Recurrent,
    g: &mut Graph,
    x: Value,
    states: &[Value],
    recurrent_kernel: Value,
    recurrent_bias: Option<Value>,
) -> Result<Vec<Value>> {
    let h = states[0];
    match op.kind {
        RecurrentKind::Simple => {
            let recurrent = g.matmul(h, recurrent_kernel, false, false)?;
            let sum = g.add(x, recurrent)?;
            Ok(vec![activation(g, op.activation, sum)?])
        }
        RecurrentKind::Lstm => {
            let recurrent = g.matmul(h, recurrent_kernel, false, false)?;
            let sum = g.add(x, recurrent)?;
            let gates = g.split(sum, 4, 1)?;
            let i = activation(g, op.recurrent_activation, gates[0])?;
            let f = activation(g, op.recurrent_activation, gates[1])?;
            let candidate = activation(g, op.activation, gates[2])?;
            let o = activation(g, op.recurrent_activation, gates[3])?;
            let kept = g.multiply(f, states[1])?;
            let added = g.multiply(i, candidate)?;
            let c = g.add(kept, added)?;
            let shown = activation(g, op.activation, c)?;
            Ok(vec![g.multiply(o, shown)?, c])
        }
        RecurrentKind::Gru { reset_after } => {
            let x = g.split(x, 3, 1)?;
            let (z, candidate) = if reset_after {
                let mut recurrent = g.matmul(h, recurrent_kernel, false, false)?;
                if let Some(bias) = recurrent_bias {
                    recurrent = g.bias_add(recurrent, bias)?;
                }
                let recurrent = g.split(recurrent, 3, 1)?;
                let (z, r) = gates(op, g, &x, &recurrent)?;
                let reset = g.multiply(r, recurrent[2])?;
                (z, g.add(x[2], reset)?)
            } else {
                let kernels = g.split(recurrent_kernel, 3, 1)?;
                let recurrent = kernels[..2]
                    .iter()
                    .map(|&kernel| g.matmul(h, kernel, false, false))
                    .collect::<Result<Vec<Value>>>()?;
                let (z, r) = gates(op, g, &x, &recurrent)?;
                let reset = g.multiply(r, h)?;
                let recurrent = g.matmul(reset, kernels[2], false, false)?;
                (z, g.add(x[2], recurrent)?)
            };
            let candidate = activation(g, op.activation, candidate)?;
            let kept = g.multiply(z, h)?;
            let one = g.number(1.0, g.dtype(z))?;
            let open = g.subtract(one, z)?;
            let taken = g.multiply(open, candidate)?;
            Ok(vec![g.add(kept, taken)?])
        }
    }
}

/// Update and reset gate of a GRU.
fn gates(op: &Recurrent, g: &mut Graph, x: &[Value], recurrent: &[Value]) -> Result<(Value, Value)> {
    let mut gate = |at: usize| {
        let sum = g.add(x[at], recurrent[at])?;
        activation(g, op.recurrent_activation, sum)
    };
    Ok((gate(0)?, gate(1)?))
}

fn activation(g: &mut Graph, activation: RnnActivation, x: Value) -> Result<Value> {
    let function = match activation {
        RnnActivation::Linear => return Ok(x),
        RnnActivation::Tanh => Function::Tanh,
        RnnActivation::Sigmoid => Function::Sigmoid,
        RnnActivation::HardSigmoid => Function::HardSigmoid,
        RnnActivation::HardSigmoid3 => Function::HardSigmoid3,
        RnnActivation::Relu => Function::Relu,
        RnnActivation::Elu(alpha) => Function::Elu(alpha),
        RnnActivation::Softplus => Function::Softplus,
        RnnActivation::Softsign => Function::Softsign,
        RnnActivation::Exponential => Function::Exp,
        other => {
            let expected = "an activation that TensorFlow has operations for";
            return Err(super::dispatch::argument("While", "", "activation", expected, format!("{other:?}")));
        }
    };
    g.unary(function, x)
}

#[cfg(test)]
mod tests {
    use kerox_tensor::Tensor;

    use super::*;
    use crate::Interpreter;

    /// The loop gives what the operation gives, whatever the gates, masks and initial states.
    fn check(kind: RecurrentKind, has_bias: bool, has_mask: bool, has_initial: bool, [batch, steps]: [usize; 2]) {
        let (features, units) = (3, 2);
        let width = units * kind.gates();
        let numbers = |shape: &[usize], seed: usize| {
            let count: usize = shape.iter().product();
            let value = |i: usize| ((i * 7919 + seed * 104_729) % 1000) as f32 / 500.0 - 1.0;
            Tensor::from_vec((0..count).map(value).collect(), shape).unwrap()
        };
        let mut feeds =
            vec![numbers(&[batch, steps, features], 1), numbers(&[features, width], 2), numbers(&[units, width], 3)];
        if has_bias {
            let gru = kind == RecurrentKind::Gru { reset_after: true };
            feeds.push(if gru { numbers(&[2, width], 4) } else { numbers(&[width], 4) });
        }
        if has_mask {
            let mask = (0..batch * steps).map(|i| i % 3 != 1).collect::<Vec<bool>>();
            feeds.push(Tensor::from_vec(mask, [batch, steps]).unwrap());
        }
        if has_initial {
            feeds.extend((0..kind.states()).map(|i| numbers(&[batch, units], 5 + i)));
        }
        let mut g = Graph::new();
        let inputs: Vec<Value> = feeds
            .iter()
            .enumerate()
            .map(|(i, t)| {
                let mut dims: Vec<Dim> = t.shape().iter().map(|&n| Some(n)).collect();
                if !(1..3 + usize::from(has_bias)).contains(&i) {
                    dims[0] = None;
                }
                g.placeholder("x", t.dtype(), Dims::from(&dims[..])).unwrap()
            })
            .collect();
        let mut op = Recurrent::new(kind, RnnActivation::Tanh, RnnActivation::Sigmoid);
        (op.has_bias, op.has_mask, op.has_initial) = (has_bias, has_mask, has_initial);
        let wanted = g.add_op(op, &inputs).unwrap();
        let found = crate::Op::lower(&op, &mut g, &inputs).unwrap().unwrap();
        assert_eq!(found.len(), wanted.len());
        let n = 1 + kind.states();
        let outputs: Vec<Value> = wanted[..n].iter().chain(&found[..n]).copied().collect();
        let results = Interpreter::new(&g, &inputs, &outputs, &[])
            .run(feeds.into_iter().map(Into::into).collect())
            .unwrap()
            .into_iter()
            .map(|value| value.into_tensor().unwrap())
            .collect::<Vec<Tensor>>();
        for (a, b) in results[..n].iter().zip(&results[n..]) {
            assert_eq!(a.shape(), b.shape());
            for (a, b) in a.as_slice::<f32>().unwrap().iter().zip(b.as_slice::<f32>().unwrap()) {
                assert!((a - b).abs() < 1e-5, "{kind:?}: {a} {b}");
            }
        }
    }

    #[test]
    fn loops_compute_what_the_kernels_compute() {
        let gru = |reset_after| RecurrentKind::Gru { reset_after };
        for kind in [RecurrentKind::Simple, RecurrentKind::Lstm, gru(true), gru(false)] {
            check(kind, true, false, false, [4, 5]);
            check(kind, false, true, false, [2, 3]);
            check(kind, true, true, true, [3, 4]);
            check(kind, true, false, true, [2, 1]);
            check(kind, true, true, false, [0, 3]);
        }
    }
}
