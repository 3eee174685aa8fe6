//! `RandomRotation`.

use std::f64::consts::TAU;

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};
use kerox_tensor::DType;

use super::augment::{Augment, Augmentation, Factor, Transform};
use super::pixels::{length, scale, shift, uniform_of};
use super::projection::Sampling;
use crate::{Base, Call, Result};

/// Rotates each image in training about its centre by a random angle.
///
/// # Arguments
/// `factor`: the angle in whole turns, between the two numbers, or between minus and plus one number; positive turns
/// are counter-clockwise. `fill_mode`: `reflect`, `wrap`, `constant` (with `fill_value`) or `nearest`;
/// `interpolation`: `bilinear` or `nearest`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomRotation};
/// let y = RandomRotation::new(0.1).fill_mode("nearest").on(&Input([28, 28, 1]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 1)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomRotation`.
pub type RandomRotation = Augmentation<Rotation>;

/// What [`RandomRotation`] does.
#[derive(Clone, Debug)]
pub struct Rotation {
    factor: Factor,
    sampling: Sampling,
}

impl Rotation {
    pub(super) fn new(factor: Factor, interpolation: &str) -> Rotation {
        Rotation { factor, sampling: Sampling { interpolation: interpolation.into(), ..Sampling::new() } }
    }
}

impl RandomRotation {
    /// By up to that many turns in both directions, or between two numbers of them.
    pub fn new(factor: impl Into<Factor>) -> RandomRotation {
        Augmentation::of(Rotation { factor: factor.into(), sampling: Sampling::new() })
    }

    /// What lies beyond the borders: `reflect` by default.
    #[must_use]
    pub fn fill_mode(self, mode: &str) -> RandomRotation {
        self.with(|kind| kind.sampling.fill_mode = mode.into())
    }

    /// The value beyond the borders with `constant`; 0 by default.
    #[must_use]
    pub fn fill_value(self, value: f64) -> RandomRotation {
        self.with(|kind| kind.sampling.fill_value = value.into())
    }

    /// `bilinear` (the default) or `nearest`.
    #[must_use]
    pub fn interpolation(self, interpolation: &str) -> RandomRotation {
        self.with(|kind| kind.sampling.interpolation = interpolation.into())
    }
}

impl Transform for Rotation {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let (low, high) = self.factor.range(f64::NEG_INFINITY);
        let angle = uniform_of(cx, x, generator, &[1], (low * TAU, high * TAU), DType::F32)?;
        let (cos, sin) = (cx.g.cos(angle)?, cx.g.sin(angle)?);
        let (height, width) = (length(cx, x, 1, DType::F32)?, length(cx, x, 2, DType::F32)?);
        let (height, width) = (shift(cx, height, -1.0)?, shift(cx, width, -1.0)?);
        // The centre stays where it is.
        let offset = |cx: &mut Call<'_>, length: Value, a: Value, b: Value, sign: f64| -> Result<Value> {
            let b = scale(cx, b, sign)?;
            let moved = cx.g.add(a, b)?;
            let offset = cx.g.subtract(length, moved)?;
            scale(cx, offset, 0.5)
        };
        let (cos_width, sin_height) = (cx.g.multiply(cos, width)?, cx.g.multiply(sin, height)?);
        let x_offset = offset(cx, width, cos_width, sin_height, -1.0)?;
        let (sin_width, cos_height) = (cx.g.multiply(sin, width)?, cx.g.multiply(cos, height)?);
        let y_offset = offset(cx, height, sin_width, cos_height, 1.0)?;
        let minus_sin = scale(cx, sin, -1.0)?;
        let columns = [cos, minus_sin, x_offset, sin, cos, y_offset].map(Some);
        let [a0, a1, a2, b0, b1, b2] = columns;
        self.sampling.project(cx, x, [a0, a1, a2, b0, b1, b2, None, None])
    }
}

impl Augment for Rotation {
    const CLASS: &'static str = "RandomRotation";

    fn read(fields: &Fields<'_>) -> Result<Rotation> {
        Ok(Rotation { factor: Factor::read(fields, "factor", None)?, sampling: Sampling::read(fields)? })
    }

    fn write(&self, config: Config) -> Config {
        self.sampling.write(config.with("factor", self.factor.0.clone()))
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.factor.check(base, "factor", (f64::NEG_INFINITY, f64::INFINITY))?;
        self.sampling.check(base)
    }
}
