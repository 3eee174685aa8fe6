//! `RandomSaturation`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::pixels::{from_hsv, scale, shift, to_hsv, uniform};
use crate::{Base, Call, Result};

/// Makes the colours of each image in training stronger or weaker by a random factor.
///
/// # Arguments
/// `factor`: a number `f` between two in [0, 1], or up to one number; the saturation is multiplied by `f / (1 - f)`, so
/// that 0 makes the image gray and 0.5 leaves it as it is.
/// `value_range`: the least and the greatest value of a pixel; 0 and 255 by default.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomSaturation};
/// let y = RandomSaturation::new(0.2).seed(7).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomSaturation` of Keras 3.
pub type RandomSaturation = Augmentation<Saturation>;

/// What [`RandomSaturation`] does.
#[derive(Clone, Debug)]
pub struct Saturation {
    factor: Factor,
    value_range: Factor,
}

impl Saturation {
    pub(super) fn new(factor: Factor, value_range: Factor) -> Saturation {
        Saturation { factor, value_range }
    }
}

impl RandomSaturation {
    /// By a factor in that range.
    pub fn new(factor: impl Into<Factor>) -> RandomSaturation {
        Augmentation::of(Saturation { factor: factor.into(), value_range: bytes() })
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> RandomSaturation {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Transform for Saturation {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let factor = uniform(cx, x, generator, self.factor.range(0.0))?;
        let rest = scale(cx, factor, -1.0)?;
        let rest = shift(cx, rest, 1.0)?;
        let rest = shift(cx, rest, 1e-7)?;
        let factor = cx.g.divide(factor, rest)?;
        let (low, high) = self.value_range.range(0.0);
        let [hue, saturation, value] = to_hsv(cx, Saturation::CLASS, x)?;
        let saturation = cx.g.multiply(saturation, factor)?;
        let saturation = cx.g.clip_by_value(saturation, low, high)?;
        from_hsv(cx, [hue, saturation, value])
    }
}

impl Augment for Saturation {
    const CLASS: &'static str = "RandomSaturation";

    fn read(fields: &Fields<'_>) -> Result<Saturation> {
        let value_range = value_range(fields)?;
        Ok(Saturation { factor: Factor::read(fields, "factor", None)?, value_range })
    }

    fn write(&self, config: Config) -> Config {
        config.with("factor", self.factor.0.clone()).with("value_range", self.value_range.0.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check_factor(base, (0.0, 1.0))
    }
}
