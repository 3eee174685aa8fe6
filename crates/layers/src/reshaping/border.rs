//! Numbers before and after each spatial axis, as Keras takes them.

use kerox_config_json::{Fields, Value as Json};

use crate::Result;

/// Elements before and after each of `N` axes.
///
/// # Example
/// ```
/// use kerox_layers::reshaping::Border;
/// assert_eq!(Border::<2>::from(1), Border([(1, 1), (1, 1)]));
/// assert_eq!(Border::<2>::from([1, 2]), Border([(1, 1), (2, 2)]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Border<const N: usize>(pub [(usize, usize); N]);

impl<const N: usize> Border<N> {
    /// Reads one number, `N` numbers or `N` pairs; for one axis also a pair of numbers.
    ///
    /// # Errors
    /// [`kerox_config_json::Error::Field`] where it is none of them or a number is negative.
    pub(crate) fn read(fields: &Fields<'_>, key: &str, default: usize) -> Result<Border<N>> {
        let Some(node) = fields.get(key) else { return Ok(Border([(default, default); N])) };
        if node.int().is_ok() {
            let n = node.unsigned()?;
            return Ok(Border([(n, n); N]));
        }
        let items = node.list()?;
        let mut pairs = [(0, 0); N];
        if N == 1 && items.len() == 2 && items[0].int().is_ok() {
            pairs[0] = (items[0].unsigned()?, items[1].unsigned()?);
            return Ok(Border(pairs));
        }
        if items.len() != N {
            return Err(node.expected(format!("one number, {N} numbers or {N} pairs")).into());
        }
        for (pair, item) in pairs.iter_mut().zip(&items) {
            let two = item.unsigned_tuple(2)?;
            *pair = (two[0], two[1]);
        }
        Ok(Border(pairs))
    }

    /// As Keras writes it: a pair for one axis, a list of pairs for more.
    pub(crate) fn json(self) -> Json {
        let pairs = self.0.map(|(a, b)| Json::from([a, b]));
        if N == 1 { pairs.into_iter().next().unwrap_or_default() } else { Json::from(pairs.to_vec()) }
    }
}

impl<const N: usize> From<usize> for Border<N> {
    fn from(n: usize) -> Border<N> {
        Border([(n, n); N])
    }
}

impl<const N: usize> From<[usize; N]> for Border<N> {
    fn from(lengths: [usize; N]) -> Border<N> {
        Border(lengths.map(|n| (n, n)))
    }
}

impl<const N: usize> From<[(usize, usize); N]> for Border<N> {
    fn from(pairs: [(usize, usize); N]) -> Border<N> {
        Border(pairs)
    }
}
