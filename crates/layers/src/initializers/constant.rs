//! One number everywhere.

use std::sync::Arc;

use kerox_config_json::{Config, Fields};
use kerox_tensor::{DType, Shape, Tensor};

use super::Initialize;
use crate::Result;

fn full(value: f64, shape: &Shape, dtype: DType) -> Result<Tensor> {
    let mut g = kerox_graph::Graph::new();
    let number = g.number(value, dtype)?;
    let one = g.info(number).tensor().cloned();
    let n = shape.checked_elements()?;
    let Some(one) = one else { return Ok(Tensor::zeros(dtype, shape.clone())?) };
    kerox_tensor::each_buffer!(one.buffer(), v => Ok(Tensor::from_vec(vec![v[0].clone(); n], shape.clone())?))
}

/// Zeros.
///
/// # Source
/// `keras.initializers.Zeros`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Zeros;

/// Ones.
///
/// # Source
/// `keras.initializers.Ones`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ones;

/// One number everywhere.
///
/// # Source
/// `keras.initializers.Constant`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Constant {
    /// The number.
    pub value: f64,
}

impl Zeros {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Arc<dyn Initialize>> {
        Ok(Arc::new(Zeros))
    }
}

impl Ones {
    pub(super) fn from_config(_: &Fields<'_>) -> Result<Arc<dyn Initialize>> {
        Ok(Arc::new(Ones))
    }
}

impl Constant {
    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Arc<dyn Initialize>> {
        Ok(Arc::new(Constant { value: fields.float_or("value", 0.0)? }))
    }
}

impl Initialize for Zeros {
    fn class_name(&self) -> &str {
        "Zeros"
    }
    fn config(&self) -> Config {
        Config::new()
    }
    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        Ok(Tensor::zeros(dtype, shape.clone())?)
    }
}

impl Initialize for Ones {
    fn class_name(&self) -> &str {
        "Ones"
    }
    fn config(&self) -> Config {
        Config::new()
    }
    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        full(1.0, shape, dtype)
    }
}

impl Initialize for Constant {
    fn class_name(&self) -> &str {
        "Constant"
    }
    fn config(&self) -> Config {
        Config::new().with("value", self.value)
    }
    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        full(self.value, shape, dtype)
    }
}
