//! `AugMix`.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::mixing::beta;
use super::pixels::{blend, check_word, choice};
use super::policy::{choose, policy};
use crate::registry::argument_error;
use crate::{Base, Call, Result};

/// Mixes images in training with what several chains of randomly chosen changes make of them.
///
/// # Arguments
/// `num_chains`, `chain_depth`: how many chains, and how many changes in each; 3 by default. `factor`: how strong the
/// changes are, between two numbers in [0, 1], or up to one; 0.3 by default. `alpha`: the parameter of the
/// distributions of the weights; 1 by default. `all_ops`: whether changes of brightness, colour, contrast and sharpness
/// are among them; true by default.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::AugMix};
/// let y = AugMix::new().num_chains(2).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.AugMix` of Keras 3; Hendrycks et al., 2019. Keras compiled into a graph keeps to the changes it chose
/// first; here they are chosen for each batch.
pub type AugMix = Augmentation<Chains>;

/// What [`AugMix`] does.
#[derive(Clone, Debug)]
pub struct Chains {
    value_range: Factor,
    num_chains: usize,
    chain_depth: usize,
    factor: Factor,
    alpha: Factor,
    all_ops: bool,
    interpolation: String,
}

impl AugMix {
    /// 3 chains of 3 changes with a factor of up to 0.3.
    pub fn new() -> AugMix {
        Augmentation::of(Chains {
            value_range: bytes(),
            num_chains: 3,
            chain_depth: 3,
            factor: 0.3.into(),
            alpha: 1.0.into(),
            all_ops: true,
            interpolation: "bilinear".into(),
        })
    }

    /// How many chains; 3 by default.
    #[must_use]
    pub fn num_chains(self, chains: usize) -> AugMix {
        self.with(|kind| kind.num_chains = chains)
    }

    /// How many changes in each chain; 3 by default.
    #[must_use]
    pub fn chain_depth(self, depth: usize) -> AugMix {
        self.with(|kind| kind.chain_depth = depth)
    }

    /// How strong the changes are; up to 0.3 by default.
    #[must_use]
    pub fn factor(self, factor: impl Into<Factor>) -> AugMix {
        self.with(|kind| kind.factor = factor.into())
    }

    /// The parameter of the distributions of the weights; 1 by default.
    #[must_use]
    pub fn alpha(self, alpha: f64) -> AugMix {
        self.with(|kind| kind.alpha = alpha.into())
    }

    /// Whether changes of brightness, colour, contrast and sharpness are among them; true by default.
    #[must_use]
    pub fn all_ops(self, all_ops: bool) -> AugMix {
        self.with(|kind| kind.all_ops = all_ops)
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> AugMix {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Default for AugMix {
    fn default() -> AugMix {
        AugMix::new()
    }
}

impl Transform for Chains {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let dtype = cx.g.dtype(x);
        let list = policy(&self.factor, &self.value_range, &self.interpolation, self.all_ops);
        let alpha = self.alpha.pair().0;
        // Weights of chains by a Dirichlet distribution, the weight of the image itself by a beta distribution.
        let alphas = cx.g.full(&[self.num_chains], alpha, dtype)?;
        let weights = cx.g.random_gamma(alphas, generator)?;
        let sum = cx.g.reduce_sum(weights, &[0], true)?;
        let weights = cx.g.div_no_nan(weights, sum)?;
        let one = cx.g.full(&[1], alpha, dtype)?;
        let own = beta(cx, one, generator)?;
        let mut mixed = cx.g.zeros_like(x)?;
        for chain in 0..self.num_chains {
            let mut y = x;
            for _ in 0..self.chain_depth {
                let number = choice(cx, generator, list.len() + 1)?;
                y = choose(cx, y, number, &list, generator)?;
            }
            let weight = cx.g.slice(weights, &[chain as i64], &[1])?;
            let part = cx.g.multiply(y, weight)?;
            mixed = cx.g.add(mixed, part)?;
        }
        let y = blend(cx, mixed, x, own)?;
        let (low, high) = self.value_range.range(0.0);
        Ok(cx.g.clip_by_value(y, low, high)?)
    }
}

impl Augment for Chains {
    const CLASS: &'static str = "AugMix";

    fn read(fields: &Fields<'_>) -> Result<Chains> {
        let alpha = fields.get("alpha").map(|node| node.float().map(|_| node.value().clone())).transpose()?;
        Ok(Chains {
            value_range: value_range(fields)?,
            num_chains: fields.positive_or("num_chains", 3)?,
            chain_depth: fields.positive_or("chain_depth", 3)?,
            factor: Factor::read(fields, "factor", Some(0.3.into()))?,
            alpha: Factor(alpha.unwrap_or(Json::from(1.0))),
            all_ops: fields.bool_or("all_ops", true)?,
            interpolation: fields.str_or("interpolation", "bilinear")?.into(),
        })
    }

    fn write(&self, config: Config) -> Config {
        config
            .with("value_range", self.value_range.0.clone())
            .with("num_chains", self.num_chains)
            .with("chain_depth", self.chain_depth)
            .with("factor", self.factor.0.clone())
            .with("alpha", self.alpha.0.clone())
            .with("all_ops", self.all_ops)
            .with("interpolation", self.interpolation.as_str())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check_factor(base, (0.0, 1.0))?;
        check_word(base, "interpolation", &self.interpolation, &["nearest", "bilinear"])?;
        // Each change is a function of its own, so that their number is bounded.
        for (argument, number) in [("num_chains", self.num_chains), ("chain_depth", self.chain_depth)] {
            if !(1..=64).contains(&number) {
                return Err(argument_error(base, argument, "an integer from 1 to 64", number.to_string()));
            }
        }
        let alpha = self.alpha.pair().0;
        if alpha > 0.0 && alpha.is_finite() {
            return Ok(());
        }
        Err(argument_error(base, "alpha", "a number above 0", alpha.to_string()))
    }
}
