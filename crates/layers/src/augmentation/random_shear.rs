//! `RandomShear`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};
use kerox_tensor::DType;

use super::augment::{Augment, Augmentation, Factor, Transform};
use super::pixels::{signs, uniform_of};
use super::projection::Sampling;
use crate::{Base, Call, Result};

/// Slants each image in training by a random amount, to either side.
///
/// # Arguments
/// `x_factor`, `y_factor`: pixels along one axis for each pixel along the other, between two numbers in [0, 1], or up to
/// one number.
/// `fill_mode`: `reflect`, `wrap`, `constant` (with `fill_value`) or `nearest`; `interpolation`: `bilinear` or
/// `nearest`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomShear};
/// let y = RandomShear::new(0.1, 0.2).on(&Input([28, 28, 1]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 1)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomShear`.
pub type RandomShear = Augmentation<Shear>;

/// What [`RandomShear`] does.
#[derive(Clone, Debug)]
pub struct Shear {
    x_factor: Factor,
    y_factor: Factor,
    sampling: Sampling,
}

impl Shear {
    pub(super) fn new(factor: Factor, interpolation: &str) -> Shear {
        let sampling = Sampling { interpolation: interpolation.into(), ..Sampling::new() };
        Shear { x_factor: factor.clone(), y_factor: factor, sampling }
    }
}

impl RandomShear {
    /// By up to these amounts along width and height.
    pub fn new(x_factor: impl Into<Factor>, y_factor: impl Into<Factor>) -> RandomShear {
        Augmentation::of(Shear { x_factor: x_factor.into(), y_factor: y_factor.into(), sampling: Sampling::new() })
    }

    /// What lies beyond the borders: `reflect` by default.
    #[must_use]
    pub fn fill_mode(self, mode: &str) -> RandomShear {
        self.with(|kind| kind.sampling.fill_mode = mode.into())
    }

    /// The value beyond the borders with `constant`; 0 by default.
    #[must_use]
    pub fn fill_value(self, value: f64) -> RandomShear {
        self.with(|kind| kind.sampling.fill_value = value.into())
    }

    /// `bilinear` (the default) or `nearest`.
    #[must_use]
    pub fn interpolation(self, interpolation: &str) -> RandomShear {
        self.with(|kind| kind.sampling.interpolation = interpolation.into())
    }
}

impl Transform for Shear {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let mut factors = Vec::with_capacity(2);
        let mut side = None;
        for factor in [&self.x_factor, &self.y_factor] {
            let factor = uniform_of(cx, x, generator, &[1], factor.range(-1.0), DType::F32)?;
            let side = match side {
                Some(side) => side,
                None => *side.insert(signs(cx, factor, generator)?),
            };
            factors.push(cx.g.multiply(factor, side)?);
        }
        let ones = cx.g.ones_like(factors[0])?;
        let (along_x, along_y) = (Some(factors[0]), Some(factors[1]));
        self.sampling.project(cx, x, [Some(ones), along_x, None, along_y, Some(ones), None, None, None])
    }
}

impl Augment for Shear {
    const CLASS: &'static str = "RandomShear";

    fn read(fields: &Fields<'_>) -> Result<Shear> {
        Ok(Shear {
            x_factor: Factor::read(fields, "x_factor", Some(0.0.into()))?,
            y_factor: Factor::read(fields, "y_factor", Some(0.0.into()))?,
            sampling: Sampling::read(fields)?,
        })
    }

    fn write(&self, config: Config) -> Config {
        let config = config.with("x_factor", self.x_factor.0.clone()).with("y_factor", self.y_factor.0.clone());
        self.sampling.write(config)
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.x_factor.check(base, "x_factor", (0.0, 1.0))?;
        self.y_factor.check(base, "y_factor", (0.0, 1.0))?;
        self.sampling.check(base)
    }
}
