//! Gradients of tables by rows: of an embedding only the rows that a batch names have one.

use std::any::Any;

use kerox_graph::ops::{AddN, Cast, Const, GatherGrad};
use kerox_graph::{Graph, Value};

use crate::Result;

/// The numbers of rows and what comes for each, `[rows]` and `[rows, ...]`, where all of a gradient goes back to rows that
/// were taken from a table. A row may occur more than once.
///
/// # Source
/// TensorFlow's gradients of `tf.gather`, which are `tf.IndexedSlices`.
pub(super) fn by_rows(g: &mut Graph, gradient: Value) -> Result<Option<(Value, Value)>> {
    let dims = g.dims(gradient).axes().map(|axes| axes.iter().copied().collect::<Option<Vec<usize>>>());
    let Some(dims) = dims.flatten().filter(|dims| dims.len() > 1) else { return Ok(None) };
    let mut parts = Vec::new();
    if !collect(g, gradient, &mut parts) {
        return Ok(None);
    }
    let shape: Vec<i64> = std::iter::once(-1).chain(dims[1..].iter().map(|&d| d as i64)).collect();
    let (mut rows, mut values) = (Vec::new(), Vec::new());
    for (slices, numbers) in parts {
        let slices = g.cast(slices, g.dtype(gradient))?;
        let numbers = g.cast(numbers, kerox_tensor::DType::I64)?;
        rows.push(g.reshape(numbers, &[-1])?);
        values.push(g.reshape(slices, &shape)?);
    }
    Ok(Some(match rows[..] {
        [rows] => (rows, values[0]),
        _ => (g.concat(&rows, 0)?, g.concat(&values, 0)?),
    }))
}

/// Collects the slices and numbers that a gradient is the sum of; false where it is the sum of anything else.
fn collect(g: &Graph, gradient: Value, parts: &mut Vec<(Value, Value)>) -> bool {
    let node = g.node(gradient.node);
    let op: &dyn Any = &*node.op;
    if let Some(gather) = op.downcast_ref::<GatherGrad>() {
        let [slices, _, numbers, axis] = node.inputs[..] else { return false };
        let axis: &dyn Any = &*g.node(axis.node).op;
        let is_first = axis.downcast_ref::<Const>().is_some_and(|axis| {
            axis.value.as_slice::<i32>().is_ok_and(|v| v == [0]) || axis.value.as_slice::<i64>().is_ok_and(|v| v == [0])
        });
        parts.push((slices, numbers));
        return gather.batch_dims == 0 && is_first;
    }
    (op.is::<AddN>() || op.is::<Cast>()) && node.inputs.iter().all(|&input| collect(g, input, parts))
}
