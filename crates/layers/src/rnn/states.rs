//! States before the first step.

use kerox_graph::{Value, ValueInfo};
use kerox_tensor::{DType, Shape, Tensor, Variable};

use super::sequence_options::Sequences;
use super::stacked_rnn_cells::StackedRNNCells;
use crate::registry::argument_error;
use crate::{Call, Layer, LayerRef, Result, Tracked};

/// Zeros of shape `[batch, shape...]` with the batch of `x`.
pub(super) fn zeros(cx: &mut Call<'_>, x: Value, shape: &[usize], dtype: DType) -> Result<Value> {
    if let Some(Some(batch)) = cx.g.dims(x).axes().and_then(|axes| axes.first()) {
        let lengths: Vec<usize> = std::iter::once(*batch).chain(shape.iter().copied()).collect();
        return Ok(cx.g.full(&lengths, 0.0, dtype)?);
    }
    let lengths = cx.g.shape_of(x)?;
    let batch = cx.g.slice(lengths, &[0], &[1])?;
    let rest: Vec<i64> = shape.iter().map(|&d| d as i64).collect();
    let rest = cx.g.ints(&rest)?;
    let lengths = cx.g.concat(&[batch, rest], 0)?;
    let zero = cx.g.number(0.0, dtype)?;
    Ok(cx.g.fill(lengths, zero)?)
}

/// Makes the variables of a stateful layer, whose batch must be known.
pub(super) fn make_variables(
    layer: &dyn Layer,
    options: &Sequences,
    step: &ValueInfo,
    shapes: &[Vec<usize>],
) -> Result<()> {
    if !options.stateful || options.states.get().is_some() {
        return Ok(());
    }
    let base = layer.base();
    let Some(Some(batch)) = step.dims.axes().and_then(|axes| axes.first().copied()) else {
        let expected = "a batch of known size: give `batch_input_shape` to the first layer";
        return Err(argument_error(base, "stateful", expected, format!("steps of shape {}", step.dims)));
    };
    let dtype = base.policy().variable;
    let make = |(i, shape): (usize, &Vec<usize>)| {
        let shape: Shape = std::iter::once(batch).chain(shape.iter().copied()).collect();
        Ok(Variable::new(format!("{}/state_{i}", base.name()), Tensor::zeros(dtype, shape)?, false))
    };
    let variables = shapes.iter().enumerate().map(make).collect::<Result<Vec<Variable>>>()?;
    let _ = options.states.set(variables);
    Ok(())
}

/// The variables' values as states.
pub(super) fn read_variables(layer: &dyn Layer, options: &Sequences, cx: &mut Call<'_>) -> Result<Vec<Value>> {
    options.states().iter().map(|state| cx.variable(layer.base(), state)).collect()
}

/// Assigns the last states to the variables after each run.
pub(super) fn keep_states(options: &Sequences, cx: &mut Call<'_>, states: &[Value]) -> Result<()> {
    for (variable, &state) in options.states().iter().zip(states) {
        let state = if cx.g.dtype(state) == variable.dtype() { state } else { cx.g.cast(state, variable.dtype())? };
        cx.g.assign(variable, state)?;
    }
    Ok(())
}

/// The variables as Keras nests them: those of cells on top of each other by cell, in a list where there are several.
pub(super) fn tracked(options: &Sequences, cell: &LayerRef) -> Vec<Tracked> {
    let mut variables = options.states().iter().cloned().map(Tracked::Variable);
    match cell.downcast::<StackedRNNCells>() {
        Some(stacked) if variables.len() > 0 => stacked
            .state_counts()
            .into_iter()
            .map(|count| {
                let mut own: Vec<Tracked> = variables.by_ref().take(count).collect();
                if own.len() == 1 { own.remove(0) } else { Tracked::list(own) }
            })
            .collect(),
        _ => variables.collect(),
    }
}
