//! Sequences of unequal length as one array.

use kerox_tensor::{DType, Element, Shape, Tensor, each_buffer};

use super::{Result, wrong};

/// An end of a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// The beginning.
    #[default]
    Pre,
    /// The end.
    Post,
}

impl From<&str> for Side {
    /// `post`; anything else is `pre`.
    fn from(name: &str) -> Side {
        if name == "post" { Side::Post } else { Side::Pre }
    }
}

/// The arguments of [`pad_sequences`] beside the sequences, with Keras's defaults.
#[derive(Clone, Debug)]
pub struct PadSequences {
    maxlen: Option<usize>,
    dtype: DType,
    padding: Side,
    truncating: Side,
    value: f64,
}

impl Default for PadSequences {
    fn default() -> PadSequences {
        PadSequences { maxlen: None, dtype: DType::I32, padding: Side::Pre, truncating: Side::Pre, value: 0.0 }
    }
}

impl PadSequences {
    /// The length all sequences get; that of the longest by default.
    #[must_use]
    pub fn maxlen(mut self, maxlen: usize) -> PadSequences {
        self.maxlen = Some(maxlen);
        self
    }

    /// The type of the array; int32 by default.
    #[must_use]
    pub fn dtype(mut self, dtype: DType) -> PadSequences {
        self.dtype = dtype;
        self
    }

    /// Where shorter sequences are filled up: `pre` (the default) or `post`.
    #[must_use]
    pub fn padding(mut self, side: impl Into<Side>) -> PadSequences {
        self.padding = side.into();
        self
    }

    /// Where longer sequences are cut off: `pre` (the default) or `post`.
    #[must_use]
    pub fn truncating(mut self, side: impl Into<Side>) -> PadSequences {
        self.truncating = side.into();
        self
    }

    /// What they are filled up with; 0 by default.
    #[must_use]
    pub fn value(mut self, value: f64) -> PadSequences {
        self.value = value;
        self
    }
}

/// Sequences of unequal length as an array `[sequences, maxlen]`: shorter ones filled up, longer ones cut off.
///
/// # Errors
/// [`kerox_train::Error::Argument`] where the type holds no numbers.
///
/// # Example
/// ```
/// use kerox::utils::{PadSequences, pad_sequences};
/// let x = pad_sequences(&[vec![1, 2, 3], vec![4]], PadSequences::default().maxlen(2))?;
/// assert_eq!(x.as_slice::<i32>()?, [2, 3, 0, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.utils.pad_sequences`.
pub fn pad_sequences<T: Element, S: AsRef<[T]>>(sequences: &[S], options: PadSequences) -> Result<Tensor> {
    let tensors: Vec<Tensor> = sequences
        .iter()
        .map(|sequence| {
            let elements = sequence.as_ref().to_vec();
            let length = elements.len();
            Ok(Tensor::from_vec(elements, [length])?)
        })
        .collect::<Result<_>>()?;
    pad_tensors(&tensors, options)
}

/// As [`pad_sequences`], for sequences whose steps are arrays: tensors `[steps, ...]` to one of shape `[sequences, maxlen,
/// ...]`. The first one that is not empty says the shape of a step.
///
/// # Errors
/// [`kerox_train::Error::Argument`] where steps differ in shape, or the type holds no numbers.
pub fn pad_tensors(sequences: &[Tensor], options: PadSequences) -> Result<Tensor> {
    if matches!(options.dtype, DType::String | DType::Resource | DType::Variant) {
        return Err(wrong("pad_sequences", "dtype", "a type of numbers", options.dtype.to_string()));
    }
    if let Some(scalar) = sequences.iter().position(|sequence| sequence.rank() == 0) {
        return Err(wrong("pad_sequences", "sequences", "sequences `[steps, ...]`", format!("a scalar at {scalar}")));
    }
    let length = |t: &Tensor| t.shape().first().copied().unwrap_or(0);
    let longest = options.maxlen.unwrap_or_else(|| sequences.iter().map(length).max().unwrap_or(0));
    let step: Shape = sequences
        .iter()
        .find(|sequence| length(sequence) > 0)
        .map(|sequence| sequence.shape().iter().skip(1).copied().collect())
        .unwrap_or_else(|| Shape::from([0; 0]));
    let width = step.checked_elements()?;
    let shape: Shape = [sequences.len(), longest].into_iter().chain(step.iter().copied()).collect();
    let fill = Tensor::full(options.value, shape)?;
    let mut result = fill.cast(options.dtype)?;
    for (row, sequence) in sequences.iter().enumerate() {
        if length(sequence) == 0 {
            continue;
        }
        if sequence.shape().iter().skip(1).ne(step.iter()) {
            let expected = format!("steps of shape {step}, as the first sequence has");
            return Err(wrong("pad_sequences", "sequences", expected, format!("shape {} at {row}", sequence.shape())));
        }
        let kept = length(sequence).min(longest);
        let first = if options.truncating == Side::Pre { length(sequence) - kept } else { 0 };
        let at = row * longest + if options.padding == Side::Pre { longest - kept } else { 0 };
        let values = sequence.cast(options.dtype)?;
        each_buffer!(values.buffer(), v => {
            let part = v.get(first * width..(first + kept) * width).unwrap_or(&[]);
            copy(part, &mut result, at * width)?;
        });
    }
    Ok(result)
}

fn copy<T: Element>(from: &[T], to: &mut Tensor, at: usize) -> Result<()> {
    if let Some(target) = to.as_mut_slice::<T>()?.get_mut(at..at + from.len()) {
        target.clone_from_slice(from);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_are_arrays() {
        let a = Tensor::from_vec(vec![1f32, 2., 3., 4.], [2, 2]).unwrap();
        let b = Tensor::zeros(DType::F32, [0]).unwrap();
        let options = PadSequences::default().dtype(DType::F32).padding("post").maxlen(3);
        let padded = pad_tensors(&[a.clone(), b], options.clone()).unwrap();
        assert_eq!(padded.shape()[..], [2, 3, 2]);
        assert_eq!(padded.as_slice::<f32>().unwrap()[..6], [1., 2., 3., 4., 0., 0.]);
        let other = Tensor::zeros(DType::F32, [1, 3]).unwrap();
        let error = pad_tensors(&[a, other], options).unwrap_err().to_string();
        assert!(error.contains("steps of shape"), "{error}");
    }

    #[test]
    fn nothing_gives_nothing() {
        let none: [Vec<i32>; 0] = [];
        assert_eq!(pad_sequences(&none, PadSequences::default()).unwrap().shape()[..], [0, 0]);
        assert_eq!(pad_sequences(&[vec![1]], PadSequences::default().maxlen(0)).unwrap().shape()[..], [1, 0]);
    }
}
