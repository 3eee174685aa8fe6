//! `RandomSharpness`.

use kerox_config_json::{Config, Fields};
use kerox_graph::ops::Padding;
use kerox_graph::{Generator, Value};
use kerox_tensor::Tensor;

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::pixels::{blend, scale, shift, uniform, wrong_images};
use crate::{Base, Call, Result};

/// Makes each image in training sharper or smoother by a random amount.
///
/// # Arguments
/// `factor`: between two numbers in [0, 1], or up to one number; 0 smooths, 0.5 leaves the image as it is, 1 sharpens.
/// `value_range`: the least and the greatest value of a pixel; 0 and 255 by default.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomSharpness};
/// let y = RandomSharpness::new(0.2).seed(7).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomSharpness` of Keras 3.
pub type RandomSharpness = Augmentation<Sharpness>;

/// What [`RandomSharpness`] does.
#[derive(Clone, Debug)]
pub struct Sharpness {
    factor: Factor,
    value_range: Factor,
}

impl Sharpness {
    pub(super) fn new(factor: Factor, value_range: Factor) -> Sharpness {
        Sharpness { factor, value_range }
    }
}

impl RandomSharpness {
    /// By a factor in that range.
    pub fn new(factor: impl Into<Factor>) -> RandomSharpness {
        Augmentation::of(Sharpness { factor: factor.into(), value_range: bytes() })
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> RandomSharpness {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Transform for Sharpness {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let factor = uniform(cx, x, generator, self.factor.range(0.0))?;
        let strength = scale(cx, factor, -2.0)?;
        let strength = shift(cx, strength, 1.0)?;
        let Some(channels) = cx.g.dims(x).axes().and_then(|axes| axes.get(3).copied().flatten()) else {
            return Err(wrong_images(Sharpness::CLASS, "images of known channels", format!("shape {}", cx.g.dims(x))));
        };
        let weights: Vec<f64> = (0..9 * channels).map(|i| if i / channels == 4 { 5.0 } else { 1.0 } / 13.0).collect();
        let kernel = cx.g.constant(Tensor::from_vec(weights, [3, 3, channels, 1])?)?;
        let kernel = cx.g.cast(kernel, cx.g.dtype(x))?;
        let smooth = cx.g.depthwise_conv(x, kernel, &[1, 1], Padding::Same, &[1, 1])?;
        let y = blend(cx, x, smooth, strength)?;
        let (low, high) = self.value_range.range(0.0);
        Ok(cx.g.clip_by_value(y, low, high)?)
    }
}

impl Augment for Sharpness {
    const CLASS: &'static str = "RandomSharpness";

    fn read(fields: &Fields<'_>) -> Result<Sharpness> {
        let value_range = value_range(fields)?;
        Ok(Sharpness { factor: Factor::read(fields, "factor", None)?, value_range })
    }

    fn write(&self, config: Config) -> Config {
        config.with("factor", self.factor.0.clone()).with("value_range", self.value_range.0.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check_factor(base, (0.0, 1.0))
    }
}
