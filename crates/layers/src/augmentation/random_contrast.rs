//! `RandomContrast`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform, value_range};
use super::pixels::uniform;
use crate::{Base, Call, Result};

/// Changes the contrast of each image in training by a random factor: `(x - mean) * factor + mean` with the mean of each
/// channel.
///
/// # Arguments
/// `factor`: the contrast factor lies between `1 - factor` and `1 + factor`, or between 1 minus the first and 1 plus the
/// second number.
/// `value_range`: the least and the greatest value of a pixel; 0 and 255 by default.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomContrast};
/// let y = RandomContrast::new(0.2).seed(7).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomContrast`; Keras 2 takes one factor for the whole batch.
pub type RandomContrast = Augmentation<Contrast>;

/// What [`RandomContrast`] does.
#[derive(Clone, Debug)]
pub struct Contrast {
    factor: Factor,
    value_range: Option<Factor>,
}

impl Contrast {
    pub(super) fn new(factor: Factor, value_range: Factor) -> Contrast {
        Contrast { factor, value_range: Some(value_range) }
    }
}

impl RandomContrast {
    /// By a factor in that range.
    pub fn new(factor: impl Into<Factor>) -> RandomContrast {
        Augmentation::of(Contrast { factor: factor.into(), value_range: None })
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> RandomContrast {
        self.with(|kind| kind.value_range = Some(range.into()))
    }
}

impl Transform for Contrast {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let (low, high) = self.factor.pair();
        let factor = uniform(cx, x, generator, (1.0 - low, 1.0 + high))?;
        let mean = cx.g.reduce_mean(x, &[1, 2], true)?;
        let y = cx.g.subtract(x, mean)?;
        let y = cx.g.multiply(y, factor)?;
        let y = cx.g.add(y, mean)?;
        let (low, high) = self.value_range.as_ref().map_or((0.0, 255.0), |range| range.range(0.0));
        Ok(cx.g.clip_by_value(y, low, high)?)
    }
}

impl Augment for Contrast {
    const CLASS: &'static str = "RandomContrast";

    fn read(fields: &Fields<'_>) -> Result<Contrast> {
        let value_range = match fields.get("value_range") {
            Some(_) => Some(value_range(fields)?),
            None => None,
        };
        Ok(Contrast { factor: Factor::read(fields, "factor", None)?, value_range })
    }

    fn write(&self, config: Config) -> Config {
        config
            .with("factor", self.factor.0.clone())
            .with_some("value_range", self.value_range.as_ref().map(|r| r.0.clone()))
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check_factor(base, (0.0, 1.0))
    }
}
