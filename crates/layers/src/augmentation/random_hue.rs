//! `RandomHue`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::pixels::{change_range, from_hsv, scale, shift, signs, to_hsv, uniform};
use crate::{Base, Call, Result};

/// Turns the hue of each image in training by a random angle, in either direction.
///
/// # Arguments
/// `factor`: the angle in half turns, between two numbers in [0, 1], or up to one number.
/// `value_range`: the least and the greatest value of a pixel; 0 and 255 by default.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomHue};
/// let y = RandomHue::new(0.2).seed(7).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomHue` of Keras 3.
pub type RandomHue = Augmentation<Hue>;

/// What [`RandomHue`] does.
#[derive(Clone, Debug)]
pub struct Hue {
    factor: Factor,
    value_range: Factor,
}

impl Hue {
    pub(super) fn new(factor: Factor, value_range: Factor) -> Hue {
        Hue { factor, value_range }
    }
}

impl RandomHue {
    /// By a factor in that range.
    pub fn new(factor: impl Into<Factor>) -> RandomHue {
        Augmentation::of(Hue { factor: factor.into(), value_range: bytes() })
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> RandomHue {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Transform for Hue {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let range = self.value_range.range(0.0);
        let factor = uniform(cx, x, generator, self.factor.range(0.0))?;
        let side = signs(cx, factor, generator)?;
        let turn = cx.g.multiply(factor, side)?;
        let turn = scale(cx, turn, 0.5)?;
        let x = change_range(cx, x, range, (0.0, 1.0))?;
        let [hue, saturation, value] = to_hsv(cx, Hue::CLASS, x)?;
        let hue = cx.g.add(hue, turn)?;
        // Hues are on a circle.
        let one = cx.g.number(1.0, cx.g.dtype(hue))?;
        let zero = cx.g.number(0.0, cx.g.dtype(hue))?;
        let (below, above) = (shift(cx, hue, -1.0)?, shift(cx, hue, 1.0)?);
        let (is_above, is_below) = (cx.g.greater(hue, one)?, cx.g.less(hue, zero)?);
        let hue = cx.g.select(is_below, above, hue)?;
        let hue = cx.g.select(is_above, below, hue)?;
        let y = from_hsv(cx, [hue, saturation, value])?;
        let y = cx.g.clip_by_value(y, 0.0, 1.0)?;
        change_range(cx, y, (0.0, 1.0), range)
    }
}

impl Augment for Hue {
    const CLASS: &'static str = "RandomHue";

    fn read(fields: &Fields<'_>) -> Result<Hue> {
        let value_range = value_range(fields)?;
        Ok(Hue { factor: Factor::read(fields, "factor", None)?, value_range })
    }

    fn write(&self, config: Config) -> Config {
        config.with("factor", self.factor.0.clone()).with("value_range", self.value_range.0.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check_factor(base, (0.0, 1.0))
    }
}
