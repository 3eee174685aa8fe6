//! Random weights and partners of images, shared by the layers that mix them.

use kerox_graph::{Generator, Value};
use kerox_tensor::DType;

use crate::{Call, Result};

/// Samples of the beta distribution with both parameters as in `alpha`, of its shape.
pub(super) fn beta(cx: &mut Call<'_>, alpha: Value, generator: &Generator) -> Result<Value> {
    let (a, b) = (cx.g.random_gamma(alpha, generator)?, cx.g.random_gamma(alpha, generator)?);
    let sum = cx.g.add(a, b)?;
    Ok(cx.g.div_no_nan(a, sum)?)
}

/// Another image of the batch for each, in random order.
pub(super) fn partners(cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
    let batch = super::pixels::length(cx, x, 0, DType::I32)?;
    let order = super::pixels::counting(cx, batch)?;
    let order = cx.g.shuffle(order, generator)?;
    Ok(cx.g.gather(x, order, 0)?)
}
