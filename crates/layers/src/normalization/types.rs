//! The types in which normalizations of Keras 3 compute.

use kerox_graph::Value;
use kerox_tensor::DType;

use crate::{Call, Layer, Result};

/// The input in the type in which the layer computes: Keras 3 takes single precision for integers and half precision.
pub(super) fn computed(layer: &dyn Layer, cx: &mut Call<'_>, input: Value) -> Result<Value> {
    let dtype = cx.g.dtype(input);
    let is_narrow = !dtype.is_float() || matches!(dtype, DType::F16 | DType::BF16);
    Ok(if layer.base().is_keras3() && is_narrow { cx.g.cast(input, DType::F32)? } else { input })
}

/// The result in the compute type; in Keras 3 by way of the type of the input, which cuts numbers made of integers.
pub(super) fn given(layer: &dyn Layer, cx: &mut Call<'_>, y: Value, input: Value) -> Result<Value> {
    if !layer.base().is_keras3() {
        return Ok(y);
    }
    let y = cx.g.cast(y, cx.g.dtype(input))?;
    Ok(cx.g.cast(y, layer.base().policy().compute)?)
}
