//! `RandomTranslation`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};
use kerox_tensor::DType;

use super::augment::{Augment, Augmentation, Factor, Transform};
use super::pixels::{length, scale, uniform_of};
use super::projection::Sampling;
use crate::{Base, Call, Result};

/// Moves each image in training by a random part of its size.
///
/// # Arguments
/// `height_factor`, `width_factor`: the part of height and width, between two numbers in [-1, 1], or between minus and
/// plus one number; positive is down and to the right.
/// `fill_mode`: `reflect`, `wrap`, `constant` (with `fill_value`) or `nearest`; `interpolation`: `bilinear` or
/// `nearest`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomTranslation};
/// let y = RandomTranslation::new(0.1, 0.2).on(&Input([28, 28, 1]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 1)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomTranslation`.
pub type RandomTranslation = Augmentation<Translation>;

/// What [`RandomTranslation`] does.
#[derive(Clone, Debug)]
pub struct Translation {
    height_factor: Factor,
    width_factor: Factor,
    sampling: Sampling,
}

impl Translation {
    pub(super) fn new(factor: Factor, interpolation: &str) -> Translation {
        let sampling = Sampling { interpolation: interpolation.into(), ..Sampling::new() };
        Translation { height_factor: factor.clone(), width_factor: factor, sampling }
    }
}

impl RandomTranslation {
    /// Down or up, and right or left, by up to these parts of height and width.
    pub fn new(height_factor: impl Into<Factor>, width_factor: impl Into<Factor>) -> RandomTranslation {
        let (height_factor, width_factor) = (height_factor.into(), width_factor.into());
        Augmentation::of(Translation { height_factor, width_factor, sampling: Sampling::new() })
    }

    /// What lies beyond the borders: `reflect` by default.
    #[must_use]
    pub fn fill_mode(self, mode: &str) -> RandomTranslation {
        self.with(|kind| kind.sampling.fill_mode = mode.into())
    }

    /// The value beyond the borders with `constant`; 0 by default.
    #[must_use]
    pub fn fill_value(self, value: f64) -> RandomTranslation {
        self.with(|kind| kind.sampling.fill_value = value.into())
    }

    /// `bilinear` (the default) or `nearest`.
    #[must_use]
    pub fn interpolation(self, interpolation: &str) -> RandomTranslation {
        self.with(|kind| kind.sampling.interpolation = interpolation.into())
    }
}

impl Transform for Translation {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let mut offsets = Vec::with_capacity(2);
        for (factor, axis) in [(&self.width_factor, 2), (&self.height_factor, 1)] {
            let part = uniform_of(cx, x, generator, &[1], factor.range(-1.0), DType::F32)?;
            let length = length(cx, x, axis, DType::F32)?;
            let offset = cx.g.multiply(part, length)?;
            offsets.push(scale(cx, offset, -1.0)?);
        }
        let ones = cx.g.ones_like(offsets[0])?;
        let (right, down) = (Some(offsets[0]), Some(offsets[1]));
        self.sampling.project(cx, x, [Some(ones), None, right, None, Some(ones), down, None, None])
    }
}

impl Augment for Translation {
    const CLASS: &'static str = "RandomTranslation";

    fn read(fields: &Fields<'_>) -> Result<Translation> {
        Ok(Translation {
            height_factor: Factor::read(fields, "height_factor", None)?,
            width_factor: Factor::read(fields, "width_factor", None)?,
            sampling: Sampling::read(fields)?,
        })
    }

    fn write(&self, config: Config) -> Config {
        let config = config.with("height_factor", self.height_factor.0.clone());
        self.sampling.write(config.with("width_factor", self.width_factor.0.clone()))
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.height_factor.check(base, "height_factor", (-1.0, 1.0))?;
        self.width_factor.check(base, "width_factor", (-1.0, 1.0))?;
        self.sampling.check(base)
    }
}
