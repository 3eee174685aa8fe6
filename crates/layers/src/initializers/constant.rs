//! One number everywhere.

use std::sync::Arc;

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_tensor::{DType, Shape, Tensor};

use super::Initialize;
use crate::Result;

fn full(value: f64, shape: &Shape, dtype: DType) -> Result<Tensor> {
    let n = shape.checked_elements()?;
    if dtype.is_float() {
        return super::random::floats(vec![value; n], shape, dtype);
    }
    kerox_tensor::each_plain!(
        dtype,
        T => {
            let mut g = kerox_graph::Graph::new();
            let number = g.number(value, dtype)?;
            match g.info(number).tensor() {
                Some(one) => Ok(Tensor::from_vec(vec![one.to_scalar::<T>()?; n], shape.clone())?),
                None => Ok(Tensor::zeros(dtype, shape.clone())?),
            }
        },
        else Ok(Tensor::zeros(dtype, shape.clone())?)
    )
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
#[derive(Clone, Debug)]
pub struct Constant {
    value: f64,
    /// As it was written: 0 is not 0.0.
    written: Json,
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
    /// That number.
    pub fn new(value: f64) -> Constant {
        Constant { value, written: value.into() }
    }

    pub(super) fn from_config(fields: &Fields<'_>) -> Result<Arc<dyn Initialize>> {
        Ok(Arc::new(match fields.get("value") {
            Some(node) => Constant { value: node.float()?, written: node.value().clone() },
            None => Constant { value: 0.0, written: Json::Int(0) },
        }))
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
        Config::new().with("value", self.written.clone())
    }
    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        full(self.value, shape, dtype)
    }
}
