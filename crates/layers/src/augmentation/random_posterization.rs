//! `RandomPosterization`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::pixels::{change_range, scale, shift, uniform};
use crate::{Base, Call, Result};

/// Leaves in training only the highest bits of each value.
///
/// # Arguments
/// `factor`: how many bits of 8 are kept, between two integers in [1, 8] (the second one left out unless they are equal),
/// or up to one.
/// `value_range`: the least and the greatest value of a pixel; 0 and 255 by default.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomPosterization};
/// let y = RandomPosterization::new(4.0).seed(7).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomPosterization` of Keras 3.
pub type RandomPosterization = Augmentation<Posterization>;

/// What [`RandomPosterization`] does.
#[derive(Clone, Debug)]
pub struct Posterization {
    factor: Factor,
    value_range: Factor,
}

impl Posterization {
    pub(super) fn new(factor: Factor, value_range: Factor) -> Posterization {
        Posterization { factor, value_range }
    }
}

impl RandomPosterization {
    /// By a factor in that range.
    pub fn new(factor: impl Into<Factor>) -> RandomPosterization {
        Augmentation::of(Posterization { factor: factor.into(), value_range: bytes() })
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> RandomPosterization {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Transform for Posterization {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let (low, high) = self.factor.range(1.0);
        let bits = uniform(cx, x, generator, (low, high))?;
        let bits = cx.g.floor(bits)?;
        let dropped = scale(cx, bits, -1.0)?;
        let dropped = shift(cx, dropped, 8.0)?;
        let two = cx.g.number(2.0, cx.g.dtype(x))?;
        let unit = cx.g.pow(two, dropped)?;
        let range = self.value_range.range(0.0);
        let x = change_range(cx, x, range, (0.0, 255.0))?;
        let x = cx.g.clip_by_value(x, 0.0, 255.0)?;
        let x = cx.g.floor(x)?;
        let kept = cx.g.divide(x, unit)?;
        let kept = cx.g.floor(kept)?;
        let y = cx.g.multiply(kept, unit)?;
        change_range(cx, y, (0.0, 255.0), range)
    }
}

impl Augment for Posterization {
    const CLASS: &'static str = "RandomPosterization";

    fn read(fields: &Fields<'_>) -> Result<Posterization> {
        let value_range = value_range(fields)?;
        Ok(Posterization { factor: Factor::read(fields, "factor", None)?, value_range })
    }

    fn write(&self, config: Config) -> Config {
        config.with("factor", self.factor.0.clone()).with("value_range", self.value_range.0.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check_factor(base, (1.0, 8.0))
    }
}
