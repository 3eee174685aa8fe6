//! `RandomBrightness`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::pixels::{scale, uniform};
use crate::{Base, Call, Result};

/// Makes each image in training brighter or darker by a random amount.
///
/// # Arguments
/// `factor`: the part of the range of values that is added, between two numbers in [-1, 1], or between minus and plus one
/// number.
/// `value_range`: the least and the greatest value of a pixel; 0 and 255 by default.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomBrightness};
/// let y = RandomBrightness::new(0.2).seed(7).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomBrightness`.
pub type RandomBrightness = Augmentation<Brightness>;

/// What [`RandomBrightness`] does.
#[derive(Clone, Debug)]
pub struct Brightness {
    factor: Factor,
    value_range: Factor,
}

impl Brightness {
    pub(super) fn new(factor: Factor, value_range: Factor) -> Brightness {
        Brightness { factor, value_range }
    }
}

impl RandomBrightness {
    /// By a factor in that range.
    pub fn new(factor: impl Into<Factor>) -> RandomBrightness {
        let factor: Factor = factor.into();
        // Files always have both ends.
        let factor = Factor::from(factor.range(-1.0));
        Augmentation::of(Brightness { factor, value_range: bytes() })
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> RandomBrightness {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Transform for Brightness {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let (low, high) = self.value_range.range(0.0);
        let (least, most) = self.factor.range(-1.0);
        let delta = uniform(cx, x, generator, (least, most))?;
        let delta = scale(cx, delta, high - low)?;
        let y = cx.g.add(x, delta)?;
        Ok(cx.g.clip_by_value(y, low, high)?)
    }
}

impl Augment for Brightness {
    const CLASS: &'static str = "RandomBrightness";

    fn read(fields: &Fields<'_>) -> Result<Brightness> {
        let value_range = value_range(fields)?;
        Ok(Brightness { factor: Factor::read(fields, "factor", None)?, value_range })
    }

    fn write(&self, config: Config) -> Config {
        config.with("factor", self.factor.0.clone()).with("value_range", self.value_range.0.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check(base, "factor", (-1.0, 1.0))
    }
}
