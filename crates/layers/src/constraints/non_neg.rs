//! No negative numbers.

use kerox_config_json::{Config, Fields};
use kerox_tensor::{Buffer, Tensor};

use super::{Constrain, Constraint};
use crate::Result;

/// Negative numbers become zero.
///
/// # Source
/// `keras.constraints.NonNeg`.
#[derive(Clone, Copy, Debug, Default)]
pub struct NonNeg;

impl NonNeg {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Constraint> {
        Ok(NonNeg.into())
    }
}

impl Constrain for NonNeg {
    fn class_name(&self) -> &str {
        "NonNeg"
    }
    fn config(&self) -> Config {
        Config::new()
    }
    fn apply(&self, weight: &mut Tensor) -> Result<()> {
        match weight.buffer_mut() {
            Buffer::F32(v) => v.iter_mut().for_each(|x| *x = x.max(0.0)),
            Buffer::F64(v) => v.iter_mut().for_each(|x| *x = x.max(0.0)),
            _ => {}
        }
        Ok(())
    }
}
