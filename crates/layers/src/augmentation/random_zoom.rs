//! `RandomZoom`.

use kerox_config_json::{Config, Fields};
use kerox_graph::{Generator, Value};
use kerox_tensor::DType;

use super::augment::{Augment, Augmentation, Factor, Transform};
use super::pixels::{length, scale, shift, uniform_of};
use super::projection::Sampling;
use crate::{Base, Call, Result};

/// Makes each image in training larger or smaller by a random factor.
///
/// # Arguments
/// `height_factor`, `width_factor`: by how much, between two numbers, or between minus and plus one number: the part by
/// which more (positive, the image gets smaller) or less (negative) is seen. Without `width_factor` the proportions
/// stay.
/// `fill_mode`: `reflect`, `wrap`, `constant` (with `fill_value`) or `nearest`; `interpolation`: `bilinear` or
/// `nearest`.
///
/// # Example
/// ```
/// use kerox_layers::{Input, LayerExt, augmentation::RandomZoom};
/// let y = RandomZoom::new(0.1, 0.2).on(&Input([28, 28, 1]))?;
/// assert_eq!(y.shape().to_string(), "(None, 28, 28, 1)");
/// # Ok::<(), kerox_layers::Error>(())
/// ```
///
/// # Source
/// `keras.layers.RandomZoom`.
pub type RandomZoom = Augmentation<Zoom>;

/// What [`RandomZoom`] does.
#[derive(Clone, Debug)]
pub struct Zoom {
    height_factor: Factor,
    width_factor: Option<Factor>,
    sampling: Sampling,
}

impl RandomZoom {
    /// By up to these parts of height and width.
    pub fn new(height_factor: impl Into<Factor>, width_factor: impl Into<Factor>) -> RandomZoom {
        let (height_factor, width_factor) = (height_factor.into(), Some(width_factor.into()));
        Augmentation::of(Zoom { height_factor, width_factor, sampling: Sampling::new() })
    }

    /// By up to that part of height and width alike.
    pub fn both(factor: impl Into<Factor>) -> RandomZoom {
        Augmentation::of(Zoom { height_factor: factor.into(), width_factor: None, sampling: Sampling::new() })
    }

    /// What lies beyond the borders: `reflect` by default.
    #[must_use]
    pub fn fill_mode(self, mode: &str) -> RandomZoom {
        self.with(|kind| kind.sampling.fill_mode = mode.into())
    }

    /// The value beyond the borders with `constant`; 0 by default.
    #[must_use]
    pub fn fill_value(self, value: f64) -> RandomZoom {
        self.with(|kind| kind.sampling.fill_value = value.into())
    }

    /// `bilinear` (the default) or `nearest`.
    #[must_use]
    pub fn interpolation(self, interpolation: &str) -> RandomZoom {
        self.with(|kind| kind.sampling.interpolation = interpolation.into())
    }
}

impl Transform for Zoom {
    fn apply(&self, cx: &mut Call<'_>, x: Value, generator: &Generator) -> Result<Value> {
        let mut zooms = Vec::with_capacity(2);
        for factor in [Some(&self.height_factor), self.width_factor.as_ref()].into_iter().flatten() {
            let (low, high) = factor.range(f64::NEG_INFINITY);
            zooms.push(uniform_of(cx, x, generator, &[1], (1.0 + low, 1.0 + high), DType::F32)?);
        }
        let (height_zoom, width_zoom) = (zooms[0], zooms.get(1).copied().unwrap_or(zooms[0]));
        // The centre stays where it is.
        let mut offsets = Vec::with_capacity(2);
        for (zoom, axis) in [(width_zoom, 2), (height_zoom, 1)] {
            let length = length(cx, x, axis, DType::F32)?;
            let last = shift(cx, length, -1.0)?;
            let center = scale(cx, last, 0.5)?;
            let rest = scale(cx, zoom, -1.0)?;
            let rest = shift(cx, rest, 1.0)?;
            offsets.push(cx.g.multiply(center, rest)?);
        }
        let (right, down) = (Some(offsets[0]), Some(offsets[1]));
        let columns = [Some(width_zoom), None, right, None, Some(height_zoom), down, None, None];
        self.sampling.project(cx, x, columns)
    }
}

impl Augment for Zoom {
    const CLASS: &'static str = "RandomZoom";

    fn read(fields: &Fields<'_>) -> Result<Zoom> {
        let width_factor = match fields.get("width_factor") {
            Some(_) => Some(Factor::read(fields, "width_factor", None)?),
            None => None,
        };
        let height_factor = Factor::read(fields, "height_factor", None)?;
        Ok(Zoom { height_factor, width_factor, sampling: Sampling::read(fields)? })
    }

    fn write(&self, config: Config) -> Config {
        let width = self.width_factor.as_ref().map_or(kerox_config_json::Value::Null, |factor| factor.0.clone());
        self.sampling.write(config.with("height_factor", self.height_factor.0.clone()).with("width_factor", width))
    }

    fn check(&self, base: &Base) -> Result<()> {
        self.height_factor.check(base, "height_factor", (-1.0, 1.0))?;
        if let Some(factor) = &self.width_factor {
            factor.check(base, "width_factor", (-1.0, f64::INFINITY))?;
        }
        self.sampling.check(base)
    }
}
