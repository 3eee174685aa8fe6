//! Sums of absolute values and of squares.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Graph, Value};

use super::{Regularize, Regularizer};
use crate::Result;

/// `l1 * sum(|x|) + l2 * sum(x^2)`.
///
/// # Source
/// `keras.regularizers.L1L2`.
#[derive(Clone, Copy, Debug, Default)]
pub struct L1L2 {
    /// Factor of the sum of absolute values.
    pub l1: f64,
    /// Factor of the sum of squares.
    pub l2: f64,
}

/// `l1 * sum(|x|)`.
///
/// # Source
/// `keras.regularizers.L1`.
#[derive(Clone, Copy, Debug)]
pub struct L1 {
    /// Factor of the sum of absolute values.
    pub l1: f64,
}

/// `l2 * sum(x^2)`.
///
/// # Source
/// `keras.regularizers.L2`.
#[derive(Clone, Copy, Debug)]
pub struct L2 {
    /// Factor of the sum of squares.
    pub l2: f64,
}

/// Keras keeps factors as 32-bit floats: the default 0.01 is written as 0.009999999776482582.
fn as_f32(factor: f64) -> f64 {
    f64::from(factor as f32)
}

/// The factor of a penalty, which is a finite number.
pub(crate) fn factor(fields: &Fields<'_>, key: &str, default: f64) -> Result<f64> {
    let factor = fields.float_or(key, default)?;
    if factor.is_finite() { Ok(factor) } else { Err(fields.error(key, "a finite number", "").into()) }
}

impl L1L2 {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Regularizer> {
        Ok(L1L2 { l1: factor(fields, "l1", 0.0)?, l2: factor(fields, "l2", 0.0)? }.into())
    }
}

impl L1 {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Regularizer> {
        Ok(L1 { l1: factor(fields, "l1", 0.01)? }.into())
    }
}

impl L2 {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Regularizer> {
        Ok(L2 { l2: factor(fields, "l2", 0.01)? }.into())
    }
}

impl Regularize for L1L2 {
    fn class_name(&self) -> &str {
        "L1L2"
    }
    fn config(&self) -> Config {
        Config::new().with("l1", as_f32(self.l1)).with("l2", as_f32(self.l2))
    }
    fn penalty(&self, g: &mut Graph, x: Value) -> Result<Value> {
        let dtype = g.dtype(x);
        let mut total = g.number(0.0, dtype)?;
        for (factor, is_square) in [(self.l1, false), (self.l2, true)] {
            if factor == 0.0 {
                continue;
            }
            let size = if is_square { g.square(x)? } else { g.abs(x)? };
            let axes = g.all_axes(size)?;
            let sum = g.reduce_sum(size, &axes, false)?;
            let factor = g.number(as_f32(factor), dtype)?;
            let part = g.multiply(factor, sum)?;
            total = g.add(total, part)?;
        }
        Ok(total)
    }
}

impl Regularize for L1 {
    fn class_name(&self) -> &str {
        "L1"
    }
    fn config(&self) -> Config {
        Config::new().with("l1", as_f32(self.l1))
    }
    fn penalty(&self, g: &mut Graph, x: Value) -> Result<Value> {
        L1L2 { l1: self.l1, l2: 0.0 }.penalty(g, x)
    }
}

impl Regularize for L2 {
    fn class_name(&self) -> &str {
        "L2"
    }
    fn config(&self) -> Config {
        Config::new().with("l2", as_f32(self.l2))
    }
    fn penalty(&self, g: &mut Graph, x: Value) -> Result<Value> {
        L1L2 { l1: 0.0, l2: self.l2 }.penalty(g, x)
    }
}
