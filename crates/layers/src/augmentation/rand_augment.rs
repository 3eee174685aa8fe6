//! `RandAugment`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::pixels::{check_word, choice};
use super::policy::{choose, policy};
use crate::registry::argument_error;
use crate::{Base, Call, Result};

/// Changes the images of a batch in training by a few randomly chosen changes.
///
/// # Arguments
/// `num_ops`: how many changes, one after the other; 2 by default. `factor`: how strong they are, between two numbers in
/// [0, 1], or up to one; 0.5 by default. `interpolation`: `bilinear` or `nearest`. `value_range`: the least and the
/// greatest value of a pixel.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandAugment};
/// let y = RandAugment::new().num_ops(3).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandAugment` of Keras 3; Cubuk et al., 2019.
pub type RandAugment = Augmentation<Chosen>;

/// What [`RandAugment`] does.
#[derive(Clone, Debug)]
pub struct Chosen {
    value_range: Factor,
    num_ops: usize,
    factor: Factor,
    interpolation: String,
}

impl RandAugment {
    /// 2 changes with a factor of up to 0.5.
    pub fn new() -> RandAugment {
        let interpolation = "bilinear".into();
        Augmentation::of(Chosen { value_range: bytes(), num_ops: 2, factor: 0.5.into(), interpolation })
    }

    /// How many changes; 2 by default.
    #[must_use]
    pub fn num_ops(self, num_ops: usize) -> RandAugment {
        self.with(|kind| kind.num_ops = num_ops)
    }

    /// How strong they are; up to 0.5 by default.
    #[must_use]
    pub fn factor(self, factor: impl Into<Factor>) -> RandAugment {
        self.with(|kind| kind.factor = factor.into())
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> RandAugment {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Default for RandAugment {
    fn default() -> RandAugment {
        RandAugment::new()
    }
}

impl Transform for Chosen {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let list = policy(&self.factor, &self.value_range, &self.interpolation, true);
        let mut y = x;
        for _ in 0..self.num_ops {
            let number = choice(cx, generator, list.len())?;
            y = choose(cx, y, number, &list, generator)?;
        }
        Ok(y)
    }
}

impl Augment for Chosen {
    const CLASS: &'static str = "RandAugment";

    fn read(fields: &Fields<'_>) -> Result<Chosen> {
        Ok(Chosen {
            value_range: value_range(fields)?,
            num_ops: fields.positive_or("num_ops", 2)?,
            factor: Factor::read(fields, "factor", Some(0.5.into()))?,
            interpolation: fields.str_or("interpolation", "bilinear")?.into(),
        })
    }

    fn write(&self, config: Config) -> Config {
        config
            .with("value_range", self.value_range.0.clone())
            .with("num_ops", self.num_ops)
            .with("factor", self.factor.0.clone())
            .with("interpolation", self.interpolation.as_str())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check_factor(base, (0.0, 1.0))?;
        check_word(base, "interpolation", &self.interpolation, &["nearest", "bilinear"])?;
        // Each change is a function of its own, so that their number is bounded.
        if (1..=64).contains(&self.num_ops) {
            return Ok(());
        }
        Err(argument_error(base, "num_ops", "an integer from 1 to 64", self.num_ops.to_string()))
    }
}
