//! `RandomGrayscale`.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform};
use super::pixels::{grayscale, uniform};
use crate::{Base, Call, Result};

/// Makes some images gray in training; they keep their three channels.
///
/// # Arguments
/// `factor`: the probability, in [0, 1].
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomGrayscale};
/// let y = RandomGrayscale::new(0.5).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomGrayscale` of Keras 3.
pub type RandomGrayscale = Augmentation<Gray>;

/// What [`RandomGrayscale`] does.
#[derive(Clone, Debug)]
pub struct Gray {
    factor: Factor,
}

impl RandomGrayscale {
    /// With that probability.
    pub fn new(factor: f64) -> RandomGrayscale {
        Augmentation::of(Gray { factor: factor.into() })
    }
}

impl Transform for Gray {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let number = uniform(cx, x, generator, (0.0, 1.0))?;
        let probability = cx.g.number(self.factor.pair().0, cx.g.dtype(x))?;
        let is_chosen = cx.g.less(number, probability)?;
        let gray = grayscale(cx, Gray::CLASS, x)?;
        Ok(cx.g.select(is_chosen, gray, x)?)
    }
}

impl Augment for Gray {
    const CLASS: &'static str = "RandomGrayscale";
    const HAS_SEED: bool = false;

    fn read(fields: &Fields<'_>) -> Result<Gray> {
        let factor = fields.get("factor").map(|node| node.float().map(|_| node.value().clone())).transpose()?;
        Ok(Gray { factor: Factor(factor.unwrap_or(Json::from(0.5))) })
    }

    fn write(&self, config: Config) -> Config {
        config.with("factor", self.factor.0.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check(base, "factor", (0.0, 1.0))
    }
}
