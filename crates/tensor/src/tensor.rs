//! Tensors.

use std::sync::Arc;

use ndarray::{ArrayBase, ArrayD, ArrayViewD, Data, Dimension, IxDyn};

use crate::{Buffer, DType, Element, Error, Result, Shape};

/// A dense array with element type and rank known at run time.
///
/// Elements lie in row-major order without gaps. Cloning is cheap: clones share the elements until one of them is
/// written ([`Tensor::as_mut_slice`]), which then takes its own copy.
///
/// # Example
/// ```
/// use kerox_tensor::{DType, Tensor};
///
/// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3])?;
/// assert_eq!(x.dtype(), DType::F32);
/// assert_eq!(x.shape()[..], [2, 3]);
/// assert_eq!(x.as_slice::<f32>()?[4], 5.0);
/// # Ok::<(), kerox_tensor::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Shape,
    buffer: Arc<Buffer>,
}

impl Tensor {
    /// Wraps elements in row-major order, without copying them.
    ///
    /// # Errors
    /// [`Error::Length`] where their number contradicts `shape`, [`Error::TooLarge`].
    pub fn from_vec<T: Element>(elements: Vec<T>, shape: impl Into<Shape>) -> Result<Tensor> {
        Tensor::from_buffer(T::into_buffer(elements), shape)
    }

    /// Wraps a buffer, without copying it.
    ///
    /// # Errors
    /// As [`Tensor::from_vec`].
    pub fn from_buffer(buffer: Buffer, shape: impl Into<Shape>) -> Result<Tensor> {
        let shape = shape.into();
        let (expected, found) = (shape.checked_elements()?, buffer.len());
        if expected != found {
            return Err(Error::Length { shape, expected, found });
        }
        Ok(Tensor { shape, buffer: Arc::new(buffer) })
    }

    /// Copies little-endian bytes in row-major order.
    ///
    /// # Errors
    /// As [`Buffer::from_bytes`] and [`Tensor::from_vec`].
    pub fn from_bytes(dtype: DType, shape: impl Into<Shape>, bytes: &[u8]) -> Result<Tensor> {
        Tensor::from_buffer(Buffer::from_bytes(dtype, bytes)?, shape)
    }

    /// A tensor without axes.
    pub fn scalar<T: Element>(value: T) -> Tensor {
        Tensor { shape: Shape::scalar(), buffer: Arc::new(T::into_buffer(vec![value])) }
    }

    /// All zeros (false, empty strings).
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::NoStorage`].
    pub fn zeros(dtype: DType, shape: impl Into<Shape>) -> Result<Tensor> {
        let shape = shape.into();
        let elements = shape.checked_elements()?;
        Tensor::from_buffer(Buffer::zeros(dtype, elements)?, shape)
    }

    /// Every element equal to `value`.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn full<T: Element>(value: T, shape: impl Into<Shape>) -> Result<Tensor> {
        let shape = shape.into();
        let elements = shape.checked_elements()?;
        Tensor::from_vec(vec![value; elements], shape)
    }

    /// A tensor of strings.
    ///
    /// # Errors
    /// As [`Tensor::from_vec`].
    pub fn from_strings<S: AsRef<[u8]>>(
        strings: impl IntoIterator<Item = S>,
        shape: impl Into<Shape>,
    ) -> Result<Tensor> {
        Tensor::from_vec(strings.into_iter().map(|s| s.as_ref().to_vec()).collect::<Vec<Vec<u8>>>(), shape)
    }

    /// The lengths of the axes.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.shape.rank()
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.buffer.dtype()
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// The elements.
    pub fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// The elements, writable; copied first where another tensor shares them.
    pub fn buffer_mut(&mut self) -> &mut Buffer {
        Arc::make_mut(&mut self.buffer)
    }

    /// Whether two tensors share their elements: one is a clone of the other, and neither was written since.
    pub fn shares(&self, other: &Tensor) -> bool {
        Arc::ptr_eq(&self.buffer, &other.buffer)
    }

    /// The elements, writable; `None` where another tensor shares them.
    pub fn unshared_buffer_mut(&mut self) -> Option<&mut Buffer> {
        Arc::get_mut(&mut self.buffer)
    }

    /// The elements, without copying unless another tensor shares them.
    pub fn into_buffer(self) -> Buffer {
        Arc::try_unwrap(self.buffer).unwrap_or_else(|shared| (*shared).clone())
    }

    /// The elements in row-major order.
    ///
    /// # Errors
    /// [`Error::DType`].
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        T::slice(&self.buffer).ok_or(Error::DType { expected: T::DTYPE, found: self.dtype() })
    }

    /// The elements in row-major order, writable; copied first where another tensor shares them.
    ///
    /// # Errors
    /// [`Error::DType`].
    pub fn as_mut_slice<T: Element>(&mut self) -> Result<&mut [T]> {
        let found = self.dtype();
        T::slice_mut(Arc::make_mut(&mut self.buffer))
            .map(Vec::as_mut_slice)
            .ok_or(Error::DType { expected: T::DTYPE, found })
    }

    /// The only element.
    ///
    /// # Errors
    /// [`Error::DType`], [`Error::Length`] where there is not exactly one.
    pub fn to_scalar<T: Element>(&self) -> Result<T> {
        match self.as_slice::<T>()? {
            [value] => Ok(value.clone()),
            other => Err(Error::Length { shape: Shape::scalar(), expected: 1, found: other.len() }),
        }
    }

    /// The same elements under another shape.
    ///
    /// # Errors
    /// [`Error::Length`] where the number of elements differs.
    pub fn reshape(&self, shape: impl Into<Shape>) -> Result<Tensor> {
        let shape = shape.into();
        let (expected, found) = (shape.checked_elements()?, self.len());
        if expected != found {
            return Err(Error::Length { shape, expected, found });
        }
        Ok(Tensor { shape, buffer: self.buffer.clone() })
    }

    /// The elements' bytes, little-endian, row-major; `None` for strings.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        self.buffer.as_bytes()
    }

    /// A view for `ndarray`.
    ///
    /// # Errors
    /// [`Error::DType`].
    pub fn view<T: Element>(&self) -> Result<ArrayViewD<'_, T>> {
        let slice = self.as_slice::<T>()?;
        ArrayViewD::from_shape(IxDyn(&self.shape), slice).map_err(|_| Error::Length {
            shape: self.shape.clone(),
            expected: self.shape.elements(),
            found: slice.len(),
        })
    }
}

/// Any `ndarray` array or view, of any dimension and layout.
impl<T: Element, S: Data<Elem = T>, D: Dimension> From<&ArrayBase<S, D>> for Tensor {
    fn from(array: &ArrayBase<S, D>) -> Tensor {
        let elements: Vec<T> = match array.as_slice() {
            Some(slice) => slice.to_vec(),
            None => array.iter().cloned().collect(),
        };
        Tensor { shape: Shape::from(array.shape()), buffer: Arc::new(T::into_buffer(elements)) }
    }
}

/// An owned `ndarray` array; its elements are taken over when they lie in row-major order.
impl<T: Element, D: Dimension> From<ndarray::Array<T, D>> for Tensor {
    fn from(array: ndarray::Array<T, D>) -> Tensor {
        if !array.is_standard_layout() {
            return Tensor::from(&array);
        }
        let shape = Shape::from(array.shape());
        let (mut elements, offset) = array.into_raw_vec_and_offset();
        let offset = offset.unwrap_or(0);
        elements.drain(..offset);
        elements.truncate(shape.elements());
        Tensor { shape, buffer: Arc::new(T::into_buffer(elements)) }
    }
}

impl<T: Element> TryFrom<Tensor> for ArrayD<T> {
    type Error = Error;
    fn try_from(tensor: Tensor) -> Result<ArrayD<T>> {
        let (shape, found) = (tensor.shape.clone(), tensor.dtype());
        let elements = T::from_buffer(tensor.into_buffer()).map_err(|_| Error::DType { expected: T::DTYPE, found })?;
        let len = elements.len();
        ArrayD::from_shape_vec(IxDyn(&shape), elements).map_err(|_| Error::Length {
            expected: shape.elements(),
            found: len,
            shape,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, arr2};

    #[test]
    fn clones_share_until_written() {
        let a = Tensor::from_vec(vec![1i64, 2], [2]).unwrap();
        let mut b = a.clone();
        assert!(b.shares(&a) && b.unshared_buffer_mut().is_none());
        b.as_mut_slice::<i64>().unwrap()[0] = 9;
        assert!(!b.shares(&a) && b.unshared_buffer_mut().is_some());
        assert_eq!(a.as_slice::<i64>().unwrap(), [1, 2]);
        assert_eq!(b.as_slice::<i64>().unwrap(), [9, 2]);
    }

    #[test]
    fn arrays_of_any_layout_go_in_and_out() {
        let array = arr2(&[[1f64, 2., 3.], [4., 5., 6.]]);
        let transposed = Tensor::from(&array.t());
        assert_eq!(transposed.shape()[..], [3, 2]);
        assert_eq!(transposed.as_slice::<f64>().unwrap(), [1., 4., 2., 5., 3., 6.]);
        let sliced = array.slice_move(ndarray::s![1.., ..]);
        assert_eq!(Tensor::from(sliced).as_slice::<f64>().unwrap(), [4., 5., 6.]);
        let back: ArrayD<f64> = transposed.try_into().unwrap();
        assert_eq!(back.into_dimensionality::<ndarray::Ix2>().unwrap(), array_t());
        fn array_t() -> Array2<f64> {
            arr2(&[[1., 4.], [2., 5.], [3., 6.]])
        }
    }

    #[test]
    fn wrong_lengths_and_types_are_refused() {
        let error = Tensor::from_vec(vec![0f32; 5], [2, 3]).unwrap_err();
        assert_eq!(error.to_string(), "make tensor of shape [2, 3]: expected 6 elements, found 5");
        let error = Tensor::scalar(1f32).as_slice::<i32>().map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "read tensor as int32: expected int32, found float32; convert it with `cast`");
    }
}
