//! A cell over the steps of a sequence: what all recurrent layers do.

use kerox_graph::{Dim, Dims, Value, ValueInfo};
use kerox_tensor::DType;

use super::cell::{Cell, CellMemory, Fused, check_states};
use super::sequence_options::Sequences;
use super::states;
use super::steps::Steps;
use crate::call::input_error;
use crate::{Arg, Args, Build, Call, Layer, LayerRef, Result};

/// The cell of a layer.
fn cell_of<'a>(layer: &dyn Layer, cell: &'a LayerRef) -> Result<&'a dyn Cell> {
    cell.as_cell().ok_or_else(|| {
        let found = format!("`{}` ({})", cell.name(), cell.class_name());
        crate::registry::argument_error(layer.base(), "cell", "a layer that is a recurrent cell", found)
    })
}

/// Type and shape of one step of a sequence.
pub(super) fn step_info(layer: &dyn Layer, options: &Sequences, info: &ValueInfo) -> Result<ValueInfo> {
    let axes: Vec<Dim> = match info.dims.axes() {
        Some(axes) if axes.len() >= 3 => axes.to_vec(),
        _ => {
            let expected = "a sequence `[batch, steps, features]`".into();
            return Err(input_error(layer, expected, format!("shape {}", info.dims)));
        }
    };
    let batch = axes[usize::from(options.time_major)];
    let dims: Dims = std::iter::once(batch).chain(axes[2..].iter().copied()).collect();
    Ok(ValueInfo::new(info.dtype, dims))
}

/// Builds the cell for the steps of the input, and the states.
pub(super) fn build(
    layer: &dyn Layer,
    options: &Sequences,
    cell: &LayerRef,
    cx: &mut Build,
    inputs: &[ValueInfo],
) -> Result<()> {
    let nothing = || input_error(layer, "a sequence".into(), "nothing".into());
    let step = step_info(layer, options, inputs.first().ok_or_else(nothing)?)?;
    match cell.downcast::<super::conv_lstm_cell::ConvLstmCell>() {
        // Keras names the variables of convolutional cells after the layer alone.
        Some(_) => cx.build_unscoped(cell, std::slice::from_ref(&step))?,
        None => cx.build(cell, std::slice::from_ref(&step))?,
    }
    let shapes = cell_of(layer, cell)?.state_shapes(&step);
    states::make_variables(layer, options, &step, &shapes)
}

/// What a recurrent layer was called with.
struct Arguments {
    x: Value,
    mask: Option<Value>,
    initial: Vec<Value>,
    constants: Vec<Value>,
}

fn arguments(layer: &dyn Layer, options: &Sequences, cx: &mut Call<'_>, args: &Args<Value>) -> Result<Arguments> {
    let tensors = |arg: Option<&Arg<Value>>| -> Vec<Value> {
        arg.map(|arg| arg.tensors().into_iter().copied().collect()).unwrap_or_default()
    };
    let mut first = args.first().into_iter().copied().collect::<Vec<Value>>();
    if first.is_empty() {
        return Err(input_error(layer, "a sequence".into(), "nothing".into()));
    }
    let x = first.remove(0);
    let constants = first.split_off(first.len().saturating_sub(options.num_constants));
    let named = tensors(args.get(3, "initial_state"));
    let named_constants = tensors(args.get(4, "constants"));
    let mask = tensors(args.get(1, "mask")).first().copied().or_else(|| cx.mask(x));
    let mask = match mask {
        Some(mask) if cx.g.dtype(mask) != DType::Bool => {
            let zeros = cx.g.zeros_like(mask)?;
            Some(cx.g.not_equal(mask, zeros)?)
        }
        mask => mask,
    };
    Ok(Arguments {
        x,
        mask,
        initial: if named.is_empty() { first } else { named },
        constants: if named_constants.is_empty() { constants } else { named_constants },
    })
}

/// Adds all steps; gives the output and, where wanted, the last states.
pub(super) fn call(
    layer: &dyn Layer,
    options: &Sequences,
    cell: &LayerRef,
    cx: &mut Call<'_>,
    args: &Args<Value>,
) -> Result<Vec<Value>> {
    let core = cell_of(layer, cell)?;
    let Arguments { x, mask: outer_mask, mut initial, constants } = arguments(layer, options, cx, args)?;
    let step = step_info(layer, options, cx.g.info(x))?;
    let shapes = core.state_shapes(&step);
    if initial.is_empty() {
        initial = states::read_variables(layer, options, cx)?;
    } else if initial.len() != shapes.len() {
        let found = format!("{}", initial.len());
        return Err(input_error(layer, format!("{} initial states", shapes.len()), found));
    }
    check_states(layer, cx, &shapes, &initial)?;
    let x = arrange(cx, options, x)?;
    let mask = outer_mask.map(|mask| arrange(cx, options, mask)).transpose()?;
    let fused = match constants.is_empty() {
        true => core.fused(cx, &Fused { x, mask, initial: &initial })?,
        false => None,
    };
    let (sequence, last, states) = match fused {
        Some((sequence, states)) => {
            let (sequence, last) = mask_outputs(cx, options, (sequence, &states), mask, !initial.is_empty())?;
            (sequence, last, states)
        }
        None => {
            if initial.is_empty() {
                let dtype = cx.g.dtype(x);
                initial =
                    shapes.iter().map(|shape| states::zeros(cx, x, shape, dtype)).collect::<Result<Vec<Value>>>()?;
            }
            let mut memory = CellMemory::default();
            memory.constants = constants;
            let steps = cx.g.dims(x).axes().and_then(|axes| axes.get(1).copied()).flatten();
            let run = Steps { cell: core, options, x, step: &step, mask };
            match steps.filter(|_| !cx.keeps_loops()) {
                Some(steps) => run.unrolled(cx, steps, initial, memory)?,
                None => run.looped(cx, &initial, memory)?,
            }
        }
    };
    states::keep_states(options, cx, &states)?;
    let mut output = if options.return_sequences { sequence } else { last };
    if options.return_sequences && options.time_major {
        output = swap_first_axes(cx, output)?;
    }
    cx.set_mask(output, outer_mask.filter(|_| options.return_sequences));
    let mut outputs = vec![output];
    if options.return_state {
        outputs.extend(states);
    }
    Ok(outputs)
}

/// `[batch, steps, ...]` in the order in which the steps are computed.
fn arrange(cx: &mut Call<'_>, options: &Sequences, mut x: Value) -> Result<Value> {
    if options.time_major {
        x = swap_first_axes(cx, x)?;
    }
    if options.go_backwards {
        x = cx.g.reverse(x, &[1])?;
    }
    Ok(x)
}

fn swap_first_axes(cx: &mut Call<'_>, x: Value) -> Result<Value> {
    let rank = cx.g.dims(x).rank().unwrap_or(2) as i64;
    let perm: Vec<i64> = [1, 0].into_iter().chain(2..rank).collect();
    Ok(cx.g.transpose(x, &perm)?)
}

/// The outputs of a fused recurrence are its states. Where steps are masked, outputs differ from that: they are zeros
/// before the first step that counts or, if so wanted, at every one that does not.
fn mask_outputs(
    cx: &mut Call<'_>,
    options: &Sequences,
    (sequence, states): (Value, &[Value]),
    mask: Option<Value>,
    has_initial: bool,
) -> Result<(Value, Value)> {
    let Some(mask) = mask.filter(|_| has_initial || options.zero_output_for_mask) else {
        return Ok((sequence, states[0]));
    };
    let shown = if options.zero_output_for_mask {
        mask
    } else {
        let counts = cx.g.cast(mask, DType::I32)?;
        let seen = cx.g.cumsum(counts, 1, false, false)?;
        let zero = cx.g.number(0.0, DType::I32)?;
        cx.g.greater(seen, zero)?
    };
    let shown = cx.g.expand_dims(shown, -1)?;
    let zeros = cx.g.zeros_like(sequence)?;
    let sequence = cx.g.select(shown, sequence, zeros)?;
    let last = cx.g.strided_slice(sequence, &[kerox_graph::ops::Index::ALL, kerox_graph::ops::Index::At(-1)])?;
    Ok((sequence, last))
}
