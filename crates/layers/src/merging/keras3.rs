//! What masks do to merged values in Keras 3. In Keras 2 they leave the values alone.

use kerox_graph::Value;

use super::merge::Combine;
use crate::{Call, Result};

/// The mask of a value, spread over its last axis.
fn spread(cx: &mut Call<'_>, x: Value) -> Result<Option<Value>> {
    let Some(mask) = cx.mask(x) else { return Ok(None) };
    let mask = cx.g.expand_dims(mask, -1)?;
    let ones = cx.g.ones_like(x)?;
    let ones = cx.g.cast(ones, kerox_tensor::DType::Bool)?;
    Ok(Some(cx.g.logical_and(ones, mask)?))
}

/// True where one of the masks is; none where an input has none.
pub(super) fn any_mask(cx: &mut Call<'_>, inputs: &[Value]) -> Result<Option<Value>> {
    let masks: Option<Vec<Value>> = inputs.iter().map(|&x| cx.mask(x)).collect();
    let Some((&first, rest)) = masks.as_deref().and_then(<[Value]>::split_first) else { return Ok(None) };
    let mut any = first;
    for &mask in rest {
        any = cx.g.logical_or(any, mask)?;
    }
    Ok(Some(any))
}

/// Combines the inputs where they count; where one of two does not, the other stands for both.
///
/// # Source
/// `Merge._apply_merge_op_and_or_mask` of Keras 3.
pub(super) fn leave_out<K: Combine>(cx: &mut Call<'_>, inputs: &[Value]) -> Result<Value> {
    let (mut y, mut counts) = (inputs[0], spread(cx, inputs[0])?);
    for &x in &inputs[1..] {
        let (mut x, mask) = (x, spread(cx, x)?);
        if let Some(mask) = mask {
            x = cx.g.select(mask, x, y)?;
        }
        if let Some(counts) = counts {
            y = cx.g.select(counts, y, x)?;
        }
        counts = match (mask, counts) {
            (Some(a), Some(b)) => Some(cx.g.logical_or(a, b)?),
            _ => None,
        };
        y = K::combine(cx.g, y, x)?;
    }
    set_any(cx, y, counts)
}

/// Multiplies the inputs where they count; 0 where none does.
///
/// # Source
/// `Multiply._merge_function` of Keras 3.
pub(super) fn product(cx: &mut Call<'_>, inputs: &[Value]) -> Result<Value> {
    let mut product: Option<Value> = None;
    let mut masks = Vec::with_capacity(inputs.len());
    for &x in inputs {
        let mask = spread(cx, x)?;
        masks.extend(mask);
        let x = match mask {
            Some(mask) => {
                let one = cx.g.number(1.0, cx.g.dtype(x))?;
                cx.g.select(mask, x, one)?
            }
            None => x,
        };
        product = Some(match product {
            Some(y) => cx.g.multiply(y, x)?,
            None => x,
        });
    }
    let mut y = product.unwrap_or(inputs[0]);
    let mut counts: Option<Value> = None;
    if masks.len() == inputs.len() {
        for mask in masks {
            counts = Some(match counts {
                Some(other) => cx.g.logical_or(other, mask)?,
                None => mask,
            });
        }
    }
    if let Some(counts) = counts {
        let zero = cx.g.number(0.0, cx.g.dtype(y))?;
        y = cx.g.select(counts, y, zero)?;
    }
    set_any(cx, y, counts)
}

/// The mask of a result: where one of the elements along the last axis counts.
fn set_any(cx: &mut Call<'_>, y: Value, counts: Option<Value>) -> Result<Value> {
    let mask = counts.map(|counts| cx.g.reduce_any(counts, &[-1], false)).transpose()?;
    cx.set_mask(y, mask);
    Ok(y)
}
