//! `CutMix`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform};
use super::mixing::{beta, partners};
use super::pixels::{scale, shift, uniform_of, uniform_scalar};
use super::rectangle::rectangle;
use crate::{Base, Call, Result};

/// Replaces in training a random rectangle of each image by that of another image of the batch.
///
/// # Arguments
/// `factor`: the parameter of the beta distribution of the part that stays, drawn between two numbers in [0, 1], or up
/// to one.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::CutMix};
/// let y = CutMix::new(1.0).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.CutMix` of Keras 3; Yun et al., 2019. Labels, which Keras mixes where it is given them together with
/// images, stay with the caller.
pub type CutMix = Augmentation<Cutting>;

/// What [`CutMix`] does.
#[derive(Clone, Debug)]
pub struct Cutting {
    factor: Factor,
}

impl CutMix {
    /// With a parameter in that range.
    pub fn new(factor: impl Into<Factor>) -> CutMix {
        Augmentation::of(Cutting { factor: factor.into() })
    }
}

impl Transform for Cutting {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let dtype = cx.g.dtype(x);
        let alpha = uniform_scalar(cx, generator, self.factor.range(0.0), dtype)?;
        let alpha = shift(cx, alpha, 1e-6)?;
        let zeros = uniform_of(cx, x, generator, &[1, 1, 1], (0.0, 0.0), dtype)?;
        let alphas = cx.g.add(zeros, alpha)?;
        let stays = beta(cx, alphas, generator)?;
        let square = scale(cx, stays, -1.0)?;
        let square = shift(cx, square, 1.0)?;
        let side = cx.g.sqrt(square)?;
        let is_inside = rectangle(cx, x, generator, side, side)?;
        let other = partners(cx, x, generator)?;
        Ok(cx.g.select(is_inside, other, x)?)
    }
}

impl Augment for Cutting {
    const CLASS: &'static str = "CutMix";

    fn read(fields: &Fields<'_>) -> Result<Cutting> {
        Ok(Cutting { factor: Factor::read(fields, "factor", Some(1.0.into()))? })
    }

    fn write(&self, config: Config) -> Config {
        config.with("factor", self.factor.0.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check_factor(base, (0.0, 1.0))
    }
}
