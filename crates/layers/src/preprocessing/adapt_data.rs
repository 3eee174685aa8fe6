//! What layers learn their state from.

use kerox_tensor::Tensor;

use crate::Result;

/// Samples an `adapt` takes at once where nothing else is said.
///
/// # Source
/// `keras.layers.PreprocessingLayer.adapt`.
const BATCH_SIZE: usize = 32;

/// Data for `adapt`: an array (taken 32 samples at a time), a list of strings, or the batches of a data set.
///
/// # Example
/// ```
/// use kerox_layers::preprocessing::{AdaptData, StringLookup};
/// let lookup = StringLookup::new();
/// lookup.adapt(["a", "b", "b"])?;
/// assert_eq!(lookup.get_vocabulary(), ["[UNK]", "b", "a"]);
/// # Ok::<(), kerox_layers::Error>(())
/// ```
pub struct AdaptData(Vec<Tensor>);

impl AdaptData {
    /// The batches of a data set, as they are.
    pub fn batches(batches: impl IntoIterator<Item = Tensor>) -> AdaptData {
        AdaptData(batches.into_iter().collect())
    }

    /// An array, that many samples at a time.
    ///
    /// # Errors
    /// None at present.
    pub fn array(array: &Tensor, batch_size: usize) -> Result<AdaptData> {
        let samples = array.shape().first().copied().unwrap_or(1);
        if array.rank() == 0 || samples <= batch_size || batch_size == 0 {
            return Ok(AdaptData(vec![array.clone()]));
        }
        let mut batches = Vec::with_capacity(samples.div_ceil(batch_size));
        for first in (0..samples).step_by(batch_size) {
            batches.push(rows(array, first, batch_size.min(samples - first))?);
        }
        Ok(AdaptData(batches))
    }

    pub(super) fn into_batches(self) -> Vec<Tensor> {
        self.0
    }
}

/// Some samples of an array.
fn rows(array: &Tensor, first: usize, count: usize) -> Result<Tensor> {
    let width: usize = array.shape().iter().skip(1).product();
    let shape: kerox_tensor::Shape = std::iter::once(count).chain(array.shape().iter().skip(1).copied()).collect();
    let buffer = array.buffer();
    kerox_tensor::each_buffer!(buffer, v => {
        let part = v.get(first * width..(first + count) * width).unwrap_or(&[]).to_vec();
        Ok(Tensor::from_vec(part, shape)?)
    })
}

impl From<&Tensor> for AdaptData {
    fn from(array: &Tensor) -> AdaptData {
        AdaptData::array(array, BATCH_SIZE).unwrap_or_else(|_| AdaptData(vec![array.clone()]))
    }
}

impl From<Tensor> for AdaptData {
    fn from(array: Tensor) -> AdaptData {
        (&array).into()
    }
}

impl From<Vec<Tensor>> for AdaptData {
    /// The batches of a data set.
    fn from(batches: Vec<Tensor>) -> AdaptData {
        AdaptData(batches)
    }
}

fn strings(texts: Vec<Vec<u8>>) -> AdaptData {
    let batches = texts.chunks(BATCH_SIZE).filter_map(|part| Tensor::from_vec(part.to_vec(), [part.len()]).ok());
    AdaptData(batches.collect())
}

impl From<&[&str]> for AdaptData {
    fn from(texts: &[&str]) -> AdaptData {
        strings(texts.iter().map(|text| text.as_bytes().to_vec()).collect())
    }
}

impl<const N: usize> From<[&str; N]> for AdaptData {
    fn from(texts: [&str; N]) -> AdaptData {
        texts.as_slice().into()
    }
}

impl From<Vec<&str>> for AdaptData {
    fn from(texts: Vec<&str>) -> AdaptData {
        texts.as_slice().into()
    }
}

impl From<&[String]> for AdaptData {
    fn from(texts: &[String]) -> AdaptData {
        strings(texts.iter().map(|text| text.clone().into_bytes()).collect())
    }
}

impl From<&Vec<String>> for AdaptData {
    fn from(texts: &Vec<String>) -> AdaptData {
        texts.as_slice().into()
    }
}

impl From<Vec<String>> for AdaptData {
    fn from(texts: Vec<String>) -> AdaptData {
        texts.as_slice().into()
    }
}
