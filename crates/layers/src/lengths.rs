//! One number for each spatial axis, as Keras takes them: one for all, or each its own.

use kerox_config_json::{Fields, Value as Json};

use crate::Result;

/// A length for each of `N` axes.
///
/// # Example
/// ```
/// use kerox_layers::Lengths;
/// assert_eq!(Lengths::<2>::from(3), Lengths::from([3, 3]));
/// assert_eq!(Lengths::<2>::from((3, 5)), Lengths::from([3, 5]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths<const N: usize>(pub [usize; N]);

impl<const N: usize> Lengths<N> {
    /// Reads one number or `N`; the default where the field is missing or null.
    ///
    /// # Errors
    /// [`kerox_config_json::Error::Field`] where a number is below 1 or there are not `N` of them.
    pub fn read(fields: &Fields<'_>, key: &str, default: usize) -> Result<Lengths<N>> {
        let list = fields.positive_tuple_or(key, N, &[default; N])?;
        Ok(Lengths(std::array::from_fn(|i| list.get(i).copied().unwrap_or(default))))
    }

    /// Reads one number or `N`, which must be there.
    ///
    /// # Errors
    /// As [`Lengths::read`], or where the field is missing.
    pub fn required(fields: &Fields<'_>, key: &str) -> Result<Lengths<N>> {
        let list = fields.required(key)?.positive_tuple(N)?;
        Ok(Lengths(std::array::from_fn(|i| list.get(i).copied().unwrap_or(1))))
    }
}

impl<const N: usize> From<usize> for Lengths<N> {
    fn from(length: usize) -> Lengths<N> {
        Lengths([length; N])
    }
}

impl<const N: usize> From<[usize; N]> for Lengths<N> {
    fn from(lengths: [usize; N]) -> Lengths<N> {
        Lengths(lengths)
    }
}

impl From<(usize, usize)> for Lengths<2> {
    fn from((a, b): (usize, usize)) -> Lengths<2> {
        Lengths([a, b])
    }
}

impl From<(usize, usize, usize)> for Lengths<3> {
    fn from((a, b, c): (usize, usize, usize)) -> Lengths<3> {
        Lengths([a, b, c])
    }
}

impl<const N: usize> From<Lengths<N>> for Json {
    fn from(lengths: Lengths<N>) -> Json {
        Json::from(lengths.0)
    }
}
