//! Sums of products by labelled axes, made of transposes, reshapes and one batched matrix product.

use kerox_graph::{Dim, Dims, Graph, Value};

use crate::Result;

/// The length of an axis: a number, or that of an axis of a value, known when the graph runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    /// A number.
    Known(usize),
    /// The length of an axis of a value.
    Of(Value, usize),
}

impl Length {
    /// The lengths of the axes of a value of known rank.
    pub fn all(g: &Graph, x: Value) -> Vec<Length> {
        let axes = g.dims(x).axes().unwrap_or_default();
        axes.iter().enumerate().map(|(axis, d)| d.map_or(Length::Of(x, axis), Length::Known)).collect()
    }

    fn number(self) -> Dim {
        match self {
            Length::Known(n) => Some(n),
            Length::Of(..) => None,
        }
    }
}

/// The same elements in a shape whose axes are products of lengths.
///
/// # Errors
/// [`crate::Error::Operation`] where the number of elements differs.
pub(crate) fn reshape_to_lengths(g: &mut Graph, x: Value, axes: &[Vec<Length>]) -> Result<Value> {
    let numbers: Vec<Dim> =
        axes.iter().map(|axis| axis.iter().try_fold(1usize, |product, l| product.checked_mul(l.number()?))).collect();
    let unknown = numbers.iter().filter(|n| n.is_none()).count();
    if unknown == 0 || unknown == 1 && !numbers.contains(&Some(0)) {
        let lengths: Vec<i64> = numbers.iter().map(|n| n.map_or(-1, |n| n as i64)).collect();
        if g.dims(x) == &numbers.iter().copied().collect::<Dims>() {
            return Ok(x);
        }
        return Ok(g.reshape(x, &lengths)?);
    }
    let mut parts = Vec::with_capacity(axes.len());
    for axis in axes {
        let mut product = g.ints(&[1])?;
        for length in axis {
            let factor = match *length {
                Length::Known(n) => g.ints(&[n as i64])?,
                Length::Of(value, axis) => {
                    let shape = g.shape_of(value)?;
                    g.slice(shape, &[axis as i64], &[1])?
                }
            };
            product = g.multiply(product, factor)?;
        }
        parts.push(product);
    }
    let shape = g.concat(&parts, 0)?;
    Ok(g.reshape_to(x, shape)?)
}

/// The sum over all labels that are not in `output` of the products of `x` and `y`, whose axes carry the labels given.
/// A label stands at most once in each list; those of the output stand in one of the others.
///
/// # Errors
/// [`crate::Error::Operation`] where lengths under one label differ.
///
/// # Source
/// `tf.einsum`.
pub(crate) fn einsum(
    g: &mut Graph,
    (x, x_labels): (Value, &[u32]),
    (y, y_labels): (Value, &[u32]),
    output: &[u32],
) -> Result<Value> {
    let (x, x_labels) = sum_lone_axes(g, x, x_labels, y_labels, output)?;
    let (y, y_labels) = sum_lone_axes(g, y, y_labels, &x_labels, output)?;
    let (x_lengths, y_lengths) = (Length::all(g, x), Length::all(g, y));
    // A length known in one operand is taken from there.
    let length = |label: u32| {
        let in_x = x_labels.iter().position(|&l| l == label).map(|at| x_lengths[at]);
        let in_y = y_labels.iter().position(|&l| l == label).map(|at| y_lengths[at]);
        match (in_x, in_y) {
            (Some(Length::Of(..)), Some(known)) => known,
            (Some(found), _) | (None, Some(found)) => found,
            (None, None) => Length::Known(1),
        }
    };
    let batch: Vec<u32> = x_labels.iter().copied().filter(|l| y_labels.contains(l) && output.contains(l)).collect();
    let inner: Vec<u32> = x_labels.iter().copied().filter(|l| y_labels.contains(l) && !output.contains(l)).collect();
    let rows: Vec<u32> = x_labels.iter().copied().filter(|l| !y_labels.contains(l)).collect();
    let columns: Vec<u32> = y_labels.iter().copied().filter(|l| !x_labels.contains(l)).collect();

    let lengths = |labels: &[u32]| -> Vec<Length> { labels.iter().map(|&l| length(l)).collect() };
    let with_batch = |tail: [&[u32]; 2]| -> Vec<Vec<Length>> {
        let batch = batch.iter().map(|&l| vec![length(l)]);
        batch.chain(tail.iter().map(|labels| lengths(labels))).collect()
    };
    let x = arrange(g, x, &x_labels, &[&batch[..], &rows, &inner].concat())?;
    let x = reshape_to_lengths(g, x, &with_batch([&rows, &inner]))?;
    let y = arrange(g, y, &y_labels, &[&batch[..], &inner, &columns].concat())?;
    let y = reshape_to_lengths(g, y, &with_batch([&inner, &columns]))?;
    let product = if batch.is_empty() { g.matmul(x, y, false, false)? } else { g.batch_matmul(x, y, false, false)? };
    let labels = [&batch[..], &rows, &columns].concat();
    let split: Vec<Vec<Length>> = labels.iter().map(|&l| vec![length(l)]).collect();
    let product = reshape_to_lengths(g, product, &split)?;
    arrange(g, product, &labels, output)
}

/// Sums over the axes that neither the other operand nor the output has.
fn sum_lone_axes(g: &mut Graph, x: Value, labels: &[u32], other: &[u32], output: &[u32]) -> Result<(Value, Vec<u32>)> {
    let is_lone = |label: &u32| !other.contains(label) && !output.contains(label);
    let axes: Vec<i64> = labels.iter().enumerate().filter(|(_, l)| is_lone(l)).map(|(i, _)| i as i64).collect();
    if axes.is_empty() {
        return Ok((x, labels.to_vec()));
    }
    let x = g.reduce_sum(x, &axes, false)?;
    Ok((x, labels.iter().copied().filter(|l| !is_lone(l)).collect()))
}

/// The axes in another order.
fn arrange(g: &mut Graph, x: Value, labels: &[u32], order: &[u32]) -> Result<Value> {
    if labels == order {
        return Ok(x);
    }
    let perm: Vec<i64> =
        order.iter().filter_map(|label| labels.iter().position(|l| l == label)).map(|at| at as i64).collect();
    Ok(g.transpose(x, &perm)?)
}
