//! Vectors of length 1.

use kerox_tensor::{DType, Tensor};

use super::{Result, wrong};

/// Divides by the norm of that order along an axis (a negative one counts from the end); zeros stay.
///
/// # Errors
/// [`kerox_train::Error::Argument`] where there is no such axis, or the order is 0.
///
/// # Example
/// ```
/// use kerox::{tensor::Tensor, utils::normalize};
/// let x = normalize(&Tensor::from_vec(vec![3f64, 4.], [1, 2])?, -1, 2)?;
/// assert_eq!(x.as_slice::<f64>()?, [0.6, 0.8]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.utils.normalize`.
pub fn normalize(x: &Tensor, axis: i64, order: u32) -> Result<Tensor> {
    let rank = x.rank() as i64;
    let at = usize::try_from(if axis < 0 { axis + rank } else { axis }).ok().filter(|&at| at < x.rank());
    let Some(at) = at else {
        return Err(wrong("normalize", "axis", format!("an axis in -{rank}..{rank}"), axis.to_string()));
    };
    if order == 0 {
        return Err(wrong("normalize", "order", "a positive integer", "0"));
    }
    let dtype = if x.dtype().is_float() { x.dtype() } else { DType::F64 };
    let mut wide = x.cast(DType::F64)?;
    let shape = x.shape().clone();
    let (length, inner): (usize, usize) = (shape[at], shape[at + 1..].iter().product());
    let values = wide.as_mut_slice::<f64>()?;
    for block in values.chunks_exact_mut((length * inner).max(1)) {
        for i in 0..inner.min(block.len()) {
            let power: f64 = block.iter().skip(i).step_by(inner).map(|v| v.abs().powi(order as i32)).sum();
            let norm = if order == 2 { power.sqrt() } else { power.powf(1.0 / f64::from(order)) };
            if norm != 0.0 {
                block.iter_mut().skip(i).step_by(inner).for_each(|v| *v /= norm);
            }
        }
    }
    Ok(wide.cast(dtype)?)
}
