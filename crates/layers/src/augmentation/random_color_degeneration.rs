//! `RandomColorDegeneration`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::pixels::{blend, grayscale, uniform};
use crate::{Base, Call, Result};

/// Takes colour from each image in training by a random amount.
///
/// # Arguments
/// `factor`: how far towards gray, between two numbers in [0, 1], or up to one number.
/// `value_range`: the least and the greatest value of a pixel; 0 and 255 by default.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomColorDegeneration};
/// let y = RandomColorDegeneration::new(0.2).seed(7).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomColorDegeneration` of Keras 3.
pub type RandomColorDegeneration = Augmentation<ColorDegeneration>;

/// What [`RandomColorDegeneration`] does.
#[derive(Clone, Debug)]
pub struct ColorDegeneration {
    factor: Factor,
    value_range: Factor,
}

impl ColorDegeneration {
    pub(super) fn new(factor: Factor, value_range: Factor) -> ColorDegeneration {
        ColorDegeneration { factor, value_range }
    }
}

impl RandomColorDegeneration {
    /// By a factor in that range.
    pub fn new(factor: impl Into<Factor>) -> RandomColorDegeneration {
        Augmentation::of(ColorDegeneration { factor: factor.into(), value_range: bytes() })
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> RandomColorDegeneration {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Transform for ColorDegeneration {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let factor = uniform(cx, x, generator, self.factor.range(0.0))?;
        let gray = grayscale(cx, ColorDegeneration::CLASS, x)?;
        let y = blend(cx, x, gray, factor)?;
        let (low, high) = self.value_range.range(0.0);
        Ok(cx.g.clip_by_value(y, low, high)?)
    }
}

impl Augment for ColorDegeneration {
    const CLASS: &'static str = "RandomColorDegeneration";

    fn read(fields: &Fields<'_>) -> Result<ColorDegeneration> {
        let value_range = value_range(fields)?;
        Ok(ColorDegeneration { factor: Factor::read(fields, "factor", None)?, value_range })
    }

    fn write(&self, config: Config) -> Config {
        config.with("factor", self.factor.0.clone()).with("value_range", self.value_range.0.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check_factor(base, (0.0, 1.0))
    }
}
