//! Kernels that look alike from all sides.

use kerox_config_json::{Config, Fields};
use kerox_tensor::{Buffer, Tensor};

use super::{Constrain, Constraint};
use crate::{Error, Result};

/// The kernel of a Conv2D has one value in each ring around its middle, that of the ring's place on the diagonal.
///
/// # Source
/// `keras.constraints.RadialConstraint`, with its choice of places on the diagonal. A kernel of 1 by 1 stays as it is,
/// where Keras fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct RadialConstraint;

impl RadialConstraint {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Constraint> {
        Ok(RadialConstraint.into())
    }
}

/// The place on the diagonal whose value stands at row `i`, column `j` of an `n` by `n` kernel.
fn source(n: usize, i: usize, j: usize) -> usize {
    let middle = n / 2;
    let ring = |i: usize| if n % 2 == 1 { i.abs_diff(middle) } else { i.abs_diff(middle).min(i.abs_diff(middle - 1)) };
    match ring(i).max(ring(j)) {
        0 => middle - 1,
        ring => middle + ring - n % 2,
    }
}

fn apply<T: Copy>(elements: &mut [T], n: usize, filters: usize) {
    let old = elements.to_vec();
    for i in 0..n {
        for j in 0..n {
            let (from, to) = (source(n, i, j) * (n + 1) * filters, (i * n + j) * filters);
            elements[to..to + filters].copy_from_slice(&old[from..from + filters]);
        }
    }
}

impl Constrain for RadialConstraint {
    fn class_name(&self) -> &str {
        "RadialConstraint"
    }
    fn config(&self) -> Config {
        Config::new()
    }
    fn apply(&self, weight: &mut Tensor) -> Result<()> {
        let shape = weight.shape().clone();
        let [height, width, channels, kernels] = shape[..] else { return Err(unfit(&shape)) };
        if height != width {
            return Err(unfit(&shape));
        }
        if height > 1 {
            match weight.buffer_mut() {
                Buffer::F32(elements) => apply(elements, height, channels * kernels),
                Buffer::F64(elements) => apply(elements, height, channels * kernels),
                _ => {}
            }
        }
        Ok(())
    }
}

fn unfit(shape: &kerox_tensor::Shape) -> Error {
    Error::Argument {
        layer: String::new(),
        class_name: "RadialConstraint".into(),
        argument: "w".into(),
        expected: "a kernel `[size, size, channels, filters]`".into(),
        found: format!("shape {shape}"),
    }
}
