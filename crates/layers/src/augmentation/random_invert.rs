//! `RandomInvert`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::pixels::chance;
use crate::{Base, Call, Result};

/// Turns some images in training into their negatives.
///
/// # Arguments
/// `factor`: the probability, drawn between two numbers in [0, 1], or up to one number.
/// `value_range`: the least and the greatest value of a pixel; 0 and 255 by default.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomInvert};
/// let y = RandomInvert::new(0.2).seed(7).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomInvert` of Keras 3.
pub type RandomInvert = Augmentation<Invert>;

/// What [`RandomInvert`] does.
#[derive(Clone, Debug)]
pub struct Invert {
    factor: Factor,
    value_range: Factor,
}

impl RandomInvert {
    /// By a factor in that range.
    pub fn new(factor: impl Into<Factor>) -> RandomInvert {
        Augmentation::of(Invert { factor: factor.into(), value_range: bytes() })
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> RandomInvert {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Transform for Invert {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let is_chosen = chance(cx, x, generator, self.factor.range(0.0))?;
        let most = cx.g.number(self.value_range.range(0.0).1, cx.g.dtype(x))?;
        let negative = cx.g.subtract(most, x)?;
        Ok(cx.g.select(is_chosen, negative, x)?)
    }
}

impl Augment for Invert {
    const CLASS: &'static str = "RandomInvert";

    fn read(fields: &Fields<'_>) -> Result<Invert> {
        let value_range = value_range(fields)?;
        Ok(Invert { factor: Factor::read(fields, "factor", None)?, value_range })
    }

    fn write(&self, config: Config) -> Config {
        config.with("factor", self.factor.0.clone()).with("value_range", self.value_range.0.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check_factor(base, (0.0, 1.0))
    }
}
