//! Images as the architectures were trained on them.

use kerox_layers::DataFormat;
use kerox_tensor::{DType, Tensor};

use super::{Error, Result};

/// How images are prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// From red, green, blue to blue, green, red, less the mean of ImageNet; not scaled.
    Caffe,
    /// From -1 to 1.
    Tf,
    /// From 0 to 1, less the mean of ImageNet, by its standard deviation.
    Torch,
}

impl Mode {
    /// The mode of that name: `caffe`, `tf` or `torch`.
    ///
    /// # Errors
    /// [`Error::Images`] for any other.
    pub fn from_name(name: &str) -> Result<Mode> {
        match name {
            "caffe" => Ok(Mode::Caffe),
            "tf" => Ok(Mode::Tf),
            "torch" => Ok(Mode::Torch),
            other => {
                Err(Error::Images { expected: "the mode `caffe`, `tf` or `torch`".into(), found: format!("`{other}`") })
            }
        }
    }
}

/// Prepares images with values from 0 to 255 for an architecture.
///
/// # Shapes
/// `[height, width, channels]` or `[batch, height, width, channels]`, or both with the channels first; the result is of
/// the same shape. Integers become f32, floats keep their type. The modes `Caffe` and `Torch` take 3 channels.
///
/// # Errors
/// [`Error::Images`] for another number of axes or channels, or elements that are no numbers.
///
/// # Example
/// ```
/// use kerox::applications::{Mode, preprocess_input};
/// use kerox::layers::DataFormat;
/// use kerox::tensor::Tensor;
/// let image = Tensor::from_vec(vec![0u8, 255, 51], [1, 1, 3])?;
/// let x = preprocess_input(&image, Mode::Tf, DataFormat::ChannelsLast)?;
/// assert_eq!(x.as_slice::<f32>()?, [-1.0, 1.0, -0.6]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Source
/// `keras.applications.imagenet_utils.preprocess_input`. Differs: the images given stay as they were.
pub fn preprocess_input(x: &Tensor, mode: Mode, data_format: DataFormat) -> Result<Tensor> {
    let rank = x.rank();
    let wrong = |expected: &str| Error::Images {
        expected: expected.into(),
        found: format!("{} of shape {:?}", x.dtype().name(), &x.shape()[..]),
    };
    if rank != 3 && rank != 4 {
        return Err(wrong("3 axes, or 4 with the batch"));
    }
    if matches!(x.dtype(), DType::String | DType::Bool) {
        return Err(wrong("numbers"));
    }
    let axis = match data_format {
        DataFormat::ChannelsLast => rank - 1,
        DataFormat::ChannelsFirst => rank - 3,
    };
    if mode != Mode::Tf && x.shape()[axis] != 3 {
        return Err(wrong("3 channels"));
    }
    let inner: usize = x.shape()[axis + 1..].iter().product();
    let shape = x.shape().clone();
    let dtype = x.dtype();
    if dtype == DType::F64 {
        return Ok(Tensor::from_vec(prepare(x.as_slice::<f64>()?, mode, inner, |v| v), shape)?);
    }
    let x = if dtype == DType::F32 { x.clone() } else { x.cast(DType::F32)? };
    let prepared = Tensor::from_vec(prepare(x.as_slice::<f32>()?, mode, inner, |v| v as f32), shape)?;
    Ok(if dtype == DType::F16 || dtype == DType::BF16 { prepared.cast(dtype)? } else { prepared })
}

/// `inner` elements of each channel lie together.
fn prepare<T>(x: &[T], mode: Mode, inner: usize, number: impl Fn(f64) -> T) -> Vec<T>
where
    T: Copy + std::ops::Sub<Output = T> + std::ops::Div<Output = T>,
{
    if mode == Mode::Tf {
        let (half, one) = (number(127.5), number(1.0));
        return x.iter().map(|&v| v / half - one).collect();
    }
    let mean = match mode {
        Mode::Torch => [0.485, 0.456, 0.406],
        _ => [103.939, 116.779, 123.68],
    };
    let deviation = [0.229, 0.224, 0.225];
    let mut prepared = Vec::with_capacity(x.len());
    for sample in x.chunks(3 * inner.max(1)) {
        for channel in 0..3 {
            // Blue comes first where red did.
            let from = if mode == Mode::Caffe { 2 - channel } else { channel };
            let values = &sample[from * inner..][..inner];
            prepared.extend(values.iter().map(|&v| match mode {
                Mode::Torch => (v / number(255.0) - number(mean[channel])) / number(deviation[channel]),
                _ => v - number(mean[channel]),
            }));
        }
    }
    prepared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(x: Tensor, mode: Mode, data_format: DataFormat, expected: &[f32]) {
        let found = preprocess_input(&x, mode, data_format).unwrap();
        assert_eq!(found.shape(), x.shape());
        let found = found.cast(DType::F32).unwrap();
        let found = found.as_slice::<f32>().unwrap();
        assert_eq!(found.len(), expected.len());
        for (a, b) in found.iter().zip(expected) {
            assert!((a - b).abs() <= 1e-6 * (1.0 + b.abs()), "{found:?} {expected:?}");
        }
    }

    // The expected values are those of Keras 2.15.
    #[test]
    fn modes_and_formats() {
        use DataFormat::{ChannelsFirst, ChannelsLast};
        let last = || Tensor::from_vec(vec![0u8, 100, 255, 10, 20, 30], [1, 2, 3]).unwrap();
        let first = || Tensor::from_vec(vec![0f64, 10.0, 100.0, 20.0, 255.0, 30.0], [1, 3, 1, 2]).unwrap();
        check(last(), Mode::Tf, ChannelsLast, &[-1.0, -0.215_686_3, 1.0, -0.921_568_6, -0.843_137_3, -0.764_705_9]);
        check(last(), Mode::Caffe, ChannelsLast, &[151.061, -16.779, -123.68, -73.939, -96.779, -113.68]);
        check(first(), Mode::Caffe, ChannelsFirst, &[151.061, -73.939, -16.779, -96.779, -123.68, -113.68]);
        let torch = [-2.117_904, -0.285_014, 2.64, -1.946_656_8, -1.685_574_2, -1.281_568_6];
        check(last(), Mode::Torch, ChannelsLast, &torch);
        let order = [0, 3, 1, 4, 2, 5].map(|i: usize| torch[i]);
        check(first(), Mode::Torch, ChannelsFirst, &order);
        check(Tensor::zeros(DType::F32, [0, 2, 2, 3]).unwrap(), Mode::Caffe, ChannelsLast, &[]);
    }

    #[test]
    fn images_that_do_not_fit() {
        let fails = |x: Tensor, expected: &str| {
            let error = preprocess_input(&x, Mode::Caffe, DataFormat::ChannelsLast).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        fails(
            Tensor::zeros(DType::F32, [2, 3]).unwrap(),
            "expected 3 axes, or 4 with the batch, found float32 of shape [2, 3]",
        );
        fails(Tensor::zeros(DType::F32, [2, 2, 4]).unwrap(), "expected 3 channels, found float32 of shape [2, 2, 4]");
        assert!(Mode::from_name("keras").unwrap_err().to_string().contains("`caffe`, `tf` or `torch`"));
    }
}
