//! What can be computed by name.

use crate::messages::{DataType, SignatureDef, TensorInfo};

/// A signature: named inputs, named outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// Its name: `serving_default`.
    pub name: String,
    /// Its manner: `tensorflow/serving/predict`.
    pub method: String,
    /// Inputs by name.
    pub inputs: Vec<SignatureTensor>,
    /// Outputs by name.
    pub outputs: Vec<SignatureTensor>,
}

/// An input or output.
#[derive(Clone, Debug, PartialEq)]
pub struct SignatureTensor {
    /// The name for users.
    pub name: String,
    /// The tensor of the graph, `node:index`; of a sparse tensor the three of values, indices and dense shape.
    pub tensors: Vec<String>,
    /// The type of the elements.
    pub dtype: DataType,
    /// The lengths of the axes, `None` where unknown; `None` altogether when the rank is.
    pub shape: Option<Vec<Option<u64>>>,
}

impl Signature {
    pub(super) fn new(name: &str, def: &SignatureDef) -> Signature {
        let sorted = |tensors: &[(String, TensorInfo)]| {
            let mut tensors: Vec<_> = tensors.iter().map(|(name, info)| SignatureTensor::new(name, info)).collect();
            tensors.sort_by(|a, b| a.name.cmp(&b.name));
            tensors
        };
        Signature {
            name: name.to_owned(),
            method: def.method_name.clone(),
            inputs: sorted(&def.inputs),
            outputs: sorted(&def.outputs),
        }
    }
}

impl SignatureTensor {
    fn new(name: &str, info: &TensorInfo) -> SignatureTensor {
        let mut tensors: Vec<String> = info.name.iter().cloned().collect();
        if let Some(sparse) = &info.coo_sparse {
            let parts = [&sparse.values_tensor_name, &sparse.indices_tensor_name, &sparse.dense_shape_tensor_name];
            tensors.extend(parts.map(String::clone));
        }
        if let Some(composite) = &info.composite_tensor {
            tensors.extend(composite.components.iter().filter_map(|part| part.name.clone()));
        }
        let shape = info.tensor_shape.as_ref().and_then(|shape| shape.dims());
        SignatureTensor { name: name.to_owned(), tensors, dtype: info.dtype, shape }
    }
}
