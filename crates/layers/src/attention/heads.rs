//! Attention of several heads over projected queries, keys and values.

use kerox_graph::{Generator, Value};

use super::masks;
use crate::{Base, Call, Result};

/// What [`attend`] is told.
pub(super) struct Heads<'a> {
    /// The layer's.
    pub base: &'a Base,
    /// The axes of query and value that are attended over, from the start.
    pub axes: &'a [usize],
    /// By what the query is multiplied.
    pub scale: f64,
    /// Which query may look at which key: `[batch, queries..., keys...]`.
    pub mask: Option<Value>,
    /// What of the weights is dropped while training.
    pub dropout: f64,
    /// Where dropout's random numbers come from.
    pub generator: &'a Generator,
}

/// Weighted values and weights: query `[batch, ..., heads, size]`, keys and values alike; both results are in the
/// order of axes of the query, the weights `[batch, others..., heads, queries..., keys...]`.
pub(super) fn attend(
    cx: &mut Call<'_>,
    heads: &Heads<'_>,
    query: Value,
    key: Value,
    value: Value,
) -> Result<(Value, Value)> {
    let rank = cx.g.dims(query).rank().unwrap_or(4);
    // [batch, others, heads, attended, size]
    let others = (0..rank - 1).filter(|axis| !heads.axes.contains(axis));
    let perm: Vec<usize> = others.chain(heads.axes.iter().copied()).chain([rank - 1]).collect();
    let transpose = |cx: &mut Call<'_>, x: Value| -> Result<Value> {
        let perm: Vec<i64> = perm.iter().map(|&axis| axis as i64).collect();
        Ok(cx.g.transpose(x, &perm)?)
    };
    let scale = cx.g.number(heads.scale, cx.g.dtype(query))?;
    let query = cx.g.multiply(query, scale)?;
    let query = transpose(cx, query)?;
    let (key, value) = (transpose(cx, key)?, transpose(cx, value)?);
    let attended = heads.axes.len();
    let queries = lengths(cx, query, rank - 1 - attended, attended)?;
    let keys = lengths(cx, key, rank - 1 - attended, attended)?;
    let (q, k, v) = (flatten(cx, query, attended)?, flatten(cx, key, attended)?, flatten(cx, value, attended)?);
    let mut scores = cx.g.batch_matmul(q, k, false, true)?;
    if let Some(mask) = heads.mask {
        let mask = masks::to_bool(cx, mask)?;
        let mut mask = flatten_mask(cx, mask, attended)?;
        let scores_rank = cx.g.dims(scores).rank().unwrap_or(4);
        while cx.g.dims(mask).rank().unwrap_or(scores_rank) < scores_rank {
            mask = cx.g.expand_dims(mask, -3)?;
        }
        scores = masks::apply(cx, scores, mask)?;
    }
    let weights = cx.g.softmax(scores, -1)?;
    let dropped = masks::dropped(cx, heads.base, weights, heads.dropout, heads.generator)?;
    let mut result = cx.g.batch_matmul(dropped, v, false, false)?;
    let mut weights = weights;
    if attended > 1 {
        let size = lengths(cx, value, rank - 1, 1)?;
        result = restore(cx, result, 2, &[&queries, &size])?;
        weights = restore(cx, weights, 2, &[&queries, &keys])?;
    }
    let mut inverse = vec![0i64; rank];
    for (at, &axis) in perm.iter().enumerate() {
        inverse[axis] = at as i64;
    }
    Ok((cx.g.transpose(result, &inverse)?, weights))
}

/// Lengths of some axes as an integer vector.
fn lengths(cx: &mut Call<'_>, x: Value, first: usize, count: usize) -> Result<Value> {
    let shape = cx.g.shape_of(x)?;
    Ok(cx.g.slice(shape, &[first as i64], &[count as i64])?)
}

/// The attended axes before the last one made a single axis.
fn flatten(cx: &mut Call<'_>, x: Value, attended: usize) -> Result<Value> {
    if attended == 1 {
        return Ok(x);
    }
    let rank = cx.g.dims(x).rank().unwrap_or(0);
    let head = lengths(cx, x, 0, rank - 1 - attended)?;
    let middle = lengths(cx, x, rank - 1 - attended, attended)?;
    let middle = cx.g.reduce_prod(middle, &[0], true)?;
    let last = lengths(cx, x, rank - 1, 1)?;
    let shape = cx.g.concat(&[head, middle, last], 0)?;
    Ok(cx.g.reshape_to(x, shape)?)
}

/// Axes of queries and of keys made one each.
fn flatten_mask(cx: &mut Call<'_>, mask: Value, attended: usize) -> Result<Value> {
    let rank = cx.g.dims(mask).rank().unwrap_or(0);
    if attended == 1 || rank < 2 * attended {
        return Ok(mask);
    }
    let head = lengths(cx, mask, 0, rank - 2 * attended)?;
    let queries = lengths(cx, mask, rank - 2 * attended, attended)?;
    let queries = cx.g.reduce_prod(queries, &[0], true)?;
    let keys = lengths(cx, mask, rank - attended, attended)?;
    let keys = cx.g.reduce_prod(keys, &[0], true)?;
    let shape = cx.g.concat(&[head, queries, keys], 0)?;
    Ok(cx.g.reshape_to(mask, shape)?)
}

/// The last `replaced` axes replaced by those lengths.
fn restore(cx: &mut Call<'_>, x: Value, replaced: usize, tails: &[&Value]) -> Result<Value> {
    let rank = cx.g.dims(x).rank().unwrap_or(0);
    let head = lengths(cx, x, 0, rank - replaced)?;
    let parts: Vec<Value> = std::iter::once(head).chain(tails.iter().map(|&&v| v)).collect();
    let shape = cx.g.concat(&parts, 0)?;
    Ok(cx.g.reshape_to(x, shape)?)
}
