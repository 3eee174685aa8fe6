//! `MixUp`.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform};
use super::mixing::{beta, partners};
use super::pixels::{blend, shift, uniform};
use crate::registry::argument_error;
use crate::{Base, Call, Result};

/// Mixes in training each image with another one of the batch, in random proportion.
///
/// # Arguments
/// `alpha`: the parameter of the beta distribution of the proportion, above 0.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::MixUp};
/// let y = MixUp::new(0.2).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.MixUp` of Keras 3; Zhang et al., 2017. Labels, which Keras mixes where it is given them together with
/// images, stay with the caller.
pub type MixUp = Augmentation<Mixing>;

/// What [`MixUp`] does.
#[derive(Clone, Debug)]
pub struct Mixing {
    alpha: Factor,
}

impl MixUp {
    /// With that parameter.
    pub fn new(alpha: f64) -> MixUp {
        Augmentation::of(Mixing { alpha: alpha.into() })
    }
}

impl Transform for Mixing {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let zeros = uniform(cx, x, generator, (0.0, 0.0))?;
        let alphas = shift(cx, zeros, self.alpha.pair().0)?;
        let weight = beta(cx, alphas, generator)?;
        let other = partners(cx, x, generator)?;
        blend(cx, other, x, weight)
    }
}

impl Augment for Mixing {
    const CLASS: &'static str = "MixUp";

    fn read(fields: &Fields<'_>) -> Result<Mixing> {
        let alpha = fields.get("alpha").map(|node| node.float().map(|_| node.value().clone())).transpose()?;
        Ok(Mixing { alpha: Factor(alpha.unwrap_or(Json::from(0.2))) })
    }

    fn write(&self, config: Config) -> Config {
        config.with("alpha", self.alpha.0.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        let alpha = self.alpha.pair().0;
        if alpha > 0.0 && alpha.is_finite() {
            return Ok(());
        }
        Err(argument_error(base, "alpha", "a number above 0", alpha.to_string()))
    }
}
