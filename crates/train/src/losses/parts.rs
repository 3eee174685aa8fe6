//! What several losses are made of.

use kerox_config_json::Fields;
use kerox_graph::{Dims, Graph, Value};
use kerox_layers::Call;
use kerox_tensor::DType;

use crate::{Error, Result};

/// Keras's `backend.epsilon()`.
pub(crate) const EPSILON: f64 = 1e-7;

/// A constant of the type of `like`.
pub(crate) fn number_like(g: &mut Graph, like: Value, number: f64) -> Result<Value> {
    let dtype = g.dtype(like);
    Ok(g.number(number, dtype)?)
}

/// The mean along the last axis.
pub(super) fn last_mean(g: &mut Graph, values: Value) -> Result<Value> {
    Ok(g.reduce_mean(values, &[-1], false)?)
}

/// The sum of everything.
pub(crate) fn sum_all(g: &mut Graph, values: Value) -> Result<Value> {
    let axes = g.all_axes(values)?;
    if axes.is_empty() {
        return Ok(values);
    }
    Ok(g.reduce_sum(values, &axes, false)?)
}

/// The mean of everything.
pub(crate) fn mean_all(g: &mut Graph, values: Value) -> Result<Value> {
    let axes = g.all_axes(values)?;
    if axes.is_empty() {
        return Ok(values);
    }
    Ok(g.reduce_mean(values, &axes, false)?)
}

/// Drops a last axis of 1 where the ranks of targets and predictions differ by one, as Keras does.
pub(crate) fn squeeze_pair(g: &mut Graph, y_true: Value, y_pred: Value) -> Result<(Value, Value)> {
    let (Some(a), Some(b)) = (g.dims(y_true).rank(), g.dims(y_pred).rank()) else { return Ok((y_true, y_pred)) };
    if b == a + 1 && last(g.dims(y_pred)) == Some(1) {
        return Ok((y_true, g.squeeze(y_pred, &[-1])?));
    }
    if a == b + 1 && last(g.dims(y_true)) == Some(1) {
        return Ok((g.squeeze(y_true, &[-1])?, y_pred));
    }
    Ok((y_true, y_pred))
}

/// The length of the last axis, if known.
pub(crate) fn last(dims: &Dims) -> Option<usize> {
    dims.axes().and_then(|axes| axes.last().copied().flatten())
}

/// The length of the last axis.
pub(crate) fn last_length(g: &Graph, what: &str, value: Value) -> Result<usize> {
    last(g.dims(value)).ok_or_else(|| {
        let found = format!("shape {}", g.dims(value));
        Error::data(what, "y_pred", "a last axis of known length", found)
    })
}

/// Targets of the type of the predictions, shapes checked.
pub(crate) fn pair(cx: &mut Call<'_>, what: &str, y_true: Value, y_pred: Value) -> Result<(Value, Value)> {
    check_numbers(cx.g, what, y_true)?;
    let y_true = cx.g.cast(y_true, cx.g.dtype(y_pred))?;
    if let (Some(a), Some(b)) = (cx.g.dims(y_true).axes(), cx.g.dims(y_pred).axes()) {
        let fits = |(a, b): (&Option<usize>, &Option<usize>)| match (a, b) {
            (Some(a), Some(b)) => a == b || *a == 1 || *b == 1,
            _ => true,
        };
        if !a.iter().rev().zip(b.iter().rev()).all(fits) {
            let expected = format!("the shape of the predictions {}", cx.g.dims(y_pred));
            let found = format!("shape {}", cx.g.dims(y_true));
            return Err(Error::data(what, "y_true", expected, found));
        }
    }
    Ok((y_true, y_pred))
}

/// Targets of the type of the predictions and of their shape, as cross entropies of whole distributions need them.
pub(super) fn pair_of_same_shape(
    cx: &mut Call<'_>,
    what: &str,
    y_true: Value,
    y_pred: Value,
) -> Result<(Value, Value)> {
    let (y_true, y_pred) = pair(cx, what, y_true, y_pred)?;
    same_shape(cx.g, what, y_true, y_pred, "class numbers go with the sparse losses")?;
    Ok((y_true, y_pred))
}

fn same_shape(g: &Graph, what: &str, y_true: Value, y_pred: Value, hint: &str) -> Result<()> {
    let (Some(a), Some(b)) = (g.dims(y_true).axes(), g.dims(y_pred).axes()) else { return Ok(()) };
    let differ = |(a, b): (&Option<usize>, &Option<usize>)| a.is_some() && b.is_some() && a != b;
    if a.len() == b.len() && !a.iter().zip(b).any(differ) {
        return Ok(());
    }
    let expected = format!("the shape of the predictions {}", g.dims(y_pred));
    let found = format!("shape {}; {hint}", g.dims(y_true));
    Err(Error::data(what, "y_true", expected, found))
}

fn check_numbers(g: &Graph, what: &str, value: Value) -> Result<()> {
    if g.dtype(value) == DType::String {
        return Err(Error::data(what, "y_true", "numbers", "strings"));
    }
    Ok(())
}

/// Class numbers without a last axis of 1, checked against the shape of the predictions.
pub(crate) fn class_numbers(cx: &mut Call<'_>, what: &str, y_true: Value, y_pred: Value) -> Result<Value> {
    check_numbers(cx.g, what, y_true)?;
    let mut labels = cx.g.cast(y_true, DType::I64)?;
    let (label_rank, rank) = (cx.g.dims(labels).rank(), cx.g.dims(y_pred).rank());
    if label_rank == rank && rank.is_some() {
        if last(cx.g.dims(labels)) != Some(1) {
            let expected = format!("one class number a prediction of shape {}", cx.g.dims(y_pred));
            let found = format!("shape {}; one-hot targets go with the categorical losses", cx.g.dims(labels));
            return Err(Error::data(what, "y_true", expected, found));
        }
        labels = cx.g.squeeze(labels, &[-1])?;
    }
    Ok(labels)
}

/// The cross entropy of rows of any rank.
pub(super) fn sparse(g: &mut Graph, logits: Value, labels: Value) -> Result<Value> {
    if g.dims(logits).rank() == Some(2) {
        return Ok(g.sparse_softmax_cross_entropy(logits, labels)?);
    }
    let classes = last_length(g, "SparseCategoricalCrossentropy", logits)?;
    let rows = g.reshape(logits, &[-1, classes as i64])?;
    let flat = g.reshape(labels, &[-1])?;
    let losses = g.sparse_softmax_cross_entropy(rows, flat)?;
    Ok(g.reshape_like(losses, labels)?)
}

/// The logits that predictions are or came from.
pub(super) fn logits(cx: &Call<'_>, y_pred: Value, from_logits: bool) -> Option<Value> {
    if from_logits { Some(y_pred) } else { cx.logits(y_pred) }
}

/// The cross entropy of distributions along an axis.
pub(super) fn categorical(g: &mut Graph, what: &str, logits: Value, y_true: Value, axis: i64) -> Result<Value> {
    let rank = g.dims(logits).rank().unwrap_or(2) as i64;
    let at = if axis < 0 { axis + rank } else { axis };
    let (mut logits, mut y_true) = (logits, y_true);
    if at != rank - 1 {
        let order: Vec<i64> = (0..rank).filter(|&i| i != at).chain([at]).collect();
        (logits, y_true) = (g.transpose(logits, &order)?, g.transpose(y_true, &order)?);
    }
    if rank == 2 {
        return Ok(g.softmax_cross_entropy(logits, y_true)?);
    }
    let classes = last_length(g, what, logits)? as i64;
    let rows = (g.reshape(logits, &[-1, classes])?, g.reshape(y_true, &[-1, classes])?);
    let losses = g.softmax_cross_entropy(rows.0, rows.1)?;
    let like = g.reduce_sum(y_true, &[-1], false)?;
    Ok(g.reshape_like(losses, like)?)
}

/// The binary cross entropy of each element.
pub(super) fn binary(cx: &mut Call<'_>, y_true: Value, y_pred: Value, from_logits: bool) -> Result<Value> {
    let logits = logits(cx, y_pred, from_logits);
    let g = &mut *cx.g;
    if let Some(logits) = logits {
        same_shape(g, "binary cross entropy", y_true, logits, "give one target a prediction")?;
        let same = g.dims(y_true) == g.dims(logits);
        let y_true = if same { y_true } else { spread(g, y_true, logits)? };
        return Ok(g.sigmoid_cross_entropy(logits, y_true)?);
    }
    let p = g.clip_by_value(y_pred, EPSILON, 1.0 - EPSILON)?;
    let (one, epsilon) = (number_like(g, p, 1.0)?, number_like(g, p, EPSILON)?);
    let (not_true, not_p) = (g.subtract(one, y_true)?, g.subtract(one, p)?);
    let (p, not_p) = (g.add(p, epsilon)?, g.add(not_p, epsilon)?);
    let (log_p, log_not_p) = (g.log(p)?, g.log(not_p)?);
    let (a, b) = (g.multiply(y_true, log_p)?, g.multiply(not_true, log_not_p)?);
    let sum = g.add(a, b)?;
    Ok(g.negate(sum)?)
}

/// `value` broadcast to the shape of `like`.
pub(crate) fn spread(g: &mut Graph, value: Value, like: Value) -> Result<Value> {
    let zeros = g.zeros_like(like)?;
    let zeros = g.cast(zeros, g.dtype(value))?;
    Ok(g.add(zeros, value)?)
}

/// 0/1 targets moved towards 1/2.
pub(super) fn smooth_binary(g: &mut Graph, y_true: Value, smoothing: f64) -> Result<Value> {
    if smoothing == 0.0 {
        return Ok(y_true);
    }
    let (rest, shift) = (number_like(g, y_true, 1.0 - smoothing)?, number_like(g, y_true, 0.5 * smoothing)?);
    let scaled = g.multiply(y_true, rest)?;
    Ok(g.add(scaled, shift)?)
}

/// One-hot targets moved towards the uniform distribution.
pub(super) fn smooth_categorical(g: &mut Graph, what: &str, y_true: Value, smoothing: f64, axis: i64) -> Result<Value> {
    if smoothing == 0.0 {
        return Ok(y_true);
    }
    let classes = g.dims(y_true).axes().and_then(|axes| {
        let at = if axis < 0 { axis + axes.len() as i64 } else { axis };
        usize::try_from(at).ok().and_then(|at| axes.get(at).copied().flatten())
    });
    let Some(classes) = classes else {
        let expected = format!("a known number of classes along axis {axis}");
        return Err(Error::data(what, "y_true", expected, format!("shape {}", g.dims(y_true))));
    };
    let rest = number_like(g, y_true, 1.0 - smoothing)?;
    let shift = number_like(g, y_true, smoothing / classes as f64)?;
    let scaled = g.multiply(y_true, rest)?;
    Ok(g.add(scaled, shift)?)
}

/// Targets of -1 and 1; where all are 0 or 1 they are taken for these.
pub(super) fn signs(g: &mut Graph, y_true: Value) -> Result<Value> {
    let (zero, one) = (number_like(g, y_true, 0.0)?, number_like(g, y_true, 1.0)?);
    let (is_zero, is_one) = (g.equal(y_true, zero)?, g.equal(y_true, one)?);
    let is_bit = g.logical_or(is_zero, is_one)?;
    let axes = g.all_axes(is_bit)?;
    let all = g.reduce_all(is_bit, &axes, false)?;
    let two = number_like(g, y_true, 2.0)?;
    let twice = g.multiply(two, y_true)?;
    let shifted = g.subtract(twice, one)?;
    Ok(g.select(all, shifted, y_true)?)
}

/// `max(1 - y_true * y_pred, 0)`.
pub(super) fn margin(g: &mut Graph, y_true: Value, y_pred: Value) -> Result<Value> {
    let product = g.multiply(y_true, y_pred)?;
    let (zero, one) = (number_like(g, product, 0.0)?, number_like(g, product, 1.0)?);
    let rest = g.subtract(one, product)?;
    Ok(g.maximum(rest, zero)?)
}

/// Vectors along an axis scaled to length 1.
pub(crate) fn unit(g: &mut Graph, x: Value, axis: i64) -> Result<Value> {
    let square = g.square(x)?;
    let sum = g.reduce_sum(square, &[axis], true)?;
    let least = number_like(g, sum, 1e-12)?;
    let sum = g.maximum(sum, least)?;
    let factor = g.rsqrt(sum)?;
    Ok(g.multiply(x, factor)?)
}

/// An axis, a list of axes or none from a configuration.
pub(super) fn axes(fields: &Fields<'_>, key: &str) -> Result<Option<Vec<i64>>> {
    Ok(match fields.get(key) {
        None => None,
        Some(node) if node.value().as_i64().is_some() => Some(vec![node.int()?]),
        Some(node) => Some(node.ints()?),
    })
}

/// The given axes, or all of them.
pub(super) fn axes_of(g: &Graph, value: Value, axes: &Option<Vec<i64>>) -> Result<Vec<i64>> {
    Ok(match axes {
        Some(axes) => axes.clone(),
        None => g.all_axes(value)?,
    })
}
