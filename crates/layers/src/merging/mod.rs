//! Layers that make one of several inputs.

mod concatenate;
mod dot;
mod keras3;
mod merge;

use kerox_graph::Value;

use crate::{Base, Call, Result};

pub use concatenate::Concatenate;
pub use dot::Dot;
pub use merge::{Add, Average, Combine, Maximum, Merge, Minimum, Multiply, Subtract};
pub use merge::{Averages, Differences, Largest, Products, Smallest, Sums};

/// Inputs of one type: beside floats, integers become floats.
fn of_one_type(cx: &mut Call<'_>, base: &Base, inputs: &[Value]) -> Result<Vec<Value>> {
    let has_floats = inputs.iter().any(|&x| cx.g.dtype(x).is_float());
    let cast = |x: &Value| match cx.g.dtype(*x) {
        dtype if has_floats && dtype.is_integer() => {
            let cast = cx.g.cast(*x, base.policy().compute)?;
            let mask = cx.mask(*x);
            cx.set_mask(cast, mask);
            Ok(cast)
        }
        _ => Ok(*x),
    };
    inputs.iter().map(cast).collect()
}
