//! The first bias of an LSTM.

use kerox_config_json::Config;
use kerox_tensor::{DType, Shape, Tensor};

use crate::initializers::{Initialize, Ones};
use crate::{Initializer, Result};

/// A bias for four gates of which the second, which forgets, begins with ones: `unit_forget_bias`.
#[derive(Debug)]
pub(super) struct ForgetBias {
    pub others: Initializer,
}

impl Initialize for ForgetBias {
    fn class_name(&self) -> &str {
        self.others.class_name()
    }

    fn config(&self) -> Config {
        self.others.object().map(|object| object.config()).unwrap_or_default()
    }

    fn sample(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        let units = shape.elements() / 4;
        let bias = self.others.sample(&[units].into(), dtype)?;
        let forget = Ones.sample(&[units].into(), dtype)?;
        let rest = self.others.sample(&[2 * units].into(), dtype)?;
        let joined = kerox_tensor::each_buffer!(bias.buffer(), v => extend(v, &[&forget, &rest])?);
        Ok(Tensor::from_buffer(joined, shape.clone())?)
    }
}

fn extend<T: kerox_tensor::Element>(first: &[T], others: &[&Tensor]) -> Result<kerox_tensor::Buffer> {
    let mut joined = first.to_vec();
    for other in others {
        joined.extend_from_slice(other.as_slice::<T>()?);
    }
    Ok(T::into_buffer(joined))
}
