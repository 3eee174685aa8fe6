//! Gradients as a training loop hands them over: borrowed, dense or by rows.

use kerox_tensor::{DType, Tensor, bf16, f16};

/// Borrowed floating-point elements.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// Half precision.
    F16(&'a [f16]),
    /// bfloat16.
    BF16(&'a [bf16]),
    /// Single precision.
    F32(&'a [f32]),
    /// Double precision.
    F64(&'a [f64]),
}

impl Values<'_> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Values::F16(v) => v.len(),
            Values::BF16(v) => v.len(),
            Values::F32(v) => v.len(),
            Values::F64(v) => v.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        match self {
            Values::F16(_) => DType::F16,
            Values::BF16(_) => DType::BF16,
            Values::F32(_) => DType::F32,
            Values::F64(_) => DType::F64,
        }
    }

    /// Calls `f` with every element.
    pub(crate) fn for_each(&self, mut f: impl FnMut(usize, f64)) {
        match self {
            Values::F16(v) => v.iter().enumerate().for_each(|(i, x)| f(i, x.to_f64())),
            Values::BF16(v) => v.iter().enumerate().for_each(|(i, x)| f(i, x.to_f64())),
            Values::F32(v) => v.iter().enumerate().for_each(|(i, &x)| f(i, x as f64)),
            Values::F64(v) => v.iter().enumerate().for_each(|(i, &x)| f(i, x)),
        }
    }
}

/// Borrowed row numbers.
#[derive(Clone, Copy, Debug)]
pub enum Rows<'a> {
    /// 32 bit.
    I32(&'a [i32]),
    /// 64 bit.
    I64(&'a [i64]),
}

impl Rows<'_> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Rows::I32(v) => v.len(),
            Rows::I64(v) => v.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row number at a position.
    pub(crate) fn get(&self, at: usize) -> i64 {
        match self {
            Rows::I32(v) => v[at] as i64,
            Rows::I64(v) => v[at],
        }
    }
}

/// The gradient of one variable, borrowed from the buffers of a training loop.
///
/// # Example
/// ```
/// use kerox_optim::{GradientView, Rows, Values};
///
/// let dense = GradientView::from(&[0.1f32, 0.2][..]);
/// let sparse = GradientView::Sparse { rows: Rows::I64(&[3, 3]), values: Values::F32(&[0.1, 0.2, 0.3, 0.4]) };
/// # let _ = (dense, sparse);
/// ```
#[derive(Clone, Copy, Debug)]
pub enum GradientView<'a> {
    /// The loss does not depend on the variable: it stays as it is.
    None,
    /// One number an element, in row-major order.
    Dense(Values<'a>),
    /// Gradients of some rows of the first axis (TensorFlow's `IndexedSlices`); rows that occur more than once add up.
    Sparse {
        /// Row numbers.
        rows: Rows<'a>,
        /// `rows.len()` rows of the variable.
        values: Values<'a>,
    },
}

impl<'a> GradientView<'a> {
    /// A dense gradient from a tensor; `None` where the tensor is not of a floating-point type.
    pub fn of(tensor: &'a Tensor) -> Option<GradientView<'a>> {
        Some(GradientView::Dense(match tensor.dtype() {
            DType::F16 => Values::F16(tensor.as_slice().ok()?),
            DType::BF16 => Values::BF16(tensor.as_slice().ok()?),
            DType::F32 => Values::F32(tensor.as_slice().ok()?),
            DType::F64 => Values::F64(tensor.as_slice().ok()?),
            _ => return None,
        }))
    }

    pub(crate) fn values(&self) -> Option<Values<'a>> {
        match *self {
            GradientView::None => None,
            GradientView::Dense(values) | GradientView::Sparse { values, .. } => Some(values),
        }
    }
}

impl<'a> From<&'a [f32]> for GradientView<'a> {
    fn from(values: &'a [f32]) -> Self {
        GradientView::Dense(Values::F32(values))
    }
}

impl<'a> From<&'a [f64]> for GradientView<'a> {
    fn from(values: &'a [f64]) -> Self {
        GradientView::Dense(Values::F64(values))
    }
}
