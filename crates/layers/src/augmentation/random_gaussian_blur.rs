//! `RandomGaussianBlur`.

use kerox_config_json::{Config, Fields, Value as Json};
use kerox_graph::{Generator, Value};

use super::augment::{Augment, Augmentation, Factor, Transform, bytes, value_range};
use super::blur::{gaussian, smooth};
use super::pixels::{chance, shift, uniform_scalar};
use crate::registry::argument_error;
use crate::{Base, Call, Lengths, Result};

/// Smooths some images in training with a gaussian of random width.
///
/// # Arguments
/// `factor`: the probability, drawn between two numbers in [0, 1], or up to one. `kernel_size`: two odd numbers.
/// `sigma`: the standard deviation in pixels, drawn between two numbers in [0, 1], or up to one. `value_range`: the
/// least and the greatest value of a pixel.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomGaussianBlur};
/// let y = RandomGaussianBlur::new(0.5).kernel_size(5).on(&Input([28, 28, 3]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 3)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomGaussianBlur` of Keras 3.
pub type RandomGaussianBlur = Augmentation<Blur>;

/// What [`RandomGaussianBlur`] does.
#[derive(Clone, Debug)]
pub struct Blur {
    factor: Factor,
    kernel_size: Lengths<2>,
    sigma: Factor,
    value_range: Factor,
}

impl RandomGaussianBlur {
    /// With a probability in that range, a kernel of 3 by 3 and a standard deviation up to 1.
    pub fn new(factor: impl Into<Factor>) -> RandomGaussianBlur {
        let (kernel_size, sigma) = (Lengths([3, 3]), Factor::from(1.0));
        Augmentation::of(Blur { factor: factor.into(), kernel_size, sigma, value_range: bytes() })
    }

    /// Elements of the kernel, odd numbers; 3 by default.
    #[must_use]
    pub fn kernel_size(self, size: impl Into<Lengths<2>>) -> RandomGaussianBlur {
        self.with(|kind| kind.kernel_size = size.into())
    }

    /// The range of the standard deviation in pixels; up to 1 by default.
    #[must_use]
    pub fn sigma(self, sigma: impl Into<Factor>) -> RandomGaussianBlur {
        self.with(|kind| kind.sigma = sigma.into())
    }

    /// The least and the greatest value of a pixel.
    #[must_use]
    pub fn value_range(self, range: impl Into<Factor>) -> RandomGaussianBlur {
        self.with(|kind| kind.value_range = range.into())
    }
}

impl Transform for Blur {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let size = self.kernel_size.0;
        let mut vectors = Vec::with_capacity(2);
        for length in size {
            let sigma = uniform_scalar(cx, generator, self.sigma.range(0.0), cx.g.dtype(x))?;
            let sigma = shift(cx, sigma, 1e-6)?;
            vectors.push(gaussian(cx, length, sigma, None)?);
        }
        let blurred = smooth(cx, Blur::CLASS, x, size, [vectors[0], vectors[1]])?;
        let is_chosen = chance(cx, x, generator, self.factor.range(0.0))?;
        let y = cx.g.select(is_chosen, blurred, x)?;
        let (low, high) = self.value_range.range(0.0);
        Ok(cx.g.clip_by_value(y, low, high)?)
    }
}

impl Augment for Blur {
    const CLASS: &'static str = "RandomGaussianBlur";

    fn read(fields: &Fields<'_>) -> Result<Blur> {
        Ok(Blur {
            factor: Factor::read(fields, "factor", Some(1.0.into()))?,
            kernel_size: Lengths::read(fields, "kernel_size", 3)?,
            sigma: Factor::read(fields, "sigma", Some(1.0.into()))?,
            value_range: value_range(fields)?,
        })
    }

    fn write(&self, config: Config) -> Config {
        config
            .with("factor", self.factor.0.clone())
            .with("kernel_size", Json::from(self.kernel_size))
            .with("sigma", self.sigma.0.clone())
            .with("value_range", self.value_range.0.clone())
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check_factor(base, (0.0, 1.0))?;
        self.sigma.check(base, "sigma", (0.0, 1.0))?;
        if self.kernel_size.0.iter().all(|length| length % 2 == 1) {
            return Ok(());
        }
        Err(argument_error(base, "kernel_size", "two odd numbers", format!("{:?}", self.kernel_size.0)))
    }
}
