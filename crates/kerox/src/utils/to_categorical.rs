//! Classes as rows with a one.

use kerox_tensor::{DType, Shape, Tensor};

use super::{Result, wrong};

/// Integers as rows of `num_classes` numbers, 1 at the integer and 0 elsewhere; as many as the largest integer needs
/// where `None`. A last axis of length 1 is left out.
///
/// # Errors
/// [`kerox_train::Error::Argument`] where an integer is negative or too large.
///
/// # Example
/// ```
/// use kerox::{tensor::Tensor, utils::to_categorical};
/// let y = to_categorical(&Tensor::from_vec(vec![1i64, 0], [2])?, None)?;
/// assert_eq!(y.as_slice::<f32>()?, [0., 1., 1., 0.]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.utils.to_categorical`.
pub fn to_categorical(y: &Tensor, num_classes: Option<usize>) -> Result<Tensor> {
    let classes = y.cast(DType::I64)?;
    let classes = classes.as_slice::<i64>()?;
    let largest = classes.iter().copied().max().unwrap_or(-1);
    let count = num_classes.unwrap_or_else(|| usize::try_from(largest.saturating_add(1)).unwrap_or(0));
    let mut axes: Vec<usize> = y.shape().to_vec();
    if axes.len() > 1 && axes.last() == Some(&1) {
        axes.pop();
    }
    axes.push(count);
    let shape = Shape::from(axes);
    let mut rows = Tensor::zeros(DType::F32, shape)?;
    let cells = rows.as_mut_slice::<f32>()?;
    for (row, &class) in classes.iter().enumerate() {
        let at = usize::try_from(class).ok().filter(|&at| at < count);
        let Some(at) = at else {
            return Err(wrong("to_categorical", "y", format!("integers in 0..{count}"), class.to_string()));
        };
        cells[row * count + at] = 1.0;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_outside_are_refused() {
        let error = to_categorical(&Tensor::from_vec(vec![3i64], [1]).unwrap(), Some(3)).unwrap_err();
        assert_eq!(error.to_string(), "to_categorical argument `y`: expected integers in 0..3, found 3");
        assert!(to_categorical(&Tensor::from_vec(vec![-1i64], [1]).unwrap(), None).is_err());
    }
}
