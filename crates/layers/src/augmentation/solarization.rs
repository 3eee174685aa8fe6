//! `Solarization`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::pixels::{change_range, uniform};
use crate::{Base, Call, Result};

/// Adds to each image in training and turns what lies above a threshold into its negative, both at random.
///
/// # Arguments
/// `addition_factor`: how much is added, between the first of two numbers and 255 times the second, or up to 255 times
/// one number, all in [0, 1]; `threshold_factor`: the threshold, likewise. `value_range`: the least and the greatest
/// value of a pixel.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::Solarization};
/// let y = Solarization::new(0.1, 0.5).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.Solarization` of Keras 3.
pub type Solarization = Augmentation<Solarize>;

/// What [`Solarization`] does.
#[derive(Clone, Debug)]
pub struct Solarize {
    addition_factor: Factor,
    threshold_factor: Factor,
    value_range: Factor,
}

impl Solarize {
    pub(super) fn new(factor: Factor, value_range: Factor) -> Solarize {
        Solarize { addition_factor: factor.clone(), threshold_factor: factor, value_range }
    }
}

impl Solarization {
    /// With additions and thresholds in these ranges.
    pub fn new(addition_factor: impl Into<Factor>, threshold_factor: impl Into<Factor>) -> Solarization {
        let (addition_factor, threshold_factor) = (addition_factor.into(), threshold_factor.into());
        Augmentation::of(Solarize { addition_factor, threshold_factor, value_range: bytes() })
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> Solarization {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Transform for Solarize {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let range = self.value_range.range(0.0);
        let (low, high) = self.addition_factor.range(0.0);
        let addition = uniform(cx, x, generator, (low, 255.0 * high))?;
        let (low, high) = self.threshold_factor.range(0.0);
        let threshold = uniform(cx, x, generator, (low, 255.0 * high))?;
        let y = change_range(cx, x, range, (0.0, 255.0))?;
        let y = cx.g.add(y, addition)?;
        let y = cx.g.clip_by_value(y, 0.0, 255.0)?;
        let most = cx.g.number(255.0, cx.g.dtype(x))?;
        let negative = cx.g.subtract(most, y)?;
        let is_below = cx.g.less(y, threshold)?;
        let y = cx.g.select(is_below, y, negative)?;
        change_range(cx, y, (0.0, 255.0), range)
    }
}

impl Augment for Solarize {
    const CLASS: &'static str = "Solarization";

    fn read(fields: &Fields<'_>) -> Result<Solarize> {
        Ok(Solarize {
            addition_factor: Factor::read(fields, "addition_factor", Some(0.0.into()))?,
            threshold_factor: Factor::read(fields, "threshold_factor", Some(0.0.into()))?,
            value_range: value_range(fields)?,
        })
    }

    fn write(&self, config: Config) -> Config {
        config
            .with("value_range", self.value_range.0.clone())
            .with("addition_factor", self.addition_factor.0.clone())
            .with("threshold_factor", self.threshold_factor.0.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.addition_factor.check(base, "addition_factor", (0.0, 1.0))?;
        self.threshold_factor.check(base, "threshold_factor", (0.0, 1.0))
    }
}
