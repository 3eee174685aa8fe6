//! `AutoContrast`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::pixels::change_range;
use crate::{Base, Call, Result};

/// Stretches the values of each channel of each image over the whole range, in training and outside of it. A channel
/// of one value stays as it is.
///
/// # Arguments
/// `value_range`: the least and the greatest value of a pixel; 0 and 255 by default.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::AutoContrast};
/// let y = AutoContrast::new().on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.AutoContrast` of Keras 3.
pub type AutoContrast = Augmentation<Stretching>;

/// What [`AutoContrast`] does.
#[derive(Clone, Debug)]
pub struct Stretching {
    value_range: Factor,
}

impl Stretching {
    pub(super) fn new(value_range: Factor) -> Stretching {
        Stretching { value_range }
    }
}

impl AutoContrast {
    /// For values from 0 to 255.
    pub fn new() -> AutoContrast {
        Augmentation::of(Stretching { value_range: bytes() })
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> AutoContrast {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Default for AutoContrast {
    fn default() -> AutoContrast {
        AutoContrast::new()
    }
}

impl Transform for Stretching {
    fn apply(&self, cx: &mut Call<'_>, x: Value, _: &Generator) -> Result<Value> {
        let range = self.value_range.range(0.0);
        let y = change_range(cx, x, range, (0.0, 255.0))?;
        let (low, high) = (cx.g.reduce_min(y, &[1, 2], true)?, cx.g.reduce_max(y, &[1, 2], true)?);
        let width = cx.g.subtract(high, low)?;
        let most = cx.g.number(255.0, cx.g.dtype(x))?;
        let factor = cx.g.div_no_nan(most, width)?;
        let offset = cx.g.multiply(low, factor)?;
        let y = cx.g.multiply(y, factor)?;
        let y = cx.g.subtract(y, offset)?;
        let y = cx.g.clip_by_value(y, 0.0, 255.0)?;
        let y = change_range(cx, y, (0.0, 255.0), range)?;
        let is_one_value = cx.g.equal(low, high)?;
        Ok(cx.g.select(is_one_value, x, y)?)
    }

    fn at_rest(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        self.apply(cx, x, generator)
    }
}

impl Augment for Stretching {
    const CLASS: &'static str = "AutoContrast";
    const HAS_SEED: bool = false;

    fn read(fields: &Fields<'_>) -> Result<Stretching> {
        Ok(Stretching { value_range: value_range(fields)? })
    }

    fn write(&self, config: Config) -> Config {
        config.with("value_range", self.value_range.0.clone())
    }

    fn check(&self, _: &Base) -> Result<()> {
        Ok(())
    }
}
