//! Tensors in and out of [`TensorProto`].

use half::{bf16, f16};
use kerox_tensor::{Buffer, DType, Element, Shape, Tensor};

use crate::messages::{DataType, TensorProto, TensorShapeProto};
use crate::wire::Reader;
use crate::{Error, Result};

/// Bytes up to which a few listed values may be repeated to fill a shape: a file of a hundred bytes can ask for any
/// shape. 1 GiB.
pub const MAX_FILLED_BYTES: usize = 1 << 30;

impl TensorProto {
    /// Packs a tensor as TensorFlow's Python does: a single element and strings one by one, the rest as bytes.
    ///
    /// # Example
    /// ```
    /// use kerox_format_savedmodel::messages::TensorProto;
    /// use kerox_tensor::Tensor;
    ///
    /// let tensor = Tensor::from_vec(vec![1i32, 2, 3], [3])?;
    /// let proto = TensorProto::from_tensor(&tensor);
    /// assert_eq!(proto.tensor_content.len(), 12);
    /// assert_eq!(proto.to_tensor("x")?, tensor);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_tensor(tensor: &Tensor) -> TensorProto {
        let dims: Vec<Option<u64>> = tensor.shape().iter().map(|&length| Some(length as u64)).collect();
        let mut proto = TensorProto {
            dtype: tensor.dtype().into(),
            tensor_shape: Some(Box::new(TensorShapeProto::from_dims(&dims))),
            ..TensorProto::default()
        };
        match (tensor.buffer(), tensor.as_bytes()) {
            (_, Some(bytes)) if tensor.len() > 1 => proto.tensor_content = bytes.to_vec(),
            (buffer, _) => proto.list(buffer),
        }
        proto
    }

    fn list(&mut self, buffer: &Buffer) {
        match buffer {
            Buffer::F16(v) => self.half_val = v.iter().map(|x| i32::from(x.to_bits())).collect(),
            Buffer::BF16(v) => self.half_val = v.iter().map(|x| i32::from(x.to_bits())).collect(),
            Buffer::F32(v) => self.float_val.clone_from(v),
            Buffer::F64(v) => self.double_val.clone_from(v),
            Buffer::I8(v) => self.int_val = v.iter().map(|&x| x.into()).collect(),
            Buffer::I16(v) => self.int_val = v.iter().map(|&x| x.into()).collect(),
            Buffer::I32(v) => self.int_val.clone_from(v),
            Buffer::I64(v) => self.int64_val.clone_from(v),
            Buffer::U8(v) => self.int_val = v.iter().map(|&x| x.into()).collect(),
            Buffer::U16(v) => self.int_val = v.iter().map(|&x| x.into()).collect(),
            Buffer::U32(v) => self.uint32_val.clone_from(v),
            Buffer::U64(v) => self.uint64_val.clone_from(v),
            Buffer::Bool(v) => self.bool_val.clone_from(v),
            Buffer::String(v) => self.string_val.clone_from(v),
            Buffer::Complex64(v) => self.scomplex_val = v.iter().flatten().copied().collect(),
            Buffer::Complex128(v) => self.dcomplex_val = v.iter().flatten().copied().collect(),
        }
    }

    /// Unpacks the tensor. `name` is for errors: the node or variable it belongs to.
    ///
    /// A list shorter than the tensor repeats its last value, an empty one gives zeros (false, empty strings), as in
    /// TensorFlow.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for types kerox does not have; [`Error::Invalid`] for a shape that is unknown, negative or
    /// larger than [`MAX_FILLED_BYTES`] without the elements being there, and for too many elements.
    pub fn to_tensor(&self, name: &str) -> Result<Tensor> {
        let dtype = match self.dtype.dtype() {
            Some(dtype) if !matches!(dtype, DType::Resource | DType::Variant) => dtype,
            _ => {
                let reason = format!("elements of type {:?} cannot be held", self.dtype);
                return Err(Error::Unsupported { what: "tensor", place: format!("`{name}`"), reason });
            }
        };
        let shape = self.shape(name)?;
        let elements = shape.checked_elements().map_err(|_| {
            Error::invalid(
                "shape of tensor",
                format!("`{name}`"),
                "a number of elements that can be counted",
                format!("{shape}"),
            )
        })?;
        if !self.tensor_content.is_empty() {
            return self.content(name, dtype, shape, elements);
        }
        let fill = Fill { name, shape, elements };
        let bits = |&value: &i32| value as u16;
        match dtype {
            DType::F16 => fill.tensor(self.half_val.iter().map(bits).map(f16::from_bits)),
            DType::BF16 => fill.tensor(self.half_val.iter().map(bits).map(bf16::from_bits)),
            DType::F32 => fill.tensor(self.float_val.iter().copied()),
            DType::F64 => fill.tensor(self.double_val.iter().copied()),
            DType::I8 => fill.tensor(self.int_val.iter().map(|&value| value as i8)),
            DType::I16 => fill.tensor(self.int_val.iter().map(|&value| value as i16)),
            DType::I32 => fill.tensor(self.int_val.iter().copied()),
            DType::I64 => fill.tensor(self.int64_val.iter().copied()),
            DType::U8 => fill.tensor(self.int_val.iter().map(|&value| value as u8)),
            DType::U16 => fill.tensor(self.int_val.iter().map(|&value| value as u16)),
            DType::U32 => fill.tensor(self.uint32_val.iter().copied()),
            DType::U64 => fill.tensor(self.uint64_val.iter().copied()),
            DType::Bool => fill.tensor(self.bool_val.iter().copied()),
            DType::String => fill.tensor(self.string_val.iter().cloned()),
            DType::Complex64 => {
                fill.tensor(self.scomplex_val.chunks(2).map(|c| [c[0], c.get(1).copied().unwrap_or(0.)]))
            }
            DType::Complex128 => {
                fill.tensor(self.dcomplex_val.chunks(2).map(|c| [c[0], c.get(1).copied().unwrap_or(0.)]))
            }
            DType::Resource | DType::Variant => Err(Error::Tensor(kerox_tensor::Error::NoStorage { dtype })),
        }
    }

    fn shape(&self, name: &str) -> Result<Shape> {
        let dims = match &self.tensor_shape {
            Some(shape) => shape.dims(),
            None => Some(Vec::new()),
        };
        let known = dims.and_then(|dims| dims.into_iter().map(|d| usize::try_from(d?).ok()).collect::<Option<Shape>>());
        known.ok_or_else(|| {
            Error::invalid("shape of tensor", format!("`{name}`"), "known lengths of 0 or more", "others")
        })
    }

    fn content(&self, name: &str, dtype: DType, shape: Shape, elements: usize) -> Result<Tensor> {
        if dtype == DType::String {
            return Ok(Tensor::from_vec(string_list(&self.tensor_content, elements)?, shape)?);
        }
        let size = dtype.size().unwrap_or(1);
        if elements.checked_mul(size) != Some(self.tensor_content.len()) {
            let expected = format!("{elements} elements of {dtype} {shape} in `tensor_content`");
            let found = format!("{} bytes", self.tensor_content.len());
            return Err(Error::invalid("tensor", format!("`{name}`"), expected, found));
        }
        Ok(Tensor::from_bytes(dtype, shape, &self.tensor_content)?)
    }
}

/// Strings as bytes: all lengths as varints, then all strings.
fn string_list(bytes: &[u8], elements: usize) -> Result<Vec<Vec<u8>>> {
    let mut reader = Reader::new(bytes);
    // Every length takes a byte at least.
    let mut lengths = Vec::with_capacity(elements.min(bytes.len()));
    for _ in 0..elements {
        lengths.push(reader.varint()?);
    }
    lengths.into_iter().map(|length| reader.take(length).map(<[u8]>::to_vec)).collect()
}

/// What listed values have to fill.
struct Fill<'a> {
    name: &'a str,
    shape: Shape,
    elements: usize,
}

impl Fill<'_> {
    fn tensor<T: Element>(self, values: impl ExactSizeIterator<Item = T>) -> Result<Tensor> {
        let listed = values.len();
        if listed > self.elements {
            let (expected, found) = (format!("{} elements at most", self.elements), listed.to_string());
            return Err(Error::invalid("tensor", format!("`{}`", self.name), expected, found));
        }
        if listed < self.elements && self.elements > MAX_FILLED_BYTES / size_of::<T>() {
            let expected = format!("at most {MAX_FILLED_BYTES} bytes where {listed} values fill the shape");
            return Err(Error::invalid(
                "tensor",
                format!("`{}`", self.name),
                expected,
                format!("shape {}", self.shape),
            ));
        }
        let mut elements: Vec<T> = values.collect();
        let last = elements.last().cloned().unwrap_or_default();
        elements.resize(self.elements, last);
        Ok(Tensor::from_vec(elements, self.shape)?)
    }
}

impl TensorShapeProto {
    /// The shape of a tensor.
    pub fn from_shape(shape: &[usize]) -> TensorShapeProto {
        TensorShapeProto::from_dims(&shape.iter().map(|&length| Some(length as u64)).collect::<Vec<_>>())
    }
}

impl DataType {
    /// TensorFlow's short name: `float`, `int32`, `string`, with `_ref` for references; `None` for unknown numbers.
    pub fn short_name(self) -> Option<String> {
        self.name().and_then(|name| name.strip_prefix("DT_")).map(str::to_lowercase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Message;

    fn proto(text: &str) -> TensorProto {
        TensorProto::from_text(text).unwrap()
    }

    #[test]
    fn a_short_list_repeats_its_last_value() {
        let tensor =
            proto("dtype: DT_INT8 tensor_shape { dim { size: 2 } dim { size: 2 } } int_val: [5, -1]").to_tensor("x");
        assert_eq!(tensor.unwrap(), Tensor::from_vec(vec![5i8, -1, -1, -1], [2, 2]).unwrap());
        let empty = proto("dtype: DT_STRING tensor_shape { dim { size: 2 } }").to_tensor("x").unwrap();
        assert_eq!(empty, Tensor::from_strings(["", ""], [2]).unwrap());
    }

    #[test]
    fn strings_as_bytes() {
        let tensor = proto(r#"dtype: DT_STRING tensor_shape { dim { size: 2 } } tensor_content: "\001\002abc""#);
        assert_eq!(tensor.to_tensor("x").unwrap(), Tensor::from_strings(["a", "bc"], [2]).unwrap());
    }

    fn fails(text: &str, expected: &str) {
        assert_eq!(proto(text).to_tensor("x").unwrap_err().to_string(), expected);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let shape = |n: i64| format!("tensor_shape {{ dim {{ size: {n} }} }}");
        fails(
            &format!("dtype: DT_FLOAT float_val: 1 {}", shape(1 << 40)),
            "read tensor `x`: expected at most 1073741824 bytes where 1 values fill the shape, found shape [1099511627776]",
        );
        fails(
            &format!("dtype: DT_FLOAT {}", shape(-1)),
            "read shape of tensor `x`: expected known lengths of 0 or more, found others",
        );
        fails(
            &format!("dtype: DT_FLOAT tensor_content: '12345' {}", shape(2)),
            "read tensor `x`: expected 2 elements of float32 [2] in `tensor_content`, found 5 bytes",
        );
        fails("dtype: DT_FLOAT float_val: [1, 2]", "read tensor `x`: expected 1 elements at most, found 2");
        fails("dtype: DT_QINT8", "read tensor `x`: elements of type DT_QINT8 cannot be held");
        fails(
            &format!("dtype: DT_STRING tensor_content: '\\xff' {}", shape(1 << 40)),
            "read protobuf message at byte 0: expected the rest of a varint, found the end after 1 bytes",
        );
    }
}
