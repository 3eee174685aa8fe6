//! How often values occur.

use kerox_graph::Value;
use kerox_graph::ops::ScatterNd;
use kerox_tensor::DType;

use crate::{Call, Result};

/// How often each number below `count` (an int32 vector of one element) occurs among int32 numbers of any shape, as
/// floats of that type.
pub(super) fn histogram(cx: &mut Call<'_>, numbers: Value, count: Value, dtype: DType) -> Result<Value> {
    let indices = cx.g.reshape(numbers, &[-1, 1])?;
    let flat = cx.g.reshape(numbers, &[-1])?;
    let ones = cx.g.fill_like(flat, 1.0)?;
    let ones = cx.g.cast(ones, dtype)?;
    Ok(cx.g.add_single(ScatterNd, &[indices, ones, count])?)
}
