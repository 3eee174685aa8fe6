//! Arrays and constant tensors inside configurations, as Keras 3 writes them.

use kerox_config_json::Value as Json;
use kerox_tensor::{DType, Tensor};

/// Elements of a constant inside a configuration, at most.
const MAX_ELEMENTS: usize = 1 << 24;

/// `{"class_name": "__numpy__" or "__tensor__", "config": {"value": [..], "dtype": ".."}}`.
pub(crate) struct Array<'a> {
    /// Nested lists, or a number.
    pub value: &'a Json,
    /// The type of the elements.
    pub dtype: DType,
}

impl<'a> Array<'a> {
    /// The array that a value is, if it is one.
    pub fn of(value: &'a Json) -> Option<Array<'a>> {
        let class_name = value.get("class_name")?.as_str()?;
        if !matches!(class_name, "__tensor__" | "__numpy__") {
            return None;
        }
        let config = value.get("config")?;
        let dtype = config.get("dtype")?.as_str().and_then(DType::from_name)?;
        Some(Array { value: config.get("value")?, dtype })
    }

    /// The array as a tensor; nothing where it is not a regular one of numbers.
    pub fn tensor(&self) -> Option<Tensor> {
        let (mut numbers, mut shape) = (Vec::new(), Vec::new());
        if !flatten(self.value, 0, &mut shape, &mut numbers) {
            return None;
        }
        Tensor::from_vec(numbers, shape).ok()?.cast(self.dtype).ok()
    }
}

/// Numbers of a regular nested list.
pub(crate) fn flatten(value: &Json, depth: usize, shape: &mut Vec<usize>, numbers: &mut Vec<f64>) -> bool {
    match value {
        Json::List(items) => {
            if shape.len() == depth {
                shape.push(items.len());
            }
            shape.get(depth) == Some(&items.len()) && items.iter().all(|item| flatten(item, depth + 1, shape, numbers))
        }
        Json::Bool(yes) => {
            numbers.push(f64::from(u8::from(*yes)));
            shape.len() == depth
        }
        _ => match value.as_f64() {
            Some(number) if numbers.len() < MAX_ELEMENTS && shape.len() == depth => {
                numbers.push(number);
                true
            }
            _ => false,
        },
    }
}
