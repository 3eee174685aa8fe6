//! One or several arrays, in order or by name.

use kerox_tensor::{Buffer, DType, Element, Tensor};
use ndarray::{Array, ArrayBase, Data, Dimension};

use crate::{Error, Result};

/// Inputs, targets or weights: arrays with one first axis, by position or by name.
#[derive(Clone, Debug, Default)]
pub struct Arrays {
    /// The arrays; names are empty where they go by position.
    pub items: Vec<(String, Tensor)>,
}

/// Whatever can be data: a tensor, an `ndarray` array, a list of them, or pairs of name and tensor.
pub trait IntoArrays {
    /// The arrays.
    fn into_arrays(self) -> Arrays;
}

impl IntoArrays for Tensor {
    fn into_arrays(self) -> Arrays {
        Arrays { items: vec![(String::new(), self)] }
    }
}

impl IntoArrays for &Tensor {
    fn into_arrays(self) -> Arrays {
        self.clone().into_arrays()
    }
}

impl<T: Element, S: Data<Elem = T>, D: Dimension> IntoArrays for &ArrayBase<S, D> {
    fn into_arrays(self) -> Arrays {
        Tensor::from(self).into_arrays()
    }
}

impl<T: Element, D: Dimension> IntoArrays for Array<T, D> {
    fn into_arrays(self) -> Arrays {
        Tensor::from(self).into_arrays()
    }
}

impl IntoArrays for Vec<Tensor> {
    fn into_arrays(self) -> Arrays {
        Arrays { items: self.into_iter().map(|t| (String::new(), t)).collect() }
    }
}

impl<const N: usize> IntoArrays for [&Tensor; N] {
    fn into_arrays(self) -> Arrays {
        self.into_iter().cloned().collect::<Vec<Tensor>>().into_arrays()
    }
}

impl<const N: usize> IntoArrays for [(&str, &Tensor); N] {
    fn into_arrays(self) -> Arrays {
        Arrays { items: self.into_iter().map(|(name, t)| (name.to_string(), t.clone())).collect() }
    }
}

impl IntoArrays for Vec<(String, Tensor)> {
    fn into_arrays(self) -> Arrays {
        Arrays { items: self }
    }
}

impl IntoArrays for Arrays {
    fn into_arrays(self) -> Arrays {
        self
    }
}

impl Arrays {
    /// Number of samples; `None` where there is no array.
    pub fn samples(&self) -> Option<usize> {
        self.items.first().map(|(_, t)| t.shape().first().copied().unwrap_or(0))
    }

    /// Puts named arrays into the order of `names` and brings all to the types Keras feeds: floats as f32, a last
    /// axis of 1 added to arrays of one axis.
    ///
    /// # Errors
    /// [`Error::Data`] where a name is unknown or missing or the number differs.
    pub(crate) fn conform(self, operation: &str, what: &str, names: &[String]) -> Result<Vec<Tensor>> {
        let count = self.items.len();
        let is_named = self.items.iter().any(|(name, _)| !name.is_empty());
        if count != names.len() {
            return Err(Error::data(
                operation,
                what,
                format!("{} arrays ({})", names.len(), names.join(", ")),
                format!("{count}"),
            ));
        }
        let mut items = self.items;
        let mut ordered = Vec::with_capacity(count);
        for name in names {
            let at = match is_named {
                true => items.iter().position(|(n, _)| n == name).ok_or_else(|| {
                    let found: Vec<&str> = items.iter().map(|(n, _)| n.as_str()).collect();
                    Error::data(operation, what, format!("an array named `{name}`"), found.join(", "))
                })?,
                false => 0,
            };
            let (_, tensor) = items.remove(at);
            if tensor.rank() == 0 {
                return Err(Error::data(operation, what, "arrays with a first axis for the samples", "a scalar"));
            }
            ordered.push(feedable(tensor)?);
        }
        Ok(ordered)
    }
}

/// Floats as f32, and an axis of 1 added to arrays of one axis.
pub(crate) fn feedable(tensor: Tensor) -> Result<Tensor> {
    let tensor = match tensor.buffer() {
        Buffer::F64(v) => Tensor::from_vec(v.iter().map(|&x| x as f32).collect(), tensor.shape().clone())?,
        Buffer::F16(v) => Tensor::from_vec(v.iter().map(|x| x.to_f32()).collect(), tensor.shape().clone())?,
        _ => tensor,
    };
    match tensor.shape()[..] {
        [n] if tensor.dtype() != DType::String => Ok(tensor.reshape([n, 1])?),
        _ => Ok(tensor),
    }
}
